"""Turning points of a smoothed signal, found as they happen, with thresholds that follow the movement."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from qevd_bio.motion.options import CycleOptions


class Turn(NamedTuple):
    """A confirmed extreme: `kind` +1 a maximum, −1 a minimum; or, with `rest`, the signal lies still since `time`."""

    kind: int
    time: float
    value: float
    rest: bool = False


def _value(sample: tuple[float, float]) -> float:
    return sample[0]


@dataclass
class RunningPace:
    """Running estimates of amplitude (radians) and period (seconds), from the last few movements.

    Before the first movement they are what the exercise leads to expect; after a long pause they drift
    back to that, so that one huge artefact cannot silence the detector for good.
    """

    options: CycleOptions
    prior_amplitude: float
    prior_period: float

    def __post_init__(self) -> None:
        self._amplitudes: deque[float] = deque(maxlen=self.options.memory)
        self._periods: deque[float] = deque(maxlen=self.options.memory)
        self._last = -math.inf
        self._seen = 0.0

    def saw_amplitude(self, amplitude: float, time: float) -> None:
        self._amplitudes.append(amplitude)
        largest = sorted(self._amplitudes)[-max(1, self.options.memory - 1) :]
        self._seen = sum(largest) / len(largest)
        self._last = time

    def saw_period(self, period: float) -> None:
        self._periods.append(period)

    def amplitude(self, time: float) -> float:
        if not self._amplitudes:
            return self.prior_amplitude
        forget = math.exp(-max(0.0, time - self._last) / self.options.forget_s)
        return self.prior_amplitude + (self._seen - self.prior_amplitude) * forget

    @property
    def period(self) -> float:
        # Until three are known the expected period votes too, so that one odd movement does not set the pace.
        expected = [self.prior_period] * max(0, 3 - len(self._periods))
        ordered = sorted([*self._periods, *expected])
        return ordered[len(ordered) // 2]

    def threshold(self, time: float) -> float:
        options = self.options
        return max(options.prominence_floor_rad, options.prominence_share * self.amplitude(time))


_REFERENCE_PAUSES = 1.5
"""Where the exercise goes on while the signal rests, wait this many times as long as the reference does."""
_REFRESH_S = 0.5
"""Thresholds follow the running estimates this often: these change with each repetition, none of which is shorter."""


class Turns:
    """Zigzag with hysteresis: an extreme is confirmed once the signal has come back by the threshold and stayed so.

    `push` feeds one evenly spaced sample and returns what it settles (mostly nothing). What has been returned
    never changes. `pending` is the extreme that the signal is moving away from or toward, not yet confirmed.
    """

    def __init__(
        self, pace: RunningPace, options: CycleOptions, two_sided: bool = False, pause_share: float = 0.0
    ) -> None:
        self.pace, self.options, self.two_sided = pace, options, two_sided
        self._dwell_share = max(options.dwell_share, _REFERENCE_PAUSES * pause_share)
        self._step = 1.0 / options.grid_hz
        self._prominence = options.prominence_floor_rad
        self.reset()

    @property
    def longest_dwell_s(self) -> float:
        """Longest stillness that is waited for before the movement counts as over."""
        if self.two_sided:
            return self.options.two_sided_dwell_max_s
        longer = self._dwell_share > self.options.dwell_share
        return max(self.options.dwell_max_s, self._dwell_share * self.pace.prior_period * longer)

    def reset(self) -> None:
        """Forget what came before."""
        self.direction = 0  # +1 a maximum comes next, −1 a minimum, 0 not known
        self._high = self._low = (math.nan, math.nan)
        self._back = 0
        self._last_value = math.nan
        self._anchor = self._anchor_time = math.nan
        self._rested = False
        self._refresh(0.0)

    def _refresh(self, time: float) -> None:
        options, pace = self.options, self.pace
        self._threshold = pace.threshold(time)
        self._band = options.rest_share * pace.amplitude(time)
        self._sustain = max(1, round(options.sustain_share * 0.5 * pace.period / self._step))
        share = options.two_sided_dwell if self.two_sided else self._dwell_share
        longest = self.longest_dwell_s
        self._dwell = min(max(share * pace.period, options.dwell_min_s), longest)
        self._refresh_at = time + _REFRESH_S

    def push(self, time: float, value: float) -> Turn | None:
        """Feed one sample; the turning point that it settles, if any."""
        if time >= self._refresh_at:
            self._refresh(time)
        if self._anchor_time != self._anchor_time:  # first sample
            self._high = self._low = (value, time)
            self._anchor, self._anchor_time = value, time
            return None
        turn = self._extreme(time, value)
        if abs(value - self._anchor) > self._band:
            self._anchor, self._anchor_time, self._rested = value, time, False
        elif not self._rested and turn is None and self.direction and time - self._anchor_time >= self._dwell:
            self._rested = True
            return Turn(self.direction, self._anchor_time, value, rest=True)
        return turn

    def _extreme(self, time: float, value: float) -> Turn | None:
        if self.direction == 0:
            return self._first(time, value)
        # `sign` turns the search for a minimum into that for a maximum.
        sign = self.direction
        near, far = (self._high, self._low) if sign > 0 else (self._low, self._high)
        if sign * (value - near[0]) > 0:
            near = far = (value, time)
            self._back = 0
        else:
            if sign * (value - far[0]) < 0:
                far = (value, time)
            if sign * (near[0] - value) > self._threshold:
                self._back += 1
            else:
                self._back = 0
        self._high, self._low = (near, far) if sign > 0 else (far, near)
        return self._confirm(sign, time, value) if self._back >= self._sustain else None

    def _first(self, time: float, value: float) -> Turn | None:
        self._high = max(self._high, (value, time), key=_value)
        self._low = min(self._low, (value, time), key=_value)
        fallen, risen = self._high[0] - value, value - self._low[0]
        self._back = self._back + 1 if max(fallen, risen) > self._threshold else 0
        if self._back < self._sustain:
            return None
        return self._confirm(1 if fallen > risen else -1, time, value)

    def _confirm(self, kind: int, time: float, now: float) -> Turn:
        value, when = self._high if kind > 0 else self._low
        if not math.isnan(self._last_value):
            self.pace.saw_amplitude(abs(value - self._last_value), time)
            self._refresh(time)
        self._last_value = value
        self._back = 0
        self.direction = -kind
        # From here the signal may only be followed from its present value: older ones belong to the past.
        if kind > 0:
            self._high = (now, time)
        else:
            self._low = (now, time)
        return Turn(kind, when, value)

    def pending(self) -> Turn | None:
        """The extreme not yet confirmed, if the signal has moved to it by the threshold."""
        if self.direction == 0 or math.isnan(self._last_value):
            return None
        value, when = self._high if self.direction > 0 else self._low
        if abs(value - self._last_value) <= self._threshold:
            return None
        return Turn(self.direction, when, value)
