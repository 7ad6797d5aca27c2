"""Systems that are no trained coach, behind the interface of one: what any score should be compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.coach.baselines import interval, rules
from qevd_bio.coach.baselines.context import Said, activities, copy_context
from qevd_bio.coach.baselines.frames import shown_of
from qevd_bio.coach.baselines.options import VISION_MODELS, ZERO_SHOT, BaselineOptions
from qevd_bio.coach.baselines.turns import Talk, hold_talks
from qevd_bio.coach.options import STEP_HZ
from qevd_bio.coach.segments.contexts import read_contexts
from qevd_bio.coach.segments.data import SegmentSource
from qevd_bio.coach.segments.given import SegmentOutput
from qevd_bio.coach.streaming.timing import Spoken
from qevd_bio.dataset.items import VideoItem
from qevd_bio.dataset.workout import Segment
from qevd_bio.store.errors import ItemError, StopRun, UserError
from qevd_bio.tables.by_video import SegmentKey, by_segment
from qevd_bio.tables.motion import CYCLES
from qevd_bio.tables.rows import R, RowTable
from qevd_bio.tables.verdicts import VERDICTS
from qevd_bio.tables.workspace import MotionFiles, Workspace
from qevd_bio.video.probe import probe

Result = SegmentOutput | tuple[str, ItemError]
Activities = Callable[["BaselineSource"], list[tuple[float, str]]]


@dataclass(frozen=True)
class BaselineSource:
    """One segment for a baseline. `inputs` are the files that its words depend on; `features` where it reads them."""

    segment: Segment
    video: VideoItem
    workspace: Workspace
    inputs: tuple[Path, ...] = ()
    features: SegmentSource | None = None

    def files(self) -> tuple[Path, ...]:
        """What the result depends on, for the fingerprint."""
        return self.inputs

    def load(self) -> BaselineSource:
        """The source itself: each baseline reads what it needs of it."""
        return self

    def bounded(self) -> Segment:
        """The segment with its end: that of the video where the data set names none. ItemError as for the video."""
        if self.segment.bounded:
            return self.segment
        self.video.check()
        return replace(self.segment, end_s=probe(self.video.path).duration_s)


def by_rules(source: BaselineSource) -> Said:
    """The gravest fault of each completed repetition (`rules`)."""
    tables = motion_tables(source.workspace, source.segment.split, source.segment.video)
    cycles, verdicts = _rows(CYCLES, tables.cycles, source), _rows(VERDICTS, tables.verdicts, source)
    return _said(rules.speak([source.segment], cycles, verdicts)[0])


def at_intervals(source: BaselineSource) -> Said:
    """The same sentences every five seconds (`interval`)."""
    return _said(interval.speak([source.bounded()])[0])


def from_context(gap_s: float) -> Callable[[BaselineSource], Said]:
    """C_motion read out (`copy-context`)."""
    return lambda source: copy_context(*_motions(source), gap_s)


def motion_activities(source: BaselineSource) -> list[tuple[float, str]]:
    """What the user does, told by C_motion."""
    return activities(*_motions(source))


def one_by_one(speak: Callable[[BaselineSource], Said]) -> Callable[[Iterator[BaselineSource]], Iterator[Result]]:
    """A baseline that needs nothing but its own segment, as `run_segments` takes it."""

    def stream(sources: Iterator[BaselineSource]) -> Iterator[Result]:
        for source in sources:
            try:
                yield _output(source.segment.key, speak(source))
            except StopRun:
                raise
            except (ItemError, UserError) as error:
                yield source.segment.key, _item_error(error)

    return stream


def in_turns(
    name: str, options: BaselineOptions, told: Activities
) -> Callable[[Iterator[BaselineSource]], Iterator[Result]]:
    """A turn-based model asked every five seconds; `side_by_side` segments at a time, each video decoded once."""
    frames = VISION_MODELS.get(name.removeprefix(ZERO_SHOT))

    def stream(sources: Iterator[BaselineSource]) -> Iterator[Result]:
        while group := list(islice(sources, max(options.side_by_side, 1))):
            talks: list[Talk] = []
            for video in dict.fromkeys(source.video for source in group):
                own = [source for source in group if source.video == video]
                try:
                    segments = [source.bounded() for source in own]
                    shown = shown_of(video, segments, frames, options) if frames else {}
                except (ItemError, UserError) as error:
                    yield from ((source.segment.key, _item_error(error)) for source in own)
                    continue
                for source, segment in zip(own, segments, strict=True):
                    try:
                        lines = () if frames else told(source)
                    except (ItemError, UserError) as error:
                        yield segment.key, _item_error(error)
                        continue
                    talks.append(
                        Talk(segment.key, segment.exercise_official, segment.duration_s, shown.get(segment.key), lines)
                    )
            hold_talks(talks, options)
            for talk in talks:
                yield (talk.key, talk.broken) if talk.broken else _output(talk.key, talk.said, talk.silent)

    return stream


def _output(key: str, said: Said, silent: dict[str, int] | None = None) -> SegmentOutput:
    spoken = [Spoken(time, text, 0) for time, text in said]
    return SegmentOutput(key, spoken, [], False, extra={"silent_turns": silent} if silent else {})


def _item_error(error: ItemError | UserError) -> ItemError:
    return error if isinstance(error, ItemError) else ItemError("bad_input", str(error))


def _said(prediction: dict[str, Any]) -> Said:
    return [(feedback["time"], feedback["text"]) for feedback in prediction["feedbacks"]]


def motion_tables(workspace: Workspace, split: str, video: str) -> MotionFiles:
    """The video's own tables; the merged ones where the workspace holds these alone."""
    own = workspace.motion_parts(split, video)
    merged = MotionFiles(workspace.cycles, workspace.verdicts, workspace.motion_segments)
    return merged if not own.verdicts.parent.parent.is_dir() and merged.cycles.is_file() else own


@lru_cache(maxsize=4)
def _read(table: RowTable[Any], path: Path, changed_ns: int) -> dict[SegmentKey, list[Any]]:
    return by_segment(table.load(path))


def _rows(table: RowTable[R], path: Path, source: BaselineSource) -> list[R]:
    if not path.is_file():
        raise ItemError("not_analysed", f"{path}: no such file; qevd-bio extract, then qevd-bio analyze")
    own = source.segment.split, source.segment.video, source.segment.index
    return _read(table, path, path.stat().st_mtime_ns).get(own, [])


def _motions(source: BaselineSource) -> tuple[list[float], list[str]]:
    """Times of the 4 Hz steps from the segment's start, and C_motion of each."""
    segment = source.segment
    contexts = read_contexts(source.workspace, segment.split, segment.video).get(segment.index)
    if contexts is None or not contexts.times:
        raise ItemError("contexts_missing", f"{segment.key}: not analysed; qevd-bio analyze")
    end = segment.end_s if segment.bounded else contexts.times[-1]
    times = (np.arange(int((end - segment.start_s) * STEP_HZ)) + 1) / STEP_HZ
    motion, _ = contexts.at((times + segment.start_s).tolist())
    return times.tolist(), motion
