"""Reading predictions: one JSON object per line and segment (format: docs/predictions.schema.json)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_bytes

EARLIEST_S = -0.25
"""The official timing gives −0.25 s to a feedback at the very first vision token; nothing earlier exists."""

_OTHER_KINDS = {
    b"\x1f\x8b": ("a gzip file", "gunzip -k FILE, then name the file without .gz"),
    b"PK\x03\x04": ("a zip file", "unzip it, then name the file inside"),
    b"BZh": ("a bzip2 file", "bunzip2 -k FILE, then name the file without .bz2"),
    b"\xfd7zXZ\x00": ("an xz file", "unxz -k FILE, then name the file without .xz"),
    b"\x28\xb5\x2f\xfd": ("a zstd file", "unzstd FILE, then name the file without .zst"),
    b"PAR1": ("a Parquet file", "write the predictions as JSONL"),
    b"\xff\xfe": ("text in UTF-16", "save it as UTF-8"),
    b"\xfe\xff": ("text in UTF-16", "save it as UTF-8"),
}
"""First bytes of files that are mistaken for predictions: what they are, and what to do."""

_EXAMPLE = '{"video": "0000", "segment": 0, "exercise": "squats", "feedbacks": [{"time": 12.25, "text": "Lower!"}]}'


@dataclass(frozen=True, slots=True)
class SegmentPrediction:
    """What a system said in one segment: times in seconds from the segment's start, not decreasing."""

    video: str
    segment: int
    exercise: str
    times: tuple[float, ...]
    texts: tuple[str, ...]
    line: int
    timing: str = ""
    split: str = ""
    salient: str = ""
    """Where the salient joints come from of the contexts that were read; "" where the file does not say."""


@dataclass(frozen=True, slots=True)
class PredictionIssue:
    """One fault of a predictions file: the line (1-based), what is wrong there and what was expected."""

    line: int
    problem: str
    expected: str


@dataclass(frozen=True)
class Predictions:
    """A whole file of predictions; `sha256` is that of the file's bytes."""

    path: Path
    sha256: str
    segments: tuple[SegmentPrediction, ...]


