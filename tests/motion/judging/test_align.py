"""Alignment and the four similarities: closed form, then constants, nothing and NaN."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import load_reference
from qevd_bio.motion.cycles.signal_curve import candidates
from qevd_bio.motion.judging.align import UNDEFINED, WEIGHTS, best, compare, resample
from qevd_bio.motion.judging.template import Template

PHASE = np.linspace(0, 1, 91)
WAVE = 0.8 - 0.8 * np.cos(2 * math.pi * PHASE)


def columns(*curves: np.ndarray) -> np.ndarray:
    return np.column_stack(curves)


def test_resampling_a_line_is_exact_and_keeps_both_ends() -> None:
    times = np.array([0.0, 0.7, 1.0, 2.5])
    out = resample(times, columns(3 * times + 1), 0.0, 2.5, 6)
    assert out[:, 0] == pytest.approx([1.0, 2.5, 4.0, 5.5, 7.0, 8.5])


def test_resampling_bridges_nan_and_names_what_it_cannot_know() -> None:
    times = np.arange(5.0)
    values = columns([0, np.nan, 2, 3, 4], [np.nan, 1, np.nan, np.nan, np.nan], [np.nan, 1, 2, 3, np.nan])
    out = resample(times, values, 0.0, 4.0, 5)
    assert out[:, 0] == pytest.approx([0, 1, 2, 3, 4])
    assert np.isnan(out[:, 1]).all()
    assert out[:, 2] == pytest.approx([1, 1, 2, 3, 3])
    assert resample(np.empty(0), np.empty((0, 2)), 0, 1, 3).shape == (3, 2)
    assert resample(np.array([1.0]), np.array([[5.0]]), 0, 1, 3)[:, 0].tolist() == [5, 5, 5]


def test_the_same_curve_scores_one() -> None:
    likeness = compare(columns(WAVE, 0.5 * WAVE), columns(WAVE, 0.5 * WAVE), [0, 1])
    assert (likeness.cosine, likeness.pearson, likeness.velocity, likeness.amplitude) == pytest.approx((1, 1, 1, 1))
    assert likeness.score == pytest.approx(1.0)


def test_half_the_range_costs_only_amplitude() -> None:
    likeness = compare(columns(0.5 * WAVE), columns(WAVE), [0])
    slack = math.radians(5)
    assert likeness.amplitude == pytest.approx((0.8 + slack) / (1.6 + slack))
    assert likeness.score == pytest.approx(0.9 + 0.1 * likeness.amplitude)


def test_the_opposite_course_counts_nothing_below_zero() -> None:
    likeness = compare(columns(-WAVE), columns(WAVE), [0])
    assert (likeness.cosine, likeness.pearson, likeness.velocity) == (0, 0, 0)
    assert likeness.score == pytest.approx(0.1)


def test_weights_are_the_papers() -> None:
    assert WEIGHTS == (0.4, 0.3, 0.2, 0.1)


def test_constants() -> None:
    still = np.full(91, 0.3)
    frozen = compare(columns(still), columns(WAVE), [0])
    assert math.isnan(frozen.cosine)
    assert (frozen.pearson, frozen.velocity) == (0, 0)
    held = compare(columns(still + 0.2), columns(still), [0])
    assert math.isnan(held.cosine) and math.isnan(held.pearson) and math.isnan(held.velocity)
    assert held.amplitude == held.score == pytest.approx(1.0)


def test_nothing_and_nan() -> None:
    assert compare(np.empty((0, 2)), np.empty((0, 2)), [0, 1]) == UNDEFINED
    lost = columns(np.full(91, np.nan), WAVE)
    assert compare(lost, columns(WAVE, WAVE), [0, 1]) == compare(columns(WAVE), columns(WAVE), [1])
    assert repr(compare(lost[:, :1], columns(WAVE), [0])) == repr(UNDEFINED)
    with pytest.raises(ValueError, match="reference of shape"):
        compare(columns(WAVE), columns(WAVE, WAVE), [0])


def test_joints_weigh_the_same_however_many_degrees_of_freedom_they_have() -> None:
    user = columns(WAVE, WAVE, WAVE, -WAVE)
    likeness = compare(user, columns(WAVE, WAVE, WAVE, WAVE), [0, 0, 0, 1])
    assert likeness.pearson == pytest.approx(0.0, abs=1e-9)  # (1 + −1) / 2
    assert likeness.cosine == pytest.approx(0.5)  # (1 + 1 + 1 − 1) / 4


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(2, 60))
def test_scores_stay_between_zero_and_one(seed: int, width: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    user, reference = rng.normal(size=(2, length, width)) * rng.choice([0.0, 0.001, 1.0, 100.0], width)
    likeness = compare(user, reference, rng.integers(0, 3, width))
    for term in (likeness.cosine, likeness.pearson, likeness.velocity, likeness.amplitude, likeness.score):
        assert math.isnan(term) or -1e-9 <= term <= 1 + 1e-9
    assert likeness.score == likeness.score


def test_best_is_the_first_of_the_highest_and_none_of_nothing() -> None:
    assert best([0.2, math.nan, 0.9, 0.9]) == 2
    assert best([math.nan]) is None
    assert best([]) is None


@pytest.mark.parametrize("name", sorted(load()))
def test_a_template_is_a_closed_cycle_on_the_references_grid(name: str) -> None:
    exercise = load()[name]
    reference = load_reference(exercise)
    signal = candidates(exercise, reference.angles)[0]
    template = Template(exercise, reference.angles, reference.fps, signal)
    for side in ("r", "l") if signal.two_sided else ("",):
        cut = template.cut(side, 2, "")
        assert cut.shape == reference.angles.shape
        assert np.abs(cut[0] - cut[-1]).max() < math.radians(25)
        likeness = compare(cut, cut, np.arange(46))
        assert likeness.score == pytest.approx(1.0)
