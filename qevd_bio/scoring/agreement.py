"""How far judges agree beyond chance: on categories without order, and on an ordered scale.

Cohen's κ of two judges; Krippendorff's α of two or more, nominal and ordinal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray


def cohen_kappa(first: Sequence[Hashable | None], second: Sequence[Hashable | None]) -> float | None:
    """Cohen's kappa of two judges over the units that both judged (None = not judged).

    None where no unit was judged by both, or where both always say the same one category (chance agreement is then 1).
    J. Cohen, "A coefficient of agreement for nominal scales" (1960).
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    if not pairs:
        return None
    n = len(pairs)
    left, right = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = sum(a == b for a, b in pairs) / n
    expected = sum(left[c] * right[c] for c in left) / n**2
    return None if expected == 1.0 else (observed - expected) / (1.0 - expected)


def nominal_alpha(ratings: Sequence[Sequence[Hashable | None]]) -> float | None:
    """Krippendorff's alpha of `ratings` (judges x units, None = not judged), nominal categories.

    Units judged once are left out. None where nothing is left or where all judgements are equal.
    K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011).
    """
    units = [[v for v in unit if v is not None] for unit in zip(*ratings, strict=True)]
    units = [unit for unit in units if len(unit) >= 2]
    total = Counter(value for unit in units for value in unit)
    n = sum(total.values())
    if len(total) < 2:
        return None
    observed = sum((len(u) ** 2 - sum(c * c for c in Counter(u).values())) / (len(u) - 1) for u in units) / n
    expected = (n * n - sum(c * c for c in total.values())) / (n * (n - 1))
    return 1.0 - observed / expected


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
