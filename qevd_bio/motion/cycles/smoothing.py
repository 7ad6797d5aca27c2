"""From frames at any rate to an even, smoothed signal, sample by sample and with a fixed delay."""

from __future__ import annotations

import math
from collections import deque


def boxcar_width(sigma_samples: float) -> int:
    """Odd width of the box that, applied three times, has nearest to this standard deviation."""
    width = round(math.sqrt(4.0 * sigma_samples * sigma_samples + 1.0))
    return max(1, width if width % 2 else width - 1)


class Boxcar:
    """Centred running mean of `width` samples; the first and last sample are repeated beyond the ends."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.reach = (width - 1) // 2
        self._window: deque[float] = deque(maxlen=width)
        self._sum = 0.0

    def push(self, value: float) -> float | None:
        """Feed one sample; the mean centred `reach` samples ago, or None before the first is due."""
        window = self._window
        if not window:
            window.extend([value] * self.width)
            self._sum = value * self.width
            self._wait = self.reach
        else:
            self._sum += value - window[0]
            window.append(value)
        if self._wait:
            self._wait -= 1
            return None
        return self._sum / self.width

    def reset(self) -> None:
        """Forget what came before."""
        self._window.clear()


class Smoother:
    """Linear interpolation to an even grid, a median of three, and three boxcars (close to a Gaussian).

    `push(time, value)` returns the smoothed `(time, value)` samples that have become final, in order. A
    sample becomes final `delay_s` after its own time and never changes. `finish()` gives the rest.
    """

    def __init__(self, grid_hz: float, sigma_s: float) -> None:
        self.step = 1.0 / grid_hz
        self._boxes = [Boxcar(boxcar_width(sigma_s * grid_hz)) for _ in range(3)]
        reach = sum(box.reach for box in self._boxes) + 1
        self.delay_s = reach * self.step
        self._boxes = [box for box in self._boxes if box.width > 1]
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next sample starts a new stretch with its own grid."""
        for box in self._boxes:
            box.reset()
        self._time = self._value = math.nan
        self._next = 0  # index of the next grid point
        self._out = 0  # index of the next smoothed sample
        self._start = math.nan
        self._a = self._b = math.nan

    def push(self, time: float, value: float) -> list[tuple[float, float]]:
        """Feed one frame (finite; time in seconds, increasing)."""
        out: list[tuple[float, float]] = []
        if math.isnan(self._start):
            self._start = time
            self._next = 1
            self._a = self._b = value
            self._time, self._value = time, value
            return out
        span = time - self._time
        point = self._start + self._next * self.step
        while point <= time:
            share = (point - self._time) / span
            self._median(self._value + share * (value - self._value), out)
            self._next += 1
            point = self._start + self._next * self.step
        self._time, self._value = time, value
        return out

    def finish(self) -> list[tuple[float, float]]:
        """The samples still under way, with the last value held; the smoother is then reset."""
        out: list[tuple[float, float]] = []
        if not math.isnan(self._start):
            last = self._b
            for _ in range(1 + sum(box.reach for box in self._boxes)):
                self._median(last, out)
        self.reset()
        return out

    def _median(self, value: float, out: list[tuple[float, float]]) -> None:
        a, b = self._a, self._b
        if a > b:
            a, b = b, a
        middle = a if value < a else b if value > b else value
        self._a, self._b = self._b, value
        smoothed = middle
        for box in self._boxes:
            mean = box.push(smoothed)
            if mean is None:
                return
            smoothed = mean
        out.append((self._start + self._out * self.step, smoothed))
        self._out += 1
