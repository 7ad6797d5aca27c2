"""Settings of `qevd-bio simulate`; each default lives here and nowhere else (standard library only)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Split: TypeAlias = Literal["test", "train"]
Views: TypeAlias = Literal["level", "real"]

SPLIT_FOLDERS: dict[str, str] = {"test": "QEVD-FIT-COACH-Benchmark", "train": "QEVD-FIT-COACH"}
"""The folders that QEVD calls its splits."""

EXERCISE_S = 35.5
"""Seconds of an exercise with its announcement: six make QEVD's 213 s."""


@dataclass(frozen=True)
class SimulateOptions:
    """What is simulated. All of it follows from these settings: the same ones give the same files.

    minutes is the length of a workout; from three minutes on it has five or six exercises as in QEVD, shorter ones
    have fewer. `exercises` names those to choose from; empty means all, by section. views: "real" cameras look down,
    are tilted, stand near and to the side, and people differ in proportions and clothes; "level" ones are easy on a
    pose model.
    """

    workouts: int = 4
    seed: int = 0
    split: Split = "test"
    minutes: float = 3.55
    video: bool = True
    width: int = 360
    height: int = 504
    exercises: tuple[str, ...] = ()
    views: Views = "real"


DEMO = SimulateOptions(workouts=3, seed=7, minutes=1.2, views="level")
"""The workouts of `qevd-bio demo`."""
