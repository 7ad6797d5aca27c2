"""Where a pose model without faults would see the 33 landmarks of a body of known angles, and which are hidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.anatomy.forward import Pose, forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.backends.landmarks import LANDMARK_INDEX, LANDMARKS
from qevd_bio.pose.fit.chain import HIP_MARKER_OUT, HIP_MARKER_UP, TOE_MARKER
from qevd_bio.simulation.drawing.camera import Camera

_FACE = {"nose": "nose", "left_ear": "ear_l", "right_ear": "ear_r", "mouth_left": "mouth_l", "mouth_right": "mouth_r"}
_BODY = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "pinky", "index", "thumb")
THICK = 0.065
"""Half the trunk's depth in statures: what lies further behind its axis than this is covered by it."""
_TRUNK_WIDE = 0.085


@dataclass(frozen=True)
class Sight:
    """What a camera sees of a body, T frames.

    pixels (T, 33, 2); inside (T, 33, 3) metres in camera axes (x right, y down, z away); hidden (T, 33) 0..1, how far
    the trunk covers a landmark; pitch_rad and roll_rad of the camera; stature in metres.
    """

    pixels: FloatArray
    inside: FloatArray
    hidden: FloatArray
    pitch_rad: float
    roll_rad: float
    stature: float


def look(angles: FloatArray, root: FloatArray, skeleton: Skeleton, camera: Camera) -> Sight:
    """The landmarks of angles (T, 46) in radians and root (T, 3) in metres."""
    points = landmark_places(forward_kinematics(angles, skeleton, root))
    inside = camera.to_camera(points)
    return Sight(
        pixels=camera.project(points),
        inside=inside,
        hidden=_hidden(inside, skeleton.stature),
        pitch_rad=float(np.deg2rad(camera.pitch_deg)),
        roll_rad=float(np.deg2rad(camera.roll_deg)),
        stature=skeleton.stature,
    )


def landmark_places(pose: Pose) -> FloatArray:
    """World positions (T, 33, 3): joint centres, but hips and toes where pose models put their landmarks."""
    places = dict(_FACE)
    for side, letter in (("right", "r"), ("left", "l")):
        places |= {f"{side}_{name}": f"{name}_{letter}" for name in _BODY}
        places |= {f"{side}_eye{part}": f"eye_{letter}" for part in ("", "_inner", "_outer")}
    points = np.zeros((*pose.positions.shape[:-2], len(LANDMARKS), 3))
    for mark, place in places.items():
        points[..., LANDMARK_INDEX[mark], :] = pose.place(place)
    for side, letter, sign in (("right", "r", -1.0), ("left", "l", 1.0)):
        ball, tip = pose.place(f"mtp_{letter}"), pose.place(f"toe_tip_{letter}")
        points[..., LANDMARK_INDEX[f"{side}_foot_index"], :] = ball + TOE_MARKER * (tip - ball)
        outward = np.array([sign * HIP_MARKER_OUT, HIP_MARKER_UP, 0.0]) * pose.skeleton.stature
        points[..., LANDMARK_INDEX[f"{side}_hip"], :] += pose.rotations[..., 0, :, :] @ outward
    return points


def _hidden(inside: FloatArray, stature: float) -> FloatArray:
    """How far each landmark lies behind the trunk, 0..1: near its axis in the picture, and deeper than its front."""
    sight = inside[..., :2] / inside[..., 2:]
    hips, shoulders = _middle(inside, "hip"), _middle(inside, "shoulder")
    low, high = hips[..., :2] / hips[..., 2:], shoulders[..., :2] / shoulders[..., 2:]
    axis = high - low
    length = np.maximum((axis**2).sum(-1), 1e-9)
    share = np.clip(np.einsum("tmi,ti->tm", sight - low[:, None], axis) / length[:, None], 0.0, 1.0)
    foot = low[:, None] + share[..., None] * axis[:, None]
    aside = np.linalg.norm(sight - foot, axis=-1) * inside[..., 2] / stature
    depth = hips[:, None, 2] + share * (shoulders - hips)[:, None, 2]
    behind = (inside[..., 2] - depth) / stature
    return np.asarray(_ramp(_TRUNK_WIDE - aside, 0.03) * _ramp(behind - THICK, 0.03))


def _middle(inside: FloatArray, name: str) -> FloatArray:
    pair = [LANDMARK_INDEX[f"{side}_{name}"] for side in ("right", "left")]
    return np.asarray(inside[:, pair].mean(1))


def _ramp(value: FloatArray, width: float) -> FloatArray:
    """0 below 0, 1 above `width`."""
    return np.clip(value / width, 0.0, 1.0)
