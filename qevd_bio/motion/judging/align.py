"""A cycle on the reference's time grid, and how alike the two are (BioCoach, Sec. 3.4.2 and Supp. 10)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WEIGHTS = (0.4, 0.3, 0.2, 0.1)
"""Weights of cosine, Pearson, velocity and amplitude in the cycle's score (Supp. 10)."""

FLAT_RAD = math.radians(1.0)
"""A degree of freedom whose reference moves less than this has no course to follow."""

SLACK_RAD = math.radians(5.0)
"""Added to both ranges of motion before their ratio is taken, so that two nearly still joints are alike."""


def resample(times: Array, values: Array, start_s: float, end_s: float, points: int) -> Array:
    """Linear interpolation of (T, D) `values` at `points` times from start to end, both included: (points, D).

    Within a column NaN are bridged by their neighbours; a column with fewer than two known values is NaN, as
    is everything where there are no frames. Outside the known times the nearest known value is held.
    """
    values = np.asarray(values, dtype=np.float64)
    columns = values.shape[1]
    if len(times) == 0 or points < 1:
        return np.full((max(points, 0), columns), np.nan)
    at = np.linspace(start_s, end_s, points)
    if len(times) == 1:
        return np.repeat(values, points, axis=0)
    left = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    share = np.clip((at - times[left]) / (times[left + 1] - times[left]), 0.0, 1.0)[:, None]
    out = values[left] * (1.0 - share) + values[left + 1] * share
    for column in np.flatnonzero(np.isnan(values).any(axis=0)):
        known = np.isfinite(values[:, column])
        if known.sum() >= 2:
            out[:, column] = np.interp(at, times[known], values[known, column])
        else:
            out[:, column] = np.nan
    return np.asarray(out, dtype=np.float64)


@dataclass(frozen=True)
class Similarity:
    """The four similarities, each in 0..1 or NaN where it is not defined, and their weighted score."""

    cosine: float
    pearson: float
    velocity: float
    amplitude: float
    score: float


UNDEFINED = Similarity(math.nan, math.nan, math.nan, math.nan, math.nan)


def compare(user: Array, reference: Array, joints: Sequence[int] | Array) -> Similarity:
    """Similarities of a cycle with the reference; both (N, D) radians on the same grid.

    joints  (D,) number of the joint that each column belongs to
    cosine  of all columns, each z-scored, concatenated. Columns that are flat in either are left out.
    pearson correlation of each column, averaged within joints and then over joints. A column whose
            reference moves while the user's does not counts 0; one whose reference is flat is left out.
    velocity cosine of the concatenated frame-to-frame differences, of the same columns as `pearson`
    amplitude mean over joints of the smaller range of motion divided by the larger

    Columns with NaN are left out. Negative similarities count 0. A term without any column is NaN and
    its weight goes to the others; with no column at all everything is NaN.
    """
    if user.shape != reference.shape:
        raise ValueError(f"cycle of shape {user.shape}, reference of shape {reference.shape}")
    if user.size == 0:
        return UNDEFINED
    known = np.isfinite(user).all(axis=0) & np.isfinite(reference).all(axis=0)
    if not known.any():
        return UNDEFINED
    user, reference, joint = user[:, known], reference[:, known], np.asarray(joints)[known]
    user_range, reference_range = np.ptp(user, axis=0), np.ptp(reference, axis=0)
    moving = reference_range >= FLAT_RAD
    both = moving & (user_range >= FLAT_RAD)
    correlation = np.where(both, _correlation(user, reference), 0.0)
    ratio = (np.minimum(user_range, reference_range) + SLACK_RAD) / (
        np.maximum(user_range, reference_range) + SLACK_RAD
    )
    terms = (
        float(correlation[both].mean()) if both.any() else math.nan,
        _joint_mean(correlation[moving], joint[moving]),
        _velocity(user[:, moving], reference[:, moving]),
        _joint_mean(ratio, joint),
    )
    cosine, pearson, velocity, amplitude = (min(max(term, 0.0), 1.0) if term == term else math.nan for term in terms)
    clipped = (cosine, pearson, velocity, amplitude)
    weight = sum(w for w, term in zip(WEIGHTS, clipped, strict=True) if term == term)
    total = sum(w * term for w, term in zip(WEIGHTS, clipped, strict=True) if term == term)
    return Similarity(cosine, pearson, velocity, amplitude, total / weight)


def _correlation(a: Array, b: Array) -> Array:
    """Pearson correlation column by column; for z-scored columns this is their cosine. 0 where one is constant."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    norm = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    return np.asarray((a * b).sum(axis=0) / np.where(norm > 0, norm, 1.0))


def _velocity(user: Array, reference: Array) -> float:
    a, b = np.diff(user, axis=0).ravel(), np.diff(reference, axis=0).ravel()
    norm = math.sqrt(_dot(a, a) * _dot(b, b)) if a.size else 0.0
    return _dot(a, b) / norm if norm > 0 else (math.nan if a.size == 0 else 0.0)


def _dot(a: Array, b: Array) -> float:
    # BLAS divides a long product among its threads, so that its last digit depends on their number.
    return float((a * b).sum())


def _joint_mean(values: Array, joints: Array) -> float:
    """Mean over joints of the mean over each joint's columns; NaN for none."""
    if values.size == 0:
        return math.nan
    sums = np.bincount(joints, weights=values)
    counts = np.bincount(joints)
    present = counts > 0
    return float((sums[present] / counts[present]).mean())


def best(scores: Sequence[float]) -> int | None:
    """Index of the highest score, the first of equals; None where none is known."""
    known = [(score, -index) for index, score in enumerate(scores) if score == score]
    return -max(known)[1] if known else None
