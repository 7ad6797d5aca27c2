"""Cycles of the last seconds alone, found anew at each step: the paper's window of motion history (Sec. 3.8)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevd_bio.motion.cycles.builders import Cycle
from qevd_bio.motion.cycles.curves import JoinedCurves, SeenCurves, Window
from qevd_bio.motion.cycles.signal_curve import CHOOSE_S, Signal, choose, detector
from qevd_bio.motion.evaluating import by_paper, evaluate_frames
from qevd_bio.motion.frames import Frames
from qevd_bio.motion.judging.evaluate import Evaluator, JudgedCycle, Setup


class RecentMotion:
    """What a coach knows that remembers `window_s` seconds: at each step the session begins that long before.

    The signal is chosen, cycles are detected and faults are judged on the window's frames alone, so a repetition that
    begins before the window is not known, and two in a row are only where both lie in it.
    """

    def __init__(self, setup: Setup, window_s: float) -> None:
        self._setup, self._window_s = setup, window_s
        self._signals = setup.signals()
        self._evaluators: dict[int, Evaluator] = {}
        self._last: tuple[tuple[int, int, tuple[Cycle, ...]], JudgedCycle | None] = ((-1, 0, ()), None)

    def at(
        self, frames: Frames, judged: SeenCurves | JoinedCurves, moving: SeenCurves | JoinedCurves, last: int
    ) -> tuple[JudgedCycle | None, int]:
        """The newest of the cycles that are settled by frame `last`, judged, and how many there are.

        frames and their curves reach back at least `window_s` before that frame; `moving` are those that cycles are
        found on.
        """
        now = float(frames.time_s[last])
        first = int(np.searchsorted(frames.time_s, now - self._window_s - 1e-9))
        number = self._choose(frames, first, last)
        signal = self._signals[number]
        times = frames.time_s[first : last + 1]
        found = self._find(signal, times, np.asarray(signal.values(Window(moving, first, last).present)))
        # What is said of the newest rests on those before it that a recurring fault must show in, and on no others.
        # Most steps see the same as the step before; a detector that begins later settles a cycle at another frame.
        newest = found[-max(self._setup.options.constraints.recur, 1) :]
        same = number, len(found), tuple(replace(cycle, reported_s=0.0) for cycle in newest)
        if same != self._last[0]:
            before = len(found) - len(newest)
            evaluator = self._evaluator(number, signal)
            evaluator.begin(before, found[before - 1].end_s if before else math.nan)
            told = [evaluate_frames(evaluator, cycle, frames, judged, now) for cycle in newest]
            self._last = same, told[-1] if told else None
        return self._last[1], len(found)

    def _choose(self, frames: Frames, first: int, last: int) -> int:
        ok = frames.ok[first : last + 1]
        if not ok.any():
            return 0
        begin = first + int(np.argmax(ok))
        until = int(np.searchsorted(frames.time_s, frames.time_s[begin] + CHOOSE_S, side="right"))
        part = slice(begin, min(until, last + 1))
        return choose(self._signals, frames.cycle_angles[part], frames.observed[part])

    def _find(self, signal: Signal, times: NDArray[np.float64], values: NDArray[np.float64]) -> list[Cycle]:
        exercise, options = self._setup.exercise, self._setup.options.cycles
        if options.method == "paper":
            return by_paper(times, values, exercise, signal)
        found = detector(exercise, signal, options).extend(times.tolist(), values.tolist())
        # The window cuts into most repetitions where it begins; these are not whole ones.
        return [cycle for cycle in found if cycle.partial not in ("start", "both")]

    def _evaluator(self, number: int, signal: Signal) -> Evaluator:
        if number not in self._evaluators:
            self._evaluators[number] = Evaluator(self._setup, signal)
        return self._evaluators[number]
