"""How well a value tells faulty clips from others: area under the ROC curve, its interval, the bound of a precision.

Scores rise with the fault. Labels of one person are not independent, so intervals resample people.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Area(NamedTuple):
    """Area under the ROC curve with its interval; NaN where there is no faulty or no other clip."""

    value: float
    low: float
    high: float


class Cut(NamedTuple):
    """A threshold, and what it does: clips above it are called faulty."""

    threshold: float
    precision: float
    recall: float


def area(scores: Array, present: Mask, weights: Array | None = None) -> float:
    """Chance that a faulty clip (present) scores higher than another, ties counted half; (N,) each."""
    weights = np.ones(len(scores)) if weights is None else weights
    one, other = _wins(scores, present), weights
    high, low = other[present], other[~present]
    total = high.sum() * low.sum()
    return float(high @ one @ low / total) if total > 0 else math.nan


def _wins(scores: Array, present: Mask) -> Array:
    high, low = scores[present][:, None], scores[~present][None, :]
    return np.asarray((high > low) + 0.5 * (high == low), dtype=np.float64)


def area_with_interval(
    scores: Array, present: Mask, clusters: NDArray[np.intp], replicates: int = 1000, level: float = 0.95, seed: int = 0
) -> Area:
    """`area` and its percentile interval over resampled clusters (people), (N,) their numbers.

    With fewer than two clusters, or too few of both kinds for any replicate, the interval is NaN.
    """
    found = area(scores, present)
    count = int(clusters.max()) + 1 if len(clusters) else 0
    if count < 2 or math.isnan(found):
        return Area(found, math.nan, math.nan)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=replicates)
    weights = drawn.astype(np.float64)[:, clusters]
    high, low = weights[:, present], weights[:, ~present]
    total = high.sum(axis=1) * low.sum(axis=1)
    won = ((high @ _wins(scores, present)) * low).sum(axis=1)
    areas = won[total > 0] / total[total > 0]
    if len(areas) < 2:
        return Area(found, math.nan, math.nan)
    ends = np.quantile(areas, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Area(found, float(ends[0]), float(ends[1]))


def cuts(scores: Array, present: Mask) -> list[Cut]:
    """Every threshold that divides the scores differently, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    values, hits = scores[order], np.cumsum(present[order])
    found = []
    for i in range(len(values)):
        last = i + 1 == len(values)
        if last or values[i + 1] < values[i]:
            below = values[i] - 1e-9 if last else 0.5 * (values[i] + values[i + 1])
            found.append(Cut(float(below), float(hits[i] / (i + 1)), float(hits[i] / max(hits[-1], 1))))
    return found


def cut_of_precision(scores: Array, present: Mask, precision: float, least: int = 3) -> Cut | None:
    """The threshold of most recall whose precision reaches `precision`, with `least` clips above it; None for none."""
    good = [
        cut for cut in cuts(scores, present) if cut.precision >= precision and (scores > cut.threshold).sum() >= least
    ]
    return max(good, key=lambda cut: (cut.recall, cut.threshold), default=None)
