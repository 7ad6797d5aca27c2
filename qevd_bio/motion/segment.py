"""A whole segment at once: cycles, verdicts and contexts."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.wording import measured_name, rounded
from qevd_bio.motion.context import (
    Issue,
    Motion,
    estimate_tokens,
    fit,
    morph_of,
    write_morph,
    write_pose,
    write_rest,
)
from qevd_bio.motion.cycles.builders import Cycle
from qevd_bio.motion.cycles.curves import SeenCurves
from qevd_bio.motion.cycles.signal_curve import CHOOSE_S, Signal, choose, detector
from qevd_bio.motion.evaluating import by_paper, evaluate_frames
from qevd_bio.motion.frames import Frames, feature_frames
from qevd_bio.motion.judging.align import best
from qevd_bio.motion.judging.evaluate import Evaluator, JudgedCycle, Setup
from qevd_bio.motion.pose_state import PoseState, latest_pose
from qevd_bio.motion.recent import RecentMotion
from qevd_bio.motion.salient import JointsOverTime
from qevd_bio.tables.motion import ContextRow
from qevd_bio.tables.verdicts import STILL, Verdict, faults_of

Count = Callable[[str], int]


@dataclass(frozen=True)
class SegmentResult:
    """What one segment gave. `rejected` counts candidates that were no cycle, by reason."""

    cycles: tuple[JudgedCycle, ...]
    contexts: tuple[ContextRow, ...]
    rejected: Counter[str]
    signal: str
    best: int | None


def analyse(frames: Frames, setup: Setup, count: Count = estimate_tokens) -> SegmentResult:
    """Cycles, verdicts and contexts of a segment's frames.

    The result is that of `stream.MotionStream` fed the same frames, with the `robust` cycle rule.
    """
    signals = setup.signals()
    if len(frames) == 0:
        return SegmentResult((), (), Counter(), signals[0].expression.text, None)
    first, until = choosing(frames.time_s, frames.ok)
    part = slice(first, until)
    signal = signals[choose(signals, frames.cycle_angles[part], frames.observed[part])]
    evaluator = Evaluator(setup, signal)
    known_at = float(frames.time_s[min(until, len(frames) - 1)])
    curves = seen_curves(frames, setup.skeleton)
    moving = signal_curves(frames, curves, setup.skeleton)
    found, rejected = _find(frames, setup, signal, np.asarray(signal.values(moving.present)))
    cycles = []
    for cycle in found:
        reported = max(cycle.reported_s, known_at)
        cycles.append(evaluate_frames(evaluator, cycle, frames, curves, reported))
    window_s = setup.options.contexts.window_s
    recent = RecentMotion(setup, window_s) if window_s else None
    contexts = _contexts(frames, curves, moving, ContextWriter(setup, count), cycles, recent)
    scores = [cycle.similarity.score for cycle in cycles]
    return SegmentResult(tuple(cycles), tuple(contexts), rejected, signal.expression.text, best(scores))


def analyse_over_time(
    frames: Frames, setup: Setup, joints: JointsOverTime, count: Count = estimate_tokens
) -> SegmentResult:
    """As `analyse`, with J* as it is known at each moment.

    When more becomes known of J*, what was seen is looked at again under it (as in a live session): contexts, and
    verdicts on a repetition, are those of the joints that are known then.
    """
    found = [analyse(frames, replace(setup, salient=chosen), count) for _, chosen in joints.phases]
    starts = [start for start, _ in joints.phases]

    def then(time_s: float) -> SegmentResult:
        return found[bisect.bisect_right(starts, time_s) - 1]

    first = found[0]
    cycles = tuple(then(cycle.reported_s).cycles[number] for number, cycle in enumerate(first.cycles))
    contexts = tuple(then(row.time_s).contexts[number] for number, row in enumerate(first.contexts))
    return replace(first, cycles=cycles, contexts=contexts, best=best([cycle.similarity.score for cycle in cycles]))


def seen_curves(frames: Frames, skeleton: Skeleton) -> SeenCurves:
    """The curves that are judged."""
    return SeenCurves(frames.angles, frames.observed, frames.ok, skeleton, frames.root, frames.sigma)


def signal_curves(frames: Frames, judged: SeenCurves, skeleton: Skeleton) -> SeenCurves:
    """The curves on which cycles are found: those that are judged, or smoother ones where the frames carry them."""
    if frames.slow is None:
        return judged
    return SeenCurves(frames.slow, frames.observed, frames.ok, skeleton, frames.root)


def choosing(times_s: NDArray[np.float64], ok: NDArray[np.bool_]) -> tuple[int, int]:
    """First frame and end (excluded) of the frames from which the signal is chosen."""
    if not ok.any():
        return 0, len(ok)
    first = int(np.argmax(ok))
    return first, int(np.searchsorted(times_s, times_s[first] + CHOOSE_S, side="right"))


def _find(
    frames: Frames, setup: Setup, signal: Signal, values: NDArray[np.float64]
) -> tuple[list[Cycle], Counter[str]]:
    exercise = setup.exercise
    if setup.options.cycles.method == "paper":
        return by_paper(frames.time_s, values, exercise, signal), Counter()
    machine = detector(exercise, signal, setup.options.cycles)
    found = machine.extend(frames.time_s.tolist(), values.tolist())
    return found + machine.finish(), machine.rejected


def _contexts(
    frames: Frames,
    curves: SeenCurves,
    moving: SeenCurves,
    writer: ContextWriter,
    cycles: Sequence[JudgedCycle],
    recent: RecentMotion | None,
) -> list[ContextRow]:
    steps = feature_frames(frames.time_s)
    newest, older = latest_pose(frames.time_s, frames.ok, steps)
    table = writer.pose.table(curves, np.maximum(newest, 0)).tolist()
    rows: list[ContextRow] = []
    done = 0
    for step, index in enumerate(steps.tolist()):
        time = float(frames.time_s[index])
        if recent is not None:
            writer.only(*recent.at(frames, curves, moving, index))
        while recent is None and done < len(cycles) and cycles[done].reported_s <= time:
            writer.completed(cycles[done])
            done += 1
        known = bool(newest[step] >= 0)
        rows.append(writer.row(step, time, table[step] if known else None, bool(older[step])))
    return rows


class ContextWriter:
    """Writes the contexts of a segment, step by step; what it has been told of cycles is what they know."""

    def __init__(self, setup: Setup, count: Count = estimate_tokens) -> None:
        self.options, self._place = setup.options.contexts, setup.place
        self._source = setup.salient_source
        self.pose = PoseState(setup.salient)
        self._count = count
        build = setup.build if setup.options.contexts.morph == "build" else None
        morph = morph_of(setup.body, build=build)
        self._morph = {warning: write_morph(replace(morph, warning=warning)) for warning in (False, True)}
        self._known(Motion(), -1)

    def _known(self, motion: Motion, number: int) -> None:
        """What contexts say from now on, beside the pose."""
        self._motion, self._number = motion, number
        self._rest = write_rest(motion)
        self._rest_tokens = estimate_tokens(f"\n{self._rest}")

    def completed(self, cycle: JudgedCycle) -> None:
        """Take note of a completed cycle."""
        self._known(self._after(cycle, self._motion.cycles + 1), cycle.number)

    def only(self, newest: JudgedCycle | None, count: int) -> None:
        """Know `count` completed cycles, of which this is the newest, and no others."""
        if newest is None:
            self._known(Motion(), -1)
        else:
            self._known(self._after(newest, count), newest.number)

    def _after(self, cycle: JudgedCycle, count: int) -> Motion:
        return Motion(
            cycles=count,
            last_s=rounded(cycle.cycle.duration_s, "s"),
            score=rounded(cycle.similarity.score, "ratio"),
            issues=issues_of(cycle.verdicts, self.options.max_issues),
        )

    def row(self, step: int, time_s: float, pose: Sequence[float] | None, older: bool) -> ContextRow:
        """The context at one step; `pose` are the salient joints' angles, None where no pose is known."""
        values = self.pose.values(pose) if pose is not None else ()
        first = write_pose(values)
        text, tokens = f"{first}\n{self._rest}", estimate_tokens(first) + self._rest_tokens
        if self._count is not estimate_tokens or tokens > self.options.max_tokens:
            text, tokens = fit(replace(self._motion, pose=values), self.options.max_tokens, self._count)
        return ContextRow(
            split=self._place.split,
            video=self._place.video,
            segment=self._place.segment,
            exercise=self._place.exercise,
            step=step,
            time_s=time_s,
            morph=self._morph[older],
            motion=text,
            tokens=tokens,
            cycle=self._number,
            pose_known=pose is not None,
            salient_source=self._source,
        )


def issues_of(verdicts: Sequence[Verdict], most: int) -> tuple[Issue, ...]:
    """The gravest faults of salient joints, one for each quantity, as contexts show them."""
    chosen: dict[str, Verdict] = {}
    for verdict in sorted(faults_of(v for v in verdicts if v.salient), key=lambda v: (-v.severity, v.rule, v.side)):
        chosen.setdefault(verdict.quantity, verdict)
    return tuple(_issue(verdict) for verdict in list(chosen.values())[:most])


def _issue(verdict: Verdict) -> Issue:
    fault = "unstable" if verdict.kind in STILL else "insufficient" if verdict.deviation < 0 else "excessive"
    unit = verdict.unit
    detected, required = rounded(verdict.value, unit), rounded(verdict.goal, unit)
    return Issue(verdict.side, measured_name(verdict), fault, detected, required, unit)
