"""`qevd-bio intent`: the intent of every feedback of a data set, or of every line of a text file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from qevd_bio.annotation.asking import Asking, alias_of, answer_of, ask_all, estimate, split_detail
from qevd_bio.annotation.options import IntentMethod
from qevd_bio.annotation.review.decisions import apply_reviews, read_reviews
from qevd_bio.dataset.opening import Dataset
from qevd_bio.feedback.intent import LABELS, UNCERTAIN_BELOW, Intent, classify_intent
from qevd_bio.feedback.parts import BODY_PARTS, DIRECTIONS
from qevd_bio.language.budget import CallPlan, Totals
from qevd_bio.language.cache import Cache
from qevd_bio.language.prompts import Prompt, load_prompt
from qevd_bio.language.reading import Unreadable, read_object
from qevd_bio.language.request import Request
from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.execution import Item
from qevd_bio.store.hashing import hash_bytes
from qevd_bio.store.resources import prompts_path
from qevd_bio.store.work import RunOptions, Summary, run_stage, select
from qevd_bio.tables.annotations import INTENTS, IntentRow
from qevd_bio.tables.workspace import Workspace

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["intent", "body_parts", "directions"],
    "properties": {
        "intent": {"type": "string", "enum": list(LABELS)},
        "body_parts": {"type": "array", "items": {"type": "string"}},
        "directions": {"type": "array", "items": {"type": "string", "enum": list(DIRECTIONS)}},
    },
}


@cache
def prompt() -> Prompt:
    """The shipped prompt for intents."""
    return load_prompt(prompts_path("feedback_intent.md"))


def read_intent(text: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """(label, body parts, directions) of a reply. Parts and directions that are not known words are left out."""
    answer = read_object(text)
    label = answer.get("intent")
    if not isinstance(label, str):
        raise Unreadable("wrong_types", "intent is not text")
    if label.strip().lower() not in LABELS:
        raise Unreadable("unknown_intent", f"there is no intent {label[:40]!r}")
    parts, ways = answer.get("body_parts", []), answer.get("directions", [])
    for names in (parts, ways):
        if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
            raise Unreadable("wrong_types", "body_parts or directions is not a list of words")
    known = [p.lower() for p in parts if p.lower().removeprefix("left ").removeprefix("right ") in BODY_PARTS]
    return label.strip().lower(), tuple(dict.fromkeys(known)), tuple(w for w in dict.fromkeys(ways) if w in DIRECTIONS)


@dataclass(frozen=True)
class IntentSorter:
    """Gives a sentence its intent by rules, by kept answers of a model, or by both."""

    method: IntentMethod
    asking: Asking | None = None
    cache: Cache | None = None

    def asks(self, text: str) -> bool:
        """Whether a model is asked about this sentence."""
        if self.method == "rules" or not text.strip():
            return False
        return self.method == "llm" or classify_intent(text).confidence < UNCERTAIN_BELOW

    def intent(self, text: str) -> tuple[Intent, dict[str, Any]]:
        """The intent and where it comes from. Raises ItemError where only the model counts and it gave no answer."""
        rules = classify_intent(text)
        if not self.asks(text) or self.asking is None or self.cache is None:
            return rules, {}
        try:
            answer = answer_of(self.cache, alias(text, self.asking), read_intent)
        except ItemError:
            if self.method == "llm":
                raise
            return rules, {}
        label, parts, ways = answer.value
        intent = replace(
            rules, label=label, body_parts=parts, directions=ways, confidence=1.0, method="llm", rule="", avoid=()
        )
        return intent, {"model": answer.model, "prompt_hash": answer.prompt_hash, "raw": answer.text}


def alias(text: str, asking: Asking) -> str:
    """Name of the question about one sentence."""
    return alias_of(asking, "intent", prompt().filled_hash(_values(text)))


def _values(text: str) -> dict[str, str]:
    # The end mark inside a sentence would let it speak outside the marks.
    sentence = text.replace("<<<", "< < <").replace(">>>", "> > >")
    return {"sentence": sentence, "parts": ", ".join(BODY_PARTS), "directions": ", ".join(DIRECTIONS)}


def questions(texts: Iterable[str], judge: IntentSorter, asking: Asking) -> Iterator[Request]:
    """One question for each distinct sentence that rules leave to the model."""
    seen: set[str] = set()
    for text in texts:
        name = hash_bytes(text.encode("utf-8", "surrogatepass"))
        if name in seen or not judge.asks(text):
            continue
        seen.add(name)
        values = _values(text)
        yield Request(
            id=name,
            messages=prompt().fill(values),
            sampling=asking.sampling(),
            schema=SCHEMA,
            read=read_intent,
            alias=alias(text, asking),
            prompt_hash=prompt().filled_hash(values),
        )


def sort_file(
    source: Path, target: Path, method: IntentMethod, asking: Asking | None
) -> tuple[dict[str, int], Totals | None]:
    """Write one JSON line for each line of a text file; returns how many there are of each intent, and what was asked.

    Empty lines keep their place, as motivational with confidence 0. A sentence that the model did not answer gets
    `intent` null and `failure`.
    """
    totals = None
    judge = IntentSorter(method, asking)
    if method != "rules" and asking is not None:
        totals = ask_all(lambda: questions(_lines(source), judge, asking), asking)
        judge = replace(judge, cache=Cache(asking.client.cache))
    counts: dict[str, int] = {}
    try:
        with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8") as stream:
            for text in _lines(source):
                entry = _entry(text, judge)
                counts[entry["intent"] or "failed"] = counts.get(entry["intent"] or "failed", 0) + 1
                stream.write(json.dumps(entry, ensure_ascii=False) + "\n")
    finally:
        if judge.cache is not None:
            judge.cache.close()
    return counts, totals


def plan_file(source: Path, method: IntentMethod, asking: Asking) -> CallPlan:
    """What sorting a file would send."""
    return estimate(questions(_lines(source), IntentSorter(method, asking), asking), asking)


def _entry(text: str, judge: IntentSorter) -> dict[str, Any]:
    try:
        intent, _ = judge.intent(text)
    except ItemError as error:
        words, raw = split_detail(error.detail)
        failure = {"reason": error.reason, "detail": words, "raw": raw}
        return {"text": text, "intent": None, "body_parts": [], "directions": [], "method": "llm", "failure": failure}
    return {
        "text": text,
        "intent": intent.label,
        "body_parts": list(intent.body_parts),
        "directions": list(intent.directions),
        "avoid": list(intent.avoid),
        "confidence": intent.confidence,
        "method": intent.method,
        "rule": intent.rule,
    }


def _lines(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 text file without their ends; a line may be long but not endless."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for number, line in enumerate(stream, 1):
                if len(line) > 1_000_000:
                    raise UserError("a line of more than 1,000,000 characters", where=f"{path}: line {number}")
                yield line.rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        problem = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or "cannot be read"
        raise UserError(problem, where=path, expected="a UTF-8 text file, one sentence a line") from error


def sort_dataset(
    dataset: Dataset, workspace: Workspace, method: IntentMethod, options: RunOptions, asking: Asking | None
) -> tuple[Summary, Totals | None]:
    """Write the table of intents: the intent of every feedback span of every workout."""
    items = _items(dataset)
    totals, cache, settings = None, None, {"method": method, "version": 1}
    judge = IntentSorter(method)
    if method != "rules" and asking is not None:
        settings |= asking.settings()
        chosen, judge = select(items, options), IntentSorter(method, asking)
        totals = ask_all(lambda: questions((t for i in chosen for *_, t in i.payload), judge, asking), asking)
        cache = Cache(asking.client.cache)
        judge = replace(judge, cache=cache)
    try:
        local = replace(options, jobs=1, executor="local")
        summary = run_stage(
            "intent", workspace, items, partial(_workout, judge=judge), settings=settings, options=local
        )
    finally:
        if cache is not None:
            cache.close()
    _write(workspace, method, items, summary)
    return summary, totals


def plan_dataset(dataset: Dataset, method: IntentMethod, options: RunOptions, asking: Asking) -> CallPlan:
    """What sorting a data set would send."""
    texts = (text for item in select(_items(dataset), options) for *_, text in item.payload)
    return estimate(questions(texts, IntentSorter(method, asking), asking), asking)


Sentences = list[tuple[int, int | None, float, str]]
"""Feedbacks of a workout: span, segment, seconds and text."""


def _items(dataset: Dataset) -> list[Item[Sentences]]:
    workouts = dataset.workouts(strict=False)
    if not any(workout.spans for workout in workouts):
        raise UserError("no feedback to sort", where=dataset.root, expected="a QEVD data set with feedbacks")
    segment_of = {
        (s.split, s.video, f.span.index): s.index for s in dataset.segments(strict=False) for f in s.feedbacks
    }
    return [
        Item(
            w.key,
            (dataset.folder(w.split) / "feedbacks_long_range.json",),
            (),
            [(s.index, segment_of.get((w.split, w.video, s.index)), s.start_s, s.text) for s in w.spans],
        )
        for w in workouts
    ]


def _workout(item: Item[Sentences], judge: IntentSorter) -> dict[str, Any]:
    rows = []
    for span, segment, time_s, text in item.payload:
        row: dict[str, Any] = {"span": span, "segment": segment, "time_s": time_s, "text": text}
        try:
            intent, origin = judge.intent(text)
        except ItemError as error:
            raw = split_detail(error.detail)[1]
            rows.append({**row, "status": "failed", "reason": error.reason, "raw": raw, "method": "llm"})
            continue
        rows.append(
            {
                **row,
                **origin,
                "status": "ok",
                "intent": intent.label,
                "body_parts": list(intent.body_parts),
                "directions": list(intent.directions),
                "avoid": list(intent.avoid),
                "confidence": intent.confidence,
                "rule": intent.rule,
                "method": intent.method,
            }
        )
    return {"rows": rows}


def _write(workspace: Workspace, method: str, items: list[Item[Sentences]], summary: Summary) -> None:
    path = workspace.annotation("intents")
    kept: dict[str, list[IntentRow]] = {}
    for row in INTENTS.load(path) if path.is_file() else ():
        kept.setdefault(f"{row.split}/{row.video}", []).append(row)
    rows: list[IntentRow] = []
    for item in items:
        split, video = item.key.split("/", 1)
        result = summary.results.get(item.key)
        if result is None:
            rows += kept.get(item.key, [])
        else:
            rows += [IntentRow(split=split, video=video, **row) for row in result["rows"]]
    reviewed = apply_reviews("intents", rows, read_reviews(workspace))
    INTENTS.save(path, reviewed, metadata={"method": method}, history=[{"operation": f"intent --method {method}"}])
