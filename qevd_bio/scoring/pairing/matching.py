"""Which prediction answers which feedback: the official walk, and a strict one-to-one matching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pairs = list[tuple[int, int]]
Times: TypeAlias = Sequence[float] | NDArray[np.float64]

# Rows of the distance matrix are made in blocks of at most this many cells, so that a segment
# with tens of thousands of predictions does not fill the memory.
_BLOCK_CELLS = 4_000_000


def official_pairs(walked: Times, offered: Times, texts: Sequence[str], tolerance_s: float) -> Pairs:
    """The official walk: for each time in `walked`, in order, its nearest time in `offered`.

    It is a pair if nearer than `tolerance_s`, later in `offered` than the last pair's, not used before,
    and its text in `texts` (that of `offered`) is not empty. A nearest one that is taken means no pair,
    even where another lies in the window. Ties go to the first index. Recall walks the ground truth over
    the predictions; precision walks the predictions over the ground truth.
    """
    if not len(walked) or not len(offered):
        return []
    pairs: Pairs = []
    last = -1
    nearest, distance = _nearest(np.asarray(walked, np.float64), np.asarray(offered, np.float64))
    # "Later than the last" implies "not used before": indices of pairs only rise.
    for row, (column, away) in enumerate(zip(nearest.tolist(), distance.tolist(), strict=True)):
        if away < tolerance_s and column > last and texts[column] != "":
            pairs.append((row, column))
            last = column
    return pairs


def strict_pairs(
    truth: Times,
    predicted: Times,
    truth_texts: Sequence[str],
    predicted_texts: Sequence[str],
    tolerance_s: float,
) -> Pairs:
    """Order-preserving one-to-one matching of greatest size; among those, of least total |Δt|.

    Both time series must not decrease. Only pairs nearer than `tolerance_s` whose texts are not blank
    count. The same matching serves precision and recall. Time O(n + number of pairs within the window).
    """
    rows = [i for i, text in enumerate(truth_texts) if text.strip()]
    columns = [j for j, text in enumerate(predicted_texts) if text.strip()]
    a = [float(truth[i]) for i in rows]
    b = [float(predicted[j]) for j in columns]
    found = _align(a, b, tolerance_s)
    return [(rows[i], columns[j]) for i, j in found]


def _nearest(walked: NDArray[np.float64], offered: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    step = max(1, _BLOCK_CELLS // len(offered))
    nearest = np.empty(len(walked), np.intp)
    for start in range(0, len(walked), step):
        # Squared, as the official code has it: the two differ where rounding makes squares equal.
        block = (offered[None, :] - walked[start : start + step, None]) ** 2
        nearest[start : start + step] = block.argmin(axis=1)
    return nearest, np.abs(walked - offered[nearest])


def _align(a: list[float], b: list[float], tolerance_s: float) -> Pairs:
    """Dynamic programme over the band of columns within the window of each row.

    best[j] is (pairs, −total |Δt|) using columns < j and the rows so far. Windows only move right, so
    columns beyond the last window cannot have been used yet and best is constant there: it is extended lazily.
    """
    best: list[tuple[int, float]] = [(0, 0.0)]
    choices: list[tuple[int, list[int]]] = []  # per row: first column of its band, taken column per band end
    low = 0
    for time in a:
        while low < len(b) and time - b[low] >= tolerance_s:
            low += 1
        high = low
        while high < len(b) and b[high] - time < tolerance_s:
            high += 1
        while len(best) <= high:
            best.append(best[-1])
        taken: list[int] = []
        above = best[low]
        carried, carried_column = above, -1
        for column in range(low, high):
            paired = (above[0] + 1, above[1] - abs(b[column] - time))
            above = best[column + 1]
            if paired > carried:
                carried, carried_column = paired, column
            if above >= carried:
                carried, carried_column = above, -1
            best[column + 1] = carried
            taken.append(carried_column)
        choices.append((low, taken))
    return trace(choices, len(best) - 1)


def trace(choices: Sequence[tuple[int, Sequence[int] | NDArray[np.intp]]], end: int) -> Pairs:
    """The pairs of a dynamic programme over bands.

    `choices` has for each row the first column of its band and, for each column of the band, the one that is paired
    in the best matching up to there (−1: the row is left out). `end` is the number of columns.
    """
    pairs: Pairs = []
    for row in range(len(choices) - 1, -1, -1):
        low, taken = choices[row]
        # The band's state at `end` columns; before the band nothing changed in this row.
        position = min(end, low + len(taken)) - low - 1
        if position < 0:
            continue
        if taken[position] >= 0:
            end = int(taken[position])
            pairs.append((row, end))
    return pairs[::-1]
