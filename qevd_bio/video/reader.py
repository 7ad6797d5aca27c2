"""Frames of a video, upright, in RGB or BGR, with their true times, in constant memory."""

from __future__ import annotations

import errno
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevd_bio.store.errors import ItemError
from qevd_bio.video.background import Background
from qevd_bio.video.container import open_container
from qevd_bio.video.orient import Image, Orientation, orientation
from qevd_bio.video.probe import VideoInfo, probe
from qevd_bio.video.sampling import Select, at_indices, every_frame

# Timestamps and frames of one video may differ by this many at its end, where recorders stop unevenly.
SLACK_FRAMES = 2
# More frames than this share without a time of their own make a video's times worthless.
MOST_REPEATED = 0.05
# Times in another unit than nanoseconds are off by a thousand; no camera is this far from its own frame rate.
_SCALE_OFF = 100.0


@dataclass(frozen=True)
class Frame:
    """A decoded frame: `index` counts all frames of the video, `image` is (H, W, 3) uint8, upright."""

    index: int
    time_s: float
    image: Image


class VideoReader:
    """Iterates once over the frames of a video; a thread decodes a few frames ahead.

    path: the video. rotate: degrees clockwise that replace what the file says about its rotation. lying:
    QEVD's correction for its early benchmark videos (`VideoItem.lies_on_side`). times: (T,) seconds of the frames
    (QEVD's timestamps), else the file's own presentation times. select: which frames are converted and given
    (all are decoded). order: channel order of the images. threads: of the decoder, 0 for as many as it likes.
    strict_times: one time that does not rise loses the video; else it loses its frame (flag timestamps_repeated).
    info: what `probe` gave, where it was asked already.

    `time_s` counts from the first frame. `info` holds the facts, `orientation` what is done to each frame;
    after the last frame `decoded` says how many there were, and `flags` what a user of the results should
    know: truncated, odd_rotation, variable_frame_rate, timestamps_longer, timestamps_shorter, timestamps_repeated,
    frames_lost (`lost` of them do not decode), damaged_frames (some decode in part).

    Raises ItemError at once for a file that is no video (see `open_container`), timestamps_too_short,
    timestamps_too_long, timestamps_scale and timestamps_not_rising; while reading where no frame decodes (no_frames),
    memory runs out (out_of_memory) or the decoder fails for another reason than damaged data (decoder_error).
    Where the file ends early the frames before it are given, and `truncated` says why.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        rotate: int | None = None,
        lying: bool = False,
        times: ArrayLike | None = None,
        select: Select = every_frame,
        order: Literal["rgb", "bgr"] = "rgb",
        ahead: int = 4,
        threads: int = 0,
        strict_times: bool = False,
        info: VideoInfo | None = None,
    ) -> None:
        self.path = Path(path)
        self.info: VideoInfo = probe(self.path) if info is None else info
        turn = self.info.rotation_deg if rotate is None else rotate % 360
        self.orientation: Orientation = orientation(turn, lying, self.info.mirrored)
        self.flags: list[str] = list(self.info.notes)
        if rotate is not None and "odd_rotation" in self.flags:
            self.flags.remove("odd_rotation")
        self.truncated = self.info.truncated
        self.decoded = 0
        given = None if times is None else np.asarray(times, dtype=np.float64)
        self._times = self.info.times_s if given is None else self._fitting(given)
        self._skipped = self._not_rising(self._times, strict_times)
        self.lost = 0
        if self.info.vfr:
            self.flags.append("variable_frame_rate")
        self._select, self._format, self._threads = select, f"{order}24", threads
        self._frames = Background(self._decode(), ahead)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the images."""
        return self.orientation.size(*self._stored)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(T,) times of the frames, seconds from the first."""
        return self._times

    @property
    def _stored(self) -> tuple[int, int]:
        size = self.info.width, self.info.height
        return (size[1], size[0]) if self.info.rotation_deg % 180 else size

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def close(self) -> None:
        """Stop decoding and close the file."""
        self._frames.close()

    def _fitting(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Times from the first frame on, checked against the number of frames."""
        frames, given = self.info.frames, len(times)
        what = f"{self.path} has {frames} frames, but {given} timestamps"
        if given == 0 or frames > given + SLACK_FRAMES:
            raise ItemError("timestamps_too_short", what)
        if given > frames + SLACK_FRAMES and not self.truncated:
            raise ItemError("timestamps_too_long", what)
        if frames != given:
            self.flags.append("timestamps_shorter" if frames > given else "timestamps_longer")
        relative: NDArray[np.float64] = times - times[0]
        if len(relative) > 2 and relative[-1] > 0:
            scale = float(relative[-1]) / self.info.duration_s
            if not 1 / _SCALE_OFF < scale < _SCALE_OFF:
                raise ItemError(
                    "timestamps_scale",
                    f"{self.path} lasts {self.info.duration_s:.3g} s by its own frame rate, but its timestamps span "
                    f"{relative[-1]:.3g} s: they are probably not in nanoseconds",
                )
        return relative

    def _not_rising(self, times: NDArray[np.float64], strict: bool) -> frozenset[int]:
        """Frames to leave out, so that the times of the others rise. Raises ItemError timestamps_not_rising."""
        still = np.flatnonzero(~(np.diff(times) > 0))
        if not still.size:
            return frozenset()
        skipped = frozenset(range(len(times))) - frozenset(longest_rise(times))
        if strict or len(skipped) > MOST_REPEATED * len(times):
            frame = int(still[0]) + 1
            raise ItemError(
                "timestamps_not_rising",
                f"{self.path}: {still.size} frame(s) do not come after the one before, first frame {frame} "
                f"({times[frame - 1]:.6f} s, then {times[frame]:.6f} s)",
            )
        self.flags.append("timestamps_repeated")
        return skipped

    def _decode(self) -> Iterator[Frame]:
        container, stream = open_container(self.path)
        with container:
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = self._threads
            for index, picture in self._placed(self._pictures(container, stream)):
                self.decoded += 1
                time = float(self._times[index])
                if index not in self._skipped and self._select(index, time):
                    yield Frame(index, time, self._image(picture))
        if not self.decoded:
            raise ItemError("no_frames", f"no frame of {self.path} can be decoded")
        lost = min(self.info.frames, len(self._times)) - self.decoded
        if lost > 0 and not self.truncated:
            self.flags.append("frames_lost")
            self.lost = lost
        if self.truncated and "truncated" not in self.flags:
            self.flags.append("truncated")

    def _pictures(self, container: Any, stream: Any) -> Iterator[Any]:
        """Decoded pictures; damaged packets are passed over, as ffmpeg does, and decoding continues after them.

        Raises ItemError out_of_memory: what is short now may be there at the next run, so no frame is given up for it.
        """
        import av

        packets = container.demux(stream)
        try:
            while True:
                try:
                    packet = next(packets, None)
                except av.error.InvalidDataError as error:
                    self.truncated = f"reading stops after frame {self.decoded} ({error.strerror})"
                    return
                if packet is None:
                    return
                try:
                    yield from packet.decode()
                except av.error.InvalidDataError:
                    self._note_damage()
        except MemoryError as error:
            raise ItemError("out_of_memory", f"memory ran out while decoding {self.path}; try fewer --jobs") from error
        except av.error.FFmpegError as error:
            if error.errno == errno.EAGAIN:  # a decoder's thread that could not be started
                raise ItemError(
                    "out_of_memory", f"no thread is free to decode {self.path}; try fewer --jobs"
                ) from error
            raise ItemError(
                "decoder_error", f"{self.path}: decoding stops after frame {self.decoded} ({error.strerror})"
            ) from error

    def _note_damage(self) -> None:
        if "damaged_frames" not in self.flags:
            self.flags.append("damaged_frames")

    def _placed(self, pictures: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Each picture with its index among the frames of the file.

        By presentation time, so that a frame the decoder drops does not shift those after it.
        """
        # Of two frames of one time the first is named: the second then follows it, and none after them moves.
        places = {pts: index for index, pts in reversed(list(enumerate(self.info.pts)))}
        last = -1
        for picture in pictures:
            index = max(places.get(picture.pts, last + 1), last + 1)
            if index >= len(self._times):
                return  # surplus frames at the end (flag timestamps_shorter) have no time
            last = index
            if picture.is_corrupt:
                self._note_damage()
            yield index, picture

    def _image(self, picture: Any) -> Image:
        width, height = self._stored
        image: Image = picture.to_ndarray(format=self._format, width=width, height=height)
        return self.orientation.apply(image)


def longest_rise(times: NDArray[np.float64]) -> list[int]:
    """Indices of a longest strictly rising subsequence of (T,) times, in O(T log T); the earliest where several are."""
    ends: list[int] = []
    values: list[float] = []
    before = np.full(len(times), -1, dtype=np.int64)
    for index, time in enumerate(times.tolist()):
        place = bisect_left(values, time)
        before[index] = ends[place - 1] if place else -1
        if place == len(values):
            values.append(time)
            ends.append(index)
        elif time < values[place]:
            values[place], ends[place] = time, index
    chosen = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chosen.append(index)
        index = int(before[index])
    return chosen[::-1]


def grab(path: str | Path, indices: Iterable[int], **options: Any) -> list[Frame]:
    """The frames with these indices, in order; one pass that stops after the last one.

    Options as for VideoReader. Indices beyond the video's end are left out.
    """
    wanted = sorted(set(indices))
    found: list[Frame] = []
    if not wanted:
        return found
    with VideoReader(path, select=at_indices(wanted), **options) as video:
        for frame in video:
            found.append(frame)
            if frame.index == wanted[-1]:
                break
    return found
