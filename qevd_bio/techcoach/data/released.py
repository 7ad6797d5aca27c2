"""The annotation file as the authors release it: one JSON object of requests, read tolerantly and written back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qevd_bio.egoexo.files import field
from qevd_bio.feedback.technique import DIMENSIONS, dimension_index
from qevd_bio.store.atomic import write_json
from qevd_bio.store.errors import UserError
from qevd_bio.tables.coaching import CoachingInstance
from qevd_bio.techcoach.data.rules import Annotation

_EXPECTED = 'an object "request-1", "request-2", … as EE4D-DescCoach is released'
_ABSENT = frozenset({"", "none", "n/a", "na", "null", "not mentioned", "-"})


@dataclass(frozen=True)
class Request:
    """One entry: a clip of a take with the points of its task, the experts' remarks and what was made of them.

    `oddities` counts what had to be read tolerantly: `no_point`, `unknown_part`, `part_twice`.
    """

    key: str
    take: str
    take_id: str
    task: str
    start_s: float
    end_s: float
    points: tuple[str, ...]
    raw: tuple[str, ...]
    annotation: Annotation
    oddities: Mapping[str, int]


def absent(value: Any) -> bool:
    """Whether a slot says nothing: null, empty, "none", "n/a" or "not mentioned", in any case."""
    return value is None or (isinstance(value, str) and value.strip().strip(".").lower() in _ABSENT)


def read_released(path: Path) -> list[Request]:
    """All requests in the order of the file. UserError names the file and the request that cannot be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", where=path, expected=_EXPECTED) from error
    except ValueError as error:
        raise UserError(f"is not valid JSON: {error}", where=path, expected=_EXPECTED) from error
    if not isinstance(value, dict):
        raise UserError(f"holds a {type(value).__name__}", where=path, expected=_EXPECTED)
    return [_request(key, entry, path) for key, entry in value.items()]


def _request(key: str, entry: Any, path: Path) -> Request:
    span = field(entry, "clip_st_ed", list, path, key)
    if len(span) != 2 or not all(isinstance(edge, (int, float)) for edge in span) or not span[0] < span[1]:
        raise UserError(f"{key}: clip_st_ed is {span!r}", where=path, expected="[start, end] in seconds")
    odd: Counter[str] = Counter()
    points = _by_dimension(entry.get("tech_instruction"), ("instruction",), odd)[0]
    odd["no_point"] += points.count("")
    response = field(entry, "response", dict, path, key)
    well, improve = _by_dimension(response.get("regular_dict"), ("what_is_done_well", "what_can_be_improved"), odd)
    summary = response.get("summarization")
    take_id = entry.get("take_id")
    return Request(
        key=key,
        take=field(entry, "take_name", str, path, key),
        take_id="" if take_id is None else str(take_id),
        task=str(entry.get("task_name") or ""),
        start_s=float(span[0]),
        end_s=float(span[1]),
        points=points,
        raw=tuple(str(text).strip() for text in entry.get("raw_comment") or () if not absent(text)),
        annotation=Annotation(well, improve, "" if absent(summary) else str(summary).strip()),
        oddities={name: count for name, count in odd.items() if count},
    )


def _by_dimension(value: Any, names: tuple[str, ...], odd: Counter[str]) -> list[tuple[str, ...]]:
    """For each of `names` seven texts; parts that are missing or unknown are counted, not refused."""
    found: list[list[str]] = [[""] * len(DIMENSIONS) for _ in names]
    seen: set[int] = set()
    for part in value if isinstance(value, list) else ():
        if not isinstance(part, Mapping):
            continue
        place = dimension_index(str(part.get("body_part") or ""))
        if place is None:
            odd["unknown_part"] += 1
            continue
        odd["part_twice"] += place in seen
        seen.add(place)
        for texts, name in zip(found, names, strict=True):
            text = part.get(name)
            # Several sentences may come as a list.
            text = " ".join(map(str, text)) if isinstance(text, list) else text
            if not absent(text):
                texts[place] = f"{texts[place]} {str(text).strip()}".strip()
    return [tuple(texts) for texts in found]


def write_released(path: Path, instances: Iterable[CoachingInstance]) -> None:
    """Write instances in the released layout; slots without a comment are empty strings."""
    write_json(path, {f"request-{number}": _entry(one) for number, one in enumerate(instances, 1)})


def _entry(one: CoachingInstance) -> dict[str, Any]:
    parts = zip(DIMENSIONS, one.well, one.improve, strict=True)
    return {
        "clip_st_ed": [one.start_s, one.end_s],
        "take_name": one.take,
        "take_id": one.take_uid,
        "task_name": one.task,
        "tech_instruction": [
            {"body_part": name, "instruction": text} for name, text in zip(DIMENSIONS, one.points, strict=True)
        ],
        "raw_comment": list(one.raw),
        "response": {
            "regular_dict": [
                {"body_part": name, "what_is_done_well": good, "what_can_be_improved": better}
                for name, good, better in parts
            ],
            "summarization": one.summary,
        },
    }
