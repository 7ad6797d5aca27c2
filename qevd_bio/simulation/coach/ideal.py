"""The ideal rewritten feedback: what a rewriting that saw everything would say instead of a correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.wording import capital, say
from qevd_bio.simulation.coach.true_verdicts import beyond
from qevd_bio.tables.verdicts import ERROR, Verdict


@dataclass(frozen=True)
class Ideal:
    """The measurement behind an ideal sentence, and the sentence."""

    verdict: Verdict
    text: str


def ideal(exercise: Exercise, rule: str, verdicts: Sequence[Verdict]) -> Ideal | None:
    """The ideal sentence for form error `rule` on a repetition; None where the motion does not show it.

    Measured value, moment, target, correction: the order of BioCoach's own example.
    """
    found = [verdict for verdict in verdicts if verdict.rule == f"{ERROR}:{rule}" and beyond(verdict)]
    if not found:
        return None
    worst = max(found, key=lambda verdict: abs(beyond(verdict)))
    fix = {error.id: error.fix for error in exercise.errors}[rule]
    said = say(worst)
    moment = f" {worst.key}" if worst.key else ""
    text = f"{capital(said.subject)} {said.value}{moment} (target: {said.goal}). {capital(said.action)}: {fix}."
    return Ideal(worst, text)
