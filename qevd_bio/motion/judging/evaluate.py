"""One cycle evaluated: key frames, likeness to the reference, verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import JOINT_DOFS, JOINT_NAMES
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.measure import key_frames
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.cycles.builders import Cycle
from qevd_bio.motion.cycles.curves import Window
from qevd_bio.motion.cycles.signal_curve import Signal, candidates, shown_by
from qevd_bio.motion.judging.align import UNDEFINED, Similarity, compare, resample
from qevd_bio.motion.judging.constraints import CycleJudge
from qevd_bio.motion.judging.occasion import CameraView, Occasion, Rest
from qevd_bio.motion.judging.paper_constraints import PaperJudge
from qevd_bio.motion.judging.template import Template
from qevd_bio.motion.judging.truncation import Cut
from qevd_bio.motion.options import MotionOptions
from qevd_bio.tables.motion import SegmentPlace
from qevd_bio.tables.verdicts import Verdict

Array = NDArray[np.float64]

LEAST_REST_S = 0.5
"""Two repetitions less apart have no rest between them."""
REST_S = 10.0
"""Of a longer rest the last part is looked at."""


@dataclass(frozen=True)
class Setup:
    """Everything about one segment that its frames do not say.

    reference       (N, 46) radians at `reference_fps`, None for an exercise without one
    salient         joints of J* in the canonical order;  salient_source  where they come from
    skeleton        of the subject;  body, build  measurements and proportions for C_morph
    split, video, segment  where the frames come from, for the rows of the tables
    """

    exercise: Exercise
    reference: Array | None
    salient: tuple[str, ...]
    reference_fps: float = 30.0
    salient_source: str = "exercise"
    options: MotionOptions = field(default_factory=MotionOptions)
    skeleton: Skeleton = field(default_factory=Skeleton.from_stature)
    camera: CameraView = field(default_factory=CameraView)
    body: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    build: Mapping[str, float] = field(default_factory=dict)
    split: str = ""
    video: str = ""
    segment: int = 0

    @property
    def place(self) -> SegmentPlace:
        """The segment, as rows of tables name it."""
        return SegmentPlace(self.split, self.video, self.segment, self.exercise.id)

    def signals(self) -> tuple[Signal, ...]:
        """The curves that may show the repetitions, the exercise's own first."""
        by_paper = self.options.cycles.method == "paper"
        return candidates(self.exercise, self.reference, self.reference_fps, by_paper)


@dataclass(frozen=True)
class JudgedCycle:
    """A cycle with all that was found on it.

    number   0, 1, … within the segment;  times, frames (T,) seconds and frame numbers of the cycle's frames
    keys     key frame -> seconds;  own  side of its one-sided key frame, "" where it has none
    confidence of the kinematics: mean over the frames, counting frames without a pose as 0
    """

    number: int
    cycle: Cycle
    times: Array
    frames: NDArray[np.int32]
    similarity: Similarity
    verdicts: tuple[Verdict, ...]
    keys: Mapping[str, float]
    own: str
    confidence: float
    reported_s: float


class Evaluator:
    """Evaluates the cycles of one segment, in order; `signal` is the one that shows its repetitions."""

    def __init__(self, setup: Setup, signal: Signal) -> None:
        self.setup, self.signal = setup, signal
        self.exercise = shown_by(setup.exercise, signal)
        self.template = None
        values: Mapping[tuple[str, str], float] = {}
        if setup.reference is not None:
            self.template = Template(self.exercise, setup.reference, setup.reference_fps, signal)
            values = self.template.values
        self._values = values
        self.begin()
        columns = [(dof, JOINT_NAMES.index(joint)) for joint in setup.salient for dof in JOINT_DOFS[joint]]
        self._columns = np.array([dof for dof, _ in columns], dtype=np.intp)
        self._joints = np.array([joint for _, joint in columns], dtype=np.intp)

    def begin(self, count: int = 0, ended_s: float = math.nan) -> None:
        """Forget the faults so far. `count` cycles came before the next, the last of which ended at `ended_s`."""
        setup, rules = self.setup, self.setup.options.constraints
        self.judge = CycleJudge(self.exercise, setup.salient, rules, setup.camera, self._values)
        by_paper = rules.method != "catalogue"
        self.paper = PaperJudge(self.exercise, setup.salient, rules, self.template) if by_paper else None
        self._count = count
        self._ended = ended_s

    def rest_from(self, cycle: Cycle) -> float:
        """Where the rest before a cycle begins, in seconds; the cycle's own start where there was none."""
        rested = cycle.start_s - self._ended
        return max(self._ended, cycle.start_s - REST_S) if rested >= LEAST_REST_S else cycle.start_s

    def evaluate(
        self,
        cycle: Cycle,
        window: Window,
        times: Array,
        frames: NDArray[np.int32],
        confidence: Array,
        reported_s: float,
        rest: Rest | None = None,
    ) -> JudgedCycle:
        """Evaluate one cycle; `window`, `times`, `frames`, `confidence` (0 without a pose) are its frames'.

        `rest` are the frames since the last one, from `rest_from` on.
        """
        moments = key_frames(self.exercise, window.present, len(window)) if len(window) else {}
        names = {key.name for key in self.exercise.keys if key.sides == "one"}
        own = next((m.side for name, m in moments.items() if name in names), "")
        trust = float(np.mean(confidence)) if len(confidence) else 0.0
        one_sided = not self.signal.two_sided and self.exercise.category != "hold"
        cut = Cut(bool(cycle.partial), cycle.side if cycle.halves == 1 else "", self.exercise.signal.rest * one_sided)
        occasion = Occasion(self.setup.place, self._count, cycle.start_s, cycle.end_s, times, frames)
        if self.paper is not None:
            verdicts = self.paper.judge(occasion, window, cycle, own, trust, cut)
        else:
            verdicts = self.judge.judge(occasion, window, cycle.start_s - self._ended, trust, moments, cut, rest)
        result = JudgedCycle(
            number=self._count,
            cycle=cycle,
            times=times,
            frames=frames,
            similarity=self._similarity(cycle, window, times, own),
            verdicts=tuple(verdicts),
            keys={name: float(times[moment.frame]) for name, moment in moments.items()},
            own=own,
            confidence=trust,
            reported_s=reported_s,
        )
        self._count += 1
        self._ended = cycle.end_s
        return result

    def _similarity(self, cycle: Cycle, window: Window, times: Array, own: str) -> Similarity:
        if self.template is None or len(window) < 2 or not self._columns.size:
            return UNDEFINED
        columns = self._columns
        seen = window.observed[:, columns]
        enough = seen.mean(axis=0) >= self.setup.options.constraints.min_observed
        if not enough.any():
            return UNDEFINED
        columns, joints = columns[enough], self._joints[enough]
        angles = np.where(window.observed[:, columns], window.angles[:, columns], np.nan)
        reference = self.template.cut(cycle.side, cycle.halves, own)[:, columns]
        user = resample(times, angles, cycle.start_s, cycle.end_s, len(reference))
        return compare(user, reference, joints)
