"""Re-derive every number of every rewritten sentence from the verdicts behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qevd_bio.exercise.wording import numbers_in, shown_numbers
from qevd_bio.tables.rewritten import REWRITTEN, FeedbackRow
from qevd_bio.tables.verdicts import Verdict


@dataclass(frozen=True)
class Mismatch:
    """A number that cannot be re-derived: where, which, and why."""

    key: str
    digits: str
    problem: str


def check_numbers(rows: Iterable[FeedbackRow], verdicts: Mapping[str, Verdict]) -> list[Mismatch]:
    """Compare the numbers of each rewritten text with the verdicts (by id) that they come from; [] if all agree."""
    found = []
    for row in rows:
        key = f"{row.split}/{row.video}/{row.span}"
        in_text = numbers_in(row.text) if row.status == REWRITTEN else []
        if [number.digits for number in row.said] != in_text:
            found.append(Mismatch(key, " ".join(in_text), "the text's numbers are not those of its evidence"))
            continue
        for digits, verdict_id, field in row.said:
            source = verdicts.get(verdict_id)
            derived = shown_numbers(source).get(field) if source is not None else None
            if source is None:
                found.append(Mismatch(key, digits, f"no verdict {verdict_id}"))
            elif derived != digits:
                found.append(Mismatch(key, digits, f"{field} of {verdict_id} is {derived}"))
    return found
