"""SAM 3D Body (MHR body): global joint rotations of one person in one image, or stacked over images.

MHR's joints have axes of their own: legs and arms lie along x, knees and elbows bend about z, the spine has x up and z
to the left. The turns from these axes to the bones' at the T-pose follow from that; they were checked on real files,
where each bone's direction in its joint's axes is the same in every pose. Points of these files are in camera axes,
rotations are not: their y is up. The 70 keypoints are not used: their hips are too narrow for a pelvis.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.continuity import continuous_angles
from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.pose.formats.mesh.bones import angles_of_bones
from qevd_bio.pose.formats.mesh.smpl import FROM_CAMERA, world_turn
from qevd_bio.pose.formats.numpy_file import read_npz
from qevd_bio.pose.formats.probe import frame_files
from qevd_bio.pose.formats.recording import About, Recording, full_recording
from qevd_bio.pose.formats.skel_file import mean_betas, numbers
from qevd_bio.store.errors import UserError

Float = NDArray[np.float64]

N_JOINTS = 127
# Axes of the joints at the T-pose as columns, in world axes (x left, y up, z forward).
_SPINE = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # x up, y forward, z left
_LEG_L = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])  # x down, y back, z left
_ARM_R = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # x left, y back, z up
_ARM_L = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # x left, y forward, z down
BONES: dict[str, tuple[int, Float]] = {
    "pelvis": (1, np.eye(3)),
    "lumbar": (35, _SPINE),
    "thorax": (37, _SPINE),
    "head": (113, _SPINE),
    "hip_l": (2, _LEG_L),
    "knee_l": (3, _LEG_L),
    "hip_r": (18, _SPINE),
    "knee_r": (19, _SPINE),
    "shoulder_r": (39, _ARM_R),
    "elbow_r": (40, _ARM_R),
    "shoulder_l": (75, _ARM_L),
    "elbow_l": (76, _ARM_L),
}
_ANKLE, _BALL = {"l": 4, "r": 20}, {"l": 8, "r": 24}
# In the zero pose the ball of the foot lies so far below the ankle, seen from the side (refs/anatomy/joints.csv).
_FOOT_SLOPE = float(np.arctan2(0.0247 + 0.0012, 0.1053 - 0.0288))
_EXPECTED = f"SAM 3D Body's pred_global_rots ({N_JOINTS}, 3, 3) and pred_joint_coords ({N_JOINTS}, 3)"


def read_sam3d_body(path: Path, pitch_deg: float = 0.0) -> Recording:
    """One file, a file of stacked images, or a folder of numbered files of one person. Times are the video's.

    Scapulae, forearm turn, wrists, subtalar joints and toes are not read. Raises UserError for other layouts.
    """
    if path.is_dir():
        groups = frame_files(path, ".npz")
        files = next(iter(groups.values())) if len(groups) == 1 else []
        if not files:
            raise UserError("holds no numbered files of one person", where=path, expected=_EXPECTED)
        parts = [_arrays(file) for _, file in files]
        rotations, coordinates, place, betas = (np.concatenate([p[k] for p in parts]) for k in range(4))
    else:
        rotations, coordinates, place, betas = _arrays(path)
    turn = world_turn(True, pitch_deg) @ FROM_CAMERA  # rotations are y up already: only the camera's pitch is left
    found = angles_of_bones({name: turn @ rotations[:, k] @ axes.T for name, (k, axes) in BONES.items()})
    angles = found.angles
    for side in "rl":
        angles[:, DOF_INDEX[f"ankle_angle_{side}"]] = _ankle(rotations, coordinates, side)
    seen = found.seen | {"ankle_angle_r", "ankle_angle_l"}
    raw = continuous_angles(angles)
    about = About("sam3d_body", "rotations", "the format", "level, from camera axes")
    details: dict[str, Any] = {
        **about.details(),
        "body_model": "mhr",
        "betas": mean_betas(betas),
        "off_hinge_deg": {name: {"median": m, "p95": p} for name, (m, p) in found.off_hinge.items()},
    }
    flags = ["single_images"] if len(raw) > 1 else []
    columns = {name: raw[:, k] for k, name in enumerate(DOF_NAMES) if name in seen}
    return full_recording(
        columns, len(raw), where=path, root=place @ (turn @ FROM_CAMERA).T, details=details, flags=flags
    )


def _arrays(path: Path) -> tuple[Float, Float, Float, Float]:
    """Rotations (T, 127, 3, 3), joints (T, 127, 3) in camera axes, root (T, 3) in camera axes, shape (T, n)."""
    arrays = read_npz(path)
    if not {"pred_global_rots", "pred_joint_coords"} <= set(arrays):
        raise UserError(f"holds {', '.join(sorted(arrays)[:6])}, …", where=path, expected=_EXPECTED)
    rotations = numbers(arrays["pred_global_rots"], path, "pred_global_rots")
    joints = numbers(arrays["pred_joint_coords"], path, "pred_joint_coords")
    if rotations.ndim == 3:
        rotations, joints = rotations[None], joints[None]
    if rotations.shape[1:] != (N_JOINTS, 3, 3) or joints.shape != (len(rotations), N_JOINTS, 3):
        raise UserError(
            f"pred_global_rots is {rotations.shape}, pred_joint_coords {joints.shape}", where=path, expected=_EXPECTED
        )
    used = rotations[:, [k for k, _ in BONES.values()]]
    error = np.abs(np.swapaxes(used, -1, -2) @ used - np.eye(3))
    if not np.isfinite(joints).all() or not (error.max() < 0.05):
        raise UserError("pred_global_rots holds matrices that are no rotations", where=path, expected=_EXPECTED)
    camera = numbers(arrays.get("pred_cam_t", np.full(3, np.nan)), path, "pred_cam_t").reshape(-1, 3)
    place = joints[:, 1] + (camera if len(camera) == len(joints) else np.full((len(joints), 3), np.nan))
    shape = numbers(arrays.get("shape_params", np.zeros(0)), path, "shape_params").reshape(len(joints), -1)
    return rotations, joints, place, shape


def _ankle(rotations: Float, coordinates: Float, side: str) -> Float:
    """Dorsiflexion (T,) from the line ankle to ball of the foot in the shank's axes."""
    k, axes = BONES[f"knee_{side}"]
    shank = rotations[:, k] @ axes.T
    line = (coordinates[:, _BALL[side]] - coordinates[:, _ANKLE[side]]) @ FROM_CAMERA.T
    own = np.einsum("tji,tj->ti", shank, line)
    return np.asarray(np.arctan2(own[:, 1], own[:, 2]) + _FOOT_SLOPE)
