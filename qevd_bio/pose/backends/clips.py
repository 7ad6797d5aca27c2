"""A data set's video as a Clip: upright frames with true times, thinned as the options say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qevd_bio.dataset.timestamps import read_timestamps
from qevd_bio.pose.backends.base import Clip, Picture
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.store import meter
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.video.orient import orientation
from qevd_bio.video.probe import VideoInfo, probe
from qevd_bio.video.reader import VideoReader
from qevd_bio.video.sampling import at_rate

if TYPE_CHECKING:
    from qevd_bio.dataset.opening import VideoItem


class OpenedClip:
    """A Clip together with what reading it brought to light: `flags` is complete after the last frame."""

    def __init__(self, video: VideoItem, options: ExtractOptions) -> None:
        video.check()
        self.info: VideoInfo = probe(video.path)
        self._path = video.path
        self._options = options
        self.rotate_deg = turn_deg(self.info, video.lies_on_side, options)
        self.times = frame_times(video.timestamps_path, options)
        self.flags: dict[str, str] = {}
        stored = (self.info.width, self.info.height)[:: -1 if self.info.rotation_deg % 180 else 1]
        size = orientation(self.rotate_deg).size(*stored)
        known = self.info.times_s if self.times is None else self.times - self.times[0]
        times = known[: self.info.frames]
        self.clip = Clip(video.split, video.stem, video.path, size, self.info.duration_s, times, self._pictures)

    @contextmanager
    def _pictures(self) -> Iterator[Iterator[Picture]]:
        reader = VideoReader(
            self._path,
            rotate=self.rotate_deg,
            times=self.times,
            select=select(self._options),
            strict_times=self._options.strict_times,
            info=self.info,
        )
        with reader:
            yield self._each(reader)

    def _each(self, reader: VideoReader) -> Iterator[Picture]:
        chosen = select(self._options)
        times = self.clip.frame_times if self.clip.frame_times is not None else ()
        meter.expect(sum(chosen(index, float(time_s)) for index, time_s in enumerate(times)))
        for frame in reader:
            meter.advance()
            image = np.ascontiguousarray(frame.image[:, ::-1]) if self._options.mirrored else frame.image
            yield Picture(frame.index, frame.time_s, image)
        said = {"truncated": reader.truncated, "frames_lost": f"{reader.lost} frames do not decode"}
        self.flags.update({flag: said.get(flag, "") for flag in reader.flags})
        if "odd_rotation" in self.info.notes and self._options.rotate == "auto":
            self.flags["odd_rotation"] = "not a multiple of 90 degrees, so not followed; --rotate sets it"


def turn_deg(info: VideoInfo, lying: bool, options: ExtractOptions) -> int:
    """Clockwise quarter turns in degrees: the file's flag plus QEVD's rule, or what the user says instead.

    QEVD's own feature extraction also pads to a square; here that would only cost time.
    """
    if options.rotate != "auto":
        return int(options.rotate)
    return (info.rotation_deg + 90 * lying) % 360


def frame_times(timestamps: Path | None, options: ExtractOptions) -> NDArray[np.float64] | None:
    """Times from the data set's file, None to use the video's own. Raises ItemError with what is wrong with it."""
    if options.times in ("video", "rate") or (options.times == "auto" and timestamps is None):
        return None
    if timestamps is None:
        raise ItemError("timestamps_missing", "--times file, but the video has no *_timestamps.npy")
    try:
        return read_timestamps(timestamps)
    except UserError as error:
        raise ItemError("timestamps_unusable", f"{error.where}: {error.problem}; --times video does without") from error


def select(options: ExtractOptions) -> Callable[[int, float], bool]:
    """Every n-th frame, and of these the first at or after each 1/fps of a second."""
    rate = at_rate(options.fps) if options.fps else lambda index, time_s: True
    return lambda index, time_s: index % options.every == 0 and rate(index, time_s)
