"""A finding in four short texts: what, how much, what to do, why. None is ever empty."""

from __future__ import annotations

from dataclasses import dataclass

from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.exercise.wording import capital, say, sentence
from qevd_bio.tables.verdicts import STILL, Verdict

_STILL = "A joint that stays still lets the others do the work of the exercise."


@dataclass(frozen=True)
class Explained:
    """One verdict as pages show it: "Right knee flexion at the bottom", "78° (target: 90°)", "Bend …", "A thigh …"."""

    what: str
    much: str
    do: str
    why: str


def explain(verdict: Verdict, exercise: Exercise | None) -> Explained:
    """The words of a measured verdict; without the exercise, those of its quantity alone.

    Raises KeyError for a quantity or joint that the vocabulary does not have.
    """
    said = say(verdict)
    errors = () if exercise is None else exercise.errors
    error = next((e for e in errors if f"error:{e.id}" == verdict.rule), None)
    why = (error.rationale if error is not None else "") or reason_of(verdict)
    moment = f" {verdict.key}" if verdict.key else ""
    return Explained(
        what=f"{capital(said.subject)}{moment}",
        much=f"{said.value} (target: {said.goal})",
        do=sentence(error.fix if error is not None else said.action),
        why=sentence(why),
    )


def reason_of(verdict: Verdict) -> str:
    """Why the quantity matters, where the rule itself gives no reason."""
    if verdict.kind in STILL:
        return _STILL
    return vocabulary().quantities[verdict.quantity].why
