"""From keypoints in the image to the 33 landmarks of the fit: missing points filled in, depth from bone lengths.

An image shows a bone shorter than it is when it points towards the camera or away from it. How short tells how far,
but not which of the two: knees bend back, hips and elbows bend forward, and the face tells front from back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.backends.base import Flag, Landmarks
from qevd_bio.pose.backends.landmarks import LANDMARK_INDEX, LANDMARKS
from qevd_bio.pose.formats.markers.sets import places_of, set_by_name
from qevd_bio.pose.formats.recording import Keypoints
from qevd_bio.store.errors import ItemError, UserError

STATURE = 1.69
LEAST_BODY = ("hip_r", "hip_l", "shoulder_r", "shoulder_l")
# The depth here is a guess from lengths, not an estimator's: it counts little against the image.
FIT = {"depth_sd": 1.0, "kind": "geometric"}
_SIDES = (("r", "right"), ("l", "left"))
_PARTS = {"shoulder": "shoulder", "elbow": "elbow", "wrist": "wrist", "hip": "hip", "knee": "knee", "ankle": "ankle"}
_PARTS |= {"heel": "heel", "toe": "foot_index", "eye": "eye", "ear": "ear"}
_COPIES = {
    **{f"{side}_eye_{part}": f"{side}_eye" for side in ("left", "right") for part in ("inner", "outer")},
    **{f"mouth_{side}": "nose" for side in ("left", "right")},
    **{f"{side}_{finger}": f"{side}_wrist" for side in ("left", "right") for finger in ("pinky", "index", "thumb")},
}
# (start, end, way along the body's forward axis)
_BONES = (("hip", "knee", 1.0), ("knee", "ankle", -1.0), ("shoulder", "elbow", 1.0), ("elbow", "wrist", 1.0))
SMOOTH_S = 0.5

Float = NDArray[np.float64]


def to_landmarks(
    keypoints: Keypoints,
    frame: NDArray[np.int32],
    time_s: Float,
    size: tuple[int, int] | None,
    details: Mapping[str, Any],
    flags: Sequence[Flag],
    where: Path,
) -> Landmarks:
    """The clip's landmarks (T, 33, 7). Raises UserError where the picture's size is not known, ItemError where no frame
    shows hips and shoulders."""
    size = keypoints.size or size
    if size is None:
        raise UserError(
            "keypoints are in pixels, and the picture's size is not known",
            where=where,
            expected="the video beside them",
            fix="name the video with --data FOLDER, or its size with --image-size 1920x1080",
        )
    chosen = set_by_name(keypoints.set)
    xy, score = keypoints.values[..., :2], np.nan_to_num(keypoints.values[..., 2])
    places = places_of(chosen, keypoints.names, xy, score)
    points, seen = np.full((len(xy), len(LANDMARKS), 2), np.nan), np.zeros((len(xy), len(LANDMARKS)))
    names = {"nose": "nose", **{f"{p}_{s}": f"{side}_{mark}" for s, side in _SIDES for p, mark in _PARTS.items()}}
    for place, landmark in names.items():
        if place in places.values:
            points[:, LANDMARK_INDEX[landmark]] = places.values[place]
            seen[:, LANDMARK_INDEX[landmark]] = places.trust[place]
    body = np.all([seen[:, LANDMARK_INDEX[names[p]]] > 0 for p in LEAST_BODY], axis=0)
    if not body.any():
        raise ItemError("no_person", "no frame shows both hips and both shoulders")
    rows = np.flatnonzero(body)
    own = _filled(points[rows], seen[rows])
    values = np.full((len(xy), len(LANDMARKS), 7), np.nan, dtype=np.float32)
    values[rows, :, :2] = own
    values[rows, :, 2:5] = lifted(own, time_s[rows])
    values[rows, :, 5] = values[rows, :, 6] = seen[rows]
    known = {**details, "keypoint_set": chosen.name, "depth": "from bone lengths: no estimator's depth"}
    return Landmarks(frame, time_s, values, size, keypoints.subject, tuple(flags), known, FIT)


def _filled(points: Float, seen: Float) -> Float:
    """Every landmark of (K, 33, 2): between its own sightings in time, else beside its neighbour."""
    out = points.copy()
    frames = np.arange(len(out))
    for k in range(out.shape[1]):
        has = (seen[:, k] > 0) & np.isfinite(out[:, k]).all(axis=1)
        if has.any() and not has.all():
            for axis in range(2):
                out[~has, k, axis] = np.interp(frames[~has], frames[has], out[has, k, axis])
        elif not has.any():
            out[:, k] = np.nan

    def at(name: str) -> Float:
        return out[:, LANDMARK_INDEX[name]]

    hips, shoulders = (at(f"left_{part}") + at(f"right_{part}") for part in ("hip", "shoulder"))
    trunk = np.linalg.norm(hips - shoulders, axis=1, keepdims=True) / 2
    down = np.array([0.0, 1.0])
    ahead = np.nan_to_num(np.sign(at("nose") - shoulders / 2))[:, :1] * np.array([[1.0, 0.0]])
    rules: list[tuple[str, Float]] = [("nose", shoulders / 2 - 0.45 * trunk * down)]
    for side in ("left", "right"):
        rules += [(f"{side}_{part}", at("nose") - 0.08 * trunk * down) for part in ("eye", "ear")]
        rules.append((f"{side}_elbow", at(f"{side}_shoulder") + 0.6 * trunk * down))
        rules.append((f"{side}_wrist", at(f"{side}_elbow") + 0.5 * trunk * down))
        rules.append((f"{side}_knee", at(f"{side}_hip") + 0.85 * trunk * down))
        rules.append((f"{side}_ankle", at(f"{side}_knee") + 0.85 * trunk * down))
        rules.append((f"{side}_heel", at(f"{side}_ankle") + trunk * (0.10 * down - 0.08 * ahead)))
        rules.append((f"{side}_foot_index", at(f"{side}_ankle") + trunk * (0.13 * down + 0.25 * ahead)))
    for name, guess in rules:
        target = at(name)
        gone = ~np.isfinite(target).all(axis=1)
        target[gone] = guess[gone]
        # later rules start from this one
    for name, source in _COPIES.items():
        out[:, LANDMARK_INDEX[name]] = at(source)
    return out


def lifted(points: Float, time_s: Float) -> Float:
    """World landmarks (K, 33, 3), camera axes (x right, y down, z away) from mid-hip, of image points (K, 33, 2)."""
    lengths = _lengths()

    def at(part: str, side: str) -> Float:
        return points[:, LANDMARK_INDEX[f"{side}_{_PARTS[part]}"]]

    scale = _metres_per_pixel(points, lengths, time_s)[:, None, None]
    flat = points * scale
    depth = np.zeros(points.shape[:2])
    towards, away_left = _facing(flat, lengths, time_s)
    for part, width in (("hip", lengths["hips"]), ("shoulder", lengths["shoulders"])):
        for side, sign in (("left", 0.5), ("right", -0.5)):
            depth[:, LANDMARK_INDEX[f"{side}_{part}"]] = sign * width * away_left
    for start, end, forward in _BONES:
        length = lengths[f"{start}-{end}"]
        for side in ("right", "left"):
            a, b = LANDMARK_INDEX[f"{side}_{_PARTS[start]}"], LANDMARK_INDEX[f"{side}_{_PARTS[end]}"]
            shown = np.linalg.norm(flat[:, b] - flat[:, a], axis=1)
            missing = np.sqrt(np.maximum(length**2 - shown**2, 0.0))
            depth[:, b] = depth[:, a] - forward * towards * missing
    for side in ("right", "left"):
        ankle = LANDMARK_INDEX[f"{side}_ankle"]
        depth[:, LANDMARK_INDEX[f"{side}_heel"]] = depth[:, ankle] + 0.05 * towards
        depth[:, LANDMARK_INDEX[f"{side}_foot_index"]] = depth[:, ankle] - 0.16 * towards
        for finger in ("pinky", "index", "thumb"):
            depth[:, LANDMARK_INDEX[f"{side}_{finger}"]] = depth[:, LANDMARK_INDEX[f"{side}_wrist"]]
        depth[:, LANDMARK_INDEX[f"{side}_ear"]] = (0.07 if side == "left" else -0.07) * away_left
        for part in ("eye", "eye_inner", "eye_outer"):
            sign = 0.03 if side == "left" else -0.03
            depth[:, LANDMARK_INDEX[f"{side}_{part}"]] = sign * away_left - 0.09 * towards
    depth[:, LANDMARK_INDEX["nose"]] = -0.11 * towards
    depth[:, [LANDMARK_INDEX["mouth_left"], LANDMARK_INDEX["mouth_right"]]] = -0.10 * towards[:, None]
    middle = (at("hip", "left") + at("hip", "right"))[:, None] / 2 * scale
    return np.concatenate([flat - middle, depth[..., None]], axis=2)


def _lengths() -> dict[str, float]:
    skeleton = Skeleton.from_stature(STATURE)
    own = skeleton.lengths()
    return {
        "hip-knee": own["thigh_r"],
        "knee-ankle": own["shank_r"],
        "shoulder-elbow": own["upper_arm_r"],
        "elbow-wrist": own["forearm_r"],
        "trunk": own["trunk"],
        "hips": own["hip_width"],
        "shoulders": own["shoulder_width"],
    }


def _metres_per_pixel(points: Float, lengths: Mapping[str, float], time_s: Float) -> Float:
    """The scale (K,) at which no bone is longer than it is: each frame's longest-looking bone, median over time."""
    middle = {
        part: (
            points[:, LANDMARK_INDEX[f"left_{part}"]] + points[:, LANDMARK_INDEX[f"right_{part}"]]
        ) / 2
        for part in ("hip", "shoulder")
    }  # fmt: skip
    ratios = [np.linalg.norm(middle["shoulder"] - middle["hip"], axis=1) / lengths["trunk"]]
    for side in ("right", "left"):
        for start, end in (("hip", "knee"), ("knee", "ankle")):
            a, b = (points[:, LANDMARK_INDEX[f"{side}_{_PARTS[p]}"]] for p in (start, end))
            ratios.append(np.linalg.norm(b - a, axis=1) / lengths[f"{start}-{end}"])
    largest = np.sort(np.stack(ratios), axis=0)[-2]  # the second largest: one can be a mistake
    return 1.0 / np.maximum(_median(largest, time_s), 1e-6)


