"""Metrics of scores, retrieval and poses that related papers report, in the same form as the text metrics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevd_bio.scoring.metrics.measured import Measured, mean_of
from qevd_bio.scoring.statistics import Array


def spearman(truth: Array, predicted: Array) -> Measured:
    """Spearman's ρ of two series (n,): Pearson's correlation of average ranks; NaN where one is constant.

    Intervals resample items with their ranks as they are in the whole sample.
    """
    x, y = _ranks(np.asarray(truth, float)), _ranks(np.asarray(predicted, float))
    sums = np.column_stack([np.ones_like(x), x, y, x * x, y * y, x * y])
    return Measured("spearman", np.zeros(len(x)), sums, _correlation)


def _ranks(values: Array) -> Array:
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[codes], float)


def _correlation(sums: Array) -> Array:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (n * xx - x * x) * (n * yy - y * y)
        return np.asarray(np.where(spread > 1e-9, (n * xy - x * y) / np.sqrt(spread), np.nan))


def relative_l2(truth: Array, predicted: Array, low: Array | float, high: Array | float) -> Measured:
    """Relative L2 distance: mean of (|s − ŝ| / (s_max − s_min))², with the action's score range [low, high].

    X. Yu et al., "Group-aware Contrastive Regression" (ICCV 2021). Papers print it times 100.
    """
    span = np.asarray(high, float) - np.asarray(low, float)
    if np.any(span <= 0):
        raise ValueError("the highest score of an action must be greater than its lowest")
    return mean_of("relative_l2", ((np.asarray(truth, float) - np.asarray(predicted, float)) / span) ** 2)


def retrieval_ranks(similarity: Array, correct: NDArray[np.intp]) -> NDArray[np.intp]:
    """Rank (1 = best) of item `correct[i]` in row i of `similarity` (queries, candidates).

    Candidates as similar as the correct one count as before it: a constant similarity retrieves nothing.
    """
    own = similarity[np.arange(len(similarity)), correct]
    return np.asarray((similarity >= own[:, None]).sum(axis=1), np.intp)


def recall_at(ranks: NDArray[np.intp], k: int) -> Measured:
    """Share of queries whose correct item is among the first k."""
    return mean_of(f"recall_at_{k}", (ranks <= k).astype(float))


def median_rank(ranks: NDArray[np.intp]) -> Measured:
    """Median rank of the correct item (the mean of the middle two for an even number)."""
    levels = np.unique(ranks)
    counts = (ranks[:, None] == levels[None, :]).astype(float)

    def formula(sums: Array) -> Array:
        upto = np.cumsum(sums, axis=-1)
        total = upto[..., -1]
        middle = [np.floor((total - 1) / 2), np.floor(total / 2)]
        at = [np.minimum((upto <= m[..., None]).sum(axis=-1), len(levels) - 1) for m in middle]
        return np.asarray(np.where(total > 0, (levels[at[0]] + levels[at[1]]) / 2, np.nan))

    return Measured("median_rank", ranks.astype(float), counts, formula)


def pa_mpjpe(truth: Array, predicted: Array) -> Measured:
    """Mean distance of joints after the best similarity transform of each pose (n, joints, 3), in its unit.

    Procrustes alignment with rotation (no reflection), uniform scale and translation of the prediction.
    """
    truth, predicted = np.asarray(truth, float), np.asarray(predicted, float)
    target = truth - truth.mean(axis=1, keepdims=True)
    source = predicted - predicted.mean(axis=1, keepdims=True)
    left, sizes, right = np.linalg.svd(np.swapaxes(source, 1, 2) @ target)
    sign = np.ones_like(sizes)
    sign[:, -1] = np.sign(np.linalg.det(left @ right))
    rotation = (left * sign[:, None, :]) @ right
    spread = (source**2).sum(axis=(1, 2))
    scale = np.divide((sizes * sign).sum(axis=1), spread, out=np.zeros_like(spread), where=spread > 0)
    moved = scale[:, None, None] * (source @ rotation)
    return mean_of("pa_mpjpe", np.linalg.norm(moved - target, axis=2).mean(axis=1))
