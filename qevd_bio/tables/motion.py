"""The tables that `qevd-bio analyze` writes beside its verdicts: cycles, contexts, and what became of each segment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from qevd_bio.tables.rows import INF, NAN, Cell, RowTable, row

Split = Annotated[str, Cell("folder of the data set; `videos` for a plain folder")]
Video = Annotated[str, Cell("file name without suffix")]
SegmentIndex = Annotated[int, Cell("index of the segment in the video")]
ExerciseId = Annotated[str, Cell("id of the exercise")]


@dataclass(frozen=True)
class SegmentPlace:
    """Which segment something was found in."""

    split: str
    video: str
    segment: int
    exercise: str


@row
class CycleRow:
    """One repetition; times in seconds from the video's first frame, NaN where there is no such moment."""

    split: Split
    video: Video
    segment: SegmentIndex
    exercise: ExerciseId
    cycle: Annotated[int, Cell("number within the segment, from 0")]
    start_s: Annotated[float, Cell("from the video's first frame; the movement leaves rest", "s")]
    middle_s: Annotated[float, Cell("end of the first half phase: key, or change of sides", "s")]
    end_s: Annotated[float, Cell("back at rest", "s")]
    key_s: Annotated[float, Cell("extreme of the (first) movement", "s")]
    other_key_s: Annotated[float, Cell("extreme of the other side; null for one-sided movements", "s", null=NAN)] = NAN
    reported_s: Annotated[float, Cell("when a live coach knows of the cycle", "s", null=NAN)] = NAN
    side: Annotated[str | None, Cell("r or l: first side of a two-sided cycle, or the key frame's side; else ''")] = (
        None
    )
    halves: Annotated[int, Cell("half phases seen; 2 = whole", type="int8")]
    partial: Annotated[str, Cell("'', start, end, both (cut off there) or single (one side)")]
    units: Annotated[float, Cell("repetitions as people count this exercise")]
    amplitude_deg: Annotated[float, Cell("range of the representative signal", "deg")]
    signal: Annotated[str, Cell("expression of the representative signal")]
    keys: Annotated[str, Cell("key frames: name -> seconds from the video's first frame", type="json")]
    score: Annotated[
        float, Cell("weighted similarity to the reference; null without a reference", "0..1", null=NAN)
    ] = NAN
    cosine: Annotated[float, Cell("similarity of the z-scored angles", "0..1", null=NAN)] = NAN
    pearson: Annotated[float, Cell("mean correlation of the salient joints", "0..1", null=NAN)] = NAN
    velocity: Annotated[float, Cell("similarity of the angles' changes", "0..1", null=NAN)] = NAN
    amplitude: Annotated[float, Cell("likeness of the ranges of motion", "0..1", null=NAN)] = NAN
    best: Annotated[bool, Cell("the segment's cycle with the highest score")]
    confidence: Annotated[float, Cell("of the kinematics in the cycle", "0..1")]
    salient: Annotated[Sequence[str], Cell("joints J*")]
    salient_source: Annotated[str, Cell("where J* comes from: selector, annotated, exercise or all")]
    violations: Annotated[int, Cell("form errors that a coach would speak of, both sides of a rule as one")]
    measurements: Annotated[int, Cell("targets and still joints outside their range, both sides as one")] = 0
    not_sure: Annotated[int, Cell("rules of which cannot be told whether they were kept")] = 0
    passed: Annotated[int, Cell("rules kept")]
    not_judged: Annotated[int, Cell("rules that could not be judged")]

    @property
    def moments(self) -> dict[str, float]:
        """Key frame -> seconds from the video's first frame."""
        found: dict[str, float] = json.loads(self.keys)
        return found


@row
class ContextRow:
    """What a coach knows of the motion at one 4 Hz step."""

    split: Split
    video: Video
    segment: SegmentIndex
    exercise: ExerciseId
    step: Annotated[int, Cell("4 Hz feature step, from 0 in each segment")]
    time_s: Annotated[float, Cell("from the video's first frame; nothing later is known to the context", "s")]
    morph: Annotated[str, Cell("C_morph")]
    motion: Annotated[str, Cell("C_motion")]
    tokens: Annotated[int, Cell("estimated tokens of C_motion")]
    cycle: Annotated[int, Cell("last completed cycle, of those in the window where there is one; -1 before the first")]
    pose_known: Annotated[bool, Cell("whether a pose is shown")]
    salient_source: Annotated[str | None, Cell("where J* comes from: selector, annotated, exercise or all")] = None


@row
class MotionSegment:
    """What became of one segment: how much was found, or why nothing was."""

    split: str
    video: str
    segment: SegmentIndex
    exercise: Annotated[str | None, Cell("id of the exercise; null where its name is not known")] = None
    status: Annotated[str, Cell("ok, or the reason why nothing was found")]
    detail: Annotated[str | None, Cell("the reason in words")] = None
    start_s: Annotated[float, Cell("from the video's first frame", "s")]
    end_s: Annotated[float, Cell("null where the duration is not known", "s", null=INF)] = INF
    cycles: Annotated[int, Cell("cycles found")]
    units: Annotated[float, Cell("repetitions as people count this exercise")]
    signal: Annotated[str | None, Cell("expression of the representative signal")] = None
    rejected: Annotated[
        str | None, Cell("what looked like a cycle and was not counted: reason -> number", type="json")
    ] = None
    pose_share: Annotated[float, Cell("share of frames with a pose of their own", "0..1", null=NAN)] = NAN
    salient: Annotated[Sequence[str] | None, Cell("joints J* at the segment's end")] = None
    salient_source: Annotated[str | None, Cell("where J* comes from: selector, annotated, exercise or all")] = None
    heading_deg: Annotated[float, Cell("0 faces the camera; null where no camera is known", "deg", null=NAN)] = NAN

    @property
    def rejections(self) -> dict[str, int]:
        """What looked like a cycle and was not counted: reason -> number."""
        found: dict[str, int] = json.loads(self.rejected or "{}")
        return found


CYCLES = RowTable.of("cycles", 2, CycleRow)
CONTEXTS = RowTable.of("contexts", 2, ContextRow)
MOTION_SEGMENTS = RowTable.of("motion_segments", 2, MotionSegment)
