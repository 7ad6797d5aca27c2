"""Expert commentary of Ego-Exo4D: what experts said at which time of a take, and how they rated the whole take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qevd_bio.egoexo.files import read_large_json, unwrapped
from qevd_bio.store.errors import UserError

_EXPECTED = 'expert commentary: {"ds": …, "annotations": {take_uid: [entry, …]}}'
_RATED = 'an expert\'s data.json with proficiency: {"rating": 1 to 10, "why": …}'


@dataclass(frozen=True)
class Comment:
    """One spoken remark, transcribed. The expert paused at `time_s` and speaks of what was seen until then."""

    time_s: float
    text: str
    expert: str
    recording: str = ""
    duration_s: float | None = None


@dataclass(frozen=True)
class TakeCommentary:
    """All remarks on one take, in the order of their times. `left_out` counts items without text, by reason."""

    take_uid: str
    take_name: str
    comments: tuple[Comment, ...]
    experts: tuple[str, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Rating:
    """How one expert rated a whole take, 1 to 10, and why; the same number holds for every clip of the take."""

    expert: str
    rating: float
    why: str = ""


def read_commentary(path: Path) -> dict[str, TakeCommentary]:
    """Take uid -> commentary of one split's file.

    Items with an error flag, without a text or without a time are left out and counted (`transcription_error`,
    `no_text`, `no_time`). UserError for a file of another form.
    """
    value = unwrapped(read_large_json(path, _EXPECTED))
    if not isinstance(value, Mapping):
        raise UserError(f"holds a {type(value).__name__}", where=path, expected=_EXPECTED)
    return {str(uid): _of_take(str(uid), entries, path) for uid, entries in value.items()}


def _of_take(uid: str, entries: Any, path: Path) -> TakeCommentary:
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise UserError(f"{uid}: not a list of entries", where=path, expected=_EXPECTED)
    comments: list[Comment] = []
    left_out: Counter[str] = Counter()
    experts, name = [], ""
    for entry in entries:
        expert = str(entry.get("commentary") or "").rpartition("/")[2]
        experts.append(expert)
        name = str(entry.get("take_name") or name)
        for item in entry.get("commentary_data") or ():
            found = _comment(item, expert)
            if isinstance(found, Comment):
                comments.append(found)
            else:
                left_out[found] += 1
    comments.sort(key=lambda comment: (comment.time_s, comment.expert))
    return TakeCommentary(uid, name, tuple(comments), tuple(dict.fromkeys(experts)), dict(left_out))


def _comment(item: Mapping[str, Any], expert: str) -> Comment | str:
    """The remark, or why there is none."""
    if item.get("error"):
        return "transcription_error"
    text = item.get("text")
    if not isinstance(text, str) or not text.strip():
        return "no_text"
    time = item.get("video_time")
    if not isinstance(time, (int, float)):
        return "no_time"
    seconds = item.get("duration_approx")
    spoken = float(seconds) if isinstance(seconds, (int, float)) else None
    return Comment(float(time), text.strip(), expert, str(item.get("recording") or ""), spoken)


def read_ratings(folder: Path) -> tuple[list[Rating], dict[str, int]]:
    """Ratings in a take's folder (one sub-folder an expert), in the order of the experts; and what has none, counted.

    The folder need not exist: no ratings then. Reasons: `no_file`, `no_rating`, `out_of_range`. UserError for a file
    that is no JSON.
    """
    ratings: list[Rating] = []
    missing: Counter[str] = Counter()
    for expert in sorted(path for path in folder.glob("*") if path.is_dir()):
        path = expert / "data.json"
        if not path.is_file():
            missing["no_file"] += 1
            continue
        value = read_large_json(path, _RATED)
        about = value.get("proficiency") if isinstance(value, Mapping) else None
        rating = about.get("rating") if isinstance(about, Mapping) else None
        number = _number(rating)
        if number is None or not isinstance(about, Mapping):
            missing["no_rating"] += 1
        elif not 1 <= number <= 10:
            missing["out_of_range"] += 1
        else:
            ratings.append(Rating(expert.name, number, str(about.get("why") or "")))
    return ratings, dict(missing)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None
