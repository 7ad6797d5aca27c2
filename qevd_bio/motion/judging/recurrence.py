"""Evidence gathered over repetitions: whether a person's usual repetition breaks a rule."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qevd_bio.anatomy.uncertainty import SHARED
from qevd_bio.exercise.severity import Bounds


@dataclass
class Recurrence:
    """The readings of one rule and side so far.

    What the readings share of their errors (SHARED of the variance) stays, however many there are; the rest, and how
    far the repetitions differ, shrinks with their number.
    """

    number: int = 0
    _mean: float = 0.0
    _spread: float = 0.0
    _variance: float = 0.0

    def add(self, value: float, sigma: float) -> None:
        """Take note of a reading with an error of `sigma`."""
        self.number += 1
        step = value - self._mean
        self._mean += step / self.number
        self._spread += step * (value - self._mean)
        self._variance += (sigma * sigma - self._variance) / self.number

    def probability(self, bounds: Bounds) -> float:
        """That the mean of the person's repetitions lies beyond the bounds; NaN before the second reading."""
        if self.number < 2:
            return math.nan
        apart = max(self._spread / (self.number - 1), (1.0 - SHARED) * self._variance)
        return bounds.probability(self._mean, math.sqrt(SHARED * self._variance + apart / self.number))