class _Fault(Exception):
    """A line that is not a segment; becomes an Issue."""

    def __init__(self, problem: str, expected: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected


def read_predictions(path: Path) -> Predictions:
    """Read and check a JSONL file of predictions.

    Raises UserError naming file and line of the first fault, and how many further lines are faulty.
    """
    data = read_bytes(path)
    segments, issues = parse_predictions(data)
    if issues:
        raise issues_error(path, issues)
    return Predictions(path, hash_bytes(data), tuple(segments))


def read_bytes(path: Path) -> bytes:
    """The file's bytes; a missing file, a folder or an unreadable file is a UserError."""
    if path.is_dir():
        raise UserError(
            "this is a folder, not a file of predictions",
            where=path,
            expected="a JSONL file, one line a segment",
            fix=f"qevd-bio score --preds {path}/<file>.jsonl",
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        problem = "no such file" if isinstance(error, FileNotFoundError) else error.strerror or "cannot be read"
        raise UserError(problem, where=path, expected="a JSONL file, one line a segment") from error
    for mark, (kind, fix) in _OTHER_KINDS.items():
        if data.startswith(mark):
            raise UserError(
                f"this is {kind}",
                where=path,
                expected="plain text in UTF-8, one line a segment",
                fix=fix.replace("FILE", str(path)),
            )
    return data


def parse_predictions(data: bytes) -> tuple[list[SegmentPrediction], list[PredictionIssue]]:
    """All segments that can be read from `data`, and an Issue for each line that cannot."""
    segments: list[SegmentPrediction] = []
    issues: list[PredictionIssue] = []
    first_line: dict[tuple[str, int], int] = {}
    for number, raw in _lines(data):
        try:
            segment = _segment(_decode(raw), number)
            key = (segment.video, segment.segment)
            if key in first_line:
                raise _Fault(
                    f"segment {segment.segment} of video {segment.video!r} was given before, in line {first_line[key]}",
                    "each segment once",
                )
        except _Fault as fault:
            issues.append(PredictionIssue(number, fault.problem, fault.expected))
            continue
        first_line[key] = number
        segments.append(segment)
    if not segments and not issues:
        issues.append(PredictionIssue(1, "the file holds no segment", f"at least one line such as {_EXAMPLE}"))
    return segments, issues


def issues_error(path: Path, issues: list[PredictionIssue]) -> UserError:
    """The first issue as the error to show, with the number of further ones."""
    first = issues[0]
    more = f" (and {len(issues) - 1} more faulty lines)" if len(issues) > 1 else ""
    return UserError(
        first.problem + more,
        where=f"{path}:{first.line}",
        expected=first.expected,
        fix=f"mend the line; qevd-bio validate {path} lists every fault",
    )


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if raw.strip():
            yield number, raw


def _decode(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Fault(f"byte {error.start + 1} of the line is not UTF-8", "text encoded as UTF-8") from error
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
    except RecursionError as error:
        raise _Fault("the JSON is nested too deeply", f"a line such as {_EXAMPLE}") from error
    except ValueError as error:
        raise _Fault(f"not JSON: {error}", f"one JSON object, such as {_EXAMPLE}") from error


def _no_constant(name: str) -> float:
    raise _Fault(f"{name} is not a number", "finite numbers")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Fault(f"key {twice!r} stands twice in one object", "each key once")
    return found


def _segment(value: Any, line: int) -> SegmentPrediction:
    if not isinstance(value, dict):
        raise _Fault(f"a JSON {_kind(value)}", f"a JSON object, such as {_EXAMPLE}")
    missing = [key for key in ("video", "segment", "feedbacks") if key not in value]
    if missing:
        raise _Fault(f"no {missing[0]!r}", f"the keys video, segment and feedbacks, as in {_EXAMPLE}")
    video, index, feedbacks = value["video"], value["segment"], value["feedbacks"]
    if not isinstance(video, str) or not video.strip():
        raise _Fault(
            f"video is a {_kind(video)}" if not isinstance(video, str) else "video is empty", 'a name, as "0000"'
        )
    if isinstance(index, bool) or not isinstance(index, int) or index < 0:
        raise _Fault(f"segment is {_short(index)}", "a whole number from 0 (the position of the segment in its video)")
    if not isinstance(feedbacks, list):
        raise _Fault(f"feedbacks is a {_kind(feedbacks)}", "a list; [] for a silent segment")
    times: list[float] = []
    texts: list[str] = []
    for position, item in enumerate(feedbacks):
        time, text = _feedback(item, position)
        if times and time < times[-1]:
            raise _Fault(
                f"feedback {position} at {time:g} s comes after one at {times[-1]:g} s", "feedbacks in order of time"
            )
        times.append(time)
        texts.append(text)
    return SegmentPrediction(
        video=_stem(_text(video, "video")),
        segment=index,
        exercise=_optional(value, "exercise"),
        times=tuple(times),
        texts=tuple(texts),
        line=line,
        timing=_optional(value, "timing"),
        split=_optional(value, "split"),
        salient=_salient(value),
    )


def _feedback(item: Any, position: int) -> tuple[float, str]:
    if not isinstance(item, dict) or "time" not in item or "text" not in item:
        raise _Fault(f"feedback {position} is {_short(item)}", '{"time": seconds, "text": "..."}')
    time, text = item["time"], item["text"]
    if isinstance(time, bool) or not isinstance(time, (int, float)):
        raise _Fault(f"time of feedback {position} is {_short(time)}", "a number of seconds from the segment's start")
    try:
        seconds = float(time)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds) or seconds < EARLIEST_S:
        raise _Fault(
            f"time of feedback {position} is {_short(time)}",
            f"a finite number of seconds from the segment's start, not before {EARLIEST_S}",
        )
    if not isinstance(text, str):
        raise _Fault(f"text of feedback {position} is a {_kind(text)}", "a string")
    return seconds, _text(text, f"text of feedback {position}")


def _salient(value: dict[str, Any]) -> str:
    settings = value.get("settings")
    found = settings.get("salient") if isinstance(settings, dict) else None
    return found if isinstance(found, str) else ""


def _optional(value: dict[str, Any], key: str) -> str:
    found = value.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise _Fault(f"{key} is a {_kind(found)}", "a string, or no such key")
    return _text(found, key)


def _text(text: str, what: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _Fault(f"{what} holds half a surrogate pair", "text that can be written as UTF-8") from error
    return text


def _stem(video: str) -> str:
    name = video.replace("\\", "/").rsplit("/", 1)[-1]
    return name[:-4] if name.lower().endswith(".mp4") else name


def _kind(value: Any) -> str:
    names = {dict: "object", list: "list", str: "string", bool: "truth value", type(None): "null"}
    return names.get(type(value), "number")


def _short(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=True)
    except ValueError:
        text = str(type(value).__name__)
    return text if len(text) <= 60 else text[:57] + "..."
