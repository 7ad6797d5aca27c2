"""What a pose model would hand over for a body of known angles: exact landmarks, or ones with known faults."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.backends.landmarks import LANDMARK_INDEX, level_rotation
from qevd_bio.pose.fit.chain import HIP_MARKER_OUT, HIP_MARKER_UP, TOE_MARKER

SIZE = (720, 720)
_FACE = {"nose": "nose", "left_ear": "ear_l", "right_ear": "ear_r", "mouth_left": "mouth_l", "mouth_right": "mouth_r"}
_BODY = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "pinky", "index", "thumb")


def pose_angles(frames: int, degrees: Mapping[str, float | np.ndarray]) -> np.ndarray:
    """Angles (T, 46) in radians with the arms down and the named degrees of freedom set, in degrees."""
    angles = np.zeros((frames, 46))
    for name, value in {"shoulder_r_x": 75.0, "shoulder_l_x": -75.0, **degrees}.items():
        angles[:, DOF_INDEX[name]] = np.deg2rad(value)
    return angles


def squats(frames: int = 120, heading: float = 0.0, fps: float = 30.0) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,) and angles (T, 46) of squats to 100 degrees of knee flexion, two seconds each."""
    time_s = np.arange(frames) / fps
    down = 0.5 - 0.5 * np.cos(np.pi * time_s)
    both = {"hip_flexion": 95.0 * down, "knee_angle": 100.0 * down, "ankle_angle": 25.0 * down}
    arms = {"elbow_flexion": 15.0 + 60.0 * down}
    degrees = {f"{name}_{side}": value for name, value in {**both, **arms}.items() for side in "rl"}
    return time_s, pose_angles(frames, {**degrees, "pelvis_tilt": -35.0 * down, "pelvis_rotation": heading})


def landmarks_of(
    angles: np.ndarray,
    *,
    stature: float = 1.8,
    distance: float = 3.5,
    camera_height: float = 0.9,
    pitch_deg: float = 0.0,
    depth: float = 1.0,
    noise_px: float = 0.0,
) -> np.ndarray:
    """Landmarks (T, 33, 7) that a camera with a focal length of the image's width would see.

    The lower foot stands on the floor and the ankles stay in their place. `depth` shrinks the world landmarks' depth,
    as real ones are in a frontal view.
    """
    skeleton = Skeleton.from_stature(stature)
    pose = forward_kinematics(angles, skeleton, np.zeros((len(angles), 3)))
    root = -pose.places(["ankle_r", "ankle_l"]).mean(1)
    root[:, 1] = -pose.places(["heel_r", "heel_l", "toe_tip_r", "toe_tip_l"])[..., 1].min(1)
    pose = forward_kinematics(angles, skeleton, root)
    places = dict(_FACE)
    for side, letter in (("right", "r"), ("left", "l")):
        places |= {f"{side}_{name}": f"{name}_{letter}" for name in _BODY}
        places |= {f"{side}_eye{part}": f"eye_{letter}" for part in ("", "_inner", "_outer")}
    points = np.zeros((len(angles), 33, 3))
    for mark, place in places.items():
        points[:, LANDMARK_INDEX[mark]] = pose.place(place)
    for side, letter, sign in (("right", "r", -1.0), ("left", "l", 1.0)):
        ball, tip = pose.place(f"mtp_{letter}"), pose.place(f"toe_tip_{letter}")
        points[:, LANDMARK_INDEX[f"{side}_foot_index"]] = ball + TOE_MARKER * (tip - ball)
        outward = np.array([sign * HIP_MARKER_OUT, HIP_MARKER_UP, 0.0]) * stature
        points[:, LANDMARK_INDEX[f"{side}_hip"]] += pose.rotations[:, 0] @ outward
    seen = (points - [0.0, camera_height, distance]) @ level_rotation(np.deg2rad(pitch_deg))
    draw = np.random.default_rng(0)
    out = np.ones((len(angles), 33, 7))
    out[..., 0] = SIZE[0] / 2 + SIZE[0] * seen[..., 0] / -seen[..., 2]
    out[..., 1] = SIZE[1] / 2 - SIZE[0] * seen[..., 1] / -seen[..., 2]
    out[..., :2] += noise_px * draw.standard_normal(out[..., :2].shape)
    hips = seen[:, [LANDMARK_INDEX["left_hip"], LANDMARK_INDEX["right_hip"]]].mean(1, keepdims=True)
    out[..., 2:5] = (seen - hips) * [1.0, -1.0, -1.0 * depth]
    return out
