"""One clock for two recordings: the time offset found on the fastest angles, and values at other times. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

STEP_S = 0.02
FASTEST = 6
LEAST_OVERLAP_S = 2.0
LEAST_CORRELATION = 0.5
AS_GOOD = 0.01
APART_S = 0.3
WIDEST_GAP_S = 0.25


@dataclass(frozen=True)
class Offset:
    """seconds: time in the truth minus time in the video. correlation: mean over the columns `used`.

    found is False where no lag reaches LEAST_CORRELATION; seconds is then 0. other: the nearest lag that fits as well
    (within AS_GOOD), where there is one.
    """

    seconds: float
    correlation: float
    used: tuple[int, ...]
    found: bool
    other: float | None = None


def values_at(times: Float, own_times: Float, values: Float, widest_gap_s: float | None = None) -> Float:
    """values (T, K) at own_times (T,), interpolated to times (N,): (N, K).

    NaN outside, beside a NaN, and inside a gap longer than `widest_gap_s` (three usual steps, at least 0.1 s).
    """
    if len(own_times) < 2:
        return np.full((len(times), values.shape[1]), np.nan)
    steps = np.diff(own_times)
    widest = max(3.0 * float(np.median(steps)), 0.1) if widest_gap_s is None else widest_gap_s
    left = np.clip(np.searchsorted(own_times, times, side="right") - 1, 0, len(own_times) - 2)
    share = (times - own_times[left]) / steps[left]
    # the last bit of a sum of times does not put a frame outside, nor between two others
    share = np.where(np.abs(share - np.round(share)) < 1e-6, np.round(share), share)[:, None]
    between = values[left] * (1.0 - share) + values[left + 1] * share
    exact = np.where(share == 0.0, values[left], np.where(share == 1.0, values[left + 1], between))
    outside = (share < 0.0) | (share > 1.0) | ((steps[left][:, None] > widest) & (share > 0.0) & (share < 1.0))
    return np.where(outside, np.nan, exact)


def find_offset(true_times: Float, true: Float, times: Float, found: Float) -> Offset:
    """The offset at which the fastest angles of both correlate best.

    true (T, K) and found (N, K): the same K angles in degrees, NaN where not observed. Angles are taken whose speed in
    the truth is largest, at most FASTEST, if observed in half of the frames of both. The overlap is at least half of
    the shorter recording. Of lags that fit equally well the smallest is taken.
    """
    a, b = _even(times, found), _even(true_times, true)
    used = _fastest(a, b)
    if not len(used):
        return Offset(0.0, np.nan, (), False)
    lags, score = _correlations(a[:, used], b[:, used])
    starts = true_times[0] - times[0]
    shorter = min(len(a), len(b))
    least = min(shorter, max(shorter // 2, int(LEAST_OVERLAP_S / STEP_S)))
    overlap = np.minimum(len(a), len(b) - lags) - np.maximum(0, -lags)
    score = np.where(overlap >= least, score, -np.inf)
    peaks = _peaks(score)
    if not len(peaks) or score[peaks].max() < LEAST_CORRELATION:
        best = float(score.max(initial=-1.0))
        return Offset(0.0, best if np.isfinite(best) else np.nan, tuple(used.tolist()), False)
    good = peaks[score[peaks] >= score[peaks].max() - AS_GOOD]
    # to the millisecond: more is noise, and could cost the first or last frame of equal clocks
    seconds = np.round([starts + STEP_S * (lags[k] + _top(score, k)) for k in good], 3) + 0.0
    order = np.argsort(np.abs(seconds), kind="stable")
    other = float(seconds[order[1]]) if len(order) > 1 else None
    first = int(order[0])
    return Offset(float(seconds[first]), float(score[good[first]]), tuple(used.tolist()), True, other)


def _even(times: Float, values: Float) -> Float:
    grid = np.arange(times[0], times[-1] + STEP_S / 2, STEP_S)
    usual = 3.0 * float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    return values_at(grid, times, values, max(WIDEST_GAP_S, usual))


def _fastest(found: Float, true: Float) -> NDArray[np.intp]:
    seen = (np.isfinite(found).mean(axis=0) >= 0.5) & (np.isfinite(true).mean(axis=0) >= 0.5)
    moves = np.diff(true, axis=0)
    known = np.isfinite(moves)
    speed = np.sqrt((np.where(known, moves, 0.0) ** 2).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    # 2 deg/s: less is rest
    chosen = np.flatnonzero(seen & (speed > 2.0 * STEP_S))
    return np.sort(chosen[np.argsort(-speed[chosen], kind="stable")[:FASTEST]]).astype(np.intp)


def _correlations(a: Float, b: Float) -> tuple[NDArray[np.int64], Float]:
    """Pearson's correlation of a[i] with b[i + lag], mean over columns, at every lag; gaps (NaN) are left out."""
    size = 1 << int(np.ceil(np.log2(len(a) + len(b))))
    known_a, known_b = np.isfinite(a), np.isfinite(b)
    x = np.where(known_a, a - np.nanmean(a, axis=0), 0.0)
    y = np.where(known_b, b - np.nanmean(b, axis=0), 0.0)
    first = [np.conj(np.fft.rfft(part, size, axis=0)) for part in (known_a * 1.0, x, x * x)]
    second = [np.fft.rfft(part, size, axis=0) for part in (known_b * 1.0, y, y * y)]

    def sums(i: int, j: int) -> Float:
        whole = np.fft.irfft(first[i] * second[j], size, axis=0)
        return np.concatenate([whole[size - len(a) + 1 :], whole[: len(b)]])

    n = np.maximum(sums(0, 0), 1e-9)
    s_a, s_b = sums(1, 0), sums(0, 1)
    spread_a, spread_b = sums(2, 0) - s_a**2 / n, sums(0, 2) - s_b**2 / n
    moving = (n >= 2.0) & (spread_a > 1e-6 * n) & (spread_b > 1e-6 * n)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(moving, (sums(1, 1) - s_a * s_b / n) / np.sqrt(spread_a * spread_b), 0.0)
    return np.arange(1 - len(a), len(b)), np.clip(r, -1.0, 1.0).mean(axis=1)


def _peaks(score: Float) -> NDArray[np.intp]:
    from scipy.ndimage import maximum_filter1d

    around = maximum_filter1d(score, 2 * int(APART_S / STEP_S) + 1, mode="nearest")
    return np.flatnonzero((score == around) & np.isfinite(score)).astype(np.intp)


def _top(score: Float, k: int) -> float:
    """Where a parabola through three values has its top, in steps from the middle one."""
    if not 0 < k < len(score) - 1 or not np.isfinite(score[k - 1 : k + 2]).all():
        return 0.0
    before, here, after = score[k - 1 : k + 2]
    bend = before - 2.0 * here + after
    return float(0.5 * (before - after) / bend) if bend < 0.0 else 0.0
