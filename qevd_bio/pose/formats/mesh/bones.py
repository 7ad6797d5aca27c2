"""From bone rotations of a mesh model to the 46 angles: hinges turn in their parent's frame, the rest is told.

A mesh model's elbow and knee turn any way; a hinge does not. The upper arm takes the part of an elbow's turn that its
own roll explains; the rest is reported in degrees, joint by joint, and the next bone starts from where the model is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.axes import WORLD_AXES
from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, JOINT_DOFS, JOINT_NAMES, PARENTS
from qevd_bio.anatomy.forward import joint_rotation
from qevd_bio.anatomy.inverse import joint_angles
from qevd_bio.anatomy.rotations import about_axis, twist_about

Float = NDArray[np.float64]

# Between these bends of an elbow its plane counts more and more for the roll of the upper arm.
BENT_FROM, BENT_TO = np.deg2rad(15.0), np.deg2rad(35.0)
MOST_ROLL = np.deg2rad(120.0)
OUTWARD = {"r": np.array([-1.0, 0.0, 0.0]), "l": np.array([1.0, 0.0, 0.0])}


@dataclass(frozen=True)
class BoneAngles:
    """angles (T, 46) radians; seen: degrees of freedom that a bone was given for; off_hinge: by joint, median and 95th
    percentile of the turn in degrees that the joint's freedom leaves out."""

    angles: Float
    seen: frozenset[str]
    off_hinge: Mapping[str, tuple[float, float]]


def angles_of_bones(bones: Mapping[str, Float]) -> BoneAngles:
    """Angles from world rotations (T, 3, 3) of bones by joint name (pelvis, hip_r, knee_r, …), relative to the T-pose.

    Joints without a bone of their own stay at zero, unseen. `ankle` is given by the foot's rotation and is divided over
    ankle and subtalar joint; `wrist` by the hand's, over forearm turn and wrist.
    """
    frames = len(next(iter(bones.values())))
    angles = np.zeros((frames, len(DOF_NAMES)))
    model: dict[str, Float] = {}
    left_out: dict[str, Float] = {}
    seen: set[str] = set()
    given = dict(bones)
    for side in "rl":
        if f"elbow_{side}" in given and f"shoulder_{side}" in given:
            given[f"shoulder_{side}"] = _rolled(given[f"shoulder_{side}"], given[f"elbow_{side}"], side)
    for k, name in enumerate(JOINT_NAMES):
        parent = np.eye(3) if PARENTS[k] < 0 else model[JOINT_NAMES[PARENTS[k]]]
        dofs = list(JOINT_DOFS[name])
        base, _, side = name.partition("_")
        if name in given and base not in ("subtalar", "radioulnar"):
            local = np.swapaxes(parent, -1, -2) @ given[name]
            if base == "ankle":
                angles[:, [*dofs, *JOINT_DOFS[f"subtalar_{side}"]]] = _two_hinges(local, name, f"subtalar_{side}")
                seen |= {DOF_NAMES[d] for d in (*dofs, *JOINT_DOFS[f"subtalar_{side}"])}
            else:
                angles[:, dofs] = joint_angles(name, local)
                seen |= {DOF_NAMES[d] for d in dofs}
        elif base == "radioulnar" and f"wrist_{side}" in given:
            local = np.swapaxes(parent, -1, -2) @ given[f"wrist_{side}"]
            angles[:, dofs] = twist_about(local, WORLD_AXES[dofs[0]])[:, None]
            seen |= {DOF_NAMES[d] for d in dofs}
        model[name] = parent @ joint_rotation(name, angles)
        if name in given and base in ("knee", "elbow", "mtp", "wrist"):
            left_out[name] = _angle_between(model[name], given[name])
        if base == "subtalar" and f"ankle_{side}" in given:
            left_out[f"ankle_{side}"] = _angle_between(model[name], given[f"ankle_{side}"])
    report = {
        name: (round(float(np.median(values)), 1), round(float(np.percentile(values, 95)), 1))
        for name, values in left_out.items()
    }
    return BoneAngles(angles, frozenset(seen), report)


def _rolled(upper: Float, fore: Float, side: str) -> Float:
    """The upper arm's rotation (T, 3, 3), rolled about itself until the elbow's hinge reaches the forearm.

    Only as far as the elbow is bent: a straight one shows no plane.
    """
    along = OUTWARD[side]
    axis = WORLD_AXES[DOF_INDEX[f"elbow_flexion_{side}"]]
    seen = np.einsum("tji,tjk,k->ti", upper, fore, along)  # forearm in the upper arm's axes
    bend = np.arccos(np.clip(seen @ along, -1.0, 1.0))
    skew = float(axis @ along)
    cosine = (np.cos(bend) - skew**2) / (1.0 - skew**2)
    hinged = about_axis(axis, np.arccos(np.clip(cosine, -1.0, 1.0))) @ along
    across = hinged - (hinged @ along)[:, None] * along
    wanted = seen - (seen @ along)[:, None] * along
    roll = np.arctan2(np.cross(across, wanted) @ along, (across * wanted).sum(axis=1))
    ramp = np.clip((bend - BENT_FROM) / (BENT_TO - BENT_FROM), 0.0, 1.0)
    share = ramp * ramp * (3.0 - 2.0 * ramp) * (np.abs(roll) < MOST_ROLL)
    return np.asarray(upper @ about_axis(along, share * roll))


def _two_hinges(local: Float, first: str, second: str) -> Float:
    """Angles (T, 2) of two hinges one after the other that come nearest to the turn (T, 3, 3)."""
    a, b = (WORLD_AXES[JOINT_DOFS[name][0]] for name in (first, second))
    found = np.stack([twist_about(local, a), np.zeros(len(local))], axis=1)
    for _ in range(8):
        turn_a, turn_b = about_axis(a, found[:, 0]), about_axis(b, found[:, 1])
        error = _log(np.swapaxes(turn_a @ turn_b, -1, -2) @ local)
        columns = np.stack([np.einsum("tji,j->ti", turn_b, a), np.broadcast_to(b, error.shape)], axis=-1)
        normal = np.einsum("tij,tik->tjk", columns, columns) + 1e-9 * np.eye(2)
        found = found + np.linalg.solve(normal, np.einsum("tij,ti->tj", columns, error)[..., None])[..., 0]
    return found


def _log(matrix: Float) -> Float:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_matrix(matrix).as_rotvec())


def _angle_between(a: Float, b: Float) -> Float:
    trace = np.einsum("tij,tij->t", a, b)
    return np.asarray(np.rad2deg(np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0))))
