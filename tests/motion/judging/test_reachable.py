"""No rule of the catalogue lies beyond what the detector accepts: a fault must be found before it can be judged."""

from __future__ import annotations

import math

import numpy as np
import pytest

from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.rules import Exercise, FormError
from qevd_bio.motion.cycles.detection import detect
from qevd_bio.motion.cycles.holds import HoldDetector
from qevd_bio.motion.cycles.signal_curve import candidates, cycle_rule, detector
from qevd_bio.motion.options import CycleOptions

FPS = 30.0
NORMAL, FAULTY = 5, 6
TIMED = [(e, error) for e in load().values() for error in e.errors if error.quantity == "cycle_duration"]
MOVING = [e for e in load().values() if e.category != "hold"]
HELD = [e for e in load().values() if e.category == "hold"]


def course_of(exercise: Exercise) -> np.ndarray:
    """The reference's signal in radians, one cycle; two-sided ones begin in the middle of both sides."""
    signal = candidates(exercise, load_reference(exercise).angles)[0]
    assert signal.reference is not None
    course = np.deg2rad(signal.reference)[:-1]
    if signal.two_sided:
        course = np.roll(course, -int(np.argmin(np.abs(course))))
    return course


def played(course: np.ndarray, seconds: float) -> np.ndarray:
    """The course in another time."""
    at = np.arange(round(seconds * FPS)) / round(seconds * FPS) * len(course)
    return np.interp(at, np.arange(len(course) + 1), np.append(course, course[0]))


@pytest.mark.parametrize(("exercise", "error"), TIMED, ids=lambda value: value.id)
@pytest.mark.parametrize("first", [0, NORMAL])
def test_what_a_rule_calls_too_fast_or_too_slow_is_found_and_called_so(
    exercise: Exercise, error: FormError, first: int
) -> None:
    """A quarter beyond the threshold, from the start or after five repetitions in the reference's time."""
    low, high = error.bounds
    wrong = 0.75 * low if math.isfinite(low) else 1.25 * high
    course = course_of(exercise)
    usual = load_reference(exercise).duration_s
    parts = [played(course, usual)] * first + [played(course, wrong)] * FAULTY
    values = np.concatenate([np.full(30, course[0]), *parts, np.full(60, course[0])])
    signal = candidates(exercise, load_reference(exercise).angles)[0]
    cycles = detect((np.arange(len(values)) / FPS).tolist(), values.tolist(), cycle_rule(exercise, signal))
    after = 1.0 + first * usual
    faulty = [c for c in cycles if c.key_s > after and not c.partial]
    assert len(faulty) in (FAULTY - 1, FAULTY)  # one may be a single side at the end
    said = [error.violated(c.duration_s) for c in faulty]
    assert sum(said) >= FAULTY - 2  # the first and last share a pause


@pytest.mark.parametrize("exercise", MOVING, ids=lambda value: value.id)
@pytest.mark.parametrize("share", [0.5, 0.6])
def test_repetitions_that_suddenly_shrink_to_half_are_found(exercise: Exercise, share: float) -> None:
    course = course_of(exercise)
    rest = course[0]
    usual = load_reference(exercise).duration_s
    one = played(course, usual)
    values = np.concatenate(
        [np.full(30, rest), *[one] * NORMAL, *[rest + share * (one - rest)] * FAULTY, np.full(60, rest)]
    )
    signal = candidates(exercise, load_reference(exercise).angles)[0]
    cycles = detect((np.arange(len(values)) / FPS).tolist(), values.tolist(), cycle_rule(exercise, signal))
    sides = 2.0 if signal.two_sided else 1.0
    counted = sum(c.halves / 2.0 * sides if signal.two_sided else 1.0 for c in cycles) / sides
    assert counted == pytest.approx(NORMAL + FAULTY, abs=1.0)


@pytest.mark.parametrize("exercise", HELD, ids=lambda value: value.id)
def test_a_stretch_that_a_rule_finds_fault_with_is_still_a_hold(exercise: Exercise) -> None:
    reference = load_reference(exercise).angles
    signal = candidates(exercise, reference)[0]
    machine = detector(exercise, signal, CycleOptions())
    assert isinstance(machine, HoldDetector)
    curves = Curves(reference)
    for error in exercise.errors:
        low, _ = error.bounds
        wrong = low - 0.2 * abs(error.goal)
        if not math.isfinite(low) or f"{error.quantity}_r" not in signal.expression.names:
            continue

        def faulty(name: str, error: FormError = error, wrong: float = wrong) -> np.ndarray:
            return np.minimum(curves(name), wrong) if name.startswith(error.quantity) else curves(name)

        assert np.deg2rad(np.min(signal.expression.evaluate(faulty))) > machine.level, error.id
