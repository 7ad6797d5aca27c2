"""The ideal rewritten feedback: what a rewriting that saw everything would say instead of a correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qevd_bio.exercise.rules import Exercise, FormError
from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.simulation.coach.true_verdicts import Judged

_SIDES = {"r": "right ", "l": "left ", "": ""}
_DECIMALS = {"deg": 0, "s": 1, "ratio": 2, "fraction": 2}
_SIGNS = {"deg": "°", "s": " s", "ratio": "", "fraction": ""}


@dataclass(frozen=True)
class Ideal:
    """The measurement behind an ideal sentence, and the sentence."""

    judged: Judged
    goal: float
    text: str


def ideal(exercise: Exercise, rule: str, judged: Sequence[Judged]) -> Ideal | None:
    """The ideal sentence for form error `rule` on a repetition; None where the motion does not show it."""
    error = {error.id: error for error in exercise.errors}[rule]
    found = [j for j in judged if j.rule == f"error:{rule}" and j.beyond]
    if not found:
        return None
    worst = max(found, key=lambda j: abs(j.beyond))
    return Ideal(worst, error.goal, _sentence(exercise, error, worst))


def _sentence(exercise: Exercise, error: FormError, judged: Judged) -> str:
    """Measured value, moment, target, correction: the order of BioCoach's own example."""
    words = vocabulary().quantities[judged.quantity]
    digits, sign = _DECIMALS[judged.unit], _SIGNS[judged.unit]
    value, goal = round(judged.value, digits), round(error.goal, digits)
    negative = bool(words.negative_name) and value < 0 and goal <= 0
    name = words.negative_name if negative else words.name
    if negative:
        value, goal = -value, -goal
    more = goal > value
    action = (
        (words.increase if more else words.decrease)
        if not negative
        else (words.negative_increase if not more else words.negative_decrease)
    )
    phrase = next((f" {key.phrase}" for key in exercise.keys if key.name == error.at), "")
    said = f"{_SIDES[judged.side]}{name} {value:.{digits}f}{sign}{phrase} (target: {goal:.{digits}f}{sign}). "
    return f"{said[0].upper()}{said[1:]}{action[0].upper()}{action[1:]}: {error.fix}."
