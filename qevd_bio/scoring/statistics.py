"""Intervals and tests from per-cluster sums: bootstrap, paired permutation, minimum detectable effect.

Every metric here is a function of sums over items, so resampling clusters needs only the sums of each
cluster: a replicate is one row of counts times one small matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Formula = Callable[[Array], Array]

_EXACT_CLUSTERS = 12


@dataclass(frozen=True)
class Statistic:
    """`sums`: (clusters, k) sums of items; `formula` maps (..., k) sums to (...) values, NaN where undefined."""

    sums: Array
    formula: Formula

    @property
    def value(self) -> float:
        """The formula of the sums over all clusters; NaN where it is undefined."""
        return float(self.formula(self.sums.sum(axis=0)))


def ratio(sums: Array) -> Array:
    """First sum over second: a mean, a precision, a recall. NaN where the second is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan))


def share(sums: Array) -> Array:
    """As `ratio`, but 0 of 0 is 0, as the official evaluation counts precision and recall."""
    return np.nan_to_num(ratio(sums), nan=0.0)


def f_score(sums: Array) -> Array:
    """F of (matched predictions, predictions, matched truth, truth); 0 where nothing matched."""
    precision, recall = share(sums[..., 0:2]), share(sums[..., 2:4])
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(2 * precision * recall / (precision + recall), nan=0.0)


def mean_statistic(values: Array, clusters: NDArray[np.intp], count: int) -> Statistic:
    """Statistic of the mean of `values` (NaN = missing) whose items lie in `clusters` (0 … count−1)."""
    there = ~np.isnan(values)
    sums = np.bincount(clusters[there], values[there], minlength=count)
    return Statistic(np.column_stack([sums, np.bincount(clusters[there], minlength=count)]).astype(float), ratio)


def resamples(clusters: int, replicates: int, seed: int) -> Array:
    """How often each cluster is drawn in each replicate, (replicates, clusters); rows sum to `clusters`."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(clusters, np.full(clusters, 1 / clusters), size=replicates).astype(float)


@dataclass(frozen=True)
class Interval:
    """Percentile interval; `replicates` counts those in which the metric was defined."""

    low: float | None
    high: float | None
    standard_error: float | None
    replicates: int


NO_INTERVAL = Interval(None, None, None, 0)


def interval(values: Array, level: float) -> Interval:
    """Percentile interval and standard error of replicate values; none from fewer than two defined ones."""
    defined = values[~np.isnan(values)]
    if len(defined) < 2:
        return NO_INTERVAL
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), float(defined.std(ddof=1)), len(defined))


def bootstrap(statistics: Mapping[str, Statistic], replicates: int, level: float, seed: int) -> dict[str, Interval]:
    """Interval of each statistic, all from the same resampled clusters; none with a single cluster."""
    counts = {len(statistic.sums) for statistic in statistics.values()}
    if not counts or counts == {1}:
        return dict.fromkeys(statistics, NO_INTERVAL)
    (clusters,) = counts
    weights = resamples(clusters, replicates, seed)
    return {name: interval(s.formula(weights @ s.sums), level) for name, s in statistics.items()}


@dataclass(frozen=True)
class PairedTest:
    """`difference` is second minus first, with its bootstrap interval and two-sided permutation p-value.

    `detectable` is the smallest true difference that this test set would find with the wanted power.
    """

    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    detectable: float | None
    clusters: int
    permutations: int


def paired_test(
    first: Statistic,
    second: Statistic,
    *,
    replicates: int,
    permutations: int,
    level: float,
    power: float,
    seed: int,
) -> PairedTest:
    """Compare two systems on the same clusters.

    The bootstrap resamples clusters for both at once. The permutation test swaps the systems within
    clusters: all 2ⁿ ways up to 12 clusters, else `permutations` random ones (then p counts the observed one,
    too). Detectable effect: (z of the level + z of the power) × bootstrap standard error.
    """
    difference = second.value - first.value
    clusters = len(first.sums)
    if clusters < 2 or np.isnan(difference):
        return PairedTest(difference, None, None, None, None, clusters, 0)
    weights = resamples(clusters, replicates, seed)
    found = interval(second.formula(weights @ second.sums) - first.formula(weights @ first.sums), level)
    p_value, used = _permute(first, second, permutations, seed + 1)
    normal = NormalDist()
    factor = normal.inv_cdf((1 + level) / 2) + normal.inv_cdf(power)
    detectable = None if found.standard_error is None else factor * found.standard_error
    return PairedTest(difference, found.low, found.high, p_value, detectable, clusters, used)


def _permute(first: Statistic, second: Statistic, permutations: int, seed: int) -> tuple[float, int]:
    clusters = len(first.sums)
    exact = clusters <= _EXACT_CLUSTERS
    if exact:
        swaps = (np.arange(2**clusters)[:, None] >> np.arange(clusters) & 1).astype(float)
    else:
        swaps = np.random.default_rng(seed).integers(0, 2, (permutations, clusters)).astype(float)
    change = second.sums - first.sums
    shifted = swaps @ change
    values = second.formula(second.sums.sum(axis=0) - shifted) - first.formula(first.sums.sum(axis=0) + shifted)
    observed = abs(second.value - first.value)
    # Equal up to rounding counts as equally extreme: identical systems get p = 1.
    extreme = int((np.abs(values[~np.isnan(values)]) >= observed - 1e-12).sum())
    if exact:
        return extreme / max(1, int((~np.isnan(values)).sum())), len(swaps)
    return (extreme + 1) / (int((~np.isnan(values)).sum()) + 1), len(swaps)


def sums_by(clusters: NDArray[np.intp], count: int, columns: Sequence[Array]) -> Array:
    """Columns of item values summed per cluster, (count, len(columns))."""
    return np.column_stack([np.bincount(clusters, column, minlength=count) for column in columns]).astype(float)