def _facing(flat: Float, lengths: Mapping[str, float], time_s: Float) -> tuple[Float, Float]:
    """How far the body faces the camera (K,) -1..1, and how far its left side is away from it (K,) -1..1."""
    across = np.zeros(len(flat))
    for part, width in (("hip", lengths["hips"]), ("shoulder", lengths["shoulders"])):
        left, right = (flat[:, LANDMARK_INDEX[f"{side}_{part}"], 0] for side in ("left", "right"))
        across += 0.5 * (left - right) / width
    towards = np.clip(_median(across, time_s), -1.0, 1.0)
    toes = sum(
        flat[:, LANDMARK_INDEX[f"{side}_foot_index"], 0] - flat[:, LANDMARK_INDEX[f"{side}_heel"], 0]
        for side in ("left", "right")
    )
    ears = sum(flat[:, LANDMARK_INDEX[f"{side}_ear"], 0] for side in ("left", "right"))
    nose = flat[:, LANDMARK_INDEX["nose"], 0] - 0.5 * ears
    right_in_picture = np.sign(_median(nose + 0.25 * toes, time_s))
    return towards, right_in_picture * np.sqrt(1.0 - towards**2)


def _median(values: Float, time_s: Float) -> Float:
    """Running median (K,) over half a second."""
    if len(values) < 3:
        return np.full(len(values), float(np.median(values)))
    from scipy.ndimage import median_filter

    step = max(float(np.median(np.diff(time_s))), 1e-3)
    return np.asarray(median_filter(values, size=max(1, round(SMOOTH_S / step)) | 1, mode="nearest"))
