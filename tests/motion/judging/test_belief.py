"""How sure a verdict is: closed forms, and the three outcomes on made cycles."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest

from qevd_bio.exercise.severity import Bounds
from qevd_bio.motion.judging.belief import outcome
from qevd_bio.motion.options import ConstraintOptions
from qevd_bio.tables.verdicts import NOT_SURE, PASS, VIOLATION, faults_of
from tests.made_rows import verdict

INF = math.inf


@pytest.mark.parametrize("value", [70.0, 85.0, 92.0, 120.0])
def test_the_probability_is_the_normal_tail_beyond_bound_and_tolerance(value: float) -> None:
    bounds = Bounds(85.0, INF, 2.0, spread=3.0)
    expected = NormalDist(value, 5.0).cdf(83.0)  # hypot(4, 3)
    assert bounds.probability(value, sigma=4.0) == pytest.approx(expected, abs=1e-12)


def test_both_tails_count_where_both_ends_are_bounded() -> None:
    bounds = Bounds(-1.0, 1.0, 0.0)
    assert bounds.probability(0.0, sigma=1.0) == pytest.approx(2 * NormalDist().cdf(-1.0))


def test_without_any_error_the_bound_is_sharp() -> None:
    bounds = Bounds(85.0, INF, 0.0)
    assert [bounds.probability(value) for value in (84.9, 85.0, 90.0)] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("probability", "found"), [(1.0, VIOLATION), (0.9, VIOLATION), (0.89, NOT_SURE), (0.11, NOT_SURE), (0.1, PASS)]
)
def test_three_outcomes(probability: float, found: str) -> None:
    assert outcome(probability, ConstraintOptions()) == found


def test_thresholds_are_options() -> None:
    assert outcome(0.7, ConstraintOptions(fault_p=0.6)) == VIOLATION
    assert outcome(0.3, ConstraintOptions(fine_p=0.4)) == PASS


def test_both_sides_of_a_rule_in_one_repetition_are_one_fault_and_measurements_are_none() -> None:
    right, left = verdict(side="r", severity=0.4), verdict(side="l", severity=0.6)
    target = verdict(rule="target:knee_depth", kind="target")
    once = verdict(rule="error:leaning", raised=False)
    assert faults_of([right, left, target, once]) == [left]
    assert len(faults_of([right, verdict(cycle=right.cycle + 1)])) == 2
