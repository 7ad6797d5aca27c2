"""Rewritten feedback against the ideal one of simulated workouts. Rows in, counts out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qevd_bio.tables.rewritten import REWRITTEN, FeedbackRow
from qevd_bio.tables.truth import TrueFeedback


@dataclass(frozen=True)
class Rewriting:
    """Corrections whose motion shows the fault: how many were rewritten, and how well that agrees with the ideal."""

    corrections: int
    rewritten: int
    same_rule: int
    same_side: int
    value_apart: tuple[float, ...]
    kept_reasons: Mapping[str, int]
    others_changed: int


def compare_rewriting(feedbacks: Sequence[TrueFeedback], rewritten: Sequence[FeedbackRow]) -> Rewriting:
    """Rewritten feedback against the ideal one, correction by correction."""
    found = {(row.split, row.video, row.span): row for row in rewritten}
    shown = changed = same_rule = same_side = total = 0
    apart: list[float] = []
    reasons: Counter[str] = Counter()
    for row in feedbacks:
        other = found.get((row.split, row.video, row.span))
        if other is None:
            continue
        is_rewritten = other.status == REWRITTEN
        if row.intent != "corrective":
            changed += is_rewritten
            continue
        if row.quantity is None:
            continue
        total += 1
        if not is_rewritten:
            reasons[other.reason or "not_corrective"] += 1
            continue
        shown += 1
        if f"error:{row.rule}" in (other.rules or ()):
            same_rule += 1
            same_side += _same_side(row, other)
            apart += _value_apart(row, other)
    return Rewriting(total, shown, same_rule, same_side, tuple(apart), dict(reasons), changed)


def _same_side(row: TrueFeedback, other: FeedbackRow) -> bool:
    ends = {name.rsplit("/", 1)[-1] for name in other.violation_ids or ()}
    return not row.side or row.side in ends


def _value_apart(row: TrueFeedback, other: FeedbackRow) -> list[float]:
    """How far the value said is from the true one, for values in degrees."""
    said = [number.digits for number in other.said if number.field == "value"]
    values = [float(digits.replace("\N{MINUS SIGN}", "-")) for digits in said]
    if row.unit != "deg" or not values:
        return []
    return [min(abs(abs(value) - abs(row.value)) for value in values)]
