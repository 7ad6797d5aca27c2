"""From the sigma of angles to that of what rules judge: quantities frame by frame, and their extremes over a window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.derived import QUANTITIES, derive
from qevd_bio.anatomy.dofs import DOF_INDEX, FloatArray
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton

NUDGE = np.deg2rad(0.5)
SHARED = 0.7
"""Share of an error's variance that stays as it is over a repetition: landmarks are wrong in the same way for long."""
MEMORY_S = 0.3
"""Seconds within which the rest is forgotten."""
COURSES = 256

Statistic = Callable[[FloatArray], Any]


def curve_sigma(
    name: str, angles: FloatArray, sigma: FloatArray, skeleton: Skeleton | None = None, root: FloatArray | None = None
) -> FloatArray:
    """Standard deviation (T,) of a quantity's error, in its unit, from that of the angles: sigma (T, 46) in radians.

    The quantity's slope by each degree of freedom it is read from (Quantity.dofs), errors of different ones taken as
    independent. NaN where the quantity or one of these sigmas is unknown. Of quantities over time ("range", "change")
    each frame's own error counts, and the start's. KeyError for an unknown name.
    """
    quantity = QUANTITIES[name]
    body = skeleton or Skeleton.from_stature()
    place = root if quantity.needs_root else None
    angles, sigma = np.asarray(angles, dtype=np.float64), np.asarray(sigma, dtype=np.float64)

    def value(at: FloatArray) -> FloatArray:
        return np.asarray(quantity.compute(at, forward_kinematics(at, body, place)), dtype=np.float64)

    columns = [DOF_INDEX[dof] for dof in quantity.dofs]
    steps = np.zeros((len(columns), 1, angles.shape[1]))
    steps[range(len(columns)), 0, columns] = NUDGE
    if quantity.needs_root:  # it looks at all frames together, so each course of angles stands alone
        change = np.stack([value(angles + step) - value(angles - step) for step in steps])
    else:
        change = value(angles + steps) - value(angles - steps)
    if quantity.unit == "deg":
        change = (change + 180.0) % 360.0 - 180.0
    variance = ((change / (2.0 * NUDGE) * sigma[:, columns].T) ** 2).sum(axis=0)
    variance = np.where(np.isfinite(derive(name, angles, forward_kinematics(angles, body, place))), variance, np.nan)
    spread: FloatArray = np.sqrt(variance if not quantity.over_time else 2.0 * variance)
    return spread


def statistic_sigma(
    values: FloatArray,
    sigma: FloatArray,
    time_s: FloatArray,
    statistic: Statistic,
    seed: int = 0,
    courses: int = COURSES,
) -> float:
    """Standard deviation of `statistic` (of a curve (T,), such as np.max) where each value has the error sigma (T,).

    By drawing: most of an error lasts (SHARED), the rest wanders. NaN frames are left out; NaN where none is left.
    A statistic of many frames, such as the maximum, is also biased by noise; that is not part of sigma.
    """
    known = np.isfinite(values) & np.isfinite(sigma)
    if not known.any():
        return float("nan")
    values, sigma, times = values[known], sigma[known], time_s[known]
    draws = np.random.default_rng(seed).standard_normal((courses, len(values) + 1))
    keep = np.exp(-np.diff(times) / MEMORY_S)
    wander = draws[:, 1:]
    for i in range(1, len(values)):
        wander[:, i] = keep[i - 1] * wander[:, i - 1] + np.sqrt(1.0 - keep[i - 1] ** 2) * wander[:, i]
    errors = sigma * (np.sqrt(SHARED) * draws[:, :1] + np.sqrt(1.0 - SHARED) * wander)
    found: NDArray[np.float64] = np.array([statistic(values + error) for error in errors], dtype=np.float64)
    return float(found.std())
