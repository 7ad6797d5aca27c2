"""`qevd-bio run`: what the coach says in every segment of a data set, as a file of predictions."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from qevd_bio.coach.segments.given import SegmentOutput
from qevd_bio.dataset.workout import Segment
from qevd_bio.store.atomic import write_json, write_text
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.names import safe_name
from qevd_bio.store.work import Item, RunOptions, Summary, run_stage
from qevd_bio.tables.workspace import Workspace

VERSION = 1
Result = SegmentOutput | tuple[str, ItemError]
StreamOf = Callable[[Iterator[Any]], Iterator[Result]]
"""Takes what the sources load, in order, and gives results in any order."""


class Source(Protocol):
    """One segment and where its inputs lie; picklable."""

    @property
    def segment(self) -> Segment: ...

    def files(self) -> tuple[Path, ...]: ...

    def load(self) -> Any: ...


@dataclass(frozen=True)
class System:
    """What made the predictions: its name, how times were computed, settings that change what is said."""

    name: str
    timing: str
    settings: dict[str, Any]


def run_segments(
    chosen: Sequence[Source],
    workspace: Workspace,
    out: Path,
    system: System,
    stream: StreamOf,
    run: RunOptions | None = None,
) -> Summary:
    """Stream every segment and write `out`, one line a segment in the data set's order.

    `stream` takes segments and gives their outputs in any order (a `Streamer`, or a baseline). Each finished
    segment is kept below `<workspace>/runs/`, so that the same command goes on where it was ended; `out` holds
    those that were made with these settings.
    """
    run = run or RunOptions()
    name = safe_name(out.name.removesuffix(".jsonl"))
    folder = workspace.path("runs", name)
    items = []
    for source in chosen:
        segment = source.segment
        part = folder / safe_name(segment.split) / f"{safe_name(segment.video)}-{segment.index}.json"
        items.append(Item(segment.key, source.files(), (part,), source))
    settings = {"system": system.name, "timing": system.timing, **system.settings}
    work = SideBySide(stream, system)
    summary = run_stage(f"run-{name}", workspace, items, work, settings=settings, options=run, version=VERSION)
    lines = [_read_part(item.outputs[0], system) for item in items if item.key not in summary.failed]
    write_text(out, "".join(f"{line}\n" for line in lines if line))
    return summary


class SideBySide:
    """Work of one segment that lets many be streamed together.

    Asked for one segment, it streams it with those that are to come; what is finished early waits here until it is
    asked for.
    """

    def __init__(self, stream: StreamOf, system: System) -> None:
        self._stream_of, self._system = stream, system
        self._waiting: deque[Item] = deque()
        self._given: set[str] = set()
        self._ready: dict[str, SegmentOutput | ItemError] = {}
        self._stream: Iterator[Result] | None = None

    def expect(self, items: Sequence[Item]) -> None:
        """The items that will be asked for, in this order."""
        self._waiting = deque(items)

    def __call__(self, item: Item) -> dict[str, Any]:
        if item.key not in self._given and item not in self._waiting:
            self._waiting.appendleft(item)
        while item.key not in self._ready:
            if self._stream is None:
                self._stream = self._stream_of(self._segments())
            result = next(self._stream, None)
            if result is None:
                self._stream = None
                if item.key in self._given and item.key not in self._ready:
                    raise ItemError("not_streamed", f"{item.key}: the system gave no result for this segment")
            elif isinstance(result, SegmentOutput):
                self._ready[result.key] = result
            else:
                self._ready[result[0]] = result[1]
        found = self._ready.pop(item.key)
        if isinstance(found, ItemError):
            raise found
        line = line_of(item.payload, found, self._system)
        write_json(item.outputs[0], line, indent=None)
        about = {"feedbacks": len(found.feedbacks), "cut": found.cut, "seconds": round(found.seconds, 3)}
        return {**about, **found.extra}

    def _segments(self) -> Iterator[Any]:
        while self._waiting:
            item = self._waiting.popleft()
            self._given.add(item.key)
            try:
                yield item.payload.load()
            except ItemError as error:
                self._ready[item.key] = error
            except UserError as error:
                self._ready[item.key] = ItemError("bad_input", str(error))


def line_of(source: Source, output: SegmentOutput, system: System) -> dict[str, Any]:
    """One line of a predictions file."""
    segment = source.segment
    return {
        "video": segment.video,
        "segment": segment.index,
        "split": segment.split,
        "exercise": segment.exercise.canonical if segment.exercise else segment.exercise_official or None,
        "timing": system.timing,
        "system": system.name,
        "settings": system.settings,
        "cut": output.cut,
        **output.extra,
        "feedbacks": [
            {"time": round(spoken.time_s, 4), "text": _plain(spoken.text)}
            | ({"tokens": spoken.tokens} if spoken.tokens else {})
            for spoken in output.feedbacks
        ],
    }


def _plain(text: str) -> str:
    """Text that can be written as UTF-8: a byte-level model may say half a character."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _read_part(path: Path, system: System) -> str:
    """A kept line; empty where there is none, or one that another system or other settings made."""
    try:
        text = path.read_text(encoding="utf-8").strip()
        line = json.loads(text)
    except (OSError, ValueError):
        return ""
    same = line["system"] == system.name and line["settings"] == json.loads(json.dumps(system.settings))
    return text if same else ""
