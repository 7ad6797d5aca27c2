"""What is usual for this person: the median time and range of the whole repetitions before."""

from __future__ import annotations

import math
from collections import deque
from statistics import median

from qevd_bio.exercise.expression import Series
from qevd_bio.exercise.measure import signal_of, statistic
from qevd_bio.exercise.rules import Exercise

LEAST = 3
"""Whole repetitions from which a median is taken."""
MEMORY = 50


class OwnCourse:
    """Remembers repetitions in their order, so that a stream knows what a whole clip does."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self._durations: deque[float] = deque(maxlen=MEMORY)
        self._ranges: deque[float] = deque(maxlen=MEMORY)

    def shares(self, series: Series, duration_s: float) -> dict[str, float]:
        """`duration_share` and `range_share` of a repetition; NaN before LEAST others are known."""
        return {
            "duration_share": duration_s / _usual(self._durations),
            "range_share": self._range(series) / _usual(self._ranges),
        }

    @property
    def usual_range(self) -> float:
        """Median range of the representative signal in degrees, NaN before LEAST repetitions."""
        return _usual(self._ranges)

    @property
    def usual_duration_s(self) -> float:
        """Median duration, NaN before LEAST repetitions."""
        return _usual(self._durations)

    def remember(self, series: Series, duration_s: float) -> None:
        """Take note of a whole repetition."""
        self._durations.append(duration_s)
        covered = self._range(series)
        if math.isfinite(covered):
            self._ranges.append(covered)

    def _range(self, series: Series) -> float:
        return statistic(signal_of(self.exercise, series), "range")


def _usual(values: deque[float]) -> float:
    found = median(values) if len(values) >= LEAST else math.nan
    return found if found > 0.0 else math.nan
