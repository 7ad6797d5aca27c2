"""Frames without a trusted pose: the last valid pose is held for a stated time, then the pose is missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

OK, HELD, MISSING = 0, 1, 2


def hold_gaps(
    values: Sequence[NDArray[np.float64]],
    time_s: NDArray[np.float64],
    valid: NDArray[np.bool_],
    longest_s: float,
) -> tuple[list[NDArray[np.float64]], NDArray[np.uint8]]:
    """Arrays (T, ...) with gaps held, and the status (T,) of each frame: OK, HELD or MISSING.

    A frame that is not `valid` repeats the last valid one for at most `longest_s` seconds; after that, and before the
    first valid frame, the rows are NaN. Nothing is interpolated. (The rule of the paper's supplement, Section 11.3:
    the last valid pose is kept while confidence is low.)
    """
    frames = len(time_s)
    last = np.maximum.accumulate(np.where(valid, np.arange(frames), -1)) if frames else np.zeros(0, dtype=int)
    known = last >= 0
    age = np.full(frames, np.inf)
    age[known] = time_s[known] - time_s[last[known]]
    status = np.where(valid, OK, np.where(age <= longest_s + 1e-9, HELD, MISSING)).astype(np.uint8)
    filled = []
    for value in values:
        out = np.array(value, dtype=float)
        held = status == HELD
        out[held] = out[last[held]]
        out[status == MISSING] = np.nan
        filled.append(out)
    return filled, status


def gap_flags(status: NDArray[np.uint8], time_s: NDArray[np.float64]) -> list[dict[str, object]]:
    """One flag for every run of frames that are not OK: from when to when, and how many were held and missing."""
    flags: list[dict[str, object]] = []
    rows = np.flatnonzero(status != OK)
    for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(rows) else []:
        flags.append(
            {
                "kind": "gap",
                "start_s": float(time_s[run[0]]),
                "end_s": float(time_s[run[-1]]),
                "held_frames": int((status[run] == HELD).sum()),
                "missing_frames": int((status[run] == MISSING).sum()),
            }
        )
    return flags
