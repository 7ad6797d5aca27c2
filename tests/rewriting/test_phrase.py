"""Sentences: what is said is what was measured, in correct English, in several ways."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.exercise.wording import digits, numbers_in, shown_numbers
from qevd_bio.rewriting.evidence import Finding
from qevd_bio.rewriting.phrase import phrase
from qevd_bio.rewriting.rules import RuleWords, words_of
from tests.made_rows import verdict

WORDS = RuleWords(
    joints=("knee",),
    parts=("knees", "legs", "body"),
    directions=("deeper", "lower", "down", "bend"),
    fix="bend the knees further",
    rationale="a thigh near horizontal trains the thigh over its useful range",
)


def finding(words: RuleWords = WORDS, phase: str = "at the bottom", **changes: Any) -> Finding:
    """The shallow squat with other words, or another verdict."""
    return Finding(verdict(**changes), words, phase)


KNEE = finding()


def all_phrasings(cue: tuple[Finding, ...], count: int = 8) -> list[str]:
    return [phrase(cue, "seed", rationale=False, variant=n).text for n in range(count)]


def test_the_papers_example_is_among_the_phrasings() -> None:
    knee = finding(side="")
    assert "Knee flexion 85° (target: 90°). Increase knee flexion by 5° at the bottom." in all_phrasings((knee,))


def test_every_phrasing_has_value_target_correction_and_phase() -> None:
    texts = all_phrasings((KNEE,))
    assert len(set(texts)) == 8
    for text in texts:
        assert sorted(numbers_in(text)) == ["5", "85", "90"]
        assert "at the bottom" in text.lower()
        assert "ight knee flexion" in text


def test_both_sides_are_one_cue() -> None:
    other = finding(side="l", value=81.6, id="v2")
    said = phrase((KNEE, other), "seed", rationale=False)
    assert "85° right and 82° left" in said.text
    assert "5° right and 8° left" in said.text
    assert {number.verdict_id for number in said.numbers} == {"v1", "v2"}


def test_equal_corrections_are_said_once() -> None:
    other = finding(side="l", id="v2")
    assert phrase((KNEE, other), "seed", rationale=False).text.count("5° right") == phrase(
        (KNEE, other), "seed", rationale=False
    ).text.count("85° right")


def test_the_opposite_movement_is_named_instead_of_a_minus() -> None:
    back = finding(quantity="trunk_lean_deg", side="", stat="min", value=-21.0, goal=-10.0, phase="")
    for text in all_phrasings((back,)):
        assert "backward trunk lean" in text.lower()
        assert "\N{MINUS SIGN}" not in text
    crossing = finding(quantity="trunk_lean_deg", side="", stat="min", value=-12.0, goal=5.0, phase="")
    assert "\N{MINUS SIGN}12°" in all_phrasings((crossing,))[0]


def test_limbs_are_named_by_side_or_both() -> None:
    arm, left = (finding(quantity="shoulder_elevation", value=120.0, goal=150.0, side=side) for side in "rl")
    assert any("aise the right arm by 30°" in text for text in all_phrasings((arm,)))
    pair = (arm, left)
    assert any("aise both arms by 30°" in text for text in all_phrasings(pair))


def test_a_joint_that_should_be_still() -> None:
    spine = finding(
        kind="static", joint="lumbar", side="", quantity="lumbar_extension", stat="std", value=12.3, goal=5.0
    )
    texts = all_phrasings((spine,), 4)
    assert any(text.startswith("Lumbar spine variation 12° (target: under 5°).") for text in texts)
    assert all(sorted(numbers_in(text)) == ["12", "5", "7"] for text in texts)


def test_the_seed_decides_and_spreads() -> None:
    seeds = [phrase((KNEE,), f"{n}", rationale=False).text for n in range(200)]
    assert phrase((KNEE,), "7", rationale=False).text == seeds[7]
    counts = {text: seeds.count(text) for text in seeds}
    assert len(counts) == 8
    assert max(counts.values()) < 60


def test_an_empty_cue_is_refused() -> None:
    with pytest.raises(ValueError, match="a cue needs a finding"):
        phrase((), "seed")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(84.5001, "deg", "85"), (-0.3, "deg", "0"), (0.724, "ratio", "0.72"), (0.117, "fraction", "12"), (0.96, "s", "1.0"),
     (-12.4, "deg", "\N{MINUS SIGN}12")],
)  # fmt: skip
def test_digits(value: float, unit: str, shown: str) -> None:
    assert digits(value, unit) == shown


@given(st.floats(-170, 170), st.floats(-170, 170))
def test_value_and_change_add_up_as_shown(value: float, goal: float) -> None:
    shown = {
        key: float(text.replace("\N{MINUS SIGN}", "-"))
        for key, text in shown_numbers(verdict(value=value, goal=goal)).items()
    }
    assert abs(shown["goal"] - shown["value"]) == shown["change"]


def _cases() -> list[tuple[str, Finding]]:
    """A finding for each rule of each exercise, missed by a fifth in the direction in which the rule can be missed."""
    cases = []
    for exercise in load().values():
        for rule in (*exercise.errors, *exercise.targets):
            kind = "error" if rule in exercise.errors else "target"
            wording = vocabulary().quantities[rule.quantity]
            low, high = rule.bounds if kind == "error" else rule.range  # type: ignore[union-attr]
            step = {"deg": 15.0, "ratio": 0.2, "fraction": 0.08, "s": 0.6}[wording.unit]
            for value, bound in ((low - step, low), (high + step, high)):
                if abs(value) == float("inf"):
                    continue
                goal = rule.goal if kind == "error" else bound  # type: ignore[union-attr]
                words = words_of(exercise, f"{kind}:{rule.id}", "knee_r", rule.quantity, goal > value)
                side = "r" if wording.sided else ""
                missed = finding(
                    words, kind=kind, rule=f"{kind}:{rule.id}", quantity=rule.quantity, side=side, limb=rule.limb,
                    stat=rule.stat, value=value, goal=goal, unit=wording.unit,
                )  # fmt: skip
                cases.append((f"{exercise.id}:{rule.id}", missed))
    return cases


@pytest.mark.parametrize(("name", "missed"), _cases(), ids=[name for name, _ in _cases()])
def test_every_rule_of_every_exercise_can_be_said(name: str, missed: Finding) -> None:
    for variant in range(8):
        said = phrase((missed,), name, rationale=True, variant=variant)
        assert [number.digits for number in said.numbers] == numbers_in(said.text)
        assert said.text[0].isupper() or said.text[0].isdigit()
        assert said.text.endswith(".")
        assert not re.search(r"\s{2}|\.\.|\s[.,;:]|None|nan|inf", said.text)
        assert len(said.text.split()) < 75
