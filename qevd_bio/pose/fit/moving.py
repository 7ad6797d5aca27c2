"""A camera that moves, told from the feet: whoever walks or jumps, one foot soon stands still, or the camera turns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.landmarks import LANDMARK_INDEX
from qevd_bio.pose.fit.rotations import Float

LEAST_SPEED = 0.12  # body heights a second, of the slower foot
LEAST_S = 1.0
STEP_S = 0.2
LONGEST_HOLE_S = 60.0
_FEET = [[LANDMARK_INDEX[f"{side}_{name}"] for name in ("heel", "foot_index")] for side in ("right", "left")]
_TRUNK = [LANDMARK_INDEX[f"{side}_{name}"] for side in ("right", "left") for name in ("shoulder", "hip")]


def moving_flags(landmarks: Float, time_s: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Flags `camera_moves` for stretches of a second and more in which both feet and the trunk drift the same way.

    landmarks (T, 33, 7); only movement along the picture's rows counts: jumps go up and down.
    """
    rows = np.flatnonzero(np.isfinite(landmarks[:, 0, 0]))
    if len(rows) < 3:
        return []
    times = time_s[rows]
    image = landmarks[rows][..., :2]
    size = max(float(np.median(np.ptp(image[..., 1], axis=1))), float(np.median(np.ptp(image[..., 0], axis=1))), 1e-6)
    parts = np.stack([*(image[:, foot, 0].mean(1) for foot in _FEET), image[:, _TRUNK, 0].mean(1)], axis=1) / size
    holes = np.flatnonzero(np.diff(times) > LONGEST_HOLE_S) + 1
    return [flag for run in np.split(np.arange(len(times)), holes) for flag in _flags(parts[run], times[run])]


def _flags(parts: Float, times: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Flags of one stretch without a hole; `parts` (T, 3) are the places of both feet and the trunk."""
    grid = np.arange(times[0], times[-1], STEP_S)
    if len(grid) < 2:
        return []
    smooth = np.stack([np.interp(grid, times, part) for part in parts.T], axis=1)
    speed = np.diff(smooth, axis=0) / STEP_S
    together = np.sign(speed[:, 0]) * (np.sign(speed) == np.sign(speed[:, :1])).all(1)
    drift = np.where(np.abs(speed).min(1) > LEAST_SPEED, together, 0.0)
    flags: list[dict[str, Any]] = []
    for run in np.split(np.arange(len(drift)), np.flatnonzero(np.diff(drift)) + 1):
        if drift[run[0]] and len(run) * STEP_S >= LEAST_S - 1e-9:
            pace = float(np.abs(speed[run]).min(1).mean())
            flags.append(
                {
                    "kind": "camera_moves",
                    "start_s": float(grid[run[0]]),
                    "end_s": float(grid[run[-1] + 1]),
                    "heights_a_second": round(pace, 2),
                }
            )
    return flags
