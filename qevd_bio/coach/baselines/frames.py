"""Pictures for turn-based models: frames of each five-second window, as each named model was shown them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from qevd_bio.annotation.frames import encode
from qevd_bio.coach.baselines.options import TURN_S, BaselineOptions, Frames
from qevd_bio.dataset.items import VideoItem
from qevd_bio.dataset.workout import Segment
from qevd_bio.language.request import Image
from qevd_bio.video.reader import VideoReader
from qevd_bio.video.sampling import at_indices


def window_frames(times: NDArray[np.float64], start_s: float, turn: int, frames: Frames) -> list[int]:
    """Indices into `times` (T,) that a model sees at `turn` (from 1) of a segment beginning at `start_s`.

    Uniform over each window: the last frame of each of `count` equal parts; all earlier windows too where frames
    accumulate. Nothing after the turn is shown.
    """
    first = 1 if frames.accumulate else turn
    chosen: list[int] = []
    for window in range(first, turn + 1):
        begin, count = start_s + (window - 1) * TURN_S, max(frames.count, 1)
        ends = begin + TURN_S * (np.arange(count) + 1) / count
        places = np.searchsorted(times, ends + 1e-6, side="right") - 1
        chosen += [int(place) for place in places if place >= 0 and times[place] >= begin - 1e-6]
    return list(dict.fromkeys(chosen))


def shown_of(
    video: VideoItem, segments: Sequence[Segment], frames: Frames, options: BaselineOptions
) -> dict[str, Callable[[int], Sequence[Image]]]:
    """By segment key: what `turn` shows. The video is decoded once, for all of its segments.

    Raises ItemError for a video that cannot be read.
    """
    from qevd_bio.dataset.timestamps import read_timestamps

    video.check()
    stamps = None
    if video.timestamps_path is not None:
        unix = read_timestamps(video.timestamps_path)
        stamps = np.asarray(unix - unix[0], dtype=np.float64)
    with VideoReader(video.path, lying=video.rotate, times=stamps) as reader:
        times = reader.times_s
    wanted: dict[str, dict[int, list[int]]] = {}
    for segment in segments:
        end = min(segment.end_s, float(times[-1]))
        turns = range(1, int((end - segment.start_s) / TURN_S + 1e-6) + 1)
        wanted[segment.key] = {turn: window_frames(times, segment.start_s, turn, frames) for turn in turns}
    indices = sorted({i for turns in wanted.values() for own in turns.values() for i in own})
    pictures: dict[int, Image] = {}
    with VideoReader(video.path, lying=video.rotate, times=stamps, select=at_indices(indices)) as reader:
        for frame in reader if indices else ():
            data = encode(frame.image, options.picture, options.quality)
            pictures[frame.index] = Image(data, time_s=round(frame.time_s, 3))

    def pictures_of(turns: dict[int, list[int]]) -> Callable[[int], Sequence[Image]]:
        return lambda turn: [pictures[i] for i in turns.get(turn, ()) if i in pictures]

    return {key: pictures_of(turns) for key, turns in wanted.items()}
