"""A segment as a baseline reads it: its video, and what `qevd-bio analyze` wrote of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.coach.options import STEP_HZ
from qevd_bio.coach.segments.contexts import read_contexts
from qevd_bio.coach.segments.data import SegmentSource
from qevd_bio.dataset.items import VideoItem
from qevd_bio.dataset.workout import Segment
from qevd_bio.store.errors import ItemError
from qevd_bio.tables.by_video import SegmentKey, by_segment
from qevd_bio.tables.rows import R, RowTable
from qevd_bio.tables.workspace import MotionFiles, Workspace
from qevd_bio.video.probe import VideoInfo, probe


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
        return replace(self.segment, end_s=video_info(self.video).duration_s)


def video_info(video: VideoItem) -> VideoInfo:
    """What probing the video gives; it is probed once for all of its segments. ItemError as `probe`."""
    video.check()
    return _probed(video.path, video.path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _probed(path: Path, changed_ns: int) -> VideoInfo:
    return probe(path)


def motion_tables(workspace: Workspace, split: str, video: str) -> MotionFiles:
    """The video's own tables; the merged ones where the workspace holds these alone."""
    own = workspace.motion_parts(split, video)
    merged = MotionFiles(workspace.cycles, workspace.verdicts, workspace.motion_segments)
    return merged if not own.verdicts.parent.parent.is_dir() and merged.cycles.is_file() else own


@lru_cache(maxsize=4)
def _read(table: RowTable[Any], path: Path, changed_ns: int) -> dict[SegmentKey, list[Any]]:
    return by_segment(table.load(path))


def rows_of(source: BaselineSource, table: RowTable[R], path: Path) -> list[R]:
    """The segment's rows of a table. ItemError where `qevd-bio analyze` has not written it."""
    if not path.is_file():
        raise ItemError("not_analysed", f"{path}: no such file; qevd-bio extract, then qevd-bio analyze")
    own = source.segment.split, source.segment.video, source.segment.index
    return _read(table, path, path.stat().st_mtime_ns).get(own, [])


def motions_of(source: BaselineSource) -> tuple[list[float], list[str]]:
    """Times of the 4 Hz steps from the segment's start, and C_motion of each."""
    segment = source.segment
    contexts = read_contexts(source.workspace, segment.split, segment.video).get(segment.index)
    if contexts is None or not contexts.times:
        raise ItemError("contexts_missing", f"{segment.key}: not analysed; qevd-bio analyze")
    end = segment.end_s if segment.bounded else contexts.times[-1]
    times = (np.arange(int((end - segment.start_s) * STEP_HZ)) + 1) / STEP_HZ
    motion, _ = contexts.at((times + segment.start_s).tolist())
    return times.tolist(), motion
