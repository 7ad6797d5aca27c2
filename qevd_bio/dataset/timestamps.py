"""Per-frame times: `*_timestamps.npy`, nanoseconds that stand eight hours apart from the annotations."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevd_bio.store.arrays import load_array
from qevd_bio.store.atomic import write_bytes
from qevd_bio.store.errors import UserError

OFFSET_S = 28800.0
_EXPECTED = "one integer of nanoseconds a frame (or seconds as floats, as in the competition release)"
# Seconds and nanoseconds since 1970 lie far on either side of this.
_SMALLEST_NS = 1e14
# Frames nearer to each other than this are those of no camera, but milli- or microseconds taken for nanoseconds.
_SHORTEST_STEP_S = 1e-3


def read_timestamps(path: Path) -> NDArray[np.float64]:
    """(T,) times of a video's frames in seconds, as `feedback_timestamps` counts them.

    Integers are nanoseconds: seconds = ns / 1e9 + 28800. Floats of the size of seconds (the competition
    release) are taken as they are. Raises UserError for a file that is missing, no such array, empty, whose
    times fall, or whose frames follow each other faster than any camera takes them.
    """
    if not path.is_file():
        raise UserError(
            "timestamps missing" if not path.exists() else "a folder stands where the timestamps should be",
            where=path,
            expected=_EXPECTED,
            fix="complete the data set: each video has its *_timestamps.npy beside it",
        )
    raw = load_array(path, "timestamps", _EXPECTED)
    if raw.ndim != 1 or raw.size == 0 or raw.dtype.kind not in "iuf":
        raise UserError(f"holds {raw.dtype} {raw.shape}", where=path, expected=_EXPECTED)
    seconds = raw.astype(np.float64)
    if raw.dtype.kind in "iu" or np.abs(seconds).max() >= _SMALLEST_NS:
        seconds = seconds / 1e9 + OFFSET_S
    check_times(seconds, path)
    _check_scale(seconds, path)
    return seconds


def check_times(seconds: NDArray[np.float64], path: Path) -> None:
    """Raise UserError where times are not finite or fall from one frame to the next."""
    if not np.isfinite(seconds).all():
        frame = int(np.flatnonzero(~np.isfinite(seconds))[0])
        raise UserError(f"time of frame {frame} is not a finite number", where=path, expected=_EXPECTED)
    falls = np.flatnonzero(np.diff(seconds) < 0)
    if falls.size:
        frame = int(falls[0]) + 1
        raise UserError(
            f"times fall at {falls.size} frame(s), first at frame {frame} "
            f"({seconds[frame - 1]:.3f} s, then {seconds[frame]:.3f} s)",
            where=path,
            expected="times that rise from frame to frame",
            fix="mend or remove the file; without it the video's own times can be used for kinematics",
        )


def _check_scale(seconds: NDArray[np.float64], path: Path) -> None:
    step = float(seconds[-1] - seconds[0]) / max(len(seconds) - 1, 1)
    if len(seconds) > 2 and 0 < step < _SHORTEST_STEP_S:
        unit, factor = ("microseconds", 1000) if step > 2e-6 else ("milliseconds", 1_000_000)
        raise UserError(
            f"taken as nanoseconds, its frames are {step:.2g} s apart; these look like {unit}",
            where=path,
            expected=_EXPECTED,
            fix=f"multiply them by {factor}",
        )


def write_timestamps(path: Path, nanoseconds: ArrayLike) -> None:
    """Write (T,) integer nanoseconds (Unix time less eight hours) as QEVD stores them, atomically."""
    values = np.asarray(nanoseconds)
    if values.ndim != 1 or values.size == 0 or values.dtype.kind not in "iu":
        raise ValueError(f"timestamps must be a non-empty 1-D integer array, not {values.dtype} {values.shape}")
    buffer = io.BytesIO()
    np.save(buffer, values.astype(np.int64), allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def to_nanoseconds(unix_seconds: ArrayLike) -> NDArray[np.int64]:
    """Unix seconds as stored nanoseconds; `read_timestamps` gives them back within half a microsecond."""
    seconds = np.asarray(unix_seconds, dtype=np.float64) - OFFSET_S
    whole: NDArray[np.int64] = np.round(seconds * 1e9).astype(np.int64)
    return whole
