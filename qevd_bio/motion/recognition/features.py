"""What distinguishes exercises: posture, which joints move how far, together or in turn, and how fast.

All of it comes from angles alone, so it does not matter who estimated them. Ranges are taken between percentiles, so
that a pause or a frame that went wrong counts for little.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.forward import Pose
from qevd_bio.exercise.curves import Curves
from qevd_bio.store.errors import ItemError

Array = NDArray[np.float64]

RATE_HZ = 10.0
"""Curves are looked at so often; quick feet take four steps a second."""
LEAST_S = 1.2
"""A shorter clip says too little."""
PAIRED = ("hip_flexion", "knee_angle", "ankle_angle", "hip_abduction", "shoulder_elevation", "elbow_flexion")
_TOGETHER = (
    ("hip_flexion", "knee_angle"), ("shoulder_elevation", "hip_abduction"), ("shoulder_elevation", "knee_angle"),
    ("elbow_flexion", "shoulder_elevation"), ("elbow_flexion", "knee_angle"), ("hip_flexion", "shoulder_elevation"),
)  # fmt: skip
_IN_TURN = (("hip_flexion", "knee_angle"), ("hip_flexion", "elbow_flexion"))
_QUIET_DEG = 6.0
"""Degrees that one camera's errors alone reach: less than this is hardly a movement."""
_SCALE_DEG = 40.0
_SLOWEST_HZ = 0.15


def features(angles: NDArray[Any], time_s: Array, ok: NDArray[np.bool_] | None = None) -> dict[str, float]:
    """The features of one clip by name, all finite.

    angles (T, 46) radians, time_s (T,) rising, ok (T,) frames with a pose of their own. Raises ItemError too_short for
    less than 1.2 s of poses.
    """
    known = np.isfinite(angles).all(axis=1) & (True if ok is None else ok)
    times, values = np.asarray(time_s)[known], np.asarray(angles, dtype=np.float64)[known]
    if len(times) < 2 or times[-1] - times[0] < LEAST_S:
        raise ItemError("too_short", f"less than {LEAST_S:g} s of poses: too little to tell the exercise")
    grid = np.arange(times[0], times[-1], 1.0 / RATE_HZ)
    even = np.stack([np.interp(grid, times, column) for column in np.unwrap(values, axis=0).T], axis=1)
    curves = Curves(even)
    means = {name: _pair(curves, name)[0] for name in PAIRED}
    turns = {name: _pair(curves, name)[1] for name in PAIRED}
    found = _posture(curves.pose)
    for name in PAIRED:
        found |= _movement(curves, name)
    found |= {f"{a}~{b}": _likeness(means[a], means[b]) for a, b in _TOGETHER}
    found |= {f"{a}~{b} in turn": _likeness(turns[a], turns[b]) for a, b in _IN_TURN}
    lean, spine = curves("trunk_lean_deg"), curves("spine_extension")
    found |= {
        "lean.range": _log(_range(lean)),
        "lean.high": float(np.percentile(lean, 95)) / _SCALE_DEG,
        "spine.range": _log(_range(spine)),
        "spine.low": float(np.percentile(spine, 5)) / _SCALE_DEG,
    }
    found |= _places(curves.pose)
    strongest = max([*means.values(), *turns.values()], key=lambda curve: float(np.std(curve)))
    found |= {"tempo": float(np.log(_tempo(strongest))), "strength": _log(float(np.std(strongest)))}
    return {name: float(np.nan_to_num(value)) for name, value in found.items()}


def _pair(curves: Curves, name: str) -> tuple[Array, Array]:
    """Mean of the right and left curve, and right minus left."""
    right, left = np.nan_to_num(curves(f"{name}_r")), np.nan_to_num(curves(f"{name}_l"))
    return (right + left) / 2, right - left


def _posture(pose: Pose) -> dict[str, float]:
    """How upright trunk, thighs and shanks are: 1 upright, 0 level."""
    trunk = _upright(pose.place("thorax") - pose.place("pelvis"))
    thighs = np.stack([_upright(pose.place(f"hip_{s}") - pose.place(f"knee_{s}")) for s in "rl"])
    shanks = np.stack([_upright(pose.place(f"knee_{s}") - pose.place(f"ankle_{s}")) for s in "rl"])
    return {
        "trunk": float(np.median(trunk)),
        "trunk.low": float(np.percentile(trunk, 10)),
        "trunk.range": _range(trunk),
        "thigh": float(np.median(thighs)),
        "shank": float(np.median(shanks)),
        "thigh.low": float(np.percentile(thighs.min(axis=0), 10)),
        "shank.low": float(np.percentile(shanks.min(axis=0), 10)),
        "shank.low both": float(np.percentile(shanks.max(axis=0), 10)),
        "thigh.low both": float(np.percentile(thighs.max(axis=0), 10)),
    }


