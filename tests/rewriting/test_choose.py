"""Which measurement a feedback is about: agreement with the trainer's words, and honest reasons for none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qevd_bio.feedback.intent import classify_intent
from qevd_bio.rewriting.agree import match, wish
from qevd_bio.rewriting.choose import Cycle, Judged, Rule, choose, cycles_before
from qevd_bio.rewriting.finding import Finding
from qevd_bio.rewriting.options import RewriteOptions
from tests.rewriting.test_phrase import KNEE

LEAN = replace(
    KNEE, violation_id="v9", rule="error:leaning", quantity="trunk_lean_deg", side="", value=62.0, goal=45.0,
    joints=("lumbar", "thorax"), parts=("chest", "back", "body"), directions=("up", "back", "straighter", "higher"),
)  # fmt: skip
HIP = replace(KNEE, violation_id="v5", rule="error:hips_shallow", quantity="hip_flexion", joints=("hip",), severity=0.7)
OPTIONS = RewriteOptions()
PAPER = RewriteOptions(policy="paper")
CYCLES = (Cycle(0, 0.0, 2.0), Cycle(1, 2.0, 4.0), Cycle(2, 4.0, 6.0))


def asked(text: str):  # type: ignore[no-untyped-def]
    return wish(classify_intent(text), text)


def said(
    text: str,
    findings: list[Finding],
    time_s: float = 2.5,
    options: RewriteOptions = OPTIONS,
    rules: tuple[Rule, ...] = (),
):  # type: ignore[no-untyped-def]
    def judged(cycle: int) -> Judged:
        return Judged(tuple(f for f in findings if f.cycle == cycle), tuple(r for r in rules if r.cycle == cycle))

    return choose(asked(text), time_s, CYCLES, judged, options)


def rules_of(choice) -> list[str]:  # type: ignore[no-untyped-def]
    return [cue[0].rule for cue in choice.cues]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Lower your body more", "error:knees_shallow"),
        ("go deeper", "error:knees_shallow"),
        ("Bend your knees more!", "error:knees_shallow"),
        ("Don't lean forward so much", "error:leaning"),
        ("Chest up!", "error:leaning"),
        ("keep your back straight", "error:leaning"),
    ],
)
def test_the_violation_that_the_trainer_names_is_said_first(text: str, rule: str) -> None:
    assert rules_of(said(text, [LEAN, KNEE]))[0] == rule


def test_a_violation_that_nobody_named_is_not_said() -> None:
    choice = said("Keep your elbows in", [LEAN, KNEE], rules=(Rule(0, "pass", ("elbows",), ("in",), ""),))
    assert (choice.cues, choice.reason) == ((), "within_bounds")


def test_the_opposite_is_never_said() -> None:
    rules = (Rule(0, "violation", KNEE.parts, KNEE.directions, "r"),)
    choice = said("You're going too low", [KNEE], rules=rules)
    assert (choice.cues, choice.reason) == ((), "contradicts")


def test_vague_words_take_the_gravest_hard_violation() -> None:
    vague = "Watch your form"
    assert rules_of(said(vague, [replace(LEAN, severity=0.9, alarm="soft"), HIP, KNEE]))[0] == "error:knees_shallow"


def test_both_sides_join_and_a_second_quantity_may_follow() -> None:
    left = replace(KNEE, side="l", violation_id="v2")
    choice = said("go lower", [KNEE, left, HIP])
    assert [[f.violation_id for f in cue] for cue in choice.cues] == [["v1", "v2"], ["v5"]]
    assert len(said("go lower", [KNEE, left, HIP], options=RewriteOptions(max_cues=1)).cues) == 1


def test_the_named_side_comes_first() -> None:
    left = replace(KNEE, side="l", violation_id="v2", severity=0.1)
    choice = said("bend your left knee more", [KNEE, left], options=RewriteOptions(max_cues=1))
    assert choice.cues[0][-1].side == "l"


def test_the_running_repetition_counts_once_it_has_failed() -> None:
    running = replace(KNEE, cycle=1, key_s=3.0)
    before = replace(LEAN, cycle=0)
    assert said("go lower", [running, before], time_s=3.2).cycle == 1
    assert said("go lower", [running], time_s=2.9).reason == "no_rule"


def test_old_repetitions_are_not_meant() -> None:
    assert cycles_before(CYCLES, 30.0, 6.0) == []
    assert said("go lower", [KNEE], time_s=30.0).reason == "no_cycle"
    assert [c.cycle for c in cycles_before(CYCLES, 4.5, 6.0)] == [2, 1]


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ((), "no_rule"),
        ((Rule(0, "not_judged", ("knees",), ("deeper", "lower"), ""),), "not_observed"),
        ((Rule(0, "pass", ("knees",), ("deeper", "lower"), ""),), "within_bounds"),
        ((Rule(0, "pass", ("elbows",), ("in",), ""),), "no_rule"),
    ],
)
def test_reasons(rules: tuple[Rule, ...], reason: str) -> None:
    assert said("go lower", [], rules=rules).reason == reason


def test_the_paper_policy_speaks_from_the_context_but_only_of_what_was_measured() -> None:
    assert rules_of(said("Keep your elbows in", [LEAN, KNEE], options=PAPER)) == [
        "error:knees_shallow",
        "error:leaning",
    ]
    passed = replace(KNEE, verdict="pass", value=95.0)
    choice = said("go lower", [passed], options=PAPER)
    assert choice.cues == ((passed,),)
    assert said("go lower", [], options=PAPER).reason == "no_rule"


def test_words_are_compared_in_one_vocabulary() -> None:
    found = match(asked("push your knees out"), ("knees",), ("out", "wider"), "")
    assert (found.part, found.direction, found.contradicts) == (True, True, False)
    found = match(asked("you're leaning too far forward"), LEAN.parts, LEAN.directions, "")
    assert found.direction


def test_a_rules_own_phrase_is_full_agreement() -> None:
    small = replace(
        KNEE, rule="error:jumps_big", says=("smaller jumps",), parts=("feet",), directions=("smaller",), alarm="soft"
    )
    choice = said("Smaller jumps, please!", [small])
    assert rules_of(choice) == ["error:jumps_big"]
    assert said("Smaller steps, please!", [small]).cues == ()
