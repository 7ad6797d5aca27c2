"""Re-derive every number of every rewritten sentence from the rows of violations.parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qevd_bio.rewriting.evidence import number_fields
from qevd_bio.rewriting.numbers import numbers_in, shown_numbers
from qevd_bio.tables.rewritten import REWRITTEN


@dataclass(frozen=True)
class Mismatch:
    """A number that cannot be re-derived: where, which, and why."""

    key: str
    digits: str
    problem: str


def check_numbers(rows: Iterable[Mapping[str, Any]], violations: Mapping[str, Mapping[str, Any]]) -> list[Mismatch]:
    """Compare the numbers of each rewritten text with its evidence; an empty list means that all agree.

    rows        rows of the table `bio_feedbacks`
    violations  rows of the motion table by id
    """
    found = []
    for row in rows:
        key = f"{row['split']}/{row['video']}/{row['span']}"
        said = numbers_in(row["text"]) if row["status"] == REWRITTEN else []
        evidence = json.loads(row["numbers"])
        if [entry[0] for entry in evidence] != said:
            found.append(Mismatch(key, " ".join(said), "the text's numbers are not those of its evidence"))
            continue
        for digits, violation_id, field in evidence:
            source = violations.get(violation_id)
            if source is None:
                found.append(Mismatch(key, digits, f"no violation {violation_id}"))
            elif shown_numbers(number_fields(source)).get(field) != digits:
                derived = shown_numbers(number_fields(source)).get(field)
                found.append(Mismatch(key, digits, f"{field} of {violation_id} is {derived}"))
    return found
