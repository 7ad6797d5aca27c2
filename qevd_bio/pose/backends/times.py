"""A recording's rows on a video: which time and which frame each row has, and what does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.base import Clip
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.store.errors import ItemError, UserError

SLOWEST_S, FASTEST_S = 1.0, 5e-5  # between rows
LATEST_S = 1e6
TOLERANCE_S, TOLERANCE_SHARE = 0.5, 0.05

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Timing:
    """Rows (K,) of the recording that are kept; all_time_s and frame (T,) of every row, seconds from the video's first
    frame and indices of its frames; time_s (K,); who stated the times; flags."""

    rows: NDArray[np.intp]
    all_time_s: Float
    frame: NDArray[np.int32]
    origin: str
    flags: tuple[dict[str, Any], ...]

    @property
    def time_s(self) -> Float:
        return self.all_time_s[self.rows]


def on_video(
    frames: int, own: Float | NDArray[np.int32] | None, clip: Clip, options: ExtractOptions, path: Path
) -> Timing:
    """Times of a recording's T rows beside `clip`. `own` are its seconds (T,), its frame numbers (T,) int, or None.

    Seconds stay as the file has them: a recording that begins 2 s into its video begins there.
    Raises UserError for times that do not rise or are no seconds, ItemError where they cannot belong to the video.
    """
    known = clip.frame_times if options.times != "rate" else None
    if own is not None and own.dtype.kind == "f":
        return _seconds(own.astype(np.float64), clip, known, path)
    if own is not None:
        return _numbered(own.astype(np.int32), known, options, path)
    rows = np.arange(frames)
    if known is not None:
        if len(known) == frames:
            return Timing(rows, known, rows.astype(np.int32), "video", ())
        raise ItemError(
            "frame_count",
            f"{path.name} has {frames} frames, the video {len(known)}; a recording without times must "
            "have one row a frame of the video; --times rate --source-fps N takes a fixed frame rate instead",
        )
    origin = f"{options.source_fps:g} frames a second, as told"
    time_s = rows / options.source_fps
    return Timing(rows, time_s, rows.astype(np.int32), origin, _length_flags(time_s, clip))


def _seconds(time_s: Float, clip: Clip, known: Float | None, path: Path) -> Timing:
    check_seconds(time_s, path)
    rows = np.arange(len(time_s))
    flags: list[dict[str, Any]] = []
    origin = "recording"
    if clip.path is None:
        if time_s[0] < 0:
            origin = f"recording, which begins at {time_s[0]:.3f} s, moved to 0"
            time_s = time_s - time_s[0]
    elif time_s[0] < 0:
        rows = np.flatnonzero(time_s >= 0)
        text = f"{len(time_s) - len(rows)} rows before the video's first frame are left out"
        flags.append({"kind": "recording_early", "detail": text})
    if clip.duration_s is not None and (not len(rows) or time_s[rows[0]] > clip.duration_s):
        raise ItemError(
            "recording_elsewhere",
            f"{path.name} runs from {time_s[0]:.2f} to {time_s[-1]:.2f} s, the video from 0 to {clip.duration_s:.2f} s",
        )
    flags += _length_flags(time_s, clip)
    frame = rows if known is None else _nearest(known, time_s)
    whole = np.arange(len(time_s)) if known is None else frame
    return Timing(rows, time_s, whole.astype(np.int32), origin, tuple(flags))


def check_seconds(time_s: Float, path: Path) -> None:
    """Raise UserError where times do not rise, are not finite, or cannot be seconds."""
    if not np.isfinite(time_s).all() or (np.diff(time_s) <= 0).any():
        wrong = np.flatnonzero(~np.isfinite(time_s) | (np.diff(time_s, prepend=-np.inf) <= 0))
        raise UserError(
            f"times do not rise from row to row (row {int(wrong[0]) + 1})", where=path, expected="seconds that rise"
        )
    step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.03
    if step > SLOWEST_S or time_s[-1] > LATEST_S:
        raise UserError(
            f"times go from {time_s[0]:g} to {time_s[-1]:g} in steps of {step:.4g}: these are no seconds",
            where=path,
            expected="seconds from the beginning; milliseconds and clock times are not guessed at",
            fix="convert the time column to seconds",
        )
    if step < FASTEST_S:
        raise UserError(
            f"times rise in steps of {step:.3g} s, {1 / step:.0f} rows a second", where=path, expected="seconds"
        )


def _numbered(numbers: NDArray[np.int32], known: Float | None, options: ExtractOptions, path: Path) -> Timing:
    """Rows that are named by the video's frames; frames can be missing."""
    if known is None:
        time_s = numbers / options.source_fps
        return Timing(np.arange(len(numbers)), time_s, numbers, f"{options.source_fps:g} frames a second, as told", ())
    if numbers[-1] >= len(known):
        if numbers[0] == 1 and numbers[-1] == len(known):
            numbers = numbers - 1  # counted from 1
        else:
            raise ItemError(
                "frame_count", f"{path.name} goes up to frame {int(numbers[-1])}, the video has {len(known)} frames"
            )
    missing = len(known) - len(numbers)
    flags: tuple[dict[str, Any], ...] = ()
    if missing > max(TOLERANCE_SHARE * len(known), 1):
        flags = ({"kind": "recording_shorter", "detail": f"{missing} of {len(known)} frames are not in the recording"},)
    return Timing(np.arange(len(numbers)), known[numbers], numbers.astype(np.int32), "video", flags)


def _nearest(known: Float, time_s: Float) -> NDArray[np.int64]:
    right = np.clip(np.searchsorted(known, time_s), 1, max(len(known) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(known) - 1)
    return np.where(np.abs(known[left] - time_s) <= np.abs(known[right] - time_s), left, right)


def _length_flags(time_s: Float, clip: Clip) -> tuple[dict[str, Any], ...]:
    if clip.duration_s is None:
        return ()
    slack = max(TOLERANCE_S, TOLERANCE_SHARE * clip.duration_s)
    begin, end, whole = float(time_s[0]), float(time_s[-1]), clip.duration_s
    text = f"the recording runs from {begin:.2f} to {end:.2f} s, the video from 0 to {whole:.2f} s"
    flags = []
    if end > whole + slack:
        flags.append({"kind": "recording_longer", "detail": text})
    elif end < whole - slack or begin > slack:
        flags.append({"kind": "recording_shorter", "detail": text})
    return tuple(flags)
