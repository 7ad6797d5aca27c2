"""What a coach sees from one place: heights above the floor, steps, stances, lines. Shares of stature or degrees.

World: y up. The floor is where the body rests: the lowest point of soles, hands and knees in the frame, so a height
does not count the flight of a jump.
"""

from __future__ import annotations

import numpy as np

from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.anatomy.forward import Pose
from qevd_bio.anatomy.geometry import degrees_between, dot, heading, middle, separation, unit

_FEET = {side: (f"heel_{side}", f"ball_{side}", f"toe_tip_{side}") for side in ("r", "l")}
_RESTS = (*_FEET["r"], *_FEET["l"], "wrist_r", "wrist_l", "hand_tip_r", "hand_tip_l", "knee_r", "knee_l")


def floor_height(pose: Pose) -> FloatArray:
    """Height (...) in metres of the lowest point of soles, hands and knees."""
    return np.asarray(pose.places(_RESTS)[..., 1].min(axis=-1))


def _share(pose: Pose, metres: FloatArray) -> FloatArray:
    return np.asarray(metres / pose.skeleton.stature)


def knee_height(pose: Pose, side: str) -> FloatArray:
    """Knee centre above the floor, over stature; about 0.03 where the knee lies on it."""
    return _share(pose, pose.place(f"knee_{side}")[..., 1] - floor_height(pose))


def chest_height(pose: Pose) -> FloatArray:
    """Middle of the shoulder centres above the floor, over stature."""
    return _share(pose, middle(pose, "shoulder")[..., 1] - floor_height(pose))


def hips_height(pose: Pose) -> FloatArray:
    """Middle of the hip centres above the floor, over stature."""
    return _share(pose, middle(pose, "hip")[..., 1] - floor_height(pose))


def hand_head_gap(pose: Pose, side: str) -> FloatArray:
    """Wrist above the top of the head, over stature; negative below."""
    return _share(pose, pose.place(f"wrist_{side}")[..., 1] - pose.place("head_top")[..., 1])


def foot_clearance(pose: Pose, side: str) -> FloatArray:
    """Lowest point of a sole above the floor, over stature."""
    return _share(pose, pose.places(_FEET[side])[..., 1].min(axis=-1) - floor_height(pose))


def heel_toe_gap(pose: Pose, side: str) -> FloatArray:
    """Heel above the toe tip, over stature; on the flat foot that of the zero pose."""
    return _share(pose, pose.place(f"heel_{side}")[..., 1] - pose.place(f"toe_tip_{side}")[..., 1])


def step_length(pose: Pose) -> FloatArray:
    """Distance of the ankles along the pelvis's level forward axis, over stature."""
    return _share(pose, np.abs(dot(pose.place("ankle_l") - pose.place("ankle_r"), heading(pose)[1])))


def stance_shoulder_ratio(pose: Pose) -> FloatArray:
    """Left-right distance of the ankles over the distance of the shoulder centres."""
    shoulders = np.linalg.norm(pose.place("shoulder_l") - pose.place("shoulder_r"), axis=-1)
    return np.asarray(np.abs(separation(pose, "ankle")) / shoulders)


def knee_over_foot(pose: Pose, side: str) -> FloatArray:
    """Knee inside of the ankle along the pelvis's level left-right axis, over stature; negative outside."""
    away = pose.place(f"knee_{side}") - pose.place(f"ankle_{side}")
    return _share(pose, dot(away, heading(pose)[0]) * (1.0 if side == "r" else -1.0))


def knee_hip_gap(pose: Pose, side: str) -> FloatArray:
    """Knee above its hip, over stature; 0 where the thigh is level, negative below."""
    return _share(pose, pose.place(f"knee_{side}")[..., 1] - pose.place(f"hip_{side}")[..., 1])


def hips_shoulder_gap(pose: Pose) -> FloatArray:
    """Middle of the hips above that of the shoulders, over stature; about -0.3 upright, 0 where the trunk is level."""
    return _share(pose, middle(pose, "hip")[..., 1] - middle(pose, "shoulder")[..., 1])


def trunk_thigh_bend(pose: Pose, side: str) -> FloatArray:
    """Bend at the hip between trunk (hips to neck) and thigh in degrees, + folded to the front; 0 in one line."""
    trunk = pose.place("head") - middle(pose, "hip")
    return _bend(pose, trunk, pose.place(f"knee_{side}") - pose.place(f"hip_{side}"))


def body_bend(pose: Pose, side: str) -> FloatArray:
    """Bend at the hip between trunk (hips to neck) and hip-to-ankle in degrees, + piked, - sagging; 0 in one line."""
    trunk = pose.place("head") - middle(pose, "hip")
    return _bend(pose, trunk, pose.place(f"ankle_{side}") - pose.place(f"hip_{side}"))


def _bend(pose: Pose, trunk: FloatArray, leg: FloatArray) -> FloatArray:
    """Angle from the leg's line to the trunk in the pelvis's sagittal plane, degrees."""
    across = unit(pose.place("hip_l") - pose.place("hip_r"))
    up, down = (v - dot(v, across)[..., None] * across for v in (trunk, -leg))
    turn = dot(np.cross(down, up), across)
    return np.asarray(np.rad2deg(np.arctan2(turn, dot(up, down))))


def trunk_line(pose: Pose) -> FloatArray:
    """Bend between lower and upper trunk in degrees: hips to thorax against thorax to neck; 0 straight."""
    lower = unit(pose.place("thorax") - middle(pose, "hip"))
    upper = unit(pose.place("head") - pose.place("thorax"))
    return degrees_between(np.linalg.norm(np.cross(lower, upper), axis=-1), dot(lower, upper))
