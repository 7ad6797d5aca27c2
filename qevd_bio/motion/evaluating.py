"""What batch, stream and window share: the paper's rule on a curve, and a cycle evaluated on its own frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.cycles import paper_cycles as paper
from qevd_bio.motion.cycles.builders import Cycle
from qevd_bio.motion.cycles.curves import JoinedCurves, SeenCurves, Window
from qevd_bio.motion.cycles.signal_curve import Signal, turns_alike
from qevd_bio.motion.frames import Frames
from qevd_bio.motion.judging.evaluate import Evaluator, JudgedCycle
from qevd_bio.motion.judging.occasion import Rest

_LEAST_REST_FRAMES = 3


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
