"""Whether anybody was seen at a moment of a video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qevd_bio.tables.kinematics import pose_times

# A person counts as tracked at a moment if some frame this near to it has a pose of its own.
_NEAR_S = 1.0


@dataclass(frozen=True)
class Tracked:
    """`known` if the video has kinematics; `at(time_s)` whether a person was tracked around a moment."""

    known: bool
    at: Callable[[float], bool]


def tracked_in(path: Path) -> Tracked:
    """What a kinematics file says; a missing file knows of nobody."""
    if not path.is_file():
        return Tracked(False, lambda time_s: False)
    times = pose_times(path)

    def at(time_s: float) -> bool:
        place = int(np.searchsorted(times, time_s))
        near = [abs(times[i] - time_s) for i in (place - 1, place) if 0 <= i < len(times)]
        return bool(near) and min(near) <= _NEAR_S

    return Tracked(True, at)
