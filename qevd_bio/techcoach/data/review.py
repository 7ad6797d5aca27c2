"""Sheets on which people check annotations, and their corrections taken back."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qevd_bio.feedback.technique import DIMENSIONS, dimension_index
from qevd_bio.store.atomic import write_text
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_text
from qevd_bio.tables.coaching import CoachingInstance

COLUMNS = ("id", "take", "task", "part", "well", "improve", "remarks", "decision")
SUMMARY = "summary"
"""The part that is the comment on the whole; its text stands in the column `well`."""
KEEP, CHANGE, DROP = "keep", "change", "drop"


@dataclass(frozen=True)
class Correction:
    """What a person decided on one part of an instance: keep, change (to the texts given) or drop the instance."""

    id: str
    part: str
    well: str
    improve: str
    decision: str


def write_sheet(path: Path, instances: Sequence[CoachingInstance]) -> None:
    """A CSV with a line for each filled dimension and for the comment; the column `decision` is empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in instances:
        remarks = " | ".join(one.raw)
        for name, well, improve in zip(DIMENSIONS, one.well, one.improve, strict=True):
            if well or improve:
                writer.writerow([one.id, one.take, one.task, name, well, improve, remarks, ""])
        writer.writerow([one.id, one.take, one.task, SUMMARY, one.summary, "", remarks, ""])
    write_text(path, buffer.getvalue())


def read_sheet(path: Path) -> list[Correction]:
    """Lines with a decision. UserError names a line that cannot be read."""
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    missing = {"id", "part", "well", "improve", "decision"} - set(reader.fieldnames or ())
    if missing:
        raise UserError(f"no column {', '.join(sorted(missing))}", where=path, expected=", ".join(COLUMNS))
    found = []
    for row in reader:
        decision = (row["decision"] or "").strip().lower()
        if not decision:
            continue
        if decision not in (KEEP, CHANGE, DROP):
            raise UserError(
                f"line {reader.line_num}: decision {decision!r}", where=path, expected=f"{KEEP}, {CHANGE} or {DROP}"
            )
        if row["part"] != SUMMARY and dimension_index(row["part"]) is None:
            raise UserError(f"line {reader.line_num}: part {row['part']!r}", where=path, expected=", ".join(DIMENSIONS))
        found.append(Correction(row["id"], row["part"], row["well"].strip(), row["improve"].strip(), decision))
    return found


def corrected(
    instances: Sequence[CoachingInstance], corrections: Sequence[Correction]
) -> tuple[list[CoachingInstance], Counter[str]]:
    """Instances with the corrections applied, and how many decisions there were of each kind (`unknown_id` too)."""
    by_id = {one.id: one for one in instances}
    counts: Counter[str] = Counter()
    dropped: set[str] = set()
    for correction in corrections:
        one = by_id.get(correction.id)
        if one is None:
            counts["unknown_id"] += 1
            continue
        counts[correction.decision] += 1
        if correction.decision == DROP:
            dropped.add(one.id)
        elif correction.decision == CHANGE:
            by_id[one.id] = _changed(one, correction)
    return [one for one in by_id.values() if one.id not in dropped], counts


def _changed(one: CoachingInstance, correction: Correction) -> CoachingInstance:
    if correction.part == SUMMARY:
        return replace(one, summary=correction.well)
    place = dimension_index(correction.part)
    well, improve = list(one.well), list(one.improve)
    if place is not None:
        well[place], improve[place] = correction.well, correction.improve
    return replace(one, well=well, improve=improve)
