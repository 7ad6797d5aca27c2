"""Which measurement a feedback is about: agreement with the trainer's words, and honest reasons for none."""

from __future__ import annotations

import math
from typing import Any

import pytest

from qevd_bio.feedback.intent import classify_intent
from qevd_bio.rewriting.agree import match, wish
from qevd_bio.rewriting.choose import choose, cycles_before
from qevd_bio.rewriting.evidence import Finding
from qevd_bio.rewriting.options import RewriteOptions
from qevd_bio.rewriting.rules import RuleWords
from tests.made_rows import cycle_row
from tests.rewriting.test_phrase import KNEE, finding

LEANING = RuleWords(("lumbar", "thorax"), ("chest", "back", "body"), ("up", "back", "straighter", "higher"))


def lean(**changes: Any) -> Finding:
    known = {
        "id": "v9",
        "rule": "error:leaning",
        "quantity": "trunk_lean_deg",
        "side": "",
        "value": 62.0,
        "goal": 45.0,
        "low": -math.inf,
        "high": 50.0,
    }
    return finding(LEANING, **(known | changes))


def rule(verdict: str, parts: tuple[str, ...], directions: tuple[str, ...], side: str = "") -> Finding:
    """A rule that was judged, which trainers speak of in these words."""
    sure = {"violation": 0.99, "pass": 0.01}.get(verdict, math.nan)
    return finding(RuleWords((), parts, directions), rule="error:other", verdict=verdict, side=side, probability=sure)


LEAN = lean()
HIP = finding(id="v5", rule="error:hips_shallow", quantity="hip_flexion", severity=0.7)
OPTIONS = RewriteOptions()
PAPER = RewriteOptions(policy="paper")
CYCLES = tuple(cycle_row(cycle=number, start_s=2.0 * number, end_s=2.0 * number + 2) for number in range(3))


def asked(text: str):  # type: ignore[no-untyped-def]
    return wish(classify_intent(text), text)


def said(
    text: str,
    findings: list[Finding],
    time_s: float = 2.5,
    options: RewriteOptions = OPTIONS,
):  # type: ignore[no-untyped-def]
    def judged(cycle: int) -> list[Finding]:
        return [f for f in findings if f.verdict.cycle == cycle]

    return choose(asked(text), time_s, CYCLES, judged, options)


def rules_of(choice) -> list[str]:  # type: ignore[no-untyped-def]
    return [cue[0].verdict.rule for cue in choice.cues]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Lower your body more", "error:knees_shallow"),
        ("go deeper", "error:knees_shallow"),
        ("Bend your knees more!", "error:knees_shallow"),
        ("Don't lean forward so much", "error:leaning"),
        ("Chest up!", "error:leaning"),
        ("keep your back straight", "error:leaning"),
    ],
)
def test_the_violation_that_the_trainer_names_is_said_first(text: str, name: str) -> None:
    assert rules_of(said(text, [LEAN, KNEE]))[0] == name


def test_a_violation_that_nobody_named_is_not_said() -> None:
    choice = said("Keep your elbows in", [LEAN, KNEE, rule("pass", ("elbows",), ("in",))])
    assert (choice.cues, choice.reason) == ((), "within_bounds")


def test_the_opposite_is_never_said() -> None:
    choice = said("You're going too low", [KNEE])
    assert (choice.cues, choice.reason) == ((), "contradicts")


def test_vague_words_take_the_gravest_hard_violation() -> None:
    vague = "Watch your form"
    assert rules_of(said(vague, [lean(severity=0.9, alarm="soft"), HIP, KNEE]))[0] == "error:knees_shallow"


def test_both_sides_join_and_a_second_quantity_may_follow() -> None:
    left = finding(side="l", id="v2")
    choice = said("go lower", [KNEE, left, HIP])
    assert [[f.verdict.id for f in cue] for cue in choice.cues] == [["v1", "v2"], ["v5"]]
    assert len(said("go lower", [KNEE, left, HIP], options=RewriteOptions(max_cues=1)).cues) == 1


def test_the_named_side_comes_first() -> None:
    left = finding(side="l", id="v2", severity=0.1)
    choice = said("bend your left knee more", [KNEE, left], options=RewriteOptions(max_cues=1))
    assert choice.cues[0][-1].verdict.side == "l"


def test_the_running_repetition_counts_once_it_has_failed() -> None:
    running = finding(cycle=1, at_s=3.0)
    before = LEAN
    assert said("go lower", [running, before], time_s=3.2).cycle == 1
    assert said("go lower", [running], time_s=2.9).reason == "not_observed"


def test_old_repetitions_are_not_meant() -> None:
    assert cycles_before(CYCLES, 30.0, 6.0) == []
    assert said("go lower", [KNEE], time_s=30.0).reason == "no_cycle"
    assert [c.cycle for c in cycles_before(CYCLES, 4.5, 6.0)] == [2, 1]


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([], "no_rule"),
        ([rule("not_judged", ("knees",), ("deeper", "lower"))], "not_observed"),
        ([rule("pass", ("knees",), ("deeper", "lower"))], "within_bounds"),
        ([rule("pass", ("elbows",), ("in",))], "no_rule"),
    ],
)
def test_reasons(rules: list[Finding], reason: str) -> None:
    assert said("go lower", rules).reason == reason


def test_the_paper_policy_speaks_from_the_context_but_only_of_what_was_measured() -> None:
    assert rules_of(said("Keep your elbows in", [LEAN, KNEE], options=PAPER)) == [
        "error:knees_shallow",
        "error:leaning",
    ]
    passed = finding(verdict="pass", value=95.0)
    choice = said("go lower", [passed], options=PAPER)
    assert choice.cues == ((passed,),)
    assert said("go lower", [], options=PAPER).reason == "no_rule"


def test_words_are_compared_in_one_vocabulary() -> None:
    found = match(asked("push your knees out"), ("knees",), ("out", "wider"), "")
    assert (found.part, found.direction, found.contradicts) == (True, True, False)
    found = match(asked("you're leaning too far forward"), LEANING.parts, LEANING.directions, "")
    assert found.direction


def test_a_rules_own_phrase_is_full_agreement() -> None:
    words = RuleWords((), ("feet",), ("smaller",), says=("smaller jumps",))
    small = finding(words, rule="error:jumps_big", alarm="soft")
    choice = said("Smaller jumps, please!", [small])
    assert rules_of(choice) == ["error:jumps_big"]
    assert said("Smaller steps, please!", [small]).cues == ()
