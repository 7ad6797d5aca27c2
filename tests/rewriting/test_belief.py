"""The trainer's words as evidence: Bayes' rule, the faulty side, and what no policy says."""

from __future__ import annotations

import math

import pytest

from qevd_bio.rewriting.belief import on_faulty_side, support
from qevd_bio.rewriting.options import RewriteOptions
from tests.made_rows import verdict
from tests.rewriting.test_choose import finding, rules_of, said
from tests.rewriting.test_phrase import KNEE


def unsure(probability: float, **changes):  # type: ignore[no-untyped-def]
    known = {"verdict": "not_sure", "probability": probability, "value": 86.0, "deviation": 0.0, "severity": 0.0}
    return finding(KNEE.words, **(known | changes))


def test_the_posterior_is_bayes_rule_in_odds() -> None:
    found = support(verdict(probability=0.5), 0.8)
    assert (found.likelihood, found.posterior) == (pytest.approx(1.0), pytest.approx(0.8))
    assert support(verdict(probability=0.2), 0.8).posterior == pytest.approx(0.5)
    assert math.isnan(support(verdict(probability=math.nan), 0.8).posterior)


@pytest.mark.parametrize(("probability", "is_said"), [(0.95, True), (0.3, True), (0.19, False), (0.01, False)])
def test_an_unsure_measurement_is_said_where_the_trainer_names_the_fault(probability: float, is_said: bool) -> None:
    choice = said("go deeper", [unsure(probability)])
    assert bool(choice.cues) is is_said
    assert not said("go deeper", [unsure(probability)], options=RewriteOptions(policy="supported")).cues


def test_what_cannot_be_told_has_a_reason_of_its_own() -> None:
    choice = said("go deeper", [unsure(0.15)])
    assert (choice.reason, choice.closest) == ("not_sure", "v1")


def test_a_trainer_who_names_nothing_is_no_evidence() -> None:
    assert not said("Watch your form", [unsure(0.5)]).cues
    assert said("Watch your form", [unsure(0.95, verdict="violation")]).cues


def test_a_value_beyond_its_goal_is_never_said_to_fall_short() -> None:
    assert not said("go deeper", [unsure(0.9, value=95.0)]).cues


def test_the_faulty_side_is_that_of_goal_reference_and_good_repetitions() -> None:
    low = verdict(value=80.0, goal=90.0, reference=100.0)
    assert on_faulty_side(low, [88.0, 92.0])
    assert not on_faulty_side(low, [79.0, 78.0])
    assert not on_faulty_side(verdict(value=80.0, goal=90.0, reference=75.0), [])
    high = verdict(value=40.0, low=-math.inf, high=43.0, goal=35.0)
    assert on_faulty_side(high, [30.0]) and not on_faulty_side(high, [42.0])


@pytest.mark.parametrize("policy", ["evidence", "supported", "paper"])
def test_no_policy_says_the_opposite_of_the_trainer(policy: str) -> None:
    choice = said("You're going too low, come up", [KNEE], options=RewriteOptions(policy=policy))  # type: ignore[arg-type]
    assert (rules_of(choice), choice.reason) == ([], "contradicts")


def test_the_paper_policy_tells_within_bounds_apart() -> None:
    fine = finding(KNEE.words, verdict="pass", probability=0.0, value=95.0, deviation=0.0, severity=0.0)
    assert rules_of(said("go deeper", [fine], options=RewriteOptions(policy="paper"))) == ["error:knees_shallow"]
    skipped = said("go deeper", [fine], options=RewriteOptions(policy="paper", paper_skip=True))
    assert (skipped.cues, skipped.reason) == ((), "within_bounds")
