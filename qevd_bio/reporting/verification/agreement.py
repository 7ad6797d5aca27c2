"""Agreement of extracted angles with true ones: Bland and Altman's figures, correlation, coverage. Arrays in, rows out.

Errors are extracted minus true. Every figure is a function of sums over frames, so that the bootstrap draws whole
clips: frames of one clip are no independent looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.reporting.options import AgainstOptions
from qevd_bio.scoring.statistics import Statistic, bootstrap, ratio, sums_by
from qevd_bio.tables.agreement import ALL, AgreementRow

Float = NDArray[np.float64]

LIMIT = 1.96
"""Standard deviations from the bias to a limit of agreement (Bland and Altman, Lancet 1986)."""

_EDGES = np.concatenate([np.arange(0.0, 20.0, 0.1), np.arange(20.0, 182.0)])


@dataclass(frozen=True)
class Paired:
    """One angle of one clip, n frames: true, found and sigma (n,) in degrees.

    NaN in `true` or `found`: not observed there; NaN in `sigma`: not known. exercise (n,) ids. Errors are taken the
    short way round.
    """

    quantity: str
    clip: int
    view: str
    exercise: NDArray[np.str_]
    true: Float
    found: Float
    sigma: Float


@dataclass(frozen=True)
class _Frames:
    """Paired frames of several clips, one after the other."""

    clip: NDArray[np.intp]
    view: NDArray[np.str_]
    exercise: NDArray[np.str_]
    true: Float
    found: Float
    sigma: Float

    def where(self, keep: NDArray[np.bool_]) -> _Frames:
        return _Frames(**{name: value[keep] for name, value in vars(self).items()})


def short_way(degrees: Float) -> Float:
    """Angles in degrees brought to -180 .. 180."""
    return np.asarray((degrees + 180.0) % 360.0 - 180.0)


def agreement(paired: Sequence[Paired], options: AgainstOptions) -> list[AgreementRow]:
    """Rows of every angle: over all, by view, by exercise, by both; then of all degrees of freedom together."""
    by_name: dict[str, list[Paired]] = {}
    for pair in paired:
        by_name.setdefault(pair.quantity, []).append(pair)
    rows = [row for name, pairs in by_name.items() for row in _rows(name, _joined(pairs), options)]
    own = [pair for pair in paired if pair.quantity in DOF_INDEX]
    return rows + (_rows(ALL, _joined(own), options) if len({pair.quantity for pair in own}) > 1 else [])


def _joined(pairs: Sequence[Paired]) -> _Frames:
    sizes = [len(pair.true) for pair in pairs]
    return _Frames(
        clip=np.repeat([pair.clip for pair in pairs], sizes).astype(np.intp),
        view=np.repeat([pair.view for pair in pairs], sizes),
        **{
            name: np.concatenate([getattr(pair, name) for pair in pairs])
            for name in ("exercise", "true", "found", "sigma")
        },
    )


def _rows(name: str, frames: _Frames, options: AgainstOptions) -> list[AgreementRow]:
    views, exercises = [np.unique(part).tolist() for part in (frames.view, frames.exercise)]
    cells = [(ALL, ALL), *((v, ALL) for v in views), *((ALL, e) for e in exercises)]
    cells += [(v, e) for v in views for e in exercises]
    rows = []
    for view, exercise in cells:
        keep = (frames.view == view) | (view == ALL)
        keep &= (frames.exercise == exercise) | (exercise == ALL)
        if keep.any():
            rows.append(_row(name, view, exercise, frames.where(keep), options))
    return rows


def _row(name: str, view: str, exercise: str, frames: _Frames, options: AgainstOptions) -> AgreementRow:
    true_seen, seen = np.isfinite(frames.true), np.isfinite(frames.found)
    both = frames.where(true_seen & seen)
    place: dict[str, Any] = {"quantity": name, "view": view, "exercise": exercise}
    counts: dict[str, Any] = {
        "frames": len(both.true),
        "unobserved": int((true_seen & ~seen).sum()),
        "truth_unobserved": int((~true_seen).sum()),
        "sigma_frames": int(np.isfinite(both.sigma).sum()),
    }
    if not len(both.true):
        return AgreementRow(**place, clips=0, **counts)
    clips, cluster = np.unique(both.clip, return_inverse=True)
    statistics = _statistics(both, cluster.astype(np.intp), len(clips))
    if name == ALL:
        # angles of different joints correlate by their usual values alone
        del statistics["correlation"]
    values: dict[str, Any] = {key: statistic.value for key, statistic in statistics.items()}
    error = np.abs(short_way(both.found - both.true))
    values["median_abs"] = float(np.median(error))
    for key, found in bootstrap(statistics, options.replicates, options.level, options.seed).items():
        values[f"{key}_low"] = np.nan if found.low is None else found.low
        values[f"{key}_high"] = np.nan if found.high is None else found.high
    return AgreementRow(**place, clips=len(clips), **counts, **values)


def _statistics(frames: _Frames, cluster: NDArray[np.intp], clips: int) -> dict[str, Statistic]:
    error = short_way(frames.found - frames.true)
    one, seen = np.ones_like(error), frames.true + error
    x, y = frames.true - frames.true.mean(), seen - seen.mean()
    known = np.isfinite(frames.sigma)
    size = np.abs(error)
    moments = sums_by(cluster, clips, (one, error, error**2))
    products = sums_by(cluster, clips, (one, x, y, x * x, y * y, x * y))
    with np.errstate(invalid="ignore"):
        hits = [(known & (size <= k * frames.sigma)).astype(np.float64) for k in (1, 2)]
    inside = [sums_by(cluster, clips, (hit, known.astype(np.float64))) for hit in hits]
    return {
        "bias": Statistic(moments, _bias),
        "rmse": Statistic(moments, lambda s: np.sqrt(s[..., 2] / s[..., 0])),
        "median_abs": Statistic(_histogram(size, cluster, clips), _median),
        "loa_low": Statistic(moments, lambda s: _bias(s) - LIMIT * _spread(s)),
        "loa_high": Statistic(moments, lambda s: _bias(s) + LIMIT * _spread(s)),
        "correlation": Statistic(products, _pearson),
        "within_1": Statistic(inside[0], ratio),
        "within_2": Statistic(inside[1], ratio),
    }


def _bias(sums: Float) -> Float:
    return np.asarray(sums[..., 1] / sums[..., 0])


def _spread(sums: Float) -> Float:
    """Standard deviation of (n, sum, sum of squares); NaN of a single frame."""
    n = sums[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = (sums[..., 2] - sums[..., 1] ** 2 / n) / np.where(n > 1, n - 1, np.nan)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def _pearson(sums: Float) -> Float:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    a, b = xx - x * x / n, yy - y * y / n
    # an angle that does not move has no correlation, only rounding
    still = (a < 1e-6 * n) | (b < 1e-6 * n)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(still, np.nan, (xy - x * y / n) / np.sqrt(a * b)))


def _histogram(size: Float, cluster: NDArray[np.intp], clips: int) -> Float:
    """Frames (clips, bins) by size of the error: a median of any mixture of clips can be read from it."""
    bins = len(_EDGES) - 1
    at = np.clip(np.searchsorted(_EDGES, size, side="right") - 1, 0, bins - 1)
    return np.bincount(cluster * bins + at, minlength=clips * bins).reshape(clips, bins).astype(np.float64)


def _median(counts: Float) -> Float:
    running = np.cumsum(counts, axis=-1)
    half = running[..., -1:] / 2
    at = (running >= half).argmax(axis=-1)[..., None]
    own = np.take_along_axis(counts, at, axis=-1)
    before = np.take_along_axis(running, at, axis=-1) - own
    share = (half - before) / np.maximum(own, 1e-9)
    return np.asarray((_EDGES[at] + share * np.diff(_EDGES)[at])[..., 0])
