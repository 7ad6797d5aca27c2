"""Which frames are taken, decided from their times alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Called once a frame, in order, with (index, seconds from the first frame).
Select = Callable[[int, float], bool]


def every_frame(index: int, time_s: float) -> bool:
    """Take every frame."""
    return True


def every_nth(n: int) -> Select:
    """Frames 0, n, 2n, …"""
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    return lambda index, time_s: index % n == 0


def at_indices(indices: Iterable[int]) -> Select:
    """Take the frames with these indices, counted from 0 in the video."""
    wanted = frozenset(indices)
    return lambda index, time_s: index in wanted


def at_rate(fps: float) -> Select:
    """Frames at `fps` by time, as QEVD's feature extraction takes them (16 a second).

    Frame 0 is taken; each next target is the previous target + 1/fps, and the first frame at or after it is
    taken. So a gap in the frames is followed by frames in close order until the target has caught up. The
    result keeps state: one for each pass over a video.
    """
    if not fps > 0:
        raise ValueError(f"fps must be positive, not {fps}")
    target: float | None = None

    def take(index: int, time_s: float) -> bool:
        nonlocal target
        if target is None:
            target = time_s
        if time_s < target:
            return False
        target += 1.0 / fps
        return True

    return take


def indices_at_rate(times_s: ArrayLike, fps: float) -> NDArray[np.int64]:
    """Indices of the frames that `at_rate` takes from frame times (T,) in seconds."""
    take = at_rate(fps)
    times = np.asarray(times_s, dtype=np.float64).tolist()
    return np.array([index for index, time in enumerate(times) if take(index, time)], dtype=np.int64)
