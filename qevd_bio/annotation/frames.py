"""Frames shown to a model or a reviewer: evenly spread over a segment, each video decoded once."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qevd_bio.annotation.options import FrameOptions
from qevd_bio.dataset.items import VideoItem
from qevd_bio.dataset.workout import Segment
from qevd_bio.language.request import Image
from qevd_bio.store.errors import ItemError
from qevd_bio.video.reader import VideoReader
from qevd_bio.video.sampling import at_indices


def spread(times_s: NDArray[np.float64], start_s: float, end_s: float, count: int) -> list[int]:
    """Indices of `count` frames at the middles of equal parts of start..end; fewer where there are fewer frames."""
    inside = np.flatnonzero((times_s >= start_s) & (times_s <= end_s))
    if len(inside) <= count:
        return [int(i) for i in inside]
    places = (np.arange(count) + 0.5) / count * len(inside)
    return [int(inside[int(place)]) for place in places]


def encode(image: NDArray[np.uint8], size: int, quality: int) -> bytes:
    """(H, W, 3) RGB as JPEG, the longest side at most `size` pixels; the same picture gives the same bytes."""
    from PIL import Image as Picture

    picture = Picture.fromarray(image)
    picture.thumbnail((size, size), Picture.Resampling.BILINEAR)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


class VideoFrames:
    """Frames of all wanted segments of one video, decoded in one pass when the first of them is asked for.

    A segment's images are let go once they have been given, so at most one video's are held.
    """

    def __init__(self, video: VideoItem, segments: Sequence[Segment], options: FrameOptions) -> None:
        self._video = video
        self._segments = list(segments)
        self._options = options
        self._lock = threading.Lock()
        self._shown: dict[str, tuple[Image, ...]] | None = None

    def take(self, segment: Segment) -> tuple[Image, ...]:
        """The frames of one segment. Raises ItemError for a video that cannot be read or has none there."""
        with self._lock:
            if self._shown is None or segment.key not in self._shown:
                self._shown = self._decode()
            shown = self._shown.pop(segment.key)
        if not shown:
            raise ItemError("no_frames", f"no frame of {segment.key} could be decoded")
        return shown

    def _decode(self) -> dict[str, tuple[Image, ...]]:
        self._video.check()
        stamps, lying = _timestamps(self._video), self._video.lies_on_side
        # The reader decodes ahead from its start on, so the choice has to stand before it is opened.
        with VideoReader(self._video.path, lying=lying, times=stamps) as reader:
            times = reader.times_s
        chosen = {s.key: spread(times, s.start_s, s.end_s, self._options.count) for s in self._segments}
        wanted = [index for indices in chosen.values() for index in indices]
        pictures: dict[int, Image] = {}
        with VideoReader(self._video.path, lying=lying, times=stamps, select=at_indices(wanted)) as reader:
            for frame in reader if wanted else ():
                data = encode(frame.image, self._options.size, self._options.quality)
                pictures[frame.index] = Image(data, time_s=round(frame.time_s, 3))
                if frame.index == max(wanted):
                    break
        return {key: tuple(pictures[i] for i in indices if i in pictures) for key, indices in chosen.items()}


def _timestamps(video: VideoItem) -> NDArray[np.float64] | None:
    if video.timestamps_path is None:
        return None
    from qevd_bio.dataset.timestamps import read_timestamps

    times = read_timestamps(video.timestamps_path)
    return np.asarray(times - times[0], dtype=np.float64)
