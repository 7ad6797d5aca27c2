"""What a workspace holds, one video at a time: places of segments, motion, the trainer's feedback."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qevd_bio.dataset.opening import Dataset
from qevd_bio.reporting.content.runs import Key, ScoredRun
from qevd_bio.reporting.content.views import Missing, TrainerFeedback
from qevd_bio.store.errors import UserError
from qevd_bio.tables.by_video import ByVideo, VideoKey
from qevd_bio.tables.motion import CYCLES, MOTION_SEGMENTS
from qevd_bio.tables.rewritten import REWRITTEN, FeedbackRow
from qevd_bio.tables.rows import R, RowTable
from qevd_bio.tables.segments import SEGMENTS
from qevd_bio.tables.verdicts import VERDICTS
from qevd_bio.tables.workspace import Workspace, video_of

_SAME_S = 0.1


@dataclass(frozen=True)
class SegmentSpan:
    """A segment in its video; `known` is False where its time in the video is not known, so that it starts at 0."""

    index: int
    exercise: str
    name: str
    start_s: float
    end_s: float
    start_frame: int | None = None
    end_frame: int | None = None
    known: bool = True
    participant: str = ""


class Sources:
    """Tables of a workspace; one that is not there, or cannot be read, is listed in `missing`."""

    def __init__(self, workspace: Workspace, dataset: Dataset | None, rewritten: Sequence[FeedbackRow]) -> None:
        self.workspace, self.dataset = workspace, dataset
        self.missing: list[Missing] = []
        self.segments = self._table(SEGMENTS, workspace.segments, "the table of segments", "qevd-bio segments")
        self.cycles = self._table(CYCLES, workspace.cycles, "repetitions", "qevd-bio analyze")
        self.verdicts = self._table(VERDICTS, workspace.verdicts, "verdicts", "qevd-bio analyze")
        self.results = self._table(MOTION_SEGMENTS, workspace.motion_segments, "", "")
        self._rewritten: dict[Key, list[FeedbackRow]] = {}
        for row in rewritten:
            if row.segment is not None and row.intent != "transition":
                self._rewritten.setdefault((row.split, row.video, row.segment), []).append(row)
        self._stated = self._stated_truths()

    def _table(self, table: RowTable[R], path: Path, what: str, command: str) -> ByVideo[R]:
        try:
            found = ByVideo(table, path if path.is_file() else None)
        except UserError as error:
            self.missing.append(Missing(f"{what or path.name}: {error}", command))
            return ByVideo(table, None)
        if what and not path.is_file():
            self.missing.append(Missing(f"{what}: no {path.name}", command))
        return found

    def _stated_truths(self) -> dict[Key, tuple[SegmentSpan, tuple[TrainerFeedback, ...]]]:
        """Segments and feedback of the data set itself, times from the segment's start."""
        if self.dataset is None or self.dataset.kind != "qevd":
            return {}
        try:
            segments = self.dataset.segments(strict=False)
        except UserError as error:
            self.missing.append(Missing(f"annotations of the data set: {error}"))
            return {}
        found: dict[Key, tuple[SegmentSpan, tuple[TrainerFeedback, ...]]] = {}
        for s in segments:
            name = s.exercise.canonical if s.exercise else s.exercise_written
            place = SegmentSpan(
                s.index, s.exercise_id or "", name, s.start_s, s.end_s, s.start_frame, s.end_frame,
                participant=s.participant or "",
            )  # fmt: skip
            truths = tuple(TrainerFeedback(f.time_s, f.text) for f in s.feedbacks)
            found[s.split, s.video, s.index] = place, truths
        return found

    def videos(self, runs: Iterable[ScoredRun]) -> list[VideoKey]:
        """Every video that anything is known of, by split and name."""
        files = self.workspace.all_kinematics()
        found = {video_of(path) for path in files}
        found |= {*self.segments.videos, *self.results.videos, *self.cycles.videos}
        found |= {(split, video) for split, video, _ in (*self._stated, *self._rewritten)}
        found |= {(split, video) for run in runs for split, video, index in run.segments if index >= 0}
        return sorted(found)

    def places(self, key: VideoKey, runs: Sequence[ScoredRun], duration_s: float | None) -> list[SegmentSpan]:
        """The video's segments in order; ends that no table knows are the video's own, as far as it is known."""
        found: dict[int, SegmentSpan] = {}
        for row in self.segments.rows(*key):
            name = row.exercise_name or row.exercise_written or row.exercise or ""
            found[row.segment] = SegmentSpan(
                row.segment, row.exercise or "", name, row.start_s, row.end_s, row.start_frame, row.end_frame,
                participant=row.participant or "",
            )  # fmt: skip
        for split, video, index in self._stated:
            if (split, video) == key:
                found.setdefault(index, self._stated[split, video, index][0])
        for result in self.results.rows(*key):
            name = (result.exercise or "").replace("_", " ")
            place = SegmentSpan(result.segment, result.exercise or "", name, result.start_s, result.end_s)
            # Where the segments table does not say the exercise (a plain folder), analyze was told it.
            known = found.get(result.segment)
            if known is None or (not known.exercise and result.exercise):
                found[result.segment] = replace(place, participant=known.participant if known else "")
        for run in runs:
            for (split, video, index), pairs in run.segments.items():
                if (split, video) == key and index not in found:
                    times = [p.time_s for p in pairs.predictions] + [t.time_s for t in pairs.truths.values()]
                    end = max(times, default=0.0) + 2.0
                    found[index] = SegmentSpan(index, pairs.exercise, pairs.exercise, 0.0, end, known=False)
        return [_bounded(place, duration_s) for _, place in sorted(found.items())]

    def truths(self, key: VideoKey, place: SegmentSpan, runs: Sequence[ScoredRun]) -> tuple[TrainerFeedback, ...]:
        """The trainer's feedback with its rewritten text, times from the video's start.

        From the runs where there are any (their matches point into it), else from the data set, else from the
        table of the rewritten one.
        """
        full = (*key, place.index)
        scored = next((run.segments[full] for run in runs if full in run.segments), None)
        if scored is not None and scored.truths:
            own = [scored.truths[i] for i in sorted(scored.truths)]
        elif full in self._stated:
            own = list(self._stated[full][1])
        else:
            own = [
                TrainerFeedback(row.start_s - place.start_s, row.original, row.intent or "")
                for row in self._rewritten.get(full, ())
            ]
        new = [row for row in self._rewritten.get(full, ()) if row.status == REWRITTEN]
        return tuple(self._moved(truth, place, new) for truth in own)

    def decisions(self, key: VideoKey, segment: int) -> tuple[str, ...]:
        """What became of the trainer's feedbacks in a segment of the rewritten data set: its different statuses."""
        return tuple(sorted({row.status for row in self._rewritten.get((*key, segment), ())}))

    @staticmethod
    def _moved(truth: TrainerFeedback, place: SegmentSpan, rewritten: Sequence[FeedbackRow]) -> TrainerFeedback:
        time_s = truth.time_s + place.start_s
        for row in rewritten:
            if abs(row.start_s - time_s) < _SAME_S:
                if row.original == truth.text:
                    return replace(truth, time_s=time_s, rewritten=row.text)
                if row.text == truth.text:
                    return replace(truth, time_s=time_s, original=row.original)
        return replace(truth, time_s=time_s)


def _bounded(place: SegmentSpan, duration_s: float | None) -> SegmentSpan:
    if math.isfinite(place.end_s):
        return place
    end = duration_s if duration_s is not None else place.start_s + 1.0
    return replace(place, end_s=max(end, place.start_s + 0.1))
