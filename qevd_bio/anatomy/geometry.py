"""Angles and distances of a posed body that no single degree of freedom gives. Degrees and ratios.

World: y up. Bone directions are taken in the frame that the quantity names (pelvis, thorax or level world).
"""

from __future__ import annotations

import numpy as np

from qevd_bio.anatomy.dofs import JOINT_INDEX, FloatArray
from qevd_bio.anatomy.forward import Pose

POLE_DEG = 10.0
"""Within this angle of its pole an azimuth says nothing and is NaN."""

_UP = np.array([0.0, 1.0, 0.0])
_SOLES = ("heel_r", "ball_r", "toe_tip_r", "heel_l", "ball_l", "toe_tip_l")


def middle(pose: Pose, part: str) -> FloatArray:
    """(..., 3) half way between the right and left `part`."""
    return (pose.place(f"{part}_r") + pose.place(f"{part}_l")) / 2


def in_bone(pose: Pose, bone: str, vector: FloatArray) -> FloatArray:
    """A world vector (..., 3) in the zero-pose axes (left, up, forward) of a bone."""
    return np.asarray(np.einsum("...ji,...j->...i", pose.rotations[..., JOINT_INDEX[bone], :, :], vector))


def unit(vector: FloatArray) -> FloatArray:
    """The direction (..., 3) of a vector; NaN for a vector of length 0."""
    norm = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.asarray(vector / np.where(norm > 0, norm, np.nan))


def dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Scalar product along the last axis."""
    return np.asarray((a * b).sum(axis=-1))


def degrees_between(across: FloatArray, along: FloatArray) -> FloatArray:
    """Signed angle in degrees whose tangent is across / along."""
    return np.asarray(np.rad2deg(np.arctan2(across, along)))


def heading(pose: Pose, bone: str = "pelvis") -> tuple[FloatArray, FloatArray]:
    """Level (left, forward) directions (..., 3) of a bone, from its left-right axis.

    That axis stays level in forward bends and in a plank, where the bone's forward axis points at the floor.
    """
    left = pose.rotations[..., JOINT_INDEX[bone], :, 0] * np.array([1.0, 0.0, 1.0])
    left = unit(left)
    return left, np.cross(left, _UP)


def trunk_lean(pose: Pose) -> FloatArray:
    """Angle of hips-to-neck from gravity in the plane of the pelvis heading; + forward, 90 when prone."""
    trunk = pose.place("head") - middle(pose, "hip")
    return degrees_between(dot(trunk, heading(pose)[1]), trunk[..., 1])


def trunk_side_lean(pose: Pose) -> FloatArray:
    """Angle of hips-to-neck from gravity in the frontal plane of the pelvis heading; + to the right."""
    trunk = pose.place("head") - middle(pose, "hip")
    return degrees_between(-dot(trunk, heading(pose)[0]), trunk[..., 1])


def pelvis_roll(pose: Pose) -> FloatArray:
    """Tilt of the hip line out of level, + where the right hip is the lower one; holds prone as well."""
    line = unit(pose.place("hip_l") - pose.place("hip_r"))
    return np.asarray(np.rad2deg(np.arcsin(np.clip(line[..., 1], -1.0, 1.0))))


def pelvis_thorax_turn(pose: Pose) -> FloatArray:
    """How far the thorax heading is turned from the pelvis heading, + to the left."""
    left, forward = heading(pose)
    chest = heading(pose, "thorax")[1]
    return degrees_between(dot(chest, left), dot(chest, forward))


def upper_arm(pose: Pose, side: str) -> FloatArray:
    """Direction of the upper arm in the thorax: (outward, up, forward) with outward to the arm's own side."""
    arm = in_bone(pose, "thorax", unit(pose.place(f"elbow_{side}") - pose.place(f"shoulder_{side}")))
    return np.asarray(arm * np.array([1.0 if side == "l" else -1.0, 1.0, 1.0]))


def shoulder_elevation(pose: Pose, side: str) -> FloatArray:
    """Angle between the upper arm and the thorax's downward axis; 0 at the side, 180 overhead."""
    arm = upper_arm(pose, side)
    return degrees_between(np.hypot(arm[..., 0], arm[..., 2]), -arm[..., 1])


def shoulder_flexion(pose: Pose, side: str) -> FloatArray:
    """Angle of the upper arm in the thorax's sagittal plane from down, + forward; NaN straight sideways."""
    arm = upper_arm(pose, side)
    angle = degrees_between(arm[..., 2], -arm[..., 1])
    return _unless_near_pole(angle, np.hypot(arm[..., 1], arm[..., 2]))


def horizontal_adduction(pose: Pose, side: str) -> FloatArray:
    """Azimuth of the upper arm in the thorax's transverse plane; 0 sideways, 90 forward, NaN if vertical."""
    arm = upper_arm(pose, side)
    angle = degrees_between(arm[..., 2], arm[..., 0])
    return _unless_near_pole(angle, np.hypot(arm[..., 0], arm[..., 2]))


def hip_abduction(pose: Pose, side: str) -> FloatArray:
    """Angle of the thigh out of the pelvis's sagittal plane, + outward.

    For an unflexed thigh this is the frontal-plane angle; unlike that it is defined when the thigh is level.
    """
    thigh = in_bone(pose, "pelvis", unit(pose.place(f"knee_{side}") - pose.place(f"hip_{side}")))
    outward = thigh[..., 0] if side == "l" else -thigh[..., 0]
    return np.asarray(np.rad2deg(np.arcsin(np.clip(outward, -1.0, 1.0))))


