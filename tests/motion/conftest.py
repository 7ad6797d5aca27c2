"""Synthetic segments: the reference of an exercise, repeated, with whatever goes wrong in real life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import joint_names
from qevd_bio.motion.frames import Frames
from qevd_bio.motion.judging.evaluate import Setup
from qevd_bio.motion.options import MotionOptions
from qevd_bio.tables.kinematics import MISSING

FPS = 30.0
MakeFrames = Callable[..., Frames]
MakeSetup = Callable[..., Setup]


@cache
def exercise_of(name: str) -> Exercise:
    return load()[name]


@pytest.fixture
def make_frames() -> MakeFrames:
    """`make_frames("squats", reps=5, rest=30, noise=0.01, change={"knee_angle_r": 0.8}, lost=(40, 60))`.

    `rest` frames of the first reference pose stand before and behind; `change` multiplies degrees of freedom.
    """

    def make(
        name: str,
        reps: int = 5,
        rest: int = 30,
        noise: float = 0.005,
        change: dict[str, float] | None = None,
        lost: tuple[int, int] | None = None,
        seed: int = 0,
    ) -> Frames:
        cycle = load_reference(exercise_of(name)).angles
        still = np.tile(cycle[:1], (rest, 1))
        angles = np.concatenate([still, np.tile(cycle[:-1], (reps, 1)), still])
        for dof, factor in (change or {}).items():
            angles[:, DOF_INDEX[dof]] *= factor
        angles = angles + np.random.default_rng(seed).normal(0.0, noise, angles.shape)
        count = len(angles)
        frames = Frames(
            frame=np.arange(count, dtype=np.int32),
            time_s=np.arange(count) / FPS,
            angles=angles,
            observed=np.ones(angles.shape, dtype=bool),
            confidence=np.full(count, 0.9),
            status=np.zeros(count, dtype=np.uint8),
            root=np.full((count, 3), np.nan),
        )
        return lose(frames, *lost) if lost else frames

    return make


def lose(frames: Frames, first: int, last: int) -> Frames:
    """Frames first..last without a pose."""
    status = frames.status.copy()
    status[first : last + 1] = MISSING
    ok = status == 0
    return replace(
        frames,
        status=status,
        observed=frames.observed & ok[:, None],
        confidence=np.where(ok, frames.confidence, 0.0),
        angles=np.where(ok[:, None], frames.angles, np.nan),
    )


@pytest.fixture
def make_setup() -> MakeSetup:
    """`make_setup("squats", options=…, camera=…)` with the shipped reference and the exercise's salient joints."""

    def make(name: str, **changes: object) -> Setup:
        exercise = exercise_of(name)
        setup = Setup(
            exercise,
            load_reference(exercise).angles,
            joint_names(exercise.salient),
            options=MotionOptions(),
            body={"height": {"value": 1.78, "unit": "m", "method": "entered"}},
        )
        return replace(setup, **changes)  # type: ignore[arg-type]

    return make
