"""The one form in which every metric hands over its result, so that all get intervals and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qevd_bio.scoring.statistics import Array, Formula, Statistic, ratio, sums_by


@dataclass(frozen=True)
class Measured:
    """A metric over n items.

    `items` (n,): each item's own value, NaN where it has none; `sums` (n, k) and `formula`: the metric of
    any set of items is `formula` of its summed rows; `signature`: what the number depends on.
    """

    name: str
    items: Array
    sums: Array
    formula: Formula
    signature: Mapping[str, str] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Number of items that have a value."""
        return int((~np.isnan(self.items)).sum())

    @property
    def value(self) -> float:
        """The metric of all items; NaN where it is undefined."""
        return float(self.formula(self.sums.sum(axis=0)))

    def statistic(self, clusters: NDArray[np.intp], count: int) -> Statistic:
        """Sums per cluster; `clusters` (n,) holds the cluster (0 … count−1) of each item."""
        return Statistic(sums_by(clusters, count, list(self.sums.T)), self.formula)


def mean_of(name: str, items: Array, signature: Mapping[str, str] | None = None) -> Measured:
    """The mean of the items that have a value."""
    there = ~np.isnan(items)
    sums = np.column_stack([np.where(there, items, 0.0), there]).astype(float)
    return Measured(name, np.asarray(items, float), sums, ratio, signature or {})
