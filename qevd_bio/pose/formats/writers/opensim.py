"""OpenSim's coordinates (`.mot` in degrees, states `.sto` in radians) of a body with the 46 angles.

The inverse of the reader: ball joints through their matrices, OpenSim's order of rotations, arms hanging at zero,
forearm at zero in full supination. What OpenSim's full-body models do not have (thorax, head, scapulae) follows in
columns of our own names, which OpenSim leaves alone and our reader needs for an exact way back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.axes import BODY_TO_WORLD
from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.forward import joint_rotation
from qevd_bio.anatomy.rotations import about_axis, triple_of
from qevd_bio.pose.formats.opensim import HINGES, OWN_DOFS

Float = NDArray[np.float64]

_JOINTS = {
    "pelvis": "ground_pelvis", "hip": "hip", "knee": "walker_knee", "ankle": "ankle", "subtalar": "subtalar",
    "mtp": "mtp", "lumbar": "back", "arm": "acromial", "elbow": "elbow", "pro": "radioulnar", "wrist": "radius_hand",
}  # fmt: skip


def coordinates(angles: Float, root: Float) -> dict[str, Float]:
    """Coordinates of Rajagopal2016 and LaiUhlrich2022 by name, (T,) radians and metres, in the models' order.

    angles (T, 46) radians; root (T, 3) metres in the level frame, NaN where unknown (then 0, and the model stands in
    the origin). Ball joints are unwrapped over time.
    """
    found: dict[str, Float] = {}
    found.update(_ball(joint_rotation("pelvis", angles), 1.0, "pelvis_tilt", "pelvis_list", "pelvis_rotation"))
    place = np.nan_to_num(root)
    found |= {"pelvis_tx": place[:, 2], "pelvis_ty": place[:, 1], "pelvis_tz": -place[:, 0]}
    for side, sign in (("r", 1.0), ("l", -1.0)):
        names = (f"hip_{motion}_{side}" for motion in ("flexion", "adduction", "rotation"))
        found.update(_ball(joint_rotation(f"hip_{side}", angles), sign, *names))
        for name, ours, zero in HINGES[:4]:
            found[f"{name}_{side}"] = angles[:, DOF_INDEX[f"{ours}_{side}"]] - zero
    spine = joint_rotation("lumbar", angles) @ joint_rotation("thorax", angles)
    found.update(_ball(spine, 1.0, "lumbar_extension", "lumbar_bending", "lumbar_rotation"))
    for side, sign in (("r", 1.0), ("l", -1.0)):
        arm = joint_rotation(f"scapula_{side}", angles) @ joint_rotation(f"shoulder_{side}", angles)
        hanging = about_axis(BODY_TO_WORLD @ np.array([1.0, 0.0, 0.0]), np.array(-sign * np.pi / 2))
        found.update(_ball(arm @ hanging, sign, *(f"arm_{motion}_{side}" for motion in ("flex", "add", "rot"))))
        for name, ours, zero in HINGES[4:]:
            found[f"{name}_{side}"] = angles[:, DOF_INDEX[f"{ours}_{side}"]] - zero
    return found


def own_columns(angles: Float) -> dict[str, Float]:
    """The degrees of freedom that OpenSim's models lack, (T,) radians by our names."""
    return {name: angles[:, DOF_INDEX[name]] for name in OWN_DOFS}


def state_path(coordinate: str) -> str:
    """A coordinate's path in Rajagopal2016's states, e.g. /jointset/walker_knee_r/knee_angle_r/value."""
    joint = _JOINTS[coordinate.split("_")[0]]
    side = coordinate[-2:] if coordinate.endswith(("_r", "_l")) else ""
    return f"/jointset/{joint}{side}/{coordinate}/value"


def _ball(matrix: Float, sign: float, z: str, x: str, y: str) -> dict[str, Float]:
    """Coordinates of OpenSim's product Rz Rx Ry for a turn (T, 3, 3) in world axes; left limbs mirror x and y."""
    triple = triple_of(BODY_TO_WORLD.T @ matrix @ BODY_TO_WORLD, "ZXY")
    turned = {z: triple[:, 0], x: sign * triple[:, 1], y: sign * triple[:, 2]}
    return {name: _unwrapped(values) for name, values in turned.items()}


def _unwrapped(values: Float) -> Float:
    whole = np.isfinite(values)
    out = values.copy()
    out[whole] = np.unwrap(values[whole])
    return out
