"""What a cycle is, what the detector has to know of an exercise, and what both kinds of builder share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter, deque
from dataclasses import dataclass

from qevd_bio.motion.cycles.turns import RunningPace, Turn
from qevd_bio.motion.options import CycleOptions


@dataclass(frozen=True)
class CycleRule:
    """What the detector has to know of an exercise.

    two_sided   the signal is right minus left: a maximum is the right side's turn, a minimum the left's
    rest_high   the rest between two cycles is the signal's maximum (one-sided signals only)
    bounds_s    shortest and longest full cycle; typical_s the usual ones
    range_rad   range of the signal over the reference cycle
    pause_share share of the cycle in which the signal rests while the exercise goes on (a kick or a punch after
                the squat); 0 where rest is rest
    rest_ratio  seconds at rest for one of movement in the reference (one-sided signals): only more is a pause
    fast_s      the exercise's own rules call a cycle shorter than this too fast (infinite without such a rule): to be
                called so, it must be found
    """

    two_sided: bool
    bounds_s: tuple[float, float]
    typical_s: tuple[float, float]
    range_rad: float
    rest_high: bool = False
    pause_share: float = 0.0
    rest_ratio: float = 0.0
    fast_s: float = math.inf


@dataclass(frozen=True)
class Cycle:
    """One repetition; times in seconds from the start of the video.

    key_s       the extreme of the (first) movement; other_key_s that of the other side, NaN where there is none
    middle_s    end of the first half phase: the key for one-sided signals, the change of sides for two-sided
    side        side of the first half phase of a two-sided signal, else ""
    halves      how many half phases were seen whole or nearly (2 = a full cycle)
    partial     "" or which end is cut off: `start`, `end`, `both` (clip, gap), or `single` (one side only)
    amplitude   radians between rest and key
    reported_s  time of the frame that settled the cycle, infinite where only the end of the clip did
    """

    start_s: float
    middle_s: float
    end_s: float
    key_s: float
    other_key_s: float
    amplitude: float
    side: str = ""
    halves: int = 2
    partial: str = ""
    reported_s: float = math.nan

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


_LONGEST_KEPT_S = 10.0
"""Samples are kept for a repetition of up to this length, whatever the exercise allows: memory stays bounded."""


class Builder(ABC):
    """Puts cycles together from turns; `samples` is the recent smoothed signal."""

    def __init__(self, rule: CycleRule, options: CycleOptions, pace: RunningPace, rejected: Counter[str]) -> None:
        self.rule, self.options, self.pace, self.rejected = rule, options, pace, rejected
        longest = min(rule.bounds_s[1], _LONGEST_KEPT_S) * options.overlong + options.dwell_max_s
        self.samples: deque[tuple[float, float]] = deque(maxlen=round(longest * options.grid_hz))
        self.levels: dict[int, deque[float]] = {kind: deque(maxlen=options.memory) for kind in (1, -1)}
        self.began = math.nan
        self._clear()

    def see(self, time: float, value: float) -> None:
        """Remember a sample; the first one of a stretch is where it began, however long ago."""
        if not self.samples:
            self.began = time
        self.samples.append((time, value))

    @abstractmethod
    def _clear(self) -> None:
        """Forget the running cycle; running estimates stay."""

    @abstractmethod
    def add(self, turn: Turn) -> list[Cycle]:
        """Take the next turn (or rest); returns the cycles that it settles."""

    @abstractmethod
    def finish(self, pending: Turn | None) -> list[Cycle]:
        """Settle what the end of the stretch leaves open; `pending` is its last extreme, if not yet confirmed."""

    def level(self, kind: int) -> float:
        """Median of the recent extremes of this kind; NaN before there is one."""
        levels = sorted(self.levels[kind])
        return levels[len(levels) // 2] if levels else math.nan

    def too_short(self, duration: float) -> bool:
        options = self.options
        least = max(options.undershoot * self.rule.bounds_s[0], options.min_period_share * self.pace.period)
        return duration < min(least, options.fast_share * self.rule.fast_s)

    def accept(self, cycle: Cycle) -> list[Cycle]:
        """The cycle if its duration is possible; cut-off ones may be short."""
        full = cycle.duration_s * 2 / cycle.halves
        if not cycle.partial and self.too_short(full):
            self.rejected["too_short"] += 1
            return []
        if full > self.options.overlong * self.rule.bounds_s[1]:
            self.rejected["too_long"] += 1
            return []
        if not cycle.partial:
            self.pace.saw_period(full)
        return [cycle]
