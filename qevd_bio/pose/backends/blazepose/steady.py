"""A filter that keeps the region still while the body is still: the 1€ filter (Casiez, Roussel, Vogel, CHI 2012).

MediaPipe passes the two alignment points through it, even where smoothing of landmarks is off, so a region without it
would trail other landmarks. The constants are those of its graph `modules/pose_landmark/pose_landmark_filtering.pbtxt`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STILL_HZ = 0.01
_PER_SPEED = 10.0
_SPEED_HZ = 1.0
_USUAL_S = 1 / 30


class SteadyPoints:
    """Smooths points over time: much where they stand still, hardly where they move fast."""

    def __init__(self) -> None:
        self._time_s = 0.0
        self._raw: NDArray[np.float64] | None = None
        self._smooth: NDArray[np.float64] = np.empty(0)
        self._speed: NDArray[np.float64] = np.empty(0)

    def reset(self) -> None:
        """Forget what came before."""
        self._raw = None

    def __call__(self, points: NDArray[np.float64], scale: float, time_s: float) -> NDArray[np.float64]:
        """Points of this frame, smoothed. scale: size of the body in the points' unit, which speeds count against."""
        if self._raw is None:
            self._smooth, self._speed = points, np.zeros_like(points)
        else:
            step_s = time_s - self._time_s if time_s > self._time_s else _USUAL_S
            speed = (points - self._raw) / scale / step_s
            self._speed = self._speed + _weight(_SPEED_HZ, step_s) * (speed - self._speed)
            weight = _weight(_STILL_HZ + _PER_SPEED * np.abs(self._speed), step_s)
            self._smooth = self._smooth + weight * (points - self._smooth)
        self._raw, self._time_s = points, time_s
        return self._smooth


def _weight(cutoff_hz: NDArray[np.float64] | float, step_s: float) -> NDArray[np.float64]:
    """Weight of the new value in a first-order low-pass filter."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * np.asarray(cutoff_hz) * step_s)))
