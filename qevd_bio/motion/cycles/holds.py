"""Held positions: stretches in which the signal stays where the exercise wants it."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable

from qevd_bio.motion.cycles.builders import Cycle, CycleRule
from qevd_bio.motion.options import CycleOptions


class HoldDetector:
    """Streaming detector of holds, with the interface of `CycleDetector`.

    A hold is a stretch of at least `hold_min_s` in which the standard deviation over `hold_window_s` stays below
    `hold_std_deg` and the signal is beyond `level_rad` (half way from rest to the reference position): standing
    still is not a hold. The paper's threshold, the 30th percentile of the signal's own deviations, always calls
    30 % of any signal stable and needs the whole signal; a fixed threshold does neither.

    Getting into the position ends slowly enough to look still, so a hold is cut to where the signal is within
    `hold_std_deg` of its mean.

    The key of a hold is its middle.
    """

    def __init__(self, rule: CycleRule, level_rad: float, options: CycleOptions | None = None) -> None:
        self.rule, self.level = rule, level_rad
        self.options = options or CycleOptions()
        self.rejected: Counter[str] = Counter()
        self._limit = math.radians(self.options.hold_std_deg)
        self._clear()

    def _clear(self) -> None:
        self._window: deque[tuple[float, float]] = deque()
        self._sum = self._squares = 0.0
        self._start = self._last = self._lost = math.nan
        self._begin_hold()

    def _begin_hold(self) -> None:
        self._values = 0.0
        self._count = 0
        self._head: list[tuple[float, float]] = []
        self._tail: deque[tuple[float, float]] = deque()

    @property
    def latency_s(self) -> float:
        """A hold is reported this long after it ends: shorter slips do not end it."""
        return self.options.max_gap_s

    def push(self, time: float, value: float) -> list[Cycle]:
        """Feed one frame; the cycles that it completes."""
        return self.extend((time,), (value,))

    def extend(self, times: Iterable[float], values: Iterable[float]) -> list[Cycle]:
        """Feed frames in order of time: seconds and radians, NaN where not known."""
        out: list[Cycle] = []
        for time, value in zip(times, values, strict=True):
            if value != value:
                continue
            if time - self._last > self.options.max_gap_s:
                out += self._end_stretch(time)
            self._last = time
            if self._steady(time, value) and value >= self.level:
                if math.isnan(self._start):
                    self._start = self._window[0][0]
                    for sample in list(self._window)[:-1]:
                        self._keep(*sample)
                self._keep(time, value)
                self._values += value
                self._count += 1
                self._lost = math.nan
            elif not math.isnan(self._start):
                if math.isnan(self._lost):
                    self._lost = time
                if time - self._lost > self.options.max_gap_s:
                    out += self._close(self._lost, time)
        return out

    def finish(self) -> list[Cycle]:
        """End the running hold; known only after the last frame (`reported_s` infinite)."""
        return self._end_stretch(math.inf)

    def _end_stretch(self, now: float) -> list[Cycle]:
        out: list[Cycle] = []
        if not math.isnan(self._start):
            out = self._close(self._last if math.isnan(self._lost) else self._lost, now)
        self._clear()
        return out

    def _steady(self, time: float, value: float) -> bool:
        self._window.append((time, value))
        self._sum += value
        self._squares += value * value
        while time - self._window[0][0] > self.options.hold_window_s:
            _, old = self._window.popleft()
            self._sum -= old
            self._squares -= old * old
        count = len(self._window)
        mean = self._sum / count
        return count > 1 and self._squares / count - mean * mean < self._limit * self._limit

    def _keep(self, time: float, value: float) -> None:
        """Remember the first and the last seconds of the running hold."""
        if time - self._start <= self.options.hold_settle_s:
            self._head.append((time, value))
        self._tail.append((time, value))
        while time - self._tail[0][0] > self.options.hold_settle_s:
            self._tail.popleft()

    def _close(self, end: float, now: float) -> list[Cycle]:
        start, self._start, self._lost = self._start, math.nan, math.nan
        mean = self._values / max(1, self._count)
        start = next((time for time, value in self._head if abs(value - mean) <= self._limit), start)
        end = next((time for time, value in reversed(self._tail) if abs(value - mean) <= self._limit), end)
        self._begin_hold()
        if end - start < max(self.options.hold_min_s, self.rule.bounds_s[0]):
            self.rejected["too_short"] += 1
            return []
        middle = 0.5 * (start + end)
        return [Cycle(start, middle, end, middle, math.nan, mean - self.level, reported_s=now)]
