"""What a video file says about itself, from its packets, without decoding a frame."""

from __future__ import annotations

import math
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
    square); `rotation_deg` is the clockwise turn that the file asks for (0, 90, 180, 270), after a flip left to right
    where it is `mirrored`. `times_s`
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
    mirrored: bool = False
    notes: tuple[str, ...] = ()


def probe(path: Path) -> VideoInfo:
    """Facts about the video at `path`; raises ItemError as `open_container` does, and no_frames."""
    container, stream = open_container(path)
    with container:
        pts, promised, error = _packets(path, container, stream)
        if not pts:
            raise ItemError("no_frames", f"{path} holds no video frame" + (f" ({error})" if error else ""))
        display = _display(path)
        rotation = display.clockwise_deg
        pts.sort()
        if promised > len(pts):
            pts = _before_gap(pts)
        times = (np.array(pts, dtype=np.float64) - pts[0]) * float(stream.time_base)
        step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        step = step if step > 0 else 1.0 / float(stream.average_rate or stream.guessed_rate or 30)
        width, height = shown_size(stream)
        missing = promised - len(pts)
        truncated = error or (f"{missing} of {promised} frames are missing at its end" if missing > 0 else "")
        notes = (*(("truncated",) if truncated else ()), *(("odd_rotation",) if display.odd else ()))
        return VideoInfo(
            path=path,
            frames=len(times),
            duration_s=float(times[-1]) + step,
            fps=1.0 / step,
            width=height if rotation % 180 else width,
            height=width if rotation % 180 else height,
            rotation_deg=rotation,
            mirrored=display.mirrored,
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


@dataclass(frozen=True)
class Display:
    """What a display matrix asks for: a flip left to right, then a clockwise turn of 0, 90, 180 or 270 degrees.

    `odd` marks a matrix that is none of these; it is not followed, since that would be wrong as often as right.
    """

    clockwise_deg: int = 0
    mirrored: bool = False
    odd: bool = False


def display_of(frame: Any) -> Display:
    """The display matrix of a decoded frame."""
    # Asked for by name: going through the mapping gives data up to PyAV 18, keys from 19 on.
    data = frame.side_data.get("DISPLAYMATRIX")
    return Display() if data is None else read_matrix(bytes(data))


def read_matrix(matrix: bytes) -> Display:
    """The nine 32-bit numbers of a display matrix (ISO/IEC 14496-12, 6.2.2): rows (a, b), (c, d) turn and flip."""
    a, b, _, c, d = np.frombuffer(matrix[:20], dtype=np.int32).astype(np.float64)
    mirrored = bool(a * d - b * c < 0)
    if mirrored:
        a, b = -a, -b
    degrees = math.degrees(math.atan2(b, a)) % 360
    quarter = round(degrees / 90)
    if abs(degrees - 90 * quarter) > 1 or not (a or b):
        return Display(odd=True)
    return Display(90 * quarter % 360, mirrored)


def _display(path: Path) -> Display:
    import av

    container, stream = open_container(path)
    with container:
        packets = container.demux(stream)
        try:
            for packet in packets:
                try:
                    for frame in packet.decode():
                        return display_of(frame)
                except av.error.InvalidDataError:
                    continue  # a damaged packet; the next whole frame says the same
        except MemoryError as error:
            raise ItemError("out_of_memory", f"{path} asks for more memory than is free; try fewer --jobs") from error
        except av.error.FFmpegError as error:
            raise ItemError("no_frames", f"no frame of {path} can be decoded ({error})") from error
    raise ItemError("no_frames", f"no frame of {path} can be decoded")


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


def _packets(path: Path, container: Any, stream: Any) -> tuple[list[int], int, str]:
    """Presentation times in the file, how many frames its index promises, and the error that ended it."""
    import av

    found: list[int] = []
    hidden, error = 0, ""
    # A raw stream has no times; its rate stands in its own header, which the container does not repeat.
    rate = stream.codec_context.framerate or stream.average_rate or stream.guessed_rate or 30
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
    except MemoryError as failure:
        raise ItemError(
            "out_of_memory", f"{path} asks for more memory than is free (a damaged file may, too); try fewer --jobs"
        ) from failure
    except av.error.FFmpegError as failure:
        error = f"reading stops after frame {len(found)} ({failure.strerror})"
    promised = stream.frames - hidden if stream.frames else len(found)
    return found, promised, error


def measure(path: Path) -> tuple[int, float]:
    """Frames and seconds (first frame to last frame) of a video; raises ItemError as `probe` does."""
    info = probe(path)
    return info.frames, float(info.times_s[-1])
