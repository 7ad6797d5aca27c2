"""What the page and the plots show, as plain frozen data: no files, no markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qevd_bio.exercise.rules import Exercise
from qevd_bio.reporting.content.not_read import NotRead
from qevd_bio.scoring.results import Scores
from qevd_bio.tables.motion import CycleRow
from qevd_bio.tables.rewritten import FeedbackRow
from qevd_bio.tables.verdicts import Verdict

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ReferenceBand:
    """The reference laid over one repetition: (N,) seconds and degrees, and half its width in degrees."""

    time_s: Array
    values: Array
    half_width: float


@dataclass(frozen=True)
class SignalCurve:
    """The representative signal: (T,) seconds from the video's first frame and degrees, NaN where no pose is known."""

    expression: str
    time_s: Array
    values: Array
    bands: tuple[ReferenceBand, ...] = ()


@dataclass(frozen=True)
class TrainerFeedback:
    """One feedback of the trainer; `time_s` from the video's first frame.

    `rewritten`: its new text; `original`: the trainer's own words where `text` is already the new one.
    """

    time_s: float
    text: str
    intent: str = ""
    rewritten: str = ""
    original: str = ""


@dataclass(frozen=True)
class Prediction:
    """One feedback of a system. `truth`: position of the ground truth it is matched with, None where unmatched."""

    time_s: float
    text: str
    truth: int | None = None
    delta_s: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Lane:
    """What one system said in a segment."""

    run: str
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class Strip:
    """Frames side by side in one JPEG: `count` cells that divide the segment's time evenly; size in pixels."""

    jpeg: bytes
    count: int
    width: int
    height: int


@dataclass(frozen=True)
class Clip:
    """A short film of one moment: an MP4 file, its size in pixels, the moment in seconds, and what it shows."""

    mp4: bytes
    width: int
    height: int
    at_s: float
    about: str


@dataclass(frozen=True)
class SegmentView:
    """One exercise of a video: everything its timeline shows. Times in seconds from the video's first frame.

    analysed is False where no repetitions were looked for; decisions: what became of the trainer's feedback.
    """

    index: int
    exercise: str
    start_s: float
    end_s: float
    status: str = ""
    curve: SignalCurve | None = None
    reps: tuple[CycleRow, ...] = ()
    faults: tuple[Verdict, ...] = ()
    not_judged: Mapping[str, int] = field(default_factory=dict)
    not_sure: Mapping[str, int] = field(default_factory=dict)
    measurements: int = 0
    rules: Exercise | None = None
    truths: tuple[TrainerFeedback, ...] = ()
    lanes: tuple[Lane, ...] = ()
    strip: Strip | None = None
    notes: tuple[str, ...] = ()
    analysed: bool = False
    participant: str = ""
    decisions: tuple[str, ...] = ()
    clips: tuple[Clip, ...] = ()


@dataclass(frozen=True)
class VideoView:
    """One video with its segments in order; `notes` say what could not be shown and why.

    kinematics is False where no angles are known; file is the video's place seen from the page, empty where unknown.
    """

    split: str
    video: str
    segments: tuple[SegmentView, ...]
    notes: tuple[str, ...] = ()
    kinematics: bool = True
    file: str = ""


@dataclass(frozen=True)
class LaneSummary:
    """What one system did in a segment: positions of the trainer's feedbacks that it met, how often it spoke beside
    them, and a hash of all its words."""

    run: str
    met: tuple[int, ...]
    others: int
    said: str


@dataclass(frozen=True)
class IndexRow:
    """One exercise in the page's index; `video` and `segment` are its places on the page, counted from 0.

    None and NaN are what is not known: no number stands for it.
    """

    video: int
    segment: int
    name: str
    start_s: float
    exercise: str
    participant: str
    repetitions: float | None
    faults: int | None
    rules: tuple[str, ...]
    similarity: float
    feedbacks: int
    intents: tuple[str, ...]
    decisions: tuple[str, ...]
    lanes: tuple[LaneSummary, ...]


@dataclass(frozen=True)
class RunView:
    """One scored run; `name` is unique on the page; `timed` is False for a list of matched pairs."""

    name: str
    scores: Scores
    timed: bool


@dataclass(frozen=True)
class Missing:
    """Something the page would show if it were there, and the command that makes it."""

    what: str
    command: str = ""


class RewritingFigures(Protocol):
    """Counts of a rewritten data set, as the rewriting makes them (docs/rewriting.md)."""

    @property
    def feedbacks(self) -> int:
        """Feedbacks of the data set."""

    @property
    def corrective(self) -> int:
        """Those whose intent is corrective."""

    @property
    def rewritten(self) -> int:
        """Those that were rewritten."""

    @property
    def unsupported(self) -> int:
        """Corrections that no measurement supports; their text is kept."""

    @property
    def contradictions(self) -> int:
        """Rewritten feedbacks that ask for the opposite of what the trainer asked."""

    @property
    def distinct_texts(self) -> int:
        """Different texts among the rewritten ones."""

    @property
    def words_before(self) -> float:
        """Mean words of a rewritten feedback before."""

    @property
    def words_after(self) -> float:
        """Mean words after."""

    @property
    def rewritten_share(self) -> float | None:
        """Rewritten as a share of corrective; None without any."""

    @property
    def part_agreement(self) -> float | None:
        """Of rewritten feedbacks with a named body part: share that concern it; None without any."""

    @property
    def contradiction_share(self) -> float | None:
        """Contradictions as a share of rewritten; None without any."""

    @property
    def by_intent(self) -> Counter[tuple[str, str]]:
        """Feedbacks by intent and status."""

    @property
    def by_exercise(self) -> Counter[tuple[str, str]]:
        """Corrections by exercise and status."""

    @property
    def by_reason(self) -> Counter[tuple[str, str]]:
        """Unsupported corrections by exercise and reason."""

    @property
    def duplicates(self) -> Sequence[tuple[str, int]]:
        """Texts that were written more than once, and how often."""


@dataclass(frozen=True)
class Rewritten:
    """The rewritten data set: rows of its table of feedbacks, their figures, and what each reason means."""

    rows: Sequence[FeedbackRow]
    figures: RewritingFigures
    meanings: Mapping[str, str]


@dataclass(frozen=True)
class Overview:
    """The page above its timelines.

    counts     (label, number) of what is shown
    notes      what the maker of the page says about it
    simulated  why data is known to be simulated; empty for real or unknown data
    rewritten  the rewritten data set, None without one
    manifests  name -> content
    not_read   corrections that kept their words, None where there are none
    """

    title: str
    made: str
    counts: tuple[tuple[str, str], ...]
    runs: tuple[RunView, ...]
    missing: tuple[Missing, ...]
    simulated: tuple[str, ...]
    rewritten: Rewritten | None
    manifests: Mapping[str, Any]
    videos: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    not_read: NotRead | None = None
    index: tuple[IndexRow, ...] = ()


def rule_words(rule: str) -> str:
    """`error:knees_shallow` as people read it."""
    return rule.split(":", 1)[-1].replace("_", " ")
