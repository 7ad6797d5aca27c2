"""Krippendorff's α for ordinal judgements."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ordinal_alpha(ratings: NDArray[np.float64]) -> float | None:
    """α of `ratings` (raters, units), NaN where a rater did not judge a unit; ordinal metric.

    1 is full agreement, 0 chance; None where no unit was judged twice, or where all judgements are equal
    (there is then no variation to agree on). K. Krippendorff, "Computing Krippendorff's
    Alpha-Reliability" (2011).
    """
    judged = ~np.isnan(ratings)
    kept = ratings[:, judged.sum(axis=0) >= 2] if ratings.size else ratings
    if kept.size == 0:
        return None
    units, raters = np.nonzero(~np.isnan(kept.T))
    values, codes = np.unique(kept[raters, units], return_inverse=True)
    if len(values) < 2:
        return None
    counts = np.zeros((kept.shape[1], len(values)))
    np.add.at(counts, (units, codes), 1.0)
    per_unit = counts.sum(axis=1)
    # Coincidences: each ordered pair of judgements of a unit, weighed by 1 / (judgements − 1).
    weighted = counts / (per_unit - 1)[:, None]
    coincidence = weighted.T @ counts - np.diag(weighted.sum(axis=0))
    marginal = coincidence.sum(axis=1)
    distance = _ordinal_distance(marginal)
    expected = (np.outer(marginal, marginal) * distance).sum() / (marginal.sum() - 1)
    observed = (coincidence * distance).sum()
    return float(1 - observed / expected)


def _ordinal_distance(marginal: NDArray[np.float64]) -> NDArray[np.float64]:
    """δ² of ranks c, k: (Σ of the marginals from c to k, less half of those of c and k)²."""
    upto = np.cumsum(marginal)
    middle = upto - marginal / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2)
