"""From key poses to a smooth periodic course: rest to rest, seamless, no overshoot."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.exercise.poses import PoseWords, base_poses, mirror_channels, read_pose, to_angles
from qevd_bio.exercise.rules import Exercise
from qevd_bio.store.errors import UserError

FPS = 30.0
"""Rate of the shipped references."""


def build_angles(exercise: Exercise) -> FloatArray:
    """The reference cycle (N, 46) in radians at 30 frames a second; the last frame closes the cycle on the first.

    UserError for an exercise without a `reference` block or with an unknown pose.
    """
    rules = exercise.reference
    if rules is None:
        raise UserError(f"exercise {exercise.id!r} has no `reference` block", fix="add one, or `refs from-kinematics`")
    named = {**base_poses(), **rules.poses}
    for key in rules.keys:
        if key.pose not in rules.poses:
            raise UserError(
                f"reference of {exercise.id!r} names the unknown pose {key.pose!r}",
                expected="one of " + ", ".join(rules.poses),
            )
    poses = {name: _pose(exercise, name, words, named) for name, words in rules.poses.items()}
    keys = np.stack([mirror_channels(poses[key.pose]) if key.mirror else poses[key.pose] for key in rules.keys])
    phases = np.array([key.at for key in rules.keys])
    frames = round(rules.duration_s * FPS) + 1
    return to_angles(periodic(phases, keys, np.linspace(0.0, 1.0, frames)))


def _pose(exercise: Exercise, name: str, words: PoseWords, named: Mapping[str, PoseWords]) -> FloatArray:
    try:
        return read_pose(words, named)
    except UserError as error:
        raise UserError(
            error.problem, where=f"{exercise.id}.yaml: reference.poses.{name}", expected=error.expected
        ) from error


def periodic(phases: FloatArray, keys: FloatArray, at: FloatArray) -> FloatArray:
    """A periodic course (N, C) through `keys` (K, C) at `phases` (K,), increasing from 0, evaluated at `at` in 0..1.

    Between keys a quintic with no acceleration at its ends: minimum jerk between rests (Flash & Hogan 1985). Slopes
    at the keys are those of a monotone cubic (Fritsch & Butland 1984), so an extreme of the keys stays the
    extreme of the course; the first key is at rest, which makes the seam smooth. ValueError for other phases.
    """
    if len(phases) == 1:
        return np.repeat(keys, len(at), axis=0)
    if phases[0] != 0 or (np.diff(phases) <= 0).any() or phases[-1] >= 1:
        raise ValueError(f"phases {phases.tolist()} do not increase from 0 to below 1")
    times = np.append(phases, 1.0)
    values = np.vstack([keys, keys[:1]])
    slopes = _slopes(times, values)
    i = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    width = (times[i + 1] - times[i])[:, None]
    u = ((at - times[i]) / (times[i + 1] - times[i]))[:, None]
    rise = u**3 * (10 - 15 * u + 6 * u**2)
    leave = u - 6 * u**3 + 8 * u**4 - 3 * u**5
    arrive = -4 * u**3 + 7 * u**4 - 3 * u**5
    course = values[i] + rise * (values[i + 1] - values[i])
    return np.asarray(course + width * (leave * slopes[i] + arrive * slopes[i + 1]))


def _slopes(times: FloatArray, values: FloatArray) -> FloatArray:
    """Harmonic means of neighbouring secants; zero at extremes, at the first key and at the last."""
    secants = np.diff(values, axis=0) / np.diff(times)[:, None]
    before, after = secants[:-1], secants[1:]
    together = before * after
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = np.where(together > 0, 2 * together / (before + after), 0.0)
    return np.vstack([np.zeros_like(values[:1]), inner, np.zeros_like(values[:1])])
