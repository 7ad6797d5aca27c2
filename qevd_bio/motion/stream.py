"""Motion analysis frame by frame, for a coach that watches: the same results as `segment.analyse`, as they come.

Frames are worked on in the small blocks between two 4 Hz feature steps, since nothing is asked for in between.
Memory and cost per frame do not grow with the session: only the last seconds are kept.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qevd_bio.motion.context import estimate_tokens
from qevd_bio.motion.cycles.builders import Cycle
from qevd_bio.motion.cycles.curves import JoinedCurves, SeenCurves
from qevd_bio.motion.cycles.detection import CycleDetector
from qevd_bio.motion.cycles.holds import HoldDetector
from qevd_bio.motion.cycles.signal_curve import CHOOSE_S, choose, detector
from qevd_bio.motion.evaluating import evaluate_frames
from qevd_bio.motion.frames import CNN_HZ, FRAMES_A_FEATURE, Frames
from qevd_bio.motion.judging.evaluate import Evaluator, JudgedCycle, Setup
from qevd_bio.motion.pose_state import KEEP_S
from qevd_bio.motion.recent import RecentMotion
from qevd_bio.motion.segment import ContextWriter, Count, choosing, seen_curves, signal_curves
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import OK
from qevd_bio.tables.motion import ContextRow
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


class _Row(NamedTuple):
    """One frame as it came."""

    frame: int
    time_s: float
    angles: NDArray[Any]
    observed: NDArray[np.bool_]
    confidence: float
    status: int
    root: NDArray[Any]
    slow: NDArray[Any] | None
    sigma: NDArray[Any] | None


class _Block(NamedTuple):
    """The frames between two feature steps, and their curves."""

    frames: Frames
    curves: SeenCurves

    def touches(self, start_s: float, end_s: float) -> bool:
        times = self.frames.time_s
        return bool(times[-1] >= start_s - 1e-9 and times[0] <= end_s + 1e-9)


class MotionStream:
    """Cycles, verdicts and contexts of one segment while it happens.

    `push` takes one frame; `finish` settles what the end leaves open. Only the `robust` cycle rule can be
    streamed: the paper's thresholds are properties of the whole signal.
    """

    def __init__(self, setup: Setup, count: Count = estimate_tokens) -> None:
        method = setup.options.cycles.method
        if method != "robust":
            raise UserError(f"the cycle rule {method!r} needs the whole clip", fix="stream with the robust rule")
        self.setup = setup
        self._signals = setup.signals()
        self._writer = ContextWriter(setup, count)
        window_s = setup.options.contexts.window_s
        self._recent = RecentMotion(setup, window_s) if window_s else None
        # Both are made when the signal has been chosen.
        self._evaluator: Evaluator | None = None
        self._detector: CycleDetector | HoldDetector | None = None
        self._take = at_rate(CNN_HZ)
        self._taken = self._step = self._frames = 0
        self._rows: list[_Row] = []
        self._kept: deque[_Block] = deque()
        self._keep_s = KEPT_HOLD_S if setup.exercise.category == "hold" else KEPT_S
        self._first_ok: float | None = None
        self._known_at = 0.0
        self._pose: tuple[float, list[float]] | None = None

    def push(
        self,
        frame: int,
        time_s: float,
        angles: NDArray[Any],
        observed: NDArray[np.bool_],
        confidence: float = 1.0,
        status: int = OK,
        root: NDArray[Any] | None = None,
        slow: NDArray[Any] | None = None,
        sigma: NDArray[Any] | None = None,
    ) -> Update:
        """One frame: number, seconds (rising), angles (46,) radians, observed (46,), as in the kinematics table.

        slow (46,): the angles that cycles are found on, where these are others; sigma (46,) radians, the error of
        each angle; each in all frames or in none.
        """
        place = _NOWHERE if root is None else root
        self._rows.append(_Row(frame, time_s, angles, observed, confidence, status, place, slow, sigma))
        taken = self._take(self._frames, time_s)
        self._frames += 1
        self._taken += taken
        if not (taken and self._taken % FRAMES_A_FEATURE == 0):
            return NOTHING
        cycles = self._work()
        return Update(tuple(cycles), self._context(time_s))

    def finish(self) -> Update:
        """Settle what is open at the end of the segment."""
        cycles = self._work()
        if self._detector is None:
            cycles += self._start()
        assert self._detector is not None
        cycles += self._judge(self._detector.finish())
        return Update(tuple(cycles))

    def _work(self) -> list[JudgedCycle]:
        """Work on the frames since the last step."""
        if not self._rows:
            return []
        frames = _frames(self._rows)
        self._rows = []
        block = _Block(frames, seen_curves(frames, self.setup.skeleton))
        self._kept.append(block)
        now = float(frames.time_s[-1])
        if self._first_ok is None and frames.ok.any():
            self._first_ok = float(frames.time_s[int(np.argmax(frames.ok))])
        self._note_pose(block)
        if self._detector is None:
            ready = self._first_ok is not None and now > self._first_ok + CHOOSE_S
            cycles = self._start() if ready else []
        else:
            cycles = self._feed(block)
        if self._detector is not None or self._first_ok is None:
            self._forget(now - self._keep_s)
        return cycles

    def _start(self) -> list[JudgedCycle]:
        """Choose the signal from the first second with a pose, and catch up."""
        signal = self._signals[0]
        if self._kept:
            seen = _joined([block.frames for block in self._kept])
            first, until = choosing(seen.time_s, seen.ok)
            part = slice(first, until)
            signal = self._signals[choose(self._signals, seen.cycle_angles[part], seen.observed[part])]
            self._known_at = float(seen.time_s[min(until, len(seen) - 1)])
        self._evaluator = Evaluator(self.setup, signal)
        self._detector = detector(self.setup.exercise, signal, self.setup.options.cycles)
        return [cycle for block in self._kept for cycle in self._feed(block)]

    def _feed(self, block: _Block) -> list[JudgedCycle]:
        assert self._detector is not None and self._evaluator is not None
        curves = signal_curves(block.frames, block.curves, self.setup.skeleton)
        values = np.asarray(self._evaluator.signal.values(curves.present))
        return self._judge(self._detector.extend(block.frames.time_s.tolist(), values.tolist()))

    def _judge(self, found: list[Cycle]) -> list[JudgedCycle]:
        assert self._evaluator is not None
        judged = []
        for cycle in found:
            since = self._evaluator.rest_from(cycle)
            kept = [block for block in self._kept if block.touches(since, cycle.end_s)]
            frames = _joined([block.frames for block in kept])
            curves = JoinedCurves([block.curves for block in kept], self.setup.skeleton)
            reported = max(cycle.reported_s, self._known_at)
            judged.append(evaluate_frames(self._evaluator, cycle, frames, curves, reported))
            if self._recent is None:
                self._writer.completed(judged[-1])
        return judged

    def _forget(self, before_s: float) -> None:
        while self._kept and self._kept[0].frames.time_s[-1] < before_s:
            self._kept.popleft()

    def _note_pose(self, block: _Block) -> None:
        ok = np.flatnonzero(block.frames.ok)
        if ok.size:
            values = self._writer.pose.table(block.curves, ok[-1:])[0].tolist()
            self._pose = (float(block.frames.time_s[ok[-1]]), values)

    def _look_back(self, recent: RecentMotion, time_s: float) -> None:
        """Let the writer know the cycles of the window that ends now."""
        first = time_s - self.setup.options.contexts.window_s - 1e-9
        kept = [block for block in self._kept if block.frames.time_s[-1] >= first]
        if not kept:
            return
        frames = _joined([block.frames for block in kept])
        skeleton = self.setup.skeleton
        curves = JoinedCurves([block.curves for block in kept], skeleton)
        slow = [signal_curves(block.frames, block.curves, skeleton) for block in kept]
        moving = curves if frames.slow is None else JoinedCurves(slow, skeleton)
        self._writer.only(*recent.at(frames, curves, moving, len(frames) - 1))

    def _context(self, time_s: float) -> ContextRow:
        if self._recent is not None:
            self._look_back(self._recent, time_s)
        when, values = self._pose if self._pose is not None else (-np.inf, [])
        known = time_s - when <= KEEP_S
        row = self._writer.row(self._step, time_s, values if known else None, when != time_s)
        self._step += 1
        return row


_NOWHERE = np.full(3, np.nan)


def _frames(rows: list[_Row]) -> Frames:
    """Frames of single rows, with the masks of `frames.frames_of`."""
    status = np.array([row.status for row in rows], dtype=np.uint8)
    angles = np.array([row.angles for row in rows], dtype=np.float64).reshape(len(rows), 46)
    observed = np.array([row.observed for row in rows], dtype=bool).reshape(len(rows), 46)
    confidence = np.nan_to_num(np.array([row.confidence for row in rows], dtype=np.float64), nan=0.0)
    ok = status == OK
    return Frames(
        frame=np.array([row.frame for row in rows], dtype=np.int32),
        time_s=np.array([row.time_s for row in rows], dtype=np.float64),
        angles=angles,
        observed=observed & ok[:, None] & np.isfinite(angles),
        confidence=np.where(ok, confidence, 0.0),
        status=status,
        root=np.array([row.root for row in rows], dtype=np.float64).reshape(len(rows), 3),
        sigma=np.array([row.sigma for row in rows], dtype=np.float64) if rows and rows[0].sigma is not None else None,
        slow=np.array([row.slow for row in rows], dtype=np.float64) if rows and rows[0].slow is not None else None,
    )


def _joined(blocks: list[Frames]) -> Frames:
    if len(blocks) == 1:
        return blocks[0]
    if not blocks:
        return _frames([])
    names = ("frame", "time_s", "angles", "observed", "confidence", "status", "root")
    columns = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in names}
    sigma = [block.sigma for block in blocks if block.sigma is not None]
    slow = [block.slow for block in blocks if block.slow is not None]
    return Frames(
        **columns,
        sigma=np.concatenate(sigma) if len(sigma) == len(blocks) else None,
        slow=np.concatenate(slow) if len(slow) == len(blocks) else None,
    )
