"""Who is how good (demonstrator proficiency), and what was good or could be better when (demonstration proficiency)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qevd_bio.egoexo.files import field, read_large_json, unwrapped
from qevd_bio.store.errors import UserError

LEVELS = ("Novice", "Early Expert", "Intermediate Expert", "Late Expert")
"""Proficiency of a demonstrator, lowest first."""

_EXPECTED = 'a list of takes, or {"annotations": [a list of takes]}'


@dataclass(frozen=True)
class Demonstrator:
    """How proficient the person of a take is."""

    take_uid: str
    level: str
    scenario: str
    participant: str

    @property
    def rank(self) -> int:
        """0 for a novice to 3 for a late expert."""
        return LEVELS.index(self.level)


@dataclass(frozen=True)
class Moment:
    """A good execution (`good`) or a tip for improvement at a time of the take, with the experts' words."""

    take_uid: str
    time_s: float
    good: bool
    texts: tuple[str, ...]
    expert: str


def read_demonstrators(path: Path) -> dict[str, Demonstrator]:
    """Take uid -> demonstrator. UserError for a level that is none of `LEVELS`."""
    found = {}
    for number, entry in enumerate(_entries(path)):
        place = f"entry {number}"
        uid = field(entry, "take_uid", str, path, place)
        level = field(entry, "proficiency_score", str, path, place)
        if level not in LEVELS:
            raise UserError(f"{place}: proficiency_score {level!r}", where=path, expected=", ".join(LEVELS))
        participant = entry.get("origin_participant_id")
        found[uid] = Demonstrator(
            uid, level, str(entry.get("scenario_name") or ""), "" if participant is None else str(participant)
        )
    return found


def read_moments(path: Path) -> list[Moment]:
    """Good executions and tips of every take, in the order of the file and of their times."""
    moments: list[Moment] = []
    for number, entry in enumerate(_entries(path)):
        uid = field(entry, "take_uid", str, path, f"entry {number}")
        own = [
            Moment(uid, float(one["video_time"]), good, _texts(one.get("list")), str(one.get("expert_uid") or ""))
            for name, good in (("good_executions", True), ("tips_for_improvement", False))
            for one in entry.get(name) or ()
            if isinstance(one, Mapping) and isinstance(one.get("video_time"), (int, float))
        ]
        moments += sorted(own, key=lambda moment: moment.time_s)
    return moments


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(text).strip() for text in value or () if isinstance(text, str) and text.strip())


def _entries(path: Path) -> Sequence[Mapping[str, Any]]:
    value = unwrapped(read_large_json(path, _EXPECTED))
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise UserError("is no list of takes", where=path, expected=_EXPECTED)
    return value
