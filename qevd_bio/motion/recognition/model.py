"""Which exercise a clip shows, and how surely: one Gaussian an exercise over the features, with a common covariance.

The figures are those of `refs/recognition.json`, learnt from simulated kinematics. A common covariance lets an exercise
of the user's own join in without learning: its reference gives the middle of its Gaussian.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.measure import signal_of
from qevd_bio.exercise.reference import has_reference, load_reference
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.recognition.features import features
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_json
from qevd_bio.store.resources import refs_path

Array = NDArray[np.float64]
_LEAST_REFERENCE_S = 6.0
_LEAST_REACH = 0.25
"""Share of the reference's range of motion: with less, nobody would call it a repetition."""


@dataclass(frozen=True)
class Model:
    """K exercises, F features.

    names (F,) of the features; mean, scale (F,) of training clips; exercises (K,) their ids; centres (K, F) and
    precision (F, F) of scaled features; offset (F,) what clips have more than references; temperature: how much of
    the log-likelihood is believed; sure: probability from which an exercise is named; far: Mahalanobis distance from
    which a clip is like none of them.
    """

    names: tuple[str, ...]
    mean: Array
    scale: Array
    exercises: tuple[str, ...]
    centres: Array
    precision: Array
    offset: Array
    temperature: float
    sure: float
    far: float
    limit: float = 4.0

    def scaled(self, found: Mapping[str, float]) -> Array:
        """Features (F,) as the Gaussians are over; what lies far out counts as `limit` standard deviations."""
        values = np.array([found[name] for name in self.names])
        return np.asarray(np.clip((values - self.mean) / self.scale, -self.limit, self.limit))


@dataclass(frozen=True)
class Recognised:
    """What a clip may show: exercises with their probabilities, the likeliest first.

    sure: whether the first may be taken for it.
    """

    candidates: tuple[tuple[str, float], ...]
    sure: bool

    @property
    def exercise(self) -> str:
        """Id of the likeliest exercise."""
        return self.candidates[0][0]

    @property
    def probability(self) -> float:
        """Of the likeliest exercise."""
        return self.candidates[0][1]


def recognise(
    angles: NDArray[Any],
    time_s: Array,
    ok: NDArray[np.bool_] | None = None,
    own: Sequence[Exercise] = (),
    user_refs: Path | None = None,
) -> Recognised:
    """The exercise that a clip shows. angles (T, 46) radians, time_s (T,), ok (T,) frames with a pose of their own.

    `own` are exercises of the user's beside the shipped ones; those without a reference in `user_refs` cannot be
    recognised. Raises ItemError too_short.
    """
    model = load_model()
    point = model.scaled(features(angles, time_s, ok))
    extra = [(exercise.id, centre) for exercise in own for centre in _own_centre(model, exercise, user_refs)]
    names = [*model.exercises, *(name for name, _ in extra)]
    centres = np.vstack([model.centres, *(centre for _, centre in extra)])
    found = classified(model, names, centres, point)
    exercise = {**load(), **{one.id: one for one in own}}[found.exercise]
    known = np.isfinite(angles).all(axis=1) & (True if ok is None else ok)
    return replace(found, sure=found.sure and moves(exercise, np.asarray(angles)[known], user_refs))


def moves(exercise: Exercise, angles: NDArray[Any], user_refs: Path | None = None) -> bool:
    """Whether the exercise's own signal moves as far as its repetitions need: someone who stands still does none.

    True for holds, and where the signal is not known. angles (T, 46) radians.
    """
    if exercise.category == "hold" or not has_reference(exercise, user_refs):
        return True
    reach = []
    for course in (angles, load_reference(exercise, user_refs).angles):
        values = signal_of(exercise, Curves(course))
        values = values[np.isfinite(values)]
        if not len(values):
            return True
        low, high = np.percentile(values, [5, 95])
        reach.append(float(high - low))
    return reach[0] >= _LEAST_REACH * reach[1]


def classified(model: Model, names: Sequence[str], centres: Array, point: Array) -> Recognised:
    """Probabilities of a clip's scaled features (F,) under Gaussians around `centres` (K, F)."""
    away = point - centres
    distance = np.einsum("kf,fg,kg->k", away, model.precision, away)
    share = np.exp(-0.5 * model.temperature * (distance - distance.min()))
    share /= share.sum()
    order = np.argsort(-share)
    best = tuple((names[k], round(float(share[k]), 4)) for k in order[:5])
    return Recognised(best, bool(share[order[0]] >= model.sure and distance.min() <= model.far**2))


def _own_centre(model: Model, exercise: Exercise, user_refs: Path | None) -> list[Array]:
    """The middle of the user's own exercise, from its reference; empty without one."""
    if exercise.id in model.exercises:
        return []
    try:
        reference = load_reference(exercise, user_refs)
    except UserError:
        return []
    return [model.scaled(reference_features(reference.angles, reference.fps)) + model.offset]


def reference_features(angles: Array, fps: float) -> dict[str, float]:
    """The features of a reference (N, 46) that is repeated for some seconds."""
    cycle = angles[:-1]
    times = max(round(_LEAST_REFERENCE_S * fps / len(cycle)), 3)
    repeated = np.tile(cycle, (times, 1))
    return features(repeated, np.arange(len(repeated)) / fps)


@lru_cache(maxsize=1)
def load_model() -> Model:
    """The shipped figures."""
    data = read_json(refs_path("recognition.json"))
    mean, scale, centres, offset = (
        np.array(data[name], dtype=np.float64) for name in ("mean", "scale", "centres", "offset")
    )
    lower = np.zeros((len(data["names"]),) * 2)
    lower[np.tril_indices(len(lower))] = data["precision"]
    return Model(
        names=tuple(data["names"]),
        exercises=tuple(data["exercises"]),
        precision=lower + np.tril(lower, -1).T,
        temperature=float(data["temperature"]),
        sure=float(data["sure"]),
        far=float(data["far"]),
        mean=mean,
        scale=scale,
        centres=centres,
        offset=offset,
    )
