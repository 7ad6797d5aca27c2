"""Repetition cycles, rest to rest, from the curve that shows them: one core for streaming and batch.

`CycleDetector` is fed frame by frame and reports a cycle a known time after its end (`latency_s`). What it
has reported never changes. `detect` feeds it a whole clip, so batch and streaming cannot differ: on the
same frames they run the same arithmetic in the same order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from qevd_bio.motion.cycles.builders import Builder, Cycle, CycleRule
from qevd_bio.motion.cycles.one_sided import OneSided
from qevd_bio.motion.cycles.smoothing import Smoother
from qevd_bio.motion.cycles.turns import RunningPace, Turns
from qevd_bio.motion.cycles.two_sided import TwoSided
from qevd_bio.motion.options import CycleOptions


class CycleDetector:
    """Streaming detector of the `robust` rule.

    `push(time, value)` takes the signal in radians (NaN where it is not known) and returns the cycles settled by
    this frame, mostly none. `finish()` settles what the end of the clip leaves open. `rejected` counts, by
    reason, what looked like a cycle and was not reported.
    """

    def __init__(self, rule: CycleRule, options: CycleOptions | None = None) -> None:
        self.rule = rule
        self.options = options = options or CycleOptions()
        sigma = min(options.smooth_max_s, options.smooth_share * rule.typical_s[0])
        self._smoother = Smoother(options.grid_hz, sigma)
        # The range of right minus left is that of both sides' movements together.
        expected = rule.range_rad * (0.5 if rule.two_sided else 1.0)
        self.pace = RunningPace(options, options.prior_share * expected, sum(rule.typical_s) / 2.0)
        self._turns = Turns(self.pace, options, rule.two_sided, rule.pause_share)
        self.rejected: Counter[str] = Counter()
        self._sign = -1.0 if rule.rest_high and not rule.two_sided else 1.0
        builder = TwoSided if rule.two_sided else OneSided
        self._builder: Builder = builder(rule, options, self.pace, self.rejected)
        self._last_time = math.nan

    @property
    def latency_s(self) -> float:
        """Longest time between the end of a cycle that is followed by rest and its report."""
        return self._smoother.delay_s + self._turns.longest_dwell_s + 1.0 / self.options.grid_hz

    def push(self, time: float, value: float) -> list[Cycle]:
        """Feed one frame; the cycles that it completes."""
        return self.extend((time,), (value,))

    def extend(self, times: Iterable[float], values: Iterable[float]) -> list[Cycle]:
        """Feed frames in order of time; the same as pushing them one by one."""
        out: list[Cycle] = []
        for time, value in zip(times, values, strict=True):
            if value != value:
                continue
            found = self._end_stretch() if time - self._last_time > self.options.max_gap_s else []
            self._last_time = time
            for sample in self._smoother.push(time, self._sign * value):
                found += self._sample(*sample)
            if found:
                out += [replace(cycle, reported_s=time) for cycle in found]
        return out

    def finish(self) -> list[Cycle]:
        """Settle what the end of the clip leaves open; known only after its last frame (`reported_s` infinite)."""
        return [replace(cycle, reported_s=math.inf) for cycle in self._end_stretch()]

    def _sample(self, time: float, value: float) -> list[Cycle]:
        self._builder.see(time, value)
        turn = self._turns.push(time, value)
        return self._builder.add(turn) if turn is not None else []

    def _end_stretch(self) -> list[Cycle]:
        out: list[Cycle] = []
        for sample in self._smoother.finish():
            out += self._sample(*sample)
        out += self._builder.finish(self._turns.pending())
        self._turns.reset()
        return out


def detect(
    times: Sequence[float], values: Sequence[float], rule: CycleRule, options: CycleOptions | None = None
) -> list[Cycle]:
    """All cycles of a whole clip: `times` (T,) seconds, `values` (T,) radians, NaN where not known."""
    detector = CycleDetector(rule, options)
    return detector.extend(times, values) + detector.finish()
