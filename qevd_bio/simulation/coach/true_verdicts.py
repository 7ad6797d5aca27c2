"""What the rules say of the true motion: every rule on every repetition, clearly broken, borderline or clearly kept."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qevd_bio.anatomy.dofs import DOF_INDEX, FloatArray
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.measure import key_frames, readings, signal_of
from qevd_bio.exercise.rules import Exercise, FormError
from qevd_bio.exercise.severity import Rule, bounds_of, goal_of, severity_of
from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.simulation.performance.mistakes import CLEAR
from qevd_bio.tables.motion import SegmentPlace
from qevd_bio.tables.verdicts import ERROR, PASS, TARGET, VIOLATION, Verdict, distance

MISTAKE, BORDERLINE, FINE = "mistake", "borderline", "fine"


def bounds_with_tolerance(verdict: Verdict) -> tuple[float, float]:
    """The bounds past which the verdict's rule is broken; infinite where open."""
    return verdict.low - verdict.tolerance, verdict.high + verdict.tolerance


def beyond(verdict: Verdict) -> float:
    """Signed distance past the nearest of these bounds, 0 within."""
    return distance(verdict.value, *bounds_with_tolerance(verdict))


def clarity(verdict: Verdict) -> str:
    """MISTAKE or FINE only where the value is far enough from the bound on either side, else BORDERLINE."""
    low, high = bounds_with_tolerance(verdict)
    margin = clear_margin(low, high, verdict.unit)
    inside = min(verdict.value - low, high - verdict.value)
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


@dataclass(frozen=True)
class TrueCycle:
    """One repetition as it was performed: its segment, number, and times in seconds from the video's start.

    pause_s  since the repetition before it, NaN for the first
    """

    place: SegmentPlace
    number: int
    start_s: float
    end_s: float
    pause_s: float = math.nan


def judge(
    exercise: Exercise, angles: FloatArray, skeleton: Skeleton, root: FloatArray, cycle: TrueCycle
) -> list[Verdict]:
    """All form errors and targets on one repetition's frames, angles (T, 46) radians."""
    curves = Curves(angles, skeleton, root)
    moments = key_frames(exercise, curves, len(angles))
    found: dict[tuple[str, str], Verdict] = {}
    rules: tuple[Rule, ...] = (*exercise.errors, *exercise.targets)
    for rule in rules:
        for reading in readings(rule, exercise, curves, moments, cycle.end_s - cycle.start_s):
            value = cycle.pause_s if rule.quantity == "pause" else reading.value
            if math.isnan(value):
                continue
            made = _verdict(rule, exercise, cycle, reading.side, value)
            known = found.get((made.rule, made.side))
            if known is None or abs(beyond(made)) > abs(beyond(known)):
                found[made.rule, made.side] = made
    return list(found.values())


def _verdict(rule: Rule, exercise: Exercise, cycle: TrueCycle, side: str, value: float) -> Verdict:
    bounds = bounds_of(rule)
    deviation = bounds.deviation(value)
    broken = bounds.broken(deviation)
    kind = ERROR if isinstance(rule, FormError) else TARGET
    place = cycle.place
    return Verdict(
        id=f"{place.split}/{place.video}/{place.segment}/{cycle.number}/{kind}:{rule.id}/{side}".rstrip("/"),
        split=place.split,
        video=place.video,
        segment=place.segment,
        exercise=place.exercise,
        cycle=cycle.number,
        verdict=VIOLATION if broken else PASS,
        rule=f"{kind}:{rule.id}",
        kind=kind,
        joint=rule.joints[0] if isinstance(rule, FormError) else "",
        quantity=rule.quantity,
        side=side,
        limb=rule.limb,
        stat=rule.stat,
        key=next((key.phrase for key in exercise.keys if key.name == rule.at), ""),
        value=value,
        low=bounds.low,
        high=bounds.high,
        deviation=deviation,
        goal=goal_of(rule, deviation),
        unit=vocabulary().quantities[rule.quantity].unit,
        tolerance=bounds.tolerance,
        start_s=cycle.start_s,
        end_s=cycle.end_s,
        sigma=0.0,
        probability=float(broken),
        severity=severity_of(rule, bounds, deviation) if broken else 0.0,
        raised=broken and kind == ERROR,
        confidence=1.0,
        alarm=rule.alarm if isinstance(rule, FormError) else "soft",
        salient=True,
        source=rule.source,
        rule_confidence=rule.confidence,
    )


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
