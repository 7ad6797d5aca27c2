"""How far two or more judges agree beyond chance, on categories without order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence


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
