"""From turning points to cycles of right-minus-left signals: high knees, mountain climbers, plank taps."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from qevd_bio.motion.cycles.builders import Builder, Cycle
from qevd_bio.motion.cycles.turns import Turn

_SIDES = {1: "r", -1: "l"}
# Found on simulated workouts and on filmed clips that were set aside for development, like those of CycleOptions.
_PAUSE_SHARE = 0.35
"""A turn nearer to the rest before it than this share of the running amplitude is part of that rest."""
_PARTNER_PERIODS = 0.5
"""The other side must follow within this many periods, half of one being its usual distance."""
_MOVING_SHARE = 0.2
"""A stretch begins and ends where the signal is out of its rest by this share of the way to the extreme."""


@dataclass(frozen=True)
class _Half:
    """One side's movement inside a two-sided cycle."""

    kind: int
    start: float
    end: float
    key: float
    value: float
    opposite: float
    partial: str = ""


class TwoSided(Builder):
    """Maxima belong to the right side, minima to the left; a cycle is one of each."""

    _sure = False  # whether a full-sized cycle has been seen, so that small ones need no comparison

    def _clear(self) -> None:
        # Midpoints between turns of both sides: the middle of the movement, wherever the camera makes it appear.
        self._middles: deque[float] = deque(maxlen=2 * self.options.memory)
        self._previous = math.nan  # value of the half before, if it was a turn of its side
        self._running: Turn | None = None
        self._begin = math.nan
        self._rest_value = math.nan
        self._is_first = True
        self._first: _Half | None = None  # judged when its like has been seen
        self._waiting: _Half | None = None  # whole, waiting for its other side
        self._doubt: Cycle | None = None  # a first cycle that is small, until the next is known

    def add(self, turn: Turn) -> list[Cycle]:
        if turn.rest:
            return self._rest(turn)
        running, self._running = self._running, turn
        if running is None:
            self._begin = self._departure(turn)
            return []
        edge = self._crossing(running, turn)
        half = _Half(running.kind, self._begin, edge, running.time, running.value, turn.value)
        self._begin = edge
        return self._take(half)

    def _rest(self, turn: Turn) -> list[Cycle]:
        running, self._running = self._running, None
        out: list[Cycle] = []
        if running is not None:
            end = self._arrival(running, turn)
            out = self._take(_Half(running.kind, self._begin, end, running.time, running.value, turn.value))
        self._rest_value = turn.value
        self._previous = math.nan
        return out + self._flush()

    def _take(self, half: _Half) -> list[Cycle]:
        if self._is_first:
            self._is_first = False
            self._first = half
            return []
        out: list[Cycle] = []
        if self._first is not None:
            like = self._running.value if self._running else math.nan
            out = self._judge_first(half.value, like)
        out += self._judge(half)
        return out

    def _judge_first(self, second: float, like: float) -> list[Cycle]:
        first, self._first = self._first, None
        if first is None:
            return []
        # A position in which the clip merely begins is no movement: it must be as far out as its like, if that is
        # known, and far from the middle, since the two sides are expected to be alike.
        known = math.isnan(like) or self._reaches(first.value, second, like)
        return self._pair(first) if known and self._reaches(first.value, second, -second) else self._reject()

    def _judge(self, half: _Half) -> list[Cycle]:
        usual = self.level(half.kind)
        paused = abs(half.value - self._rest_value) < _PAUSE_SHARE * self.pace.amplitude(half.key)
        self._rest_value = math.nan
        far = math.isnan(usual) or self._reaches(half.value, half.opposite, usual) or self._leaves_middle(half, usual)
        if paused or not far:
            return self._reject()
        self.levels[half.kind].append(half.value)
        if not math.isnan(self._previous):
            self._middles.append(0.5 * (half.value + self._previous))
        self._previous = half.value
        return self._pair(half)

    def _reaches(self, value: float, opposite: float, usual: float) -> bool:
        span = usual - opposite
        return span != 0 and (value - opposite) / span >= self.options.two_sided_level

    def _leaves_middle(self, half: _Half, usual: float) -> bool:
        """Whether a turn that is much smaller than usual is one: out of the middle, where a mere return would stop."""
        middle = sorted(self._middles)[len(self._middles) // 2] if self._middles else 0.0
        return half.kind * (half.value - middle) >= self.options.small_turn * abs(usual - middle)

    def _reject(self) -> list[Cycle]:
        self.rejected["other_side_not_reached"] += 1
        self._previous = math.nan
        return []

    def _pair(self, half: _Half) -> list[Cycle]:
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            self._waiting = half
            return []
        if waiting.kind == half.kind or half.start - waiting.end > _PARTNER_PERIODS * self.pace.period:
            self._waiting = half
            return self._single(waiting)
        partial = waiting.partial or half.partial
        return self.accept(
            Cycle(
                waiting.start,
                waiting.end,
                half.end,
                waiting.key,
                half.key,
                abs(waiting.value - half.value),
                _SIDES[waiting.kind],
                2,
                partial,
            )
        )

    def _single(self, half: _Half) -> list[Cycle]:
        size = abs(half.value - half.opposite)
        side = _SIDES[half.kind]
        return self.accept(Cycle(half.start, half.end, half.end, half.key, math.nan, size, side, 1, "single"))

    def accept(self, cycle: Cycle) -> list[Cycle]:
        out = self._settle(cycle.amplitude)
        accepted = super().accept(cycle)
        if not self._sure and cycle.amplitude < self.options.sure_share * self.rule.range_rad:
            self._doubt = accepted[0] if accepted else None
            return out
        self._sure = self._sure or bool(accepted)
        return out + accepted

    def _settle(self, following: float) -> list[Cycle]:
        """Settle a first cycle that was in doubt: it counts if it is not much smaller than the one that follows."""
        doubt, self._doubt = self._doubt, None
        if doubt is None:
            return []
        if doubt.amplitude < self.options.doubt_share * following:
            self.rejected["smaller_than_the_next"] += 1
            return []
        return [doubt]

    def _flush(self) -> list[Cycle]:
        waiting, self._waiting = self._waiting, None
        return self._single(waiting) if waiting else []

    def _crossing(self, first: Turn, second: Turn) -> float:
        """When the signal last crossed the middle between two extremes."""
        middle = 0.5 * (first.value + second.value)
        for time, value in reversed(self.samples):
            if time <= first.time:
                break
            if time < second.time and first.kind * (value - middle) >= 0:
                return time
        return 0.5 * (first.time + second.time)

    def _arrival(self, peak: Turn, rest: Turn) -> float:
        """When the movement from a stretch's last extreme came to rest."""
        level = rest.value + _MOVING_SHARE * (peak.value - rest.value)
        inside = (time for time, value in self.samples if time > peak.time and peak.kind * (value - level) <= 0)
        return min(next(inside, rest.time), rest.time)

    def _departure(self, turn: Turn) -> float:
        """When the movement toward a stretch's first extreme began."""
        level = _MOVING_SHARE * turn.value
        start = turn.time
        for time, value in reversed(self.samples):
            if time > turn.time:
                continue
            if turn.kind * (value - level) < 0:
                break
            start = time
        return start

    def finish(self, pending: Turn | None) -> list[Cycle]:
        out: list[Cycle] = []
        running, last = self._running, self.samples[-1][0] if self.samples else math.nan
        if running is not None:
            edge = self._crossing(running, pending) if pending else last
            other = pending.value if pending else self.samples[-1][1]
            self._running = pending
            out = self._take(_Half(running.kind, self._begin, edge, running.time, running.value, other))
            if pending is not None:
                if math.isnan(self.level(pending.kind)):
                    self.levels[pending.kind].append(-running.value)
                out += self._take(_Half(pending.kind, edge, last, pending.time, pending.value, running.value, "end"))
        if self._first is not None:
            out += self._judge_first(-self._first.value, math.nan)
        out += self._flush()
        out += self._settle(0.0)
        self._clear()
        self.samples.clear()
        return out
