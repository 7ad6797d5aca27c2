"""What a video file says about itself, from its packets, without decoding a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.store.errors import ItemError
from qevd_bio.video.container import open_container

# An interval is odd when it is off the median by a tenth; one odd in a hundred makes the rate variable.
_ODD_INTERVAL = 0.10
_ODD_SHARE = 0.01
# Frames are stored at most this far from their place in time (H.264 and HEVC allow 16 reference frames).
_REORDER = 16


@dataclass(frozen=True)
class VideoInfo:
    """Facts about a video.

    `frames` are the frames to be shown that lie in the file; `duration_s` runs from the first frame's time
    to the last one's end; `fps` is 1 / median interval; `width` and `height` are as shown (turned, pixels
    square); `rotation_deg` is the clockwise turn that the file asks for (0, 90, 180, 270). `times_s`
    (frames,) are the presentation times from the first frame on, `pts` the same in the file's own unit.
    `truncated` says why, where the file ends before its index does.
    """

    path: Path
    frames: int
    duration_s: float
    fps: float
    width: int
    height: int
    rotation_deg: int
    codec: str
    vfr: bool
    times_s: NDArray[np.float64]
    pts: tuple[int, ...]
    truncated: str = ""
    notes: tuple[str, ...] = ()


def probe(path: Path) -> VideoInfo:
    """Facts about the video at `path`; raises ItemError as `open_container` does, and no_frames."""
    container, stream = open_container(path)
    with container:
        pts, promised, error = _packets(container, stream)
        if not pts:
            raise ItemError("no_frames", f"{path} holds no video frame" + (f" ({error})" if error else ""))
        rotation, odd = _rotation(path)
        pts.sort()
        if promised > len(pts):
            pts = _before_gap(pts)
        times = (np.array(pts, dtype=np.float64) - pts[0]) * float(stream.time_base)
        step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        step = step if step > 0 else 1.0 / float(stream.average_rate or stream.guessed_rate or 30)
        width, height = shown_size(stream)
        missing = promised - len(pts)
        truncated = error or (f"{missing} of {promised} frames are missing at its end" if missing > 0 else "")
        notes = (*(("truncated",) if truncated else ()), *(("odd_rotation",) if odd else ()))
        return VideoInfo(
            path=path,
            frames=len(times),
            duration_s=float(times[-1]) + step,
            fps=1.0 / step,
            width=height if rotation % 180 else width,
            height=width if rotation % 180 else height,
            rotation_deg=rotation,
            codec=stream.codec_context.name,
            vfr=is_variable(times),
            times_s=times,
            pts=tuple(pts),
            truncated=truncated,
            notes=notes,
        )


def is_variable(times_s: NDArray[np.float64]) -> bool:
    """Whether more than 1 % of the intervals differ from the median one by more than 10 %."""
    steps = np.diff(times_s)
    if len(steps) < 2:
        return False
    odd = np.abs(steps - np.median(steps)) > _ODD_INTERVAL * np.median(steps) + 1e-6
    return bool(np.mean(odd) > _ODD_SHARE)


def shown_size(stream: Any) -> tuple[int, int]:
    """Width and height in square pixels, before rotation."""
    aspect = stream.sample_aspect_ratio
    width = stream.width if not aspect else round(stream.width * float(aspect))
    return max(width, 1), stream.height


def rotation_of(frame: Any) -> tuple[int, bool]:
    """Clockwise turn that a decoded frame's display matrix asks for, and whether it was no multiple of 90.

    Such a rotation is not followed: it would be wrong as often as right, and the caller is told.
    """
    clockwise = -int(frame.rotation) % 360
    return (clockwise, False) if clockwise % 90 == 0 else (0, True)


def _rotation(path: Path) -> tuple[int, bool]:
    import av

    container, stream = open_container(path)
    with container:
        try:
            return rotation_of(next(container.decode(stream)))
        except (av.error.FFmpegError, StopIteration) as error:
            raise ItemError("no_frames", f"no frame of {path} can be decoded ({error})") from error


def _before_gap(pts: list[int]) -> list[int]:
    """The times up to a gap among the last ones.

    Frames are stored out of order, so where a file is cut off some frames just before the end are missing; those
    after them could no longer be counted right.
    """
    steps = np.diff(pts)
    if not len(steps):
        return pts
    start = max(len(steps) - _REORDER, 0)
    gaps = np.flatnonzero(steps[start:] > 1.5 * np.median(steps))
    return pts[: start + int(gaps[0]) + 1] if len(gaps) else pts


def _packets(container: Any, stream: Any) -> tuple[list[int], int, str]:
    """Presentation times in the file, how many frames its index promises, and the error that ended it."""
    import av

    found: list[int] = []
    hidden, error = 0, ""
    rate = stream.average_rate or stream.guessed_rate or 30
    step = max(round(1 / (rate * stream.time_base)), 1)
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            if packet.is_discard:
                hidden += 1
            elif packet.pts is None:
                found.append(found[-1] + step if found else 0)
            else:
                found.append(packet.pts)
    except av.error.FFmpegError as failure:
        error = f"reading stops after frame {len(found)} ({failure.strerror})"
    promised = stream.frames - hidden if stream.frames else len(found)
    return found, promised, error


def measure(path: Path) -> tuple[int, float]:
    """Frames and seconds (first frame to last frame) of a video; raises ItemError as `probe` does."""
    info = probe(path)
    return info.frames, float(info.times_s[-1])
