"""What the rules say of the true motion: every rule on every repetition, clearly broken, borderline or clearly kept."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qevd_bio.anatomy.dofs import DOF_INDEX, FloatArray
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.measure import key_frames, readings, signal_of
from qevd_bio.exercise.rules import Exercise, FormError, Target
from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.simulation.performance.mistakes import CLEAR

MISTAKE, BORDERLINE, FINE = "mistake", "borderline", "fine"


@dataclass(frozen=True)
class Judged:
    """One rule on one side of one repetition; low and high are the bounds with their tolerance."""

    rule: str
    side: str
    joint: str
    quantity: str
    value: float
    low: float
    high: float
    unit: str

    @property
    def beyond(self) -> float:
        """Signed distance past the nearest bound, 0 within."""
        return self.value - self.low if self.value < self.low else max(self.value - self.high, 0.0)

    @property
    def verdict(self) -> str:
        """Clear only where the value is far enough from the bound on either side."""
        margin = clear_margin(self.low, self.high, self.unit)
        inside = min(self.value - self.low, self.high - self.value)
        if inside >= margin:
            return FINE
        return MISTAKE if inside <= -margin else BORDERLINE


def clear_margin(low: float, high: float, unit: str) -> float:
    """Distance from the bounds beyond which a verdict is clear; smaller for bounds near zero and for narrow ranges."""
    sizes = [abs(bound) for bound in (low, high) if math.isfinite(bound) and bound != 0.0]
    room = (high - low) / 2 if math.isfinite(high - low) else math.inf
    if unit == "s":
        # How long a repetition lasts depends on where its rest is cut: a sixth of the bound is clear.
        return max(CLEAR[unit], *(size / 6.0 for size in sizes))
    return min([CLEAR[unit], 0.4 * room, *(0.6 * size for size in sizes)])


def judge(
    exercise: Exercise, angles: FloatArray, skeleton: Skeleton, root: FloatArray, duration_s: float, pause_s: float
) -> list[Judged]:
    """All form errors and targets on one repetition's frames, angles (T, 46) radians.

    `pause_s` is the time since the repetition before it, NaN for the first.
    """
    curves = Curves(angles, skeleton, root)
    moments = key_frames(exercise, curves, len(angles))
    found: dict[tuple[str, str], Judged] = {}
    rules: tuple[FormError | Target, ...] = (*exercise.errors, *exercise.targets)
    for rule in rules:
        error = isinstance(rule, FormError)
        low, high = rule.bounds if isinstance(rule, FormError) else _widened(rule)
        name = f"{'error' if error else 'target'}:{rule.id}"
        for reading in readings(rule, exercise, curves, moments, duration_s):
            value = pause_s if rule.quantity == "pause" else reading.value
            if math.isnan(value):
                continue
            unit = vocabulary().quantities[rule.quantity].unit
            joint = rule.joints[0] if isinstance(rule, FormError) else ""
            made = Judged(name, reading.side, joint, rule.quantity, value, low, high, unit)
            known = found.get((name, reading.side))
            if known is None or abs(made.beyond) > abs(known.beyond):
                found[name, reading.side] = made
    return list(found.values())


def _widened(target: Target) -> tuple[float, float]:
    return target.range[0] - target.tolerance, target.range[1] + target.tolerance


def extremes(exercise: Exercise, angles: FloatArray, skeleton: Skeleton, two_sided: bool) -> tuple[int, int]:
    """Frames of the signal's extreme away from rest and, for two-sided ones, of its other extreme (else −1)."""
    signal = signal_of(exercise, Curves(angles, skeleton))
    high, low = int(np.nanargmax(signal)), int(np.nanargmin(signal))
    if two_sided:
        return high, low
    return (low if exercise.signal.rest == "max" else high), -1


def heading(angles: FloatArray) -> float:
    """Mean heading of the body in degrees."""
    return float(np.rad2deg(angles[:, DOF_INDEX["pelvis_rotation"]].mean()))
