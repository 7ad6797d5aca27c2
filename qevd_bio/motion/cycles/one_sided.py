"""From turning points to cycles where rest is one extreme and the key the other: squats, push-ups, lunges."""

from __future__ import annotations

import math

from qevd_bio.motion.cycles.builders import Builder, Cycle
from qevd_bio.motion.cycles.turns import Turn

# Found on simulated workouts and on filmed clips that were set aside for development, like those of CycleOptions.
_BACK_AT_REST = 0.35
"""A stillness ends the repetition up to this share of the way from rest to key: people do not quite come back."""
_NO_BEGINNING_S = 0.1
"""A low within this time of the clip's start is where the clip begins, not where the movement turned."""
_BEGUN_UNDER_WAY = 0.25
"""Begun higher than it ended by this share of the movement: the clip's first frame was on the way to the key."""
_LONGEST_GOING_ON = 2.0
"""Where the exercise goes on while the signal rests, that rest may last this many times as long as the reference's."""
_OWN_HALF = 0.5
"""Neighbours share the rest between them evenly."""


class OneSided(Builder):
    """Rest is low, the key is high: low → high → low.

    A cycle begins where the signal leaves the band above its rest and ends where it is back in it. Where that
    leaves no real pause before the next cycle, the two share the middle between: whole cycles from top to top; next
    to a pause, a cycle has half of the rest that the reference has. Where the exercise goes on while this signal
    rests, the pause belongs to the cycle.
    """

    _sure = False  # whether a repetition has been seen, so that small ones need no comparison

    def _clear(self) -> None:
        self._low: Turn | None = None
        self._high: Turn | None = None
        self._held: Cycle | None = None  # the first one, in doubt until the next is known
        self._shared = math.nan  # where the cycle before ended, if this one begins there
        self._ended = -math.inf

    def add(self, turn: Turn) -> list[Cycle]:
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
        if turn.value - floor > _BACK_AT_REST * (high.value - floor):
            return []
        return self._close(turn)

    def _close(self, low: Turn) -> list[Cycle]:
        """End the running cycle at the rest `low`: a turn (the next rise has begun) or a rest that lasts."""
        high = self._high
        assert high is not None
        before = self._before(low.value)
        level = self._level(high, max(before, low.value))
        inside = [time for time, value in self.samples if time > high.time and value <= level]
        back, leaves = (inside[0], inside[-1]) if inside else (low.time, low.time)
        active = back - self._leaves(high, before)
        goes_on = self.rule.pause_share / (1.0 - self.rule.pause_share)
        natural = self.rule.rest_ratio * active
        falls_on = self._deeper(high, low.value, before)  # back where it began, the signal goes on to a deeper rest
        longest = max(self.options.pause_share * active + natural, _LONGEST_GOING_ON * goes_on * active)
        shared = not low.rest and leaves - back < longest and not falls_on
        if goes_on:
            end = leaves if shared else min(back + goes_on * active, self.samples[-1][0])
        elif shared:
            end = _OWN_HALF * (back + leaves)
        else:
            end = back if falls_on else min(back + _OWN_HALF * natural, leaves)
        out = self._finish(end, low.value)
        self._shared = end if shared else math.nan
        return out

    def _level(self, high: Turn, rest: float) -> float:
        """Below this the signal is at rest."""
        return rest + self.options.rest_share * (high.value - rest)

    def _deeper(self, high: Turn, rest: float, other: float) -> bool:
        """Whether `rest` is another, deeper position than the `other` rest of the same cycle."""
        return rest + self.options.uneven_share * (high.value - rest) < other

    def _before(self, after: float) -> float:
        """The rest before the running cycle; the one `after` it where the clip does not show that."""
        low = self._low
        return after if low is None or low.time <= self.began + _NO_BEGINNING_S else low.value

    def _begin(self, high: Turn, end: float, after: float) -> float:
        """When the cycle around `high` that ends at `end` began: with its half of the rest that the exercise has."""
        before = self._before(after)
        if self._deeper(high, before, after):  # it does not come back to where it began: it is what lies above both
            return self._leaves(high, after)
        leaves = self._leaves(high, before)
        if self._low is None or not math.isnan(self._shared):
            return leaves
        return max(leaves - _OWN_HALF * self.rule.rest_ratio * (end - leaves), self._ended, self._low.time)

    def _leaves(self, high: Turn, rest: float) -> float:
        """When the movement to `high` left its rest."""
        low = self._low
        if low is None:
            return self.began
        begun = self._ended if math.isnan(self._shared) else self._shared
        if not math.isnan(self._shared) and rest <= low.value:
            return begun
        level = self._level(high, rest)
        for time, value in reversed(self.samples):
            if time <= high.time and value <= level:
                return max(time, begun)
        return max(low.time, begun)

    def _finish(self, end: float, value: float, partial: str = "") -> list[Cycle]:
        high, low = self._high, self._low
        assert high is not None
        start = self._begin(high, end, low.value if partial and low else value)
        if low is None:
            rest, partial = value, "both" if partial else "start"
        else:
            rest = low.value if partial else max(low.value, value)
            if low.time <= self.began + _NO_BEGINNING_S and low.value - value > _BEGUN_UNDER_WAY * (high.value - value):
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
        share = self.options.edge_level if cycle.partial else self.options.doubt_share
        if not math.isnan(low) and cycle.amplitude < share * (high - low):
            self.rejected["edge_too_small" if cycle.partial else "smaller_than_the_next"] += 1
            return []
        return self.accept(cycle)

    def finish(self, pending: Turn | None) -> list[Cycle]:
        last = self.samples[-1][0] if self.samples else math.nan
        out: list[Cycle] = []
        if self._high is not None:
            value = self.samples[-1][1]
            floor = self._low.value if self._low else value
            if value - floor <= _BACK_AT_REST * (self._high.value - floor) and pending is not None:
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
