"""A whole segment at once: cycles, verdicts and contexts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.rules import Exercise
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
from qevd_bio.motion.cycles import paper_cycles as paper
from qevd_bio.motion.cycles.builders import Cycle
from qevd_bio.motion.cycles.curves import JoinedCurves, SeenCurves, Window
from qevd_bio.motion.cycles.signal_curve import CHOOSE_S, Signal, choose, detector, turns_alike
from qevd_bio.motion.frames import Frames, feature_frames
from qevd_bio.motion.judging.align import best
from qevd_bio.motion.judging.evaluate import Evaluator, JudgedCycle, Setup
from qevd_bio.motion.judging.occasion import Rest
from qevd_bio.motion.pose_state import PoseState, latest_pose
from qevd_bio.tables.motion import ContextRow
from qevd_bio.tables.verdicts import STILL, Verdict, faults_of

Count = Callable[[str], int]

_LEAST_REST_FRAMES = 3


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
    writer = ContextWriter(setup, count)
    contexts = _contexts(frames, curves, writer, cycles)
    scores = [cycle.similarity.score for cycle in cycles]
    return SegmentResult(tuple(cycles), tuple(contexts), rejected, signal.expression.text, best(scores))


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


def evaluate_frames(
    evaluator: Evaluator, cycle: Cycle, frames: Frames, curves: SeenCurves | JoinedCurves, reported_s: float
) -> JudgedCycle:
    """Evaluate a cycle on the frames that lie within it."""
    first = int(np.searchsorted(frames.time_s, cycle.start_s - 1e-9))
    last = int(np.searchsorted(frames.time_s, cycle.end_s + 1e-9, side="right")) - 1
    part = slice(first, last + 1)
    return evaluator.evaluate(
        cycle,
        Window(curves, first, last),
        frames.time_s[part],
        frames.frame[part],
        frames.confidence[part],
        reported_s,
        _rest(evaluator.rest_from(cycle), first, frames, curves),
    )


def _rest(start_s: float, until: int, frames: Frames, curves: SeenCurves | JoinedCurves) -> Rest | None:
    """The frames from `start_s` up to frame `until`; None for fewer than three."""
    first = int(np.searchsorted(frames.time_s, start_s - 1e-9))
    if until - first < _LEAST_REST_FRAMES:
        return None
    part = slice(first, until)
    return Rest(Window(curves, first, until - 1), frames.time_s[part], frames.frame[part])


def _find(
    frames: Frames, setup: Setup, signal: Signal, values: NDArray[np.float64]
) -> tuple[list[Cycle], Counter[str]]:
    exercise = setup.exercise
    if setup.options.cycles.method == "paper":
        return by_paper(frames.time_s, values, exercise, signal), Counter()
    machine = detector(exercise, signal, setup.options.cycles)
    found = machine.extend(frames.time_s.tolist(), values.tolist())
    return found + machine.finish(), machine.rejected


def by_paper(
    times_s: NDArray[np.float64], values: NDArray[np.float64], exercise: Exercise, signal: Signal
) -> list[Cycle]:
    """Cycles or holds by the paper's rule; `values` (T,) radians of the paper's representative `signal`."""
    if exercise.category == "hold":
        return paper.detect_holds(times_s, values)
    return paper.detect_cycles(
        times_s,
        values,
        two_sided=signal.two_sided,
        rest_high=exercise.signal.rest == "max",
        alternating=exercise.category == "alternating",
        halves=turns_of(exercise, signal),
    )


def turns_of(exercise: Exercise, signal: Signal) -> int:
    """Half phases in one wave of the paper's signal: 1 where each side's turn makes a wave of its own, else 2."""
    by_side = exercise.category == "alternating" and exercise.cycle.count.per_cycle == 2
    return 1 if by_side and turns_alike(signal.expression) else 2


def _contexts(
    frames: Frames, curves: SeenCurves, writer: ContextWriter, cycles: Sequence[JudgedCycle]
) -> list[ContextRow]:
    steps = feature_frames(frames.time_s)
    newest, older = latest_pose(frames.time_s, frames.ok, steps)
    table = writer.pose.table(curves, np.maximum(newest, 0)).tolist()
    rows: list[ContextRow] = []
    done = 0
    for step, index in enumerate(steps.tolist()):
        time = float(frames.time_s[index])
        while done < len(cycles) and cycles[done].reported_s <= time:
            writer.completed(cycles[done])
            done += 1
        known = bool(newest[step] >= 0)
        rows.append(writer.row(step, time, table[step] if known else None, bool(older[step])))
    return rows


class ContextWriter:
    """Writes the contexts of a segment, step by step; what it has been told of cycles is what they know."""

    def __init__(self, setup: Setup, count: Count = estimate_tokens) -> None:
        self.options, self._place = setup.options.contexts, setup.place
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
        motion = Motion(
            cycles=self._motion.cycles + 1,
            last_s=rounded(cycle.cycle.duration_s, "s"),
            score=rounded(cycle.similarity.score, "ratio"),
            issues=issues_of(cycle.verdicts, self.options.max_issues),
        )
        self._known(motion, cycle.number)

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
