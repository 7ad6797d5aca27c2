"""Which rule a trainer's sentence points to: corrections for all exercises, with the rule that each should reach.

The sentences are of the kind that trainers say in QEVD; `none` marks those for which the exercise has no rule.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from qevd_bio.exercise.catalogue import load
from qevd_bio.feedback.intent import classify_intent
from qevd_bio.rewriting.agree import match, wish

with Path(__file__).with_name("corrections.csv").open(encoding="utf-8") as stream:
    CORRECTIONS = [(row["exercise"], row["text"], row["rule"]) for row in csv.DictReader(stream)]
KNOWN = load()


def reached(exercise: str, text: str) -> set[str]:
    """The rules that agree best with the sentence; empty where none does."""
    asked = wish(classify_intent(text), text)
    found = {}
    for error in KNOWN[exercise].errors:
        fits = match(asked, error.parts, error.directions, "", error.says)
        named = fits.said or (fits.direction and (fits.part or not asked.parts)) or (fits.part and not asked.wanted)
        if named and not fits.contradicts:
            found[error.id] = fits.score
    best = max(found.values(), default=0.0)
    return {name for name, score in found.items() if score == best}


def outcomes() -> dict[str, list[tuple[str, str, str, set[str]]]]:
    told: dict[str, list[tuple[str, str, str, set[str]]]] = {"right": [], "several": [], "wrong": [], "missed": []}
    for exercise, text, rule in CORRECTIONS:
        rules = reached(exercise, text)
        expected = set() if rule == "none" else {rule}
        kind = "right" if rules == expected else "missed" if not rules else "several" if rule in rules else "wrong"
        told[kind].append((exercise, text, rule, rules))
    return told


def test_every_expected_rule_is_one_of_the_exercise() -> None:
    assert len(CORRECTIONS) >= 200 and {exercise for exercise, _, _ in CORRECTIONS} == set(KNOWN)
    for exercise, _, rule in CORRECTIONS:
        assert rule == "none" or rule in {error.id for error in KNOWN[exercise].errors}, (exercise, rule)


@pytest.mark.parametrize("exercise", sorted(KNOWN))
def test_no_sentence_reaches_a_rule_that_asks_for_the_opposite(exercise: str) -> None:
    opposites = {"hips_high": "hips_sag", "hips_sag": "hips_high", "leaning_back": "leaning_forward"}
    for own, text, rule in CORRECTIONS:
        if own == exercise and rule in opposites:
            assert opposites[rule] not in reached(exercise, text), text


def test_nearly_all_sentences_reach_their_rule() -> None:
    told = {kind: len(found) for kind, found in outcomes().items()}
    assert told["right"] >= 150 and told["wrong"] + told["missed"] <= 4, told