def _movement(curves: Curves, name: str) -> dict[str, float]:
    """Level, range and speed of a paired joint, of both sides together and of one against the other."""
    right, left = np.nan_to_num(curves(f"{name}_r")), np.nan_to_num(curves(f"{name}_l"))
    mean, turn = (right + left) / 2, right - left
    speeds = [np.percentile(np.abs(np.gradient(curve, 1 / RATE_HZ)), 90) / 4 for curve in (mean, turn)]
    return {
        f"{name}.middle": float(np.median(mean)) / _SCALE_DEG,
        f"{name}.high": float(np.percentile(np.maximum(right, left), 95)) / _SCALE_DEG,
        f"{name}.low": float(np.percentile(np.minimum(right, left), 5)) / _SCALE_DEG,
        f"{name}.high both": float(np.percentile(np.minimum(right, left), 95)) / _SCALE_DEG,
        f"{name}.together": _log(_range(mean)),
        f"{name}.in turn": _log(_range(turn)),
        f"{name}.speed": _log(float(speeds[0])),
        f"{name}.speed in turn": _log(float(speeds[1])),
        f"{name}.offset": _log(abs(float(np.median(turn)))),
    }


def _places(pose: Pose) -> dict[str, float]:
    """Heights of hips and hands, and how far feet and hands are apart, in leg lengths."""
    leg = pose.skeleton.leg_length
    height = {name: pose.place(name)[..., 1] for name in ("hip_r", "hip_l", "wrist_r", "wrist_l", "toe_tip_r",
                                                         "toe_tip_l", "heel_r", "heel_l")}  # fmt: skip
    sole = np.min([height[f"{part}_{s}"] for part in ("toe_tip", "heel") for s in "rl"], axis=0)
    hips = (height["hip_r"] + height["hip_l"]) / 2
    wrists = np.stack([height["wrist_r"], height["wrist_l"]])
    upper, lower = (wrists.max(axis=0) - hips) / leg, (wrists.min(axis=0) - hips) / leg
    stance = np.linalg.norm((pose.place("ankle_r") - pose.place("ankle_l"))[..., [0, 2]], axis=-1) / leg
    hands = np.linalg.norm(pose.place("wrist_r") - pose.place("wrist_l"), axis=-1) / leg
    across = [np.linalg.norm(pose.place(f"wrist_{a}") - pose.place(f"shoulder_{b}"), axis=-1) for a, b in ("rl", "lr")]
    over = np.minimum(*across) / leg
    rise = (hips - sole) / leg
    return {
        "hips": float(np.median(rise)),
        "hips.low": float(np.percentile(rise, 5)),
        "hips.range": _range(rise),
        "upper hand.high": float(np.percentile(upper, 95)),
        "upper hand.low": float(np.percentile(upper, 5)),
        "lower hand.high": float(np.percentile(lower, 95)),
        "lower hand.low": float(np.percentile(lower, 5)),
        "hand to floor": float(np.percentile((wrists.min(axis=0) - sole) / leg, 5)),
        "toes apart": float(np.percentile(np.abs(height["toe_tip_r"] - height["toe_tip_l"]) / leg, 90)),
        "stance": float(np.median(stance)),
        "stance.high": float(np.percentile(stance, 95)),
        "stance.range": _range(stance),
        "hands": float(np.median(hands)),
        "hands.low": float(np.percentile(hands, 5)),
        "hands.range": _range(hands),
        "across": float(np.median(over)),
        "across.low": float(np.percentile(over, 5)),
    }


def _upright(vector: Array) -> Array:
    return np.asarray(vector[..., 1] / np.maximum(np.linalg.norm(vector, axis=-1), 1e-9))


def _range(curve: Array) -> float:
    low, high = np.percentile(curve, [5, 95])
    return float(high - low)


def _log(degrees: float) -> float:
    return float(np.log1p(degrees / _QUIET_DEG))


def _likeness(one: Array, other: Array) -> float:
    """Correlation of two curves in degrees, near 0 where one of them hardly moves."""
    a, b = one - one.mean(), other - other.mean()
    spread = np.sqrt((np.mean(a * a) + _QUIET_DEG**2) * (np.mean(b * b) + _QUIET_DEG**2))
    return float(np.mean(a * b) / spread)


def _tempo(curve: Array) -> float:
    """The strongest frequency in hertz."""
    level = (curve - curve.mean()) * np.hanning(len(curve))
    at = np.fft.rfftfreq(4 * len(curve), 1 / RATE_HZ)
    power = np.abs(np.fft.rfft(level, 4 * len(curve))) ** 2
    return float(at[at >= _SLOWEST_HZ][np.argmax(power[at >= _SLOWEST_HZ])])
