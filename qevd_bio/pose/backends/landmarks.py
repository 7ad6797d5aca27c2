"""The 33 body landmarks of the mediapipe pose model, and which of them stand for joints of the skeleton."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LANDMARKS = (
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
)
LANDMARK_INDEX = {name: i for i, name in enumerate(LANDMARKS)}
IMAGE, WORLD, VISIBILITY, PRESENCE = slice(0, 2), slice(2, 5), 5, 6

# The markers that the fit uses, in pairs (right, left): rows of the (8, 2) marker grid.
MARKERS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "foot_index")
MARKER_LANDMARKS: NDArray[np.intp] = np.array(
    [[LANDMARK_INDEX[f"{side}_{name}"] for side in ("right", "left")] for name in MARKERS]
)
HEAD_LANDMARKS: NDArray[np.intp] = np.array(
    [LANDMARK_INDEX[name] for name in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")]
)

# Skeleton joints that a landmark stands for (joint name -> landmark), e.g. for drawing.
JOINT_LANDMARKS = {
    f"{joint}_{side[0]}": f"{side}_{mark}"
    for side in ("right", "left")
    for joint, mark in (
        ("hip", "hip"),
        ("knee", "knee"),
        ("ankle", "ankle"),
        ("mtp", "foot_index"),
        ("shoulder", "shoulder"),
        ("elbow", "elbow"),
        ("wrist", "wrist"),
    )
}
EDGES: tuple[tuple[int, int], ...] = tuple(
    (LANDMARK_INDEX[a], LANDMARK_INDEX[b])
    for a, b in (
        ("left_shoulder", "right_shoulder"),
        ("left_hip", "right_hip"),
        *(
            (f"{side}_{a}", f"{side}_{b}")
            for side in ("left", "right")
            for a, b in (
                ("shoulder", "hip"),
                ("shoulder", "elbow"),
                ("elbow", "wrist"),
                ("wrist", "index"),
                ("hip", "knee"),
                ("knee", "ankle"),
                ("ankle", "heel"),
                ("heel", "foot_index"),
                ("ankle", "foot_index"),
                ("ear", "eye"),
                ("eye", "nose"),
            )
        ),
    )
    if a in LANDMARK_INDEX and b in LANDMARK_INDEX
)


def to_level(world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Camera axes (x right, y down, z away) -> level frame of a level camera (x right, y up, z to the camera)."""
    return np.asarray(world * np.array([1.0, -1.0, -1.0]))


def level_rotation(pitch_rad: float, roll_rad: float = 0.0) -> NDArray[np.float64]:
    """Rotation (3, 3) from `to_level`'s axes to the true level.

    The camera looks down by `pitch_rad` and is turned clockwise about its own axis by `roll_rad`, as its owner sees it.
    """
    c, s = np.cos(pitch_rad), np.sin(pitch_rad)
    cr, sr = np.cos(roll_rad), np.sin(roll_rad)
    down = np.array([[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]])
    level: NDArray[np.float64] = down @ np.array([[cr, sr, 0.0], [-sr, cr, 0.0], [0.0, 0.0, 1.0]])
    return level
