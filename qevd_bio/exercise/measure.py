"""Measuring one cycle: key frames, statistics, and what they say about a target or a form error.

One implementation for recordings and references. A `Series` gives the curve of a name over the cycle's frames,
(T,), angles in degrees; NaN where it was not observed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from qevd_bio.exercise.expression import Array, Expression, Series, opposite, parse
from qevd_bio.exercise.rules import PAUSE, Exercise, FormError, KeyFrame, Measure, Target
from qevd_bio.exercise.vocabulary import NOT_CURVES, resolve, vocabulary

_START_FRAMES = 3


@dataclass(frozen=True)
class Moment:
    """A key frame found in a cycle: its frame, and its side ("" where it has none)."""

    frame: int
    side: str = ""


@dataclass(frozen=True)
class Measurement:
    """One measured value: of which side ("r", "l" or ""), at which frame (None for a whole-cycle statistic).

    `value` is NaN where it could not be measured; `names` are the quantities it rests on.
    """

    value: float
    side: str
    frame: int | None
    names: tuple[str, ...]


def signal_of(exercise: Exercise, series: Series) -> Array:
    """The representative signal (T,) in degrees."""
    return parse(exercise.signal.expression).evaluate(series)


def key_frames(exercise: Exercise, series: Series, frames: int) -> dict[str, Moment]:
    """The key frames of one cycle of `frames` frames, by name; `name_r` and `name_l` where both sides have one.

    A key frame whose signal is NaN throughout its window is missing from the result.
    """
    found: dict[str, Moment] = {}
    for key in exercise.keys:
        for side in ("r", "l") if key.sides == "both" else ("",):
            moment = _moment(exercise, key, side, series, frames)
            if moment is not None:
                found[f"{key.name}_{side}" if side else key.name] = moment
    return found


def _moment(exercise: Exercise, key: KeyFrame, side: str, series: Series, frames: int) -> Moment | None:
    first, last = round(key.window[0] * (frames - 1)), round(key.window[1] * (frames - 1))
    if key.at == "middle":
        frame = (first + last) // 2
    else:
        expression = parse(exercise.signal.expression if key.of == "signal" else key.of)
        curve = _curve(expression, side, series)[first : last + 1]
        if not np.isfinite(curve).any():
            return None
        frame = first + int(np.nanargmax(curve) if key.at == "max" else np.nanargmin(curve))
    if key.sides != "one":
        return Moment(frame, side)
    by = parse(key.side_by or key.of)
    right, left = (float(by.sided(s).evaluate(series)[frame]) for s in ("r", "l"))
    return None if np.isnan(right + left) else Moment(frame, "r" if right >= left else "l")


def _curve(expression: Expression, side: str, series: Series) -> Array:
    if side:
        return expression.sided(side).evaluate(series)
    if expression.has_sides:
        both = [expression.sided(s).evaluate(series) for s in ("r", "l")]
        return np.fmax(both[0], both[1])
    return expression.evaluate(series)


def readings(
    measure: Measure, exercise: Exercise, series: Series, moments: Mapping[str, Moment], duration_s: float
) -> list[Measurement]:
    """What was measured: one reading for each side (and each side's key frame) that the measure is about.

    `duration_s` is the cycle's; what needs the repetitions before (`pause`, shares of the median) is NaN here, and
    a measure of the pause has no reading (`pause_readings`).
    """
    if measure.at == PAUSE:
        return []
    if measure.quantity in NOT_CURVES:
        value = duration_s if measure.quantity == "cycle_duration" else float("nan")
        return [Measurement(value, "", None, (measure.quantity,))]
    if measure.stat == "symmetry":
        return [_symmetry(measure, series)]
    at = _at(measure, exercise, moments)
    return [_reading(measure, side, moment, series) for side, moment in at]


def pause_readings(measure: Measure, series: Series) -> list[Measurement]:
    """The same of the frames between the last repetition and this one, for a measure `at: pause`."""
    sides = ("r", "l") if measure.side == "each" else ("",)
    return [_reading(measure, side, None, series) for side in sides]


def _at(measure: Measure, exercise: Exercise, moments: Mapping[str, Moment]) -> list[tuple[str, Moment | None]]:
    """The (side, moment) pairs to measure."""
    sides = ("r", "l") if measure.side == "each" else ("",)
    if measure.at == "cycle":
        if measure.side in ("each", "none") and not _composite_side(measure):
            return [(side, None) for side in sides]
        sided = [moment for moment in moments.values() if moment.side]
        return [(_side_at(measure, sided[0]), None)] if sided else []
    key = exercise.key(measure.at)
    names = [f"{key.name}_r", f"{key.name}_l"] if key.sides == "both" else [key.name]
    found = [moments[name] for name in names if name in moments]
    if measure.side == "each" and key.sides != "both":
        return [(side, moment) for moment in found for side in sides]
    return [(_side_at(measure, moment), moment) for moment in found]


def _side_at(measure: Measure, moment: Moment) -> str:
    if measure.side == "other":
        return opposite(moment.side)
    return moment.side if measure.side != "none" or _composite_side(measure) else ""


def _composite_side(measure: Measure) -> bool:
    return "_own" in vocabulary().quantities[measure.quantity].expression


def _reading(measure: Measure, side: str, moment: Moment | None, series: Series) -> Measurement:
    expression = resolve(measure.quantity, side)
    curve = expression.evaluate(series)
    frame = moment.frame if moment is not None and measure.stat == "value" else None
    value = float(curve[frame]) if frame is not None else statistic(curve, measure.stat)
    return Measurement(value, side, frame, expression.names)


def _symmetry(measure: Measure, series: Series) -> Measurement:
    """Smaller side's range over the larger side's, 0..1."""
    sides = [resolve(measure.quantity, side) for side in ("r", "l")]
    ranges = sorted(statistic(side.evaluate(series), "range") for side in sides)
    value = ranges[0] / ranges[1] if ranges[1] > 0 else float("nan")
    return Measurement(value, "", None, sides[0].names + sides[1].names)


def statistic(curve: Array, name: str) -> float:
    """One number of a curve, NaN left out: max, min, mean, range, std, rise and drop from the start.

    `rise` is the maximum minus the start, `drop` the start minus the minimum; the start is the mean of the
    first three frames. NaN for an empty curve or one without a finite value.
    """
    finite = curve[np.isfinite(curve)]
    if finite.size == 0:
        return float("nan")
    return _STATISTICS[name](finite)


def _start(finite: Array) -> float:
    return float(finite[:_START_FRAMES].mean())


_STATISTICS: dict[str, Callable[[Array], float]] = {
    "max": lambda finite: float(finite.max()),
    "min": lambda finite: float(finite.min()),
    "mean": lambda finite: float(finite.mean()),
    "range": lambda finite: float(finite.max() - finite.min()),
    "std": lambda finite: float(finite.std()),
    "rise": lambda finite: float(finite.max()) - _start(finite),
    "drop": lambda finite: _start(finite) - float(finite.min()),
}


def off_target(target: Target, value: float, widen: float = 1.0) -> float:
    """Signed distance to the nearest end of the target's range if it is missed by more than the tolerance, else 0.

    Positive where the value is too high. `widen` multiplies the tolerance. NaN stays NaN.
    """
    if np.isnan(value):
        return value
    low, high = target.range
    if value < low - widen * target.tolerance:
        return value - low
    return value - high if value > high + widen * target.tolerance else 0.0


def faults(
    exercise: Exercise, series: Series, frames: int, duration_s: float
) -> list[tuple[Target | FormError, Measurement]]:
    """Every target missed and every form error shown by one cycle, with what was measured."""
    moments = key_frames(exercise, series, frames)
    found: list[tuple[Target | FormError, Measurement]] = []
    for target in exercise.targets:
        for reading in readings(target, exercise, series, moments, duration_s):
            if abs(off_target(target, reading.value)) > 0:
                found.append((target, reading))
    for error in exercise.errors:
        for reading in readings(error, exercise, series, moments, duration_s):
            if error.violated(reading.value):
                found.append((error, reading))
    return found
