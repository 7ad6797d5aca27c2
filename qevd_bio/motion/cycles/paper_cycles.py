"""The cycle rule of the paper with its own parameters (BioCoach, Supp. 10), for comparison; whole clips only.

Prominence is a property of the whole signal and the stability threshold a percentile of it, so this rule has
no streaming form whose reports could stand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from qevd_bio.motion.cycles.builders import Cycle

SIGMA = 2.0
PROMINENCE_RAD = 0.1
DISTANCE = 5
FRAMES = (24, 150)
FPS = 30.0
"""Rate of the videos for which the paper's numbers of frames are meant; others are brought to it first."""
HOLD_WINDOW = 10
HOLD_PERCENTILE = 30.0
HOLD_FRAMES = 10

Array = NDArray[np.float64]


def on_grid(times: Sequence[float] | Array, values: Sequence[float] | Array) -> tuple[Array, Array]:
    """Times and values at the paper's rate, by linear interpolation between known values; NaN only throughout."""
    time, signal = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    known = np.isfinite(signal)
    if len(time) < 2 or not known.any():
        return time, signal
    grid = time[0] + np.arange(int((time[-1] - time[0]) * FPS + 0.5) + 1) / FPS
    return grid, np.interp(grid, time[known], signal[known])


def smooth(values: Sequence[float] | Array) -> Array:
    """Gaussian smoothing, sigma 2 frames; missing values are filled by linear interpolation first."""
    signal = np.asarray(values, dtype=np.float64)
    known = np.isfinite(signal)
    if not known.any():
        return np.empty(0)
    index = np.arange(len(signal))
    filled = np.interp(index, index[known], signal[known])
    return np.asarray(gaussian_filter1d(filled, SIGMA), dtype=np.float64)


def detect_cycles(
    times: Sequence[float] | Array,
    values: Sequence[float] | Array,
    *,
    two_sided: bool = False,
    rest_high: bool = False,
    alternating: bool = False,
    halves: int = 2,
) -> list[Cycle]:
    """Cycles from one rest extreme to the next, 24 to 150 frames of the paper's videos long (Supp. 10).

    values       (T,) radians. A two-sided signal's cycle runs from minimum to minimum
    alternating  both sides take turns within a cycle: its phases are split where the signal crosses its mean
    halves       1 where each side's turn is a cycle of its own, because the signal is the same for both
    """
    time, values = on_grid(times, values)
    signal = smooth(values)
    if signal.size == 0:
        return []
    sign = -1.0 if rest_high and not two_sided else 1.0
    rests, _ = find_peaks(-sign * signal, prominence=PROMINENCE_RAD, distance=DISTANCE)
    cycles = []
    for first, last in pairwise(rests):
        if not FRAMES[0] <= last - first <= FRAMES[1]:
            continue
        piece = sign * signal[first : last + 1]
        key = first + int(np.argmax(piece))
        middle = _change(piece) + first if two_sided or alternating else key
        cycles.append(
            Cycle(
                float(time[first]),
                float(time[middle]),
                float(time[last]),
                float(time[key]),
                float(time[first]) if two_sided else math.nan,
                float(piece.max() - max(piece[0], piece[-1])),
                "r" if two_sided else "",
                halves,
                reported_s=float(time[last]),
            )
        )
    return cycles


def _change(piece: Array) -> int:
    """Index of the last crossing of the piece with its own mean, downward."""
    above = piece - piece.mean() > 0
    falls = np.flatnonzero(above[:-1] & ~above[1:])
    return int(falls[-1]) + 1 if falls.size else len(piece) // 2


def count_peaks(
    times: Sequence[float] | Array, values: Sequence[float] | Array, *, two_sided: bool = False, rest_high: bool = False
) -> int:
    """Number of key extremes that the peak finder reports, without any bound on the cycle's length."""
    signal = smooth(on_grid(times, values)[1])
    sign = -1.0 if rest_high and not two_sided else 1.0
    return len(find_peaks(sign * signal, prominence=PROMINENCE_RAD, distance=DISTANCE)[0]) if signal.size else 0


def detect_holds(times: Sequence[float] | Array, values: Sequence[float] | Array) -> list[Cycle]:
    """Stretches of at least 10 frames whose rolling deviation (10 frames) is at most its own 30th percentile."""
    time, values = on_grid(times, values)
    signal = smooth(values)
    if signal.size < HOLD_WINDOW:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(signal, HOLD_WINDOW)
    deviation = windows.std(axis=1)
    stable = np.concatenate([[False], deviation <= np.percentile(deviation, HOLD_PERCENTILE), [False]])
    edges = np.flatnonzero(stable[1:] != stable[:-1])
    holds = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        end = min(last + HOLD_WINDOW - 2, len(time) - 1)
        if last - first >= HOLD_FRAMES:
            middle = float(time[(first + end) // 2])
            start, stop = float(time[first]), float(time[end])
            holds.append(Cycle(start, middle, stop, middle, math.nan, 0.0, reported_s=stop))
    return holds
