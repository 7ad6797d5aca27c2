"""From turning points to cycles: what is rest, what is key, and what the clip's ends cut off."""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass

from qevd_bio.motion.options import CycleOptions
from qevd_bio.motion.turns import Pace, Turn

_SIDES = {1: "r", -1: "l"}


@dataclass(frozen=True)
class CycleRule:
    """What the detector has to know of an exercise.

    two_sided   the signal is right minus left: a maximum is the right side's turn, a minimum the left's
    rest_high   the rest between two cycles is the signal's maximum (one-sided signals only)
    bounds_s    shortest and longest full cycle; typical_s the usual ones
    range_rad   range of the signal over the reference cycle
    pause_share share of the cycle in which the signal rests while the exercise goes on (a kick or a punch after
                the squat); 0 where rest is rest
    """

    two_sided: bool
    bounds_s: tuple[float, float]
    typical_s: tuple[float, float]
    range_rad: float
    rest_high: bool = False
    pause_share: float = 0.0


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


class Builder:
    """Puts cycles together from turns; `samples` is the recent smoothed signal."""

    def __init__(self, rule: CycleRule, options: CycleOptions, pace: Pace, rejected: Counter[str]) -> None:
        self.rule, self.options, self.pace, self.rejected = rule, options, pace, rejected
        longest = min(rule.bounds_s[1], 10.0) * options.overlong + options.dwell_max_s
        self.samples: deque[tuple[float, float]] = deque(maxlen=round(longest * options.grid_hz))
        self.levels: dict[int, deque[float]] = {kind: deque(maxlen=options.memory) for kind in (1, -1)}
        self._clear()

    def _clear(self) -> None:
        """Forget the running cycle; running estimates stay."""
        raise NotImplementedError

    def add(self, turn: Turn) -> list[Cycle]:
        raise NotImplementedError

    def finish(self, pending: Turn | None) -> list[Cycle]:
        raise NotImplementedError

    def level(self, kind: int) -> float:
        """Median of the recent extremes of this kind; NaN before there is one."""
        levels = sorted(self.levels[kind])
        return levels[len(levels) // 2] if levels else math.nan

    def too_short(self, duration: float) -> bool:
        least = self.options.undershoot * self.rule.bounds_s[0]
        return duration < max(least, self.options.min_period_share * self.pace.period)

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


class OneSided(Builder):
    """Rest is low, the key is high: low → high → low.

    A cycle begins where the signal leaves the band above its rest and ends where it is back in it. Where that
    leaves no real pause before the next cycle, the two share the middle between: whole cycles from top to top. Where
    the exercise goes on while this signal rests, the pause belongs to the cycle.
    """

    _sure = False  # whether a repetition has been seen, so that small ones need no comparison

    def _clear(self) -> None:
        self._low: Turn | None = None
        self._high: Turn | None = None
        self._held: Cycle | None = None  # the first one, in doubt until the next is known
        self._began = math.nan  # time of the stretch's first sample
        self._shared = math.nan  # where the cycle before ended, if this one begins there
        self._ended = -math.inf

    def add(self, turn: Turn) -> list[Cycle]:
        if math.isnan(self._began):
            self._began = self.samples[0][0]
        if turn.rest:
            return self._rest(turn)
        self.levels[turn.kind].append(turn.value)
        if turn.kind > 0:
            self._high = turn
            return self._release(turn.value)
        out = self._close(turn) if self._high else []
        self._low = turn
        return out

    def _rest(self, turn: Turn) -> list[Cycle]:
        high = self._high
        if high is None or turn.kind > 0:
            return []
        floor = self._low.value if self._low else high.value - self.pace.amplitude(turn.time)
        if turn.value - floor > 0.35 * (high.value - floor):
            return []
        return self._close(turn)

    def _close(self, low: Turn) -> list[Cycle]:
        """End the running cycle at the rest `low`: a turn (the next rise has begun) or a rest that lasts."""
        high = self._high
        assert high is not None
        level = low.value + self.options.rest_share * (high.value - low.value)
        inside = [time for time, value in self.samples if time > high.time and value <= level]
        back, leaves = (inside[0], inside[-1]) if inside else (low.time, low.time)
        active = back - self._begin(high)
        goes_on = self.rule.pause_share / (1.0 - self.rule.pause_share)
        shared = not low.rest and leaves - back < max(self.options.pause_share, 2.0 * goes_on) * active
        if goes_on:
            end = leaves if shared else min(back + goes_on * active, self.samples[-1][0])
        else:
            end = 0.5 * (back + leaves) if shared else back
        out = self._finish(end, low.value)
        self._shared = end if shared else math.nan
        return out

    def _begin(self, high: Turn) -> float:
        """When the movement to `high` left its rest."""
        low = self._low
        if not math.isnan(self._shared):
            return self._shared
        if low is None:
            return self.samples[0][0]
        level = low.value + self.options.rest_share * (high.value - low.value)
        for time, value in reversed(self.samples):
            if time <= high.time and value <= level:
                return max(time, self._ended)
        return max(low.time, self._ended)

    def _finish(self, end: float, value: float, partial: str = "") -> list[Cycle]:
        high, low = self._high, self._low
        assert high is not None
        start = self._begin(high)
        if low is None:
            rest, partial = value, "both" if partial else "start"
        else:
            rest = low.value if partial else max(low.value, value)
            if low.time <= self._began + 0.1 and low.value - value > 0.25 * (high.value - value):
                partial = "both" if partial else "start"  # the clip begins on the way to the key
        self._high, self._ended = None, end
        cycle = Cycle(start, high.time, end, high.time, math.nan, high.value - rest, partial=partial)
        doubtful = not self._sure and cycle.amplitude < self.options.sure_share * self.rule.range_rad
        if low is None or doubtful:
            self._held = cycle
            return []
        return self.accept(cycle)

    def accept(self, cycle: Cycle) -> list[Cycle]:
        accepted = super().accept(cycle)
        self._sure = self._sure or bool(accepted)
        return accepted

    def _release(self, high: float) -> list[Cycle]:
        """Settle the first repetition, if it was in doubt, once the key of the next one is known.

        One of which the clip shows no beginning, or which is smaller than the exercise leads to expect, counts if it
        is not much smaller than the next.
        """
        cycle, self._held = self._held, None
        if cycle is None:
            return []
        low = self.level(-1)
        if not math.isnan(low) and cycle.amplitude < self.options.edge_level * (high - low):
            self.rejected["edge_too_small" if cycle.partial else "smaller_than_the_next"] += 1
            return []
        return self.accept(cycle)

    def finish(self, pending: Turn | None) -> list[Cycle]:
        last = self.samples[-1][0] if self.samples else math.nan
        out: list[Cycle] = []
        if self._high is not None:
            value = self.samples[-1][1]
            floor = self._low.value if self._low else value
            if value - floor <= 0.35 * (self._high.value - floor) and pending is not None:
                closed = self._close(pending._replace(rest=True))
            else:
                closed = self._finish(last, value, "end")
            out = self._release(math.nan) + closed
        elif pending is not None and pending.kind > 0 and self._low is not None:
            out = self._release(pending.value)
            usual = self.level(1) - self._low.value
            if not pending.value - self._low.value < self.options.edge_level * usual:
                self._high = pending
                out += self._finish(last, pending.value, "end")
            else:
                self.rejected["edge_too_small"] += 1
        else:
            out = self._release(math.nan)
        self._clear()
        self.samples.clear()
        return out


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

    def _clear(self) -> None:
        self._running: Turn | None = None
        self._begin = math.nan
        self._rest_value = math.nan
        self._is_first = True
        self._first: _Half | None = None  # judged when its like has been seen
        self._waiting: _Half | None = None  # whole, waiting for its other side

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
            out = self._take(_Half(running.kind, self._begin, turn.time, running.time, running.value, turn.value))
        self._rest_value = turn.value
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
        paused = abs(half.value - self._rest_value) < 0.35 * self.pace.amplitude(half.key)
        self._rest_value = math.nan
        if paused or not (math.isnan(usual) or self._reaches(half.value, half.opposite, usual)):
            return self._reject()
        self.levels[half.kind].append(half.value)
        return self._pair(half)

    def _reaches(self, value: float, opposite: float, usual: float) -> bool:
        span = usual - opposite
        return span != 0 and (value - opposite) / span >= self.options.two_sided_level

    def _reject(self) -> list[Cycle]:
        self.rejected["other_side_not_reached"] += 1
        return []

    def _pair(self, half: _Half) -> list[Cycle]:
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            self._waiting = half
            return []
        if waiting.kind == half.kind or half.start - waiting.end > 0.5 * self.pace.period:
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

    def _departure(self, turn: Turn) -> float:
        """When the movement toward a stretch's first extreme began."""
        level = 0.2 * turn.value
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
        self._clear()
        self.samples.clear()
        return out
