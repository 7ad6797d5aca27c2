"""Motion analysis frame by frame, for a coach that watches: the same results as `segment.analyse`, as they come.

Frames are worked on in the small blocks between two 4 Hz feature steps, since nothing is asked for in between.
Memory and cost per frame do not grow with the session: only the last seconds are kept.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.motion.builders import Cycle
from qevd_bio.motion.context import estimate_tokens
from qevd_bio.motion.curves import SeenCurves
from qevd_bio.motion.cycles import CycleDetector
from qevd_bio.motion.evaluate import Evaluator, JudgedCycle, Setup
from qevd_bio.motion.frames import CNN_HZ, FRAMES_A_FEATURE, Frames
from qevd_bio.motion.holds import HoldDetector
from qevd_bio.motion.pose_state import KEEP_S
from qevd_bio.motion.segment import ContextRow, ContextWriter, Count, choosing, evaluate_frames
from qevd_bio.motion.signals import CHOOSE_S, choose, detector
from qevd_bio.pose.kinematics import OK
from qevd_bio.store.errors import UserError
from qevd_bio.video.sampling import at_rate

KEPT_S = 30.0
KEPT_HOLD_S = 120.0
"""Seconds of frames kept; a hold that lasts longer is judged on its last part."""


@dataclass(frozen=True)
class Update:
    """What one frame settled: cycles, and the context where the frame completes a feature step."""

    cycles: tuple[JudgedCycle, ...] = ()
    context: ContextRow | None = None


NOTHING = Update()


class MotionStream:
    """Cycles, verdicts and contexts of one segment while it happens.

    `push` takes one frame; `finish` settles what the end leaves open. Only the `robust` cycle rule can be streamed:
    the paper's thresholds are properties of the whole signal.
    """

    def __init__(self, setup: Setup, count: Count = estimate_tokens) -> None:
        if setup.options.cycles.method != "robust":
            raise UserError(
                f"the cycle rule {setup.options.cycles.method!r} needs the whole clip",
                fix="stream with the robust rule",
            )
        self.setup = setup
        self._evaluator = Evaluator(setup)
        self._writer = ContextWriter(setup, count)
        self._detector: CycleDetector | HoldDetector | None = None
        self._take = at_rate(CNN_HZ)
        self._taken = self._step = self._frames = 0
        self._block: list[
            tuple[int, float, NDArray[np.floating], NDArray[np.bool_], float, int, NDArray[np.floating]]
        ] = []
        self._kept: deque[Frames] = deque()
        self._keep_s = KEPT_HOLD_S if setup.exercise.category == "hold" else KEPT_S
        self._first_ok: float | None = None
        self._known_at = 0.0
        self._pose: tuple[float, list[float]] | None = None

    def push(
        self,
        frame: int,
        time_s: float,
        angles: NDArray[np.floating],
        observed: NDArray[np.bool_],
        confidence: float = 1.0,
        status: int = OK,
        root: NDArray[np.floating] | None = None,
    ) -> Update:
        """One frame: number, seconds (rising), angles (46,) radians, observed (46,), as in the kinematics table."""
        place = _NOWHERE if root is None else root
        self._block.append((frame, time_s, angles, observed, confidence, status, place))
        taken = self._take(self._frames, time_s)
        self._frames += 1
        self._taken += taken
        if not (taken and self._taken % FRAMES_A_FEATURE == 0):
            return NOTHING
        cycles = self._work()
        row = self._context(time_s)
        return Update(tuple(cycles), row)

    def finish(self) -> Update:
        """Settle what is open at the end of the segment."""
        cycles = self._work()
        if self._detector is None:
            cycles += self._start(len_known=False)
        assert self._detector is not None
        cycles += self._judge(self._detector.finish())
        return Update(tuple(cycles))

    def _work(self) -> list[JudgedCycle]:
        """Work on the frames since the last step."""
        if not self._block:
            return []
        block = _frames(self._block)
        self._block = []
        self._kept.append(block)
        if self._first_ok is None and block.ok.any():
            self._first_ok = float(block.time_s[int(np.argmax(block.ok))])
        self._note_pose(block)
        if self._detector is None:
            waiting = self._first_ok is None or block.time_s[-1] <= self._first_ok + CHOOSE_S
            if self._first_ok is None:
                self._forget(float(block.time_s[-1]) - self._keep_s)
            return [] if waiting else self._start()
        cycles = self._feed(block)
        self._forget(float(block.time_s[-1]) - self._keep_s)
        return cycles

    def _start(self, len_known: bool = True) -> list[JudgedCycle]:
        """Choose the signal from the first second with a pose, and catch up."""
        if self._kept:
            seen = _joined(list(self._kept))
            first, until = choosing(seen.time_s, seen.ok)
            signal = self._evaluator.use(choose(self._evaluator.signals, seen.observed[first:until]))
            self._known_at = float(seen.time_s[min(until, len(seen) - 1)])
        else:
            signal = self._evaluator.signal
        self._detector = detector(self._evaluator.setup.exercise, signal, self.setup.options.cycles)
        cycles = []
        for block in self._kept:
            cycles += self._feed(block)
        return cycles

    def _feed(self, block: Frames) -> list[JudgedCycle]:
        assert self._detector is not None
        curves = SeenCurves(block.angles, block.observed, self.setup.skeleton, block.root)
        values = np.asarray(self._evaluator.signal.values(curves))
        return self._judge(self._detector.extend(block.time_s.tolist(), values.tolist()))

    def _judge(self, found: list[Cycle]) -> list[JudgedCycle]:
        judged = []
        for cycle in found:
            kept = [b for b in self._kept if b.time_s[-1] >= cycle.start_s - 1e-9 and b.time_s[0] <= cycle.end_s + 1e-9]
            frames = _joined(kept or [_frames([])])
            curves = SeenCurves(frames.angles, frames.observed, self.setup.skeleton, frames.root)
            reported = max(cycle.reported_s, self._known_at)
            judged.append(evaluate_frames(self._evaluator, cycle, frames, curves, reported))
            self._writer.completed(judged[-1])
        return judged

    def _forget(self, before_s: float) -> None:
        while self._kept and self._kept[0].time_s[-1] < before_s:
            self._kept.popleft()

    def _note_pose(self, block: Frames) -> None:
        if block.ok.any():
            row = np.flatnonzero(block.ok)[-1:]
            curves = SeenCurves(block.angles[row], block.observed[row], self.setup.skeleton, block.root[row])
            values = self._writer.pose.table(curves, np.array([0]))[0].tolist()
            self._pose = (float(block.time_s[row[0]]), values)

    def _context(self, time_s: float) -> ContextRow:
        when, values = self._pose if self._pose is not None else (-np.inf, [])
        known = time_s - when <= KEEP_S
        row = self._writer.row(self._step, time_s, values if known else None, when != time_s)
        self._step += 1
        return row


_NOWHERE = np.full(3, np.nan)


def _frames(
    rows: list[tuple[int, float, NDArray[np.floating], NDArray[np.bool_], float, int, NDArray[np.floating]]],
) -> Frames:
    """Frames of single rows, with the masks of `frames.frames_of`."""
    angles = np.array([row[2] for row in rows], dtype=np.float64).reshape(len(rows), 46)
    status = np.array([row[5] for row in rows], dtype=np.uint8)
    ok = status == OK
    confidence = np.nan_to_num(np.array([row[4] for row in rows], dtype=np.float64), nan=0.0)
    observed = np.array([row[3] for row in rows], dtype=bool).reshape(len(rows), 46)
    return Frames(
        np.array([row[0] for row in rows], dtype=np.int32),
        np.array([row[1] for row in rows], dtype=np.float64),
        angles,
        observed & ok[:, None] & np.isfinite(angles),
        np.where(ok, confidence, 0.0),
        status,
        np.array([row[6] for row in rows], dtype=np.float64).reshape(len(rows), 3),
    )


def _joined(blocks: list[Frames]) -> Frames:
    if len(blocks) == 1:
        return blocks[0]
    names = ("frame", "time_s", "angles", "observed", "confidence", "status", "root")
    return Frames(*(np.concatenate([getattr(block, name) for block in blocks]) for name in names))
