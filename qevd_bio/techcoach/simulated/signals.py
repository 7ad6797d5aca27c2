"""Simulated clip features: each dimension writes its quality into a known block of cells of the views that see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qevd_bio.techcoach.options import SimulateOptions

SEEN = {"ego": (0, 2, 3, 6), "exo": (1, 4, 5, 6)}
"""Dimensions that a view carries: each view alone misses three."""
_FIXED = 20411


def block(dimension: int, grid: tuple[int, int, int]) -> tuple[slice, slice, slice]:
    """Time steps, rows and columns that a dimension writes into: a quarter of the time, half the rows and columns."""
    steps, rows, columns = grid
    quarter, half, wide = max(steps // 4, 1), max(rows // 2, 1), max(columns // 2, 1)
    first = (dimension % 4) * quarter
    row, column = (dimension // 4) * half % rows, (dimension % 2) * wide % columns
    return slice(first, first + quarter), slice(row, row + half), slice(column, column + wide)


def directions(channels: int) -> NDArray[np.float64]:
    """Unit vectors (7 dimensions + 32 tasks, channels), the same for every data set."""
    drawn = np.random.default_rng([_FIXED, channels]).normal(size=(7 + 32, channels))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def features(
    quality: Sequence[int], task: int, view: str, options: SimulateOptions, draw: np.random.Generator
) -> NDArray[np.float64]:
    """Features (time, rows, columns, channels) of one view of a clip."""
    known = directions(options.channels)
    values = draw.normal(0.0, options.noise, (*options.grid, options.channels))
    values += 0.5 * known[7 + task % 32]
    for dimension in SEEN[view]:
        values[block(dimension, options.grid)] += options.strength * quality[dimension] * known[dimension]
    return np.asarray(values)
