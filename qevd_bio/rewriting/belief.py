"""The trainer's words as evidence: how far a measurement bears them out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from qevd_bio.exercise.wording import rounded
from qevd_bio.tables.verdicts import Verdict

_LEAST = 1e-4
"""No measurement is surer than this, so that odds stay finite."""


@dataclass(frozen=True)
class Support:
    """What the trainer's words and the measurement say together of one fault.

    prior       probability of the fault from the trainer's words alone
    likelihood  how many times likelier the measurement is with the fault than without
    posterior   probability of the fault from both
    """

    prior: float
    likelihood: float
    posterior: float


def support(verdict: Verdict, prior: float) -> Support:
    """Bayes' rule in odds; a verdict's own probability is that of even odds beforehand. NaN where not judged."""
    p = min(max(verdict.probability, _LEAST), 1.0 - _LEAST) if math.isfinite(verdict.probability) else math.nan
    ratio = p / (1.0 - p)
    return Support(prior, ratio, prior * ratio / (prior * ratio + 1.0 - prior))


def on_faulty_side(verdict: Verdict, good: Sequence[float]) -> bool:
    """Whether the value, as shown, falls short of its goal, of the reference, and of the person's `good` repetitions.

    `good` are values of the same rule and side in repetitions that kept it; the reference and they count where known.
    """
    below = math.isfinite(verdict.low) and (not math.isfinite(verdict.high) or verdict.value < verdict.goal)
    known = [verdict.goal, verdict.reference, *([median(good)] if good else [])]
    value = rounded(verdict.value, verdict.unit)
    marks = [rounded(mark, verdict.unit) for mark in known if math.isfinite(mark)]
    return bool(marks) and all(value < mark if below else value > mark for mark in marks)
