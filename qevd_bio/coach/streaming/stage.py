"""`qevd-bio run`: what the coach says in every segment of a data set, as a file of predictions."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from qevd_bio.coach.options import AS_TRAINED, GenerateOptions, MotionWish
from qevd_bio.coach.segments.data import SegmentOutput, sources
from qevd_bio.dataset.opening import Dataset
from qevd_bio.dataset.workout import Segment
from qevd_bio.store.atomic import write_json, write_text
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.names import safe_name
from qevd_bio.store.work import Item, RunOptions, Summary, run_stage
from qevd_bio.tables.workspace import Workspace

VERSION = 1
_LOG = logging.getLogger(__name__)
Result = SegmentOutput | tuple[str, ItemError]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
StreamOf = Callable[[Iterator[T]], Iterator[Result]]
"""Takes what the sources load, in order, and gives results in any order."""


class Streamable(Protocol[T_co]):
    """One segment and where its inputs lie; picklable."""

    @property
    def segment(self) -> Segment: ...

    def files(self) -> tuple[Path, ...]: ...

    def load(self) -> T_co: ...


@dataclass(frozen=True)
class MadeBy:
    """What made the predictions: its name, how times were computed, settings that change what is said."""

    name: str
    timing: str
    settings: dict[str, Any]


def run_segments(
    chosen: Sequence[Streamable[T]],
    workspace: Workspace,
    out: Path,
    made_by: MadeBy,
    stream: StreamOf[T],
    run: RunOptions | None = None,
) -> Summary:
    """Stream every segment and write `out`, one line a segment in the data set's order.

    `stream` takes segments and gives their outputs in any order (a `Streamer`, or a baseline). Each finished
    segment is kept below `<workspace>/runs/`, so that the same command continues where it ended; `out` holds
    those that were made with these settings. Raises UserError where `out` holds what was said in other segments, or
    is no file of predictions, unless `run.redo`.
    """
    run = run or RunOptions()
    name = safe_name(out.name.removesuffix(".jsonl"))
    folder = workspace.path("runs", name)
    items: list[Item[Streamable[T]]] = []
    for source in chosen:
        segment = source.segment
        part = folder / safe_name(segment.split) / f"{safe_name(segment.video)}-{segment.index}.json"
        items.append(Item(segment.key, source.files(), (part,), source))
    if not run.redo:
        _refuse_others(out, {source.segment.key for source in chosen})
    settings = {"system": made_by.name, "timing": made_by.timing, **made_by.settings}
    work = SideBySide(stream, made_by)
    summary = run_stage(f"run-{name}", workspace, items, work, settings=settings, options=run, version=VERSION)
    lines = [_read_part(item.outputs[0], made_by) for item in items if item.key not in summary.failed]
    write_text(out, "".join(f"{line}\n" for line in lines if line))
    return summary


def run_coach(
    model: str,
    dataset: Dataset,
    workspace: Workspace,
    out: Path,
    options: GenerateOptions,
    run: RunOptions | None = None,
    *,
    context_every: int | None = None,
    split: str | None = None,
    device: str = "auto",
    dtype: str | None = None,
    motion: MotionWish = AS_TRAINED,
    say: Callable[[str], None] = lambda _: None,
) -> Summary:
    """Write what `model` (a checkpoint folder, or a preset) says in every segment to `out`, as `run_segments`.

    `context_every` None: as the model was trained; so are the contexts, unless `motion` asks for others. Raises
    UserError as `open_coach`, `sources` and `coach_view`.
    """
    from qevd_bio.coach.model.loading import fingerprint, open_coach
    from qevd_bio.coach.segments.coach_views import coach_view
    from qevd_bio.coach.streaming.decoding import Streamer
    from qevd_bio.coach.streaming.turns import TurnSpeaker

    coach = open_coach(model, device=device, dtype=dtype, seed=options.seed)
    if coach.untrained:
        say(f"preset {coach.config.name} is untrained; what it says means nothing")
    options = coach.settled(options, context_every)
    chosen = sources(dataset, workspace, coach.sees, reads=coach.reads, split=split)
    settings = {**options.result_settings(), "weights": fingerprint(model, coach), "dtype": str(coach.model.dtype)}
    if coach.reads.measured:
        view = coach_view(coach, model, coach.wish(motion), chosen, workspace, say=_LOG.info)
        chosen = [replace(source, workspace=view.workspace) for source in chosen]
        settings |= view.settings()
    made_by = MadeBy(coach.config.name, options.timing, settings)
    stream = TurnSpeaker(coach, options).run if coach.in_turns else Streamer(coach, options).run
    return run_segments(chosen, workspace, out, made_by, stream, run)


class SideBySide(Generic[T]):
    """Work of one segment that lets many be streamed together.

    Asked for one segment, it streams it with those that are to come; what is finished early waits here until it is
    asked for.
    """

    def __init__(self, stream: StreamOf[T], made_by: MadeBy) -> None:
        self._stream_of, self._made_by = stream, made_by
        self._waiting: deque[Item[Streamable[T]]] = deque()
        self._given: set[str] = set()
        self._ready: dict[str, SegmentOutput | ItemError] = {}
        self._stream: Iterator[Result] | None = None

    def expect(self, items: Sequence[Item[Streamable[T]]]) -> None:
        """The items that will be asked for, in this order."""
        self._waiting = deque(items)

    def __call__(self, item: Item[Streamable[T]]) -> dict[str, Any]:
        if item.key not in self._given and all(item.key != waiting.key for waiting in self._waiting):
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
        line = line_of(item.payload, found, self._made_by)
        write_json(item.outputs[0], line, indent=None)
        about = {"feedbacks": len(found.feedbacks), "cut": found.cut, "seconds": round(found.seconds, 3)}
        return {**about, **found.extra}

    def _segments(self) -> Iterator[T]:
        while self._waiting:
            item = self._waiting.popleft()
            self._given.add(item.key)
            try:
                yield item.payload.load()
            except ItemError as error:
                self._ready[item.key] = error
            except UserError as error:
                self._ready[item.key] = ItemError("bad_input", str(error))


def line_of(source: Streamable[Any], output: SegmentOutput, made_by: MadeBy) -> dict[str, Any]:
    """One line of a predictions file."""
    segment = source.segment
    return {
        "video": segment.video,
        "segment": segment.index,
        "split": segment.split,
        "exercise": segment.exercise.canonical if segment.exercise else segment.exercise_official or None,
        "timing": made_by.timing,
        "system": made_by.name,
        "settings": made_by.settings,
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


def _refuse_others(out: Path, keys: Collection[str]) -> None:
    """Raise UserError where `out` would lose something: lines of other segments, or of no segment."""
    if not out.is_file() or not out.stat().st_size:
        return
    try:
        lines = out.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})", where=out) from error
    for number, line in enumerate(lines, 1):
        key = _key_of(line)
        if line.strip() and key not in keys:
            raise UserError(
                f"holds what was said in {key}, which is not in this data set" if key else "is no file of predictions",
                where=f"{out}:{number}",
                expected="a new file, or predictions of the same segments, so that nothing finished is overwritten",
                fix="another --out, or --redo to replace the file",
            )


def _key_of(line: str) -> str:
    try:
        found = json.loads(line)
        return f"{found['split']}/{found['video']}/{found['segment']}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _read_part(path: Path, made_by: MadeBy) -> str:
    """A kept line; empty where there is none, or one that another system or other settings made."""
    try:
        text = path.read_text(encoding="utf-8").strip()
        line = json.loads(text)
    except (OSError, ValueError):
        return ""
    same = line["system"] == made_by.name and line["settings"] == json.loads(json.dumps(made_by.settings))
    return text if same else ""
