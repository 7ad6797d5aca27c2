"""What a QEVD-FIT-COACH workout consists of, in memory.

Frames count from 0 and frame ranges include both ends. `_s` is seconds from the video's first frame, `_unix`
seconds of Unix time as the data set uses it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.dataset.names import Name, Side


def official_text(text: str) -> str:
    """A text as the official reader gives it: `armcrosschest` is said as `deltoid stretch`."""
    return text.replace("armcrosschest", "deltoid stretch")


@dataclass(frozen=True)
class Span:
    """One feedback: its text over the frames start..end, and its own stored time."""

    index: int
    text: str
    start_frame: int
    end_frame: int
    start_s: float
    end_s: float
    stamp_unix: float
    is_transition: bool


@dataclass(frozen=True)
class Transition:
    """A transition span and the exercise it announces; `exercise` is None where the name is not known.

    `written` is the name as the stored text has it, `official` as the official prompts have it.
    """

    span: Span
    written: str
    official: str
    exercise: Name | None


@dataclass(frozen=True)
class Feedback:
    """A feedback within a segment; `time_s` counts from the segment's start."""

    time_s: float
    text: str
    span: Span

    @property
    def official_text(self) -> str:
        """The text as the official reader passes it on."""
        return official_text(self.text)


@dataclass(frozen=True)
class Segment:
    """One exercise of one video. `index` is that of its transition; dropped segments leave a gap.

    Where a video has no annotations the segment is the whole video; then the frames and Unix times are None,
    and `end_s` is infinite as long as the duration is not known.
    """

    split: str
    video: str
    index: int
    exercise: Name | None
    exercise_written: str
    exercise_official: str
    start_s: float
    end_s: float
    start_frame: int | None = None
    end_frame: int | None = None
    start_unix: float | None = None
    end_unix: float | None = None
    feedbacks: tuple[Feedback, ...] = ()
    participant: str | None = None

    @property
    def key(self) -> str:
        """`split/video/index`."""
        return f"{self.split}/{self.video}/{self.index}"

    @property
    def exercise_id(self) -> str | None:
        """Id of the exercise; None where its name is not known."""
        return None if self.exercise is None else self.exercise.id

    @property
    def side(self) -> Side | None:
        """Side that the exercise's name states; None where it states none."""
        return None if self.exercise is None else self.exercise.side

    @property
    def duration_s(self) -> float:
        """Seconds from start to end; infinite where the end is not known."""
        return self.end_s - self.start_s

    @property
    def bounded(self) -> bool:
        """Whether the end is known."""
        return math.isfinite(self.end_s)


@dataclass(frozen=True)
class GivenExercise:
    """An exercise with stated name and times (competition release); seconds on the scale of the frame times."""

    written: str
    start: float
    end: float


@dataclass(frozen=True)
class Workout:
    """One record of `feedbacks_long_range.json` with its frame times.

    `frames` is the length of the dense list, `times_unix` (T,) the frame times in seconds. `tail` is a text
    still shown at the last frame, which the official reader never counts: (first frame, text).
    `given` holds the exercises where the file states them instead of feedbacks (competition release).
    `keys` and `extra` hold the record's key order and unknown keys, for writing it again.
    """

    split: str
    video: str
    video_file: str
    timestamps_file: str
    frames: int
    times_unix: NDArray[np.float64]
    spans: tuple[Span, ...]
    participant: str | None = None
    tail: tuple[int, str] | None = None
    given: tuple[GivenExercise, ...] = ()
    keys: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """`split/video`."""
        return f"{self.split}/{self.video}"

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(T,) seconds from the first frame."""
        seconds: NDArray[np.float64] = self.times_unix - self.times_unix[0]
        return seconds

    @property
    def transitions(self) -> tuple[Span, ...]:
        """The spans that announce an exercise, in order of time."""
        return tuple(span for span in self.spans if span.is_transition)

    def for_participant(self, participant: str) -> Workout:
        """The same workout, with its participant."""
        return replace(self, participant=participant)

    def with_texts(self, texts: Mapping[int, str]) -> Workout:
        """The same workout with other texts for some spans (by span index); nothing else changes."""
        spans = tuple(replace(s, text=texts[s.index]) if s.index in texts else s for s in self.spans)
        return replace(self, spans=spans)


@dataclass(frozen=True)
class Problem:
    """Something in the annotations that is not used, and why.

    `level` is "error" where a whole record is lost, "unparsed" for a transition without a known exercise,
    "dropped" for a segment that the official rule leaves out, "note" for an oddity that changes nothing.
    """

    level: str
    reason: str
    detail: str
    split: str = ""
    video: str = ""
    frame: int | None = None
    text: str = ""
