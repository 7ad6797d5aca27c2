"""Which clip shows which fault, as people labelled it: CSV with the columns clip, exercise, fault, present."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qevd_bio.dataset.names import load_names
from qevd_bio.exercise.rules import Exercise
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import why_unreadable

COLUMNS = ("clip", "exercise", "fault", "present")
_WORDS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True)
class FaultLabel:
    """One label. `clip` is "split/video", or "video" where that is enough; `fault` the id of a form error.

    participant  whose clip it is; "" where not said, then each clip counts as a person of its own
    """

    clip: str
    exercise: str
    fault: str
    present: bool
    participant: str = ""

    @property
    def person(self) -> str:
        return self.participant or self.clip


def read_labels(
    paths: Sequence[Path], catalogue: Mapping[str, Exercise], user_refs: Path | None = None
) -> list[FaultLabel]:
    """The labels of all files, the last of the same clip and fault. UserError names file and line."""
    found: dict[tuple[str, str, str], FaultLabel] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(why_unreadable(error), where=path, expected=f"CSV: {', '.join(COLUMNS)}") from error
        reader = csv.DictReader(io.StringIO(text, newline=""))
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise UserError(
                f"has no column {missing[0]!r}", where=path, expected=", ".join((*COLUMNS, "[participant]"))
            )
        for row in reader:
            label = _label(row, f"{path}:{reader.line_num}", catalogue, user_refs)
            found[label.clip, label.exercise, label.fault] = label
    if not found:
        raise UserError("there is no label", where=", ".join(map(str, paths)), expected="at least one line")
    return list(found.values())


def _label(
    row: Mapping[str, str | None], where: str, catalogue: Mapping[str, Exercise], user_refs: Path | None
) -> FaultLabel:
    clip, written, fault, present = ((row[name] or "").strip() for name in COLUMNS)
    if not clip:
        raise UserError("the clip has no name", where=where, expected="split/video, or video")
    name = load_names(user_refs).lookup(written)
    if name is None or name.id not in catalogue:
        raise UserError(f"unknown exercise {written[:60]!r}", where=where, expected="one of `qevd-bio refs show`")
    rules = {error.id for error in catalogue[name.id].errors}
    fault = fault.removeprefix("error:")
    if fault not in rules:
        raise UserError(f"{name.id} has no fault {fault[:60]!r}", where=where, expected=", ".join(sorted(rules)))
    if present.lower() not in _WORDS:
        raise UserError(f"present is {present[:20]!r}", where=where, expected="1 or 0 (yes, no, true, false)")
    return FaultLabel(clip, name.id, fault, _WORDS[present.lower()], (row.get("participant") or "").strip())
