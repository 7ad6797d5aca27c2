"""How sure a verdict is: the error of what was measured, and the probability that a rule is broken."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.uncertainty import SHARED, curve_sigma
from qevd_bio.exercise.expression import parse
from qevd_bio.motion.cycles.curves import Window
from qevd_bio.motion.judging.occasion import CameraView
from qevd_bio.motion.judging.own_course import LEAST, OwnCourse
from qevd_bio.motion.judging.reading_error import reading_factor
from qevd_bio.motion.options import ConstraintOptions
from qevd_bio.tables.verdicts import NOT_SURE, PASS, VIOLATION

UNKNOWN_SIGMA = {"deg": 13.0, "ratio": 0.24, "fraction": 0.03, "s": 0.07}
"""Error of a quantity seen by a camera whose angles carry none: medians of the known ones, docs/motion.md."""
_LONG = 5
"""Frames of a repetition from which the error of a statistic over all of them is taken."""
_AND_MEDIAN = math.sqrt(1.0 + 0.5 / LEAST * math.pi)
_WANDERS = math.sqrt(1.0 - SHARED)
# What is left of a frame's error in a statistic: errors that last cancel in differences and stay in averages.
_LEFT = {
    "value": 1.0,
    "max": 1.0,
    "min": 1.0,
    "mean": math.sqrt(SHARED),
    "range": math.sqrt(2.0) * _WANDERS,
    "rise": math.sqrt(2.0) * _WANDERS,
    "drop": math.sqrt(2.0) * _WANDERS,
    "std": _WANDERS / math.sqrt(2.0),
}


def reading_sigma(
    window: Window, quantity: str, names: Sequence[str], stat: str, at: int, unit: str, camera: CameraView
) -> float:
    """Standard deviation of a reading's error in its unit.

    quantity  what was read, without its side: a camera's readings are wrong by more or less than its angles suggest
    names     curves that the reading rests on
    at        frame of the window that it was taken at
    camera    that saw the motion; where no sigma is known, a recording (without one) is taken at its word
    """
    by_camera = camera.heading_deg is not None
    fallback = UNKNOWN_SIGMA[unit] if by_camera else 0.0
    if unit == "s":
        return fallback
    known = propagated_sigma(window, names, stat, at)
    if math.isnan(known):
        if stat != "symmetry":
            return _LEFT[stat] * fallback
        return fallback and UNKNOWN_SIGMA["ratio"]
    return known * reading_factor(quantity, stat, camera.heading_deg) if by_camera else known


def propagated_sigma(window: Window, names: Sequence[str], stat: str, at: int) -> float:
    """Standard deviation of a reading's error as the errors of its angles have it, taken as independent.

    NaN where they are not known.
    """
    single = stat in ("value", "max", "min")
    frames = [at] if single else np.linspace(0, len(window) - 1, _LONG).astype(int).tolist()
    known = _sigma(window, names, frames)
    if stat == "symmetry":
        widest = max((_range(window, name) for name in names), default=math.nan)
        return _LEFT["range"] * known / widest if widest > 0 else math.nan
    return _LEFT[stat] * known


def share_sigma(quantity: str, own: OwnCourse, window: Window, camera: CameraView) -> float:
    """Error of a share of the person's median: that of the repetition and of the median, which errs much less."""
    if quantity == "duration_share":
        by_camera = camera.heading_deg is not None
        return (UNKNOWN_SIGMA["s"] if by_camera else 0.0) * _AND_MEDIAN / own.usual_duration_s
    names = parse(own.exercise.signal.expression).names
    sigma = reading_sigma(window, "", names, "range", 0, "deg", camera)
    return sigma * _AND_MEDIAN / own.usual_range


def _range(window: Window, name: str) -> float:
    curve = window(name)
    return float(np.nanmax(curve) - np.nanmin(curve)) if np.isfinite(curve).any() else math.nan


def _sigma(window: Window, names: Sequence[str], frames: list[int]) -> float:
    """Root mean square over the frames; NaN where unknown in all."""
    if window.sigma is None:
        return math.nan
    total = np.zeros(len(frames))
    for name in names:
        total += _curve_sigma(window, name, frames) ** 2
    finite = total[np.isfinite(total)]
    return math.sqrt(float(finite.mean())) if finite.size else math.nan


def _curve_sigma(window: Window, name: str, frames: list[int]) -> NDArray[np.float64]:
    assert window.sigma is not None
    if name in DOF_INDEX:
        degrees: NDArray[np.float64] = np.rad2deg(window.sigma[frames, DOF_INDEX[name]])
        return degrees
    root = None if window.root is None else window.root[frames]
    return curve_sigma(name, window.angles[frames], window.sigma[frames], window.skeleton, root)


def outcome(probability: float, options: ConstraintOptions) -> str:
    """The verdict that a probability allows."""
    if probability >= options.fault_p:
        return VIOLATION
    return PASS if probability <= options.fine_p else NOT_SURE
