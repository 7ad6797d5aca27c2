"""`qevd-bio run`: what the coach says in every segment of a data set, as a file of predictions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qevd_bio.coach.segment_data import SegmentSource
from qevd_bio.coach.segment_input import SegmentInput, SegmentOutput
from qevd_bio.store.atomic import write_json, write_text
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.work import Item, RunOptions, Summary, run_stage
from qevd_bio.store.workspace import Workspace, safe_name

VERSION = 1
Result = SegmentOutput | tuple[str, ItemError]
StreamOf = Callable[[Iterator[SegmentInput]], Iterator[Result]]


@dataclass(frozen=True)
class System:
    """What made the predictions: its name, how times were computed, settings that change what is said."""

    name: str
    timing: str
    settings: dict[str, Any]


def run_segments(
    chosen: Sequence[SegmentSource],
    workspace: Workspace,
    out: Path,
    system: System,
    stream: StreamOf,
    run: RunOptions | None = None,
) -> Summary:
    """Stream every segment and write `out`, one line a segment in the data set's order.

    `stream` takes segments and gives their outputs in any order (a `Streamer`, or a baseline). Each finished
    segment is kept below `<workspace>/runs/`, so that the same command goes on where it was ended. Raises
    UserError where every segment failed.
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
    work = SideBySide(items, stream, system, run.redo)
    summary = run_stage(f"run-{name}", workspace, items, work, settings=settings, options=run, version=VERSION)
    lines = [_read_part(item.outputs[0]) for item in items if item.key not in summary.failed]
    write_text(out, "".join(f"{line}\n" for line in lines if line))
    return summary


class SideBySide:
    """Work of one segment that lets many be streamed together.

    Asked for one segment, it streams it with those that come after it and are not done; what is finished early
    waits here until it is asked for.
    """

    def __init__(self, items: Sequence[Item], stream: StreamOf, system: System, redo: bool) -> None:
        self._order = {item.key: number for number, item in enumerate(items)}
        self._items, self._system, self._redo = list(items), system, redo
        self._stream_of = stream
        self._wanted: deque[Item] = deque()
        self._given: set[str] = set()
        self._ready: dict[str, SegmentOutput | ItemError] = {}
        self._stream: Iterator[Result] | None = None
        self._next = 0

    def __call__(self, item: Item) -> dict[str, Any]:
        if item.key not in self._given and item not in self._wanted:
            self._wanted.append(item)
            self._next = max(self._next, self._order[item.key] + 1)
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
        return {"feedbacks": len(found.feedbacks), "cut": found.cut, "seconds": round(found.seconds, 3)}

    def _segments(self) -> Iterator[SegmentInput]:
        while True:
            item = self._take()
            if item is None:
                return
            self._given.add(item.key)
            try:
                yield item.payload.load()
            except ItemError as error:
                self._ready[item.key] = error
            except UserError as error:
                self._ready[item.key] = ItemError("bad_input", str(error))

    def _take(self) -> Item | None:
        if self._wanted:
            return self._wanted.popleft()
        while self._next < len(self._items):
            item = self._items[self._next]
            self._next += 1
            done = item.outputs[0].exists() and not self._redo
            if item.key not in self._given and not done:
                return item
        return None


def line_of(source: SegmentSource, output: SegmentOutput, system: System) -> dict[str, Any]:
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
        "feedbacks": [
            {"time": round(spoken.time_s, 4), "text": _plain(spoken.text), "tokens": spoken.tokens}
            for spoken in output.feedbacks
        ],
    }


def _plain(text: str) -> str:
    """Text that can be written as UTF-8: a byte-level model may say half a character."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _read_part(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
