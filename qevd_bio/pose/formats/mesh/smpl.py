"""SMPL, SMPL-H and SMPL-X rotations as the 46 angles.

Both zero poses are the same T-pose with palms down, in the same axes (x to the subject's left, y up, z forward), so
bone rotations against it carry over. Which SMPL joint turns which bone stands in `BONES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.continuity import continuous_angles
from qevd_bio.anatomy.dofs import DOF_NAMES
from qevd_bio.pose.formats.mesh.bones import angles_of_bones
from qevd_bio.pose.formats.recording import About, Recording, full_recording
from qevd_bio.pose.formats.skel_file import mean_betas, window_betas
from qevd_bio.store.errors import UserError

Float = NDArray[np.float64]

JOINTS = (
    "pelvis", "l_hip", "r_hip", "spine1", "l_knee", "r_knee", "spine2", "l_ankle", "r_ankle", "spine3", "l_foot",
    "r_foot", "neck", "l_collar", "r_collar", "head", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow", "l_wrist",
    "r_wrist",
)  # fmt: skip
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
BONES = {
    "pelvis": "pelvis",
    "lumbar": "spine2",
    "thorax": "spine3",
    "head": "head",
    **{
        f"{bone}_{side}": f"{side}_{joint}"
        for side in "rl"
        for bone, joint in (
            ("hip", "hip"), ("knee", "knee"), ("ankle", "ankle"), ("mtp", "foot"), ("scapula", "collar"),
            ("shoulder", "shoulder"), ("elbow", "elbow"), ("wrist", "wrist"),
        )
    },
}  # fmt: skip
OFF_HINGE_DEG = 20.0
FROM_CAMERA = np.diag([1.0, -1.0, -1.0])
N_BODY = len(JOINTS)


@dataclass(frozen=True)
class Rotations:
    """Joint rotations of one person as a mesh model's file has them.

    local (T, 22, 3, 3): turn of each joint of JOINTS against its parent, the pelvis against the world; NaN in frames
    without the person. trans (T, 3) metres or NaN. camera: the world is a camera's (x right, y down, z away), else y is
    up. betas (T or 1, n) of the body model.
    """

    local: Float
    trans: Float
    camera: bool
    model: str
    format: str
    time_s: Float | None = None
    rate_hz: float | None = None
    betas: Float | None = None
    person: str = ""
    single_images: bool = False
    subject: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[Any, ...] = ()


def axis_angle(values: Any, joints: int, where: Path, name: str) -> Float:
    """Rotation matrices (T, joints, 3, 3) of axis-angle vectors (T, ≥ 3 joints), or of matrices (T, ≥ joints, 3, 3).

    Raises UserError for other shapes, and for matrices that are no rotations.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name} does not hold numbers", where=where) from error
    if array.ndim >= 3 and array.shape[-2:] == (3, 3):
        matrices = array.reshape(len(array), -1, 3, 3) if array.ndim > 3 else array[:, None]
        if matrices.shape[1] < joints:
            raise UserError(f"{name} has {matrices.shape[1]} joints", where=where, expected=f"at least {joints}")
        matrices = matrices[:, :joints]
        whole = np.isfinite(matrices).all(axis=(-2, -1))
        skew = np.abs(np.swapaxes(matrices, -1, -2) @ matrices - np.eye(3)).max(axis=(-2, -1))
        if (skew[whole] > 0.05).any() or (np.linalg.det(matrices[whole]) < 0).any():
            raise UserError(f"{name} holds matrices that are no rotations", where=where, expected="rotations")
        return matrices
    flat = array.reshape(len(array), -1) if array.ndim > 1 else array[None]
    if flat.shape[1] < 3 * joints or not flat.size:
        raise UserError(f"{name} has shape {array.shape}", where=where, expected=f"(frames, {3 * joints}) axis-angles")
    vectors = flat[:, : 3 * joints].reshape(-1, joints, 3)
    if float(np.nanmax(np.abs(vectors), initial=0.0)) > 4 * np.pi:
        raise UserError(
            f"{name} reaches {np.nanmax(np.abs(vectors)):.4g}, which cannot be radians", where=where,
            expected="axis-angle vectors in radians",
        )  # fmt: skip
    return matrices_of(vectors)


def matrices_of(vectors: Float) -> Float:
    """Rotation matrices (..., 3, 3) of rotation vectors (..., 3); NaN stays NaN."""
    from scipy.spatial.transform import Rotation

    out = np.full((*vectors.shape, 3), np.nan)
    whole = np.isfinite(vectors).all(axis=-1)
    if whole.any():
        out[whole] = Rotation.from_rotvec(vectors[whole]).as_matrix()
    return out


def smpl_recording(found: Rotations, where: Path, pitch_deg: float = 0.0) -> Recording:
    """The rotations as a recording: level, continuous, with the betas kept and what hinges leave out told.

    Raises UserError where no frame has the person.
    """
    frames = len(found.local)
    whole = np.isfinite(found.local).all(axis=(1, 2, 3))
    if not whole.any():
        raise UserError("nobody is in any frame", where=where, expected="joint rotations in at least one frame")
    world = np.empty((int(whole.sum()), N_BODY, 3, 3))
    local = found.local[whole]
    turn = world_turn(found.camera, pitch_deg)
    for k, parent in enumerate(PARENTS):
        world[:, k] = turn @ local[:, 0] if parent < 0 else world[:, parent] @ local[:, k]
    place = {name: k for k, name in enumerate(JOINTS)}
    result = angles_of_bones({bone: world[:, place[joint]] for bone, joint in BONES.items()})
    raw = np.full((frames, len(DOF_NAMES)), np.nan)
    raw[whole] = continuous_angles(result.angles)
    root = found.trans @ turn.T
    frame = "level, from camera axes" if found.camera else "the file's world, y up"
    about = About(found.format, "rotations", "the format", frame, found.rate_hz, found.person)
    details: dict[str, Any] = {
        **about.details(),
        "body_model": found.model,
        "off_hinge_deg": {name: {"median": m, "p95": p} for name, (m, p) in result.off_hinge.items()},
    }
    if found.betas is not None:
        details["betas"] = mean_betas(found.betas)
        details["betas_by_window"] = window_betas(found.betas, found.rate_hz)
    flags = list(found.flags)
    worst = max(result.off_hinge.items(), key=lambda item: item[1][1], default=None)
    if worst is not None and worst[1][1] > OFF_HINGE_DEG:
        flags.append({"kind": "off_hinge", "detail": f"{worst[0]} turns up to {worst[1][1]}° (p95) beside its hinge"})
    if found.single_images and frames > 1:
        flags.append("single_images")
    columns = {name: raw[:, k] for k, name in enumerate(DOF_NAMES) if name in result.seen}
    return full_recording(
        columns,
        frames,
        where=where,
        root=root,
        time_s=found.time_s,
        subject=found.subject,
        details=details,
        flags=flags,
    )


def world_turn(camera: bool, pitch_deg: float) -> Float:
    """The turn (3, 3) from a file's world to the level frame: from camera axes, by the camera's pitch, or none."""
    if not camera:
        return np.eye(3)
    c, s = np.cos(np.deg2rad(pitch_deg)), np.sin(np.deg2rad(pitch_deg))
    return np.asarray(np.array([[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]]) @ FROM_CAMERA)
