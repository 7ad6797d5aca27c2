"""Predictions of comments and scores, matched to their instances."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import why_unreadable
from qevd_bio.tables.coaching import INSTANCES, INSTANCES_FILE, CoachingInstance

_EXPECTED = "JSON lines with id, score (a number or null) and commentary (a text or null)"


@dataclass(frozen=True)
class Predicted:
    """One prediction; None for what the system does not give."""

    id: str
    score: float | None
    commentary: str | None
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Matched:
    """Instances of the split in their order with the prediction of each, None where there is none."""

    instances: Sequence[CoachingInstance]
    predictions: Sequence[Predicted | None]

    def scored(self) -> list[int]:
        """Places that have both a true and a predicted score."""
        return [
            place
            for place, (one, said) in enumerate(zip(self.instances, self.predictions, strict=True))
            if said is not None and said.score is not None and math.isfinite(one.score)
        ]

    def commented(self) -> list[int]:
        """Places that have a predicted comment; an empty one counts."""
        return [
            place for place, said in enumerate(self.predictions) if said is not None and said.commentary is not None
        ]

    def clusters(self, places: Sequence[int]) -> tuple[NDArray[np.intp], int]:
        """The take of each place as a number, and how many takes there are."""
        takes = [self.instances[place].take for place in places]
        names = {name: number for number, name in enumerate(dict.fromkeys(takes))}
        return np.array([names[name] for name in takes], np.intp), len(names)

    def about(self, name: str) -> str:
        """What the predictions say of `name` (system, mention_mask); "mixed" where they differ."""
        values = {str(said.about.get(name)) for said in self.predictions if said is not None and name in said.about}
        return values.pop() if len(values) == 1 else "mixed" if values else "unknown"


def read_predictions(path: Path) -> list[Predicted]:
    """The lines of a file of predictions. UserError names the line that cannot be read, and ids given twice."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(why_unreadable(error), where=path, expected=_EXPECTED) from error
    found: list[Predicted] = []
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        one = _prediction(line, f"{path}, line {number}")
        if one.id in seen:
            raise UserError(f"{one.id} is predicted twice", where=f"{path}, line {number}", expected="each id once")
        seen.add(one.id)
        found.append(one)
    return found


def _prediction(line: str, place: str) -> Predicted:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise UserError(f"is not valid JSON: {error}", where=place, expected=_EXPECTED) from error
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise UserError("no id", where=place, expected=_EXPECTED)
    score, text = value.get("score"), value.get("commentary")
    if score is not None and (
        isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score)
    ):
        raise UserError(f"score is {score!r}", where=place, expected=_EXPECTED)
    if text is not None and not isinstance(text, str):
        raise UserError(f"commentary is {text!r}"[:120], where=place, expected=_EXPECTED)
    return Predicted(value["id"], None if score is None else float(score), text, value)


def match(preds: Path, built: Path, split: str) -> Matched:
    """Predictions beside the instances of a split. UserError for an id that the split does not have."""
    path = built / INSTANCES_FILE if built.is_dir() else built
    if not path.is_file():
        raise UserError("no instances here", where=built, expected=INSTANCES_FILE, fix="qevd-bio techcoach build")
    instances = [one for one in INSTANCES.load(path) if one.split == split]
    if not instances:
        raise UserError(f"no instances of split {split!r}", where=path, expected="--split train, val or test")
    by_id = {one.id: one for one in read_predictions(preds)}
    unknown = sorted(set(by_id) - {one.id for one in instances})
    if unknown:
        raise UserError(
            f"{len(unknown)} predictions are of no instance of {split} ({unknown[0]})", where=preds,
            expected=f"ids of {path}", fix="--split, or --data with the build that was run on",
        )  # fmt: skip
    return Matched(instances, [by_id.get(one.id) for one in instances])
