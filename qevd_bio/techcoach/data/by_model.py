"""Technical points, comments and Coach-Scores by a language model; every reply is kept and none is paid twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qevd_bio.annotation.asking import Asking, alias_of, answer_of, ask_all
from qevd_bio.feedback.technique import DIMENSIONS, dimension_index
from qevd_bio.language.budget import Totals
from qevd_bio.language.cache import Cache
from qevd_bio.language.prompts import Prompt, load_prompt
from qevd_bio.language.reading import Unreadable, read_object
from qevd_bio.language.request import Request
from qevd_bio.store.errors import ItemError
from qevd_bio.store.resources import prompts_path
from qevd_bio.techcoach.data.released import absent
from qevd_bio.techcoach.data.rules import Annotation

POINTS, COMMENTARY, COACH_SCORE = "techcoach_points", "techcoach_commentary", "techcoach_coach_score"
HIGHEST_COACH_SCORE = 5.0


@dataclass(frozen=True)
class Outcome:
    """Values by the question's id, the ids that failed with their reasons, and what the run cost."""

    values: Mapping[str, Any]
    failed: Mapping[str, str]
    totals: Totals


def ask_points(tasks: Sequence[tuple[str, str]], asking: Asking) -> Outcome:
    """Seven technical points of each (scenario, task); ids are the tasks' names."""
    listed = "\n".join(f"- {name}" for name in DIMENSIONS)
    questions = {task: {"domain": scenario, "task": task, "dimensions": listed} for scenario, task in tasks}
    return _ask(POINTS, questions, read_points, asking)


def ask_annotations(questions: Mapping[str, tuple[str, str, Sequence[str], Sequence[str]]], asking: Asking) -> Outcome:
    """An `Annotation` of each instance: id -> (scenario, task, points, remarks)."""
    filled = {
        key: {
            "domain": scenario,
            "task": task,
            "points": "\n".join(f"- {name}: {text}" for name, text in zip(DIMENSIONS, points, strict=True)),
            "remarks": "\n".join(f"- {remark}" for remark in remarks),
        }
        for key, (scenario, task, points, remarks) in questions.items()
    }
    return _ask(COMMENTARY, filled, read_annotation, asking)


def ask_coach_scores(comments: Mapping[str, str], asking: Asking) -> Outcome:
    """The Coach-Score, 0 to 5, of each comment."""
    return _ask(COACH_SCORE, {key: {"comment": text} for key, text in comments.items()}, read_coach_score, asking)


def read_points(text: str) -> tuple[str, ...]:
    """The seven texts of a reply; `Unreadable` where one is missing."""
    found = _by_dimension(read_object(text).get("points"))
    texts = tuple("" if absent(value) else str(value).strip() for value in found)
    missing = [name for name, one in zip(DIMENSIONS, texts, strict=True) if not one]
    if missing:
        raise Unreadable("missing_points", ", ".join(missing))
    return texts


def read_annotation(text: str) -> Annotation:
    """Strengths, weaknesses and the comment of a reply; `Unreadable` without a comment."""
    value = read_object(text)
    sides = [one if isinstance(one, Mapping) else {} for one in _by_dimension(value.get("points"))]
    well, improve = (
        tuple("" if absent(one.get(side)) else str(one[side]).strip() for one in sides) for side in ("well", "improve")
    )
    summary = value.get("summary")
    if not isinstance(summary, str) or absent(summary):
        raise Unreadable("no_summary", "the reply has no comment on the whole")
    return Annotation(well, improve, summary.strip())


def read_coach_score(text: str) -> float:
    """The number of a reply; `Unreadable` for none or one outside 0 to 5."""
    value = read_object(text).get("score")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unreadable("no_score", "the reply has no number")
    if not 0 <= value <= HIGHEST_COACH_SCORE:
        raise Unreadable("out_of_range", f"{value:g} is not from 0 to 5")
    return float(value)


def _by_dimension(value: Any) -> list[Any]:
    """The value of each dimension, None where there is none; `Unreadable` for a dimension that is unknown."""
    if not isinstance(value, Mapping):
        raise Unreadable("no_points", "the reply has no points by dimension")
    found: list[Any] = [None] * len(DIMENSIONS)
    for name, one in value.items():
        place = dimension_index(str(name))
        if place is None:
            raise Unreadable("unknown_dimension", str(name)[:80])
        found[place] = one
    return found


def _ask(name: str, questions: Mapping[str, Mapping[str, str]], read: Callable[[str], Any], asking: Asking) -> Outcome:
    prompt = load_prompt(prompts_path(f"{name}.md"))
    aliases = {key: alias_of(asking, name, prompt.filled_hash(values)) for key, values in questions.items()}
    totals = ask_all(lambda: (_request(prompt, k, v, read, aliases[k], asking) for k, v in questions.items()), asking)
    values: dict[str, Any] = {}
    failed: dict[str, str] = {}
    cache = Cache(asking.client.cache)
    try:
        for key, alias in aliases.items():
            try:
                values[key] = answer_of(cache, alias, read).value
            except ItemError as error:
                failed[key] = error.reason
    finally:
        cache.close()
    return Outcome(values, failed, totals)


def _request(
    prompt: Prompt, key: str, values: Mapping[str, str], read: Callable[[str], Any], alias: str, asking: Asking
) -> Request:
    return Request(
        id=key,
        messages=prompt.fill(values),
        sampling=asking.sampling(),
        read=read,
        alias=alias,
        prompt_hash=prompt.filled_hash(values),
    )
