"""The best order-keeping assignment inside the window: by time, and by meaning where that is given a weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from qevd_bio.scoring.pairing.matching import Pairs, Times, trace

Similarity = Callable[[str, str], float]
"""Of two texts, 0 to 1, the same with the texts swapped."""

# Costs are counted in whole steps, so that sums are exact: the result depends on no order of summation.
_STEPS = 1_000_000_000
_MOST = 2**62


def ordered_pairs(
    truth: Times,
    predicted: Times,
    truth_texts: Sequence[str],
    predicted_texts: Sequence[str],
    tolerance_s: float,
    meaning: float = 0.0,
    similarity: Similarity | None = None,
) -> Pairs:
    """One-to-one matching that keeps the order: of greatest size, and among those of least total cost.

    A pair costs (1 − `meaning`) · |Δt| / tolerance + `meaning` · (1 − similarity). Both time series must not
    decrease. Only pairs nearer than `tolerance_s` whose texts are not blank count. With the roles swapped the
    pairs are the same. Time and memory O(pairs within the window), at most O(n·m).
    """
    if meaning and similarity is None:
        raise ValueError("a weight for meaning needs a similarity")
    rows = [(float(truth[i]), text, i) for i, text in enumerate(truth_texts) if text.strip()]
    columns = [(float(predicted[j]), text, j) for j, text in enumerate(predicted_texts) if text.strip()]
    # Equally good matchings exist: one fixed choice of what is walked makes both roles find the same one.
    swapped = [side[:2] for side in columns] < [side[:2] for side in rows]
    first, second = (columns, rows) if swapped else (rows, columns)
    a, b = (np.array([side[0] for side in sides], np.float64) for sides in (first, second))
    texts = [side[1] for side in first], [side[1] for side in second]
    found = _assign(a, b, texts, tolerance_s, meaning, similarity)
    pairs = [(first[i][2], second[j][2]) for i, j in found]
    return [(j, i) for i, j in pairs] if swapped else pairs


def _assign(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    texts: tuple[Sequence[str], Sequence[str]],
    tolerance_s: float,
    meaning: float,
    similarity: Similarity | None,
) -> Pairs:
    """Dynamic programme over the rows; each looks at the columns within its window only.

    best[j] is the worth of the best matching of the rows so far with the first j columns. Windows only move
    right, so `best` is constant beyond the last window: it is extended when the window gets there.
    """
    steps = max(1, min(_STEPS, _MOST // (min(len(a), len(b)) + 1) ** 2))
    # One more pair is worth more than all costs together; the programme's worths stay within 64 bits.
    pair = steps * (min(len(a), len(b)) + 1)
    best = np.zeros(len(b) + 1, np.int64)
    low = high = reached = 0
    bands: list[tuple[int, NDArray[np.intp]]] = []
    for row, time in enumerate(a.tolist()):
        while low < len(b) and time - b[low] >= tolerance_s:
            low += 1
        high = max(low, high)
        while high < len(b) and b[high] - time < tolerance_s:
            high += 1
        best[reached + 1 : high + 1] = best[reached]
        reached = high
        cost = (1 - meaning) * np.abs(b[low:high] - time) / tolerance_s
        if meaning and similarity is not None:
            alike = [similarity(texts[0][row], text) for text in texts[1][low:high]]
            cost = cost + meaning * (1 - np.array(alike, np.float64))
        paired = best[low:high] + pair - np.rint(np.clip(cost, 0, 1) * steps).astype(np.int64)
        above = best[low + 1 : high + 1]
        reach = np.maximum.accumulate(np.concatenate([best[low : low + 1], np.maximum(above, paired)]))
        # Where the worth rises, it is that of the column's own pair or of leaving the row out; elsewhere it is
        # carried from the left.
        rises = np.diff(reach) > 0
        source = np.where(paired > above, np.arange(low, high), -1)
        last = np.maximum.accumulate(np.where(rises, np.arange(high - low), -1)) if high > low else rises
        bands.append((low, np.where(last >= 0, source[last], -1).astype(np.intp)))
        best[low + 1 : high + 1] = reach[1:]
    return trace(bands, len(b))