def body_line(pose: Pose) -> FloatArray:
    """Angle shoulder-hip-ankle in the pelvis's sagittal plane; 180 straight, less in a pike, more sagging."""
    left = pose.rotations[..., JOINT_INDEX["pelvis"], :, 0]
    trunk = middle(pose, "shoulder") - middle(pose, "hip")
    legs = middle(pose, "ankle") - middle(pose, "hip")
    trunk = unit(trunk - dot(trunk, left)[..., None] * left)
    front = np.cross(left, trunk)
    return 180.0 - degrees_between(dot(legs, front), -dot(legs, trunk))


def foot_pitch(pose: Pose, side: str) -> FloatArray:
    """Pitch of the rear foot against level, + heel up (toes down)."""
    forward = pose.rotations[..., JOINT_INDEX[f"subtalar_{side}"], :, 2]
    return np.asarray(-np.rad2deg(np.arcsin(np.clip(forward[..., 1], -1.0, 1.0))))


def separation(pose: Pose, part: str) -> FloatArray:
    """Distance in metres between the right and left `part` along the pelvis's level left-right axis."""
    return dot(pose.place(f"{part}_l") - pose.place(f"{part}_r"), heading(pose)[0])


def separation_ratio(pose: Pose, part: str, reference: str) -> FloatArray:
    """|separation| of one pair over |separation| of another; NaN where the other pair touches (< 1 mm)."""
    below = np.abs(separation(pose, reference))
    return np.asarray(np.abs(separation(pose, part)) / np.where(below > 1e-3, below, np.nan))


def wrist_width_ratio(pose: Pose) -> FloatArray:
    """Distance of the wrists over the distance of the shoulder centres, both in space."""
    return np.asarray(_span(pose, "wrist") / _span(pose, "shoulder"))


def ankle_width_ratio(pose: Pose) -> FloatArray:
    """Left-right distance of the ankles over the distance of the hip centres."""
    return np.asarray(np.abs(separation(pose, "ankle")) / _span(pose, "hip"))


def knee_valgus(pose: Pose, side: str) -> FloatArray:
    """Angle of the shank out of the sagittal plane of the pelvis heading, + with the knee inside the ankle."""
    shank = unit(pose.place(f"knee_{side}") - pose.place(f"ankle_{side}"))
    inward = dot(shank, heading(pose)[0]) * (1.0 if side == "r" else -1.0)
    return np.asarray(np.rad2deg(np.arcsin(np.clip(inward, -1.0, 1.0))))


def hand_floor_gap(pose: Pose) -> FloatArray:
    """Lowest wrist or finger tip above the lowest point of the soles, over stature."""
    hands = pose.places(("wrist_r", "wrist_l", "hand_tip_r", "hand_tip_l"))[..., 1].min(axis=-1)
    return np.asarray((hands - lowest_sole(pose)) / pose.skeleton.stature)


def lowest_sole(pose: Pose) -> FloatArray:
    """Height (...) in metres of the lowest point of both soles."""
    return np.asarray(pose.places(_SOLES)[..., 1].min(axis=-1))


def pelvis_height(pose: Pose) -> FloatArray:
    """Height of the hip centres above the lowest sole point, over leg length."""
    return (middle(pose, "hip")[..., 1] - lowest_sole(pose)) / pose.skeleton.leg_length


def pelvis_sideways(pose: Pose) -> FloatArray:
    """Place of the pelvis along the clip's mean left-right axis in leg lengths, + to the left."""
    left = heading(pose)[0]
    axes = tuple(range(left.ndim - 1))
    mean = unit(np.nanmean(left, axis=axes)) if axes else left
    return dot(pose.positions[..., 0, :], mean) / pose.skeleton.leg_length


def wrist_shoulder_offset(pose: Pose, side: str) -> FloatArray:
    """Level distance from the shoulder centre to the wrist, over stature."""
    gap = pose.place(f"wrist_{side}") - pose.place(f"shoulder_{side}")
    return np.asarray(np.hypot(gap[..., 0], gap[..., 2]) / pose.skeleton.stature)


def wrist_shoulder_offsets(pose: Pose) -> FloatArray:
    """Mean of both sides' `wrist_shoulder_offset`."""
    return (wrist_shoulder_offset(pose, "r") + wrist_shoulder_offset(pose, "l")) / 2


def wrist_ankle_distance(pose: Pose, side: str) -> FloatArray:
    """Distance from an ankle to the nearer wrist of either side, over stature."""
    ankle = pose.place(f"ankle_{side}")[..., None, :]
    gaps = np.linalg.norm(pose.places(("wrist_r", "wrist_l")) - ankle, axis=-1)
    return np.asarray(gaps.min(axis=-1) / pose.skeleton.stature)


def _span(pose: Pose, part: str) -> FloatArray:
    return np.asarray(np.linalg.norm(pose.place(f"{part}_l") - pose.place(f"{part}_r"), axis=-1))


def _unless_near_pole(angle: FloatArray, off_pole: FloatArray) -> FloatArray:
    return np.where(off_pole >= np.sin(np.deg2rad(POLE_DEG)), angle, np.nan)
