"""One video to its feature files, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray

from qevd_bio.coach.options import FeatureOptions
from qevd_bio.coach.vision.backbone import FRAMES_PER_FEATURE
from qevd_bio.coach.vision.encoders import Encoder
from qevd_bio.coach.vision.feature_files import FeaturePaths
from qevd_bio.coach.vision.frames import prepare
from qevd_bio.dataset.timestamps import read_timestamps
from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import ItemError
from qevd_bio.video.reader import VideoReader
from qevd_bio.video.sampling import at_rate, indices_at_rate

_COPY_STEPS = 256


@dataclass(frozen=True)
class Counted:
    """What a video gave: features, sampled frames, and what to know about the video."""

    features: int
    frames: int
    flags: tuple[str, ...]


def write_video_features(
    video: Path, timestamps: Path | None, lying: bool, encoder: Encoder, options: FeatureOptions, out: FeaturePaths
) -> Counted:
    """Write the features and times of `video`; both files appear whole or not at all.

    Times are Unix seconds where the data set gives timestamps, else seconds from the first frame; a feature's
    time is that of the last of its four frames. Raises ItemError for a video that cannot be read or is too short.
    """
    times = None if timestamps is None else read_timestamps(timestamps)
    zero = 0.0 if times is None else float(times[0])
    with VideoReader(video, lying=lying, times=times, select=at_rate(options.rate_hz), ahead=2) as reader:
        expected = len(indices_at_rate(reader.times_s, options.rate_hz)) // FRAMES_PER_FEATURE
        if not expected:
            raise ItemError(
                "too_short", f"{video}: {len(reader.times_s)} frames, a feature needs a quarter of a second"
            )
        stamps: list[float] = []
        with atomic_path(out.features) as features_path, atomic_path(out.times) as times_path:
            shape = (expected, encoder.dim, *encoder.grid)
            mapped = _mapped(features_path, shape)
            done = 0
            for values in _encoded(reader, encoder, options, stamps):
                mapped[done : done + len(values)] = values
                done += len(values)
            mapped.flush()
            del mapped
            if not done:
                raise ItemError("too_short", f"{video}: decoding stops before the first feature")
            if done < expected:
                _cut(features_path, done)
            with times_path.open("wb") as file:
                np.save(file, zero + np.array(stamps[3::4][:done], dtype=np.float64), allow_pickle=False)
    return Counted(done, len(stamps), tuple(reader.flags))


def _encoded(
    reader: VideoReader, encoder: Encoder, options: FeatureOptions, stamps: list[float]
) -> Iterator[NDArray[np.float32]]:
    stream = encoder.stream(options.warm_up)
    for frame in reader:
        stamps.append(frame.time_s)
        found = stream.push(prepare(frame.image, options))
        if found is not None:
            yield _plain(found)
    rest = stream.finish()
    if rest is not None:
        yield _plain(rest)


def _plain(features: torch.Tensor) -> NDArray[np.float32]:
    values: NDArray[np.float32] = features.numpy()
    return values


def _cut(path: Path, steps: int) -> None:
    """Keep the first `steps` features of a file; its header holds the length, so the file is written anew."""
    shorter = path.with_suffix(".cut")
    try:
        old = np.load(path, mmap_mode="r", allow_pickle=False)
        new = _mapped(shorter, (steps, *old.shape[1:]))
        for first in range(0, steps, _COPY_STEPS):
            new[first : first + _COPY_STEPS] = old[first : min(first + _COPY_STEPS, steps)]
        new.flush()
        del old, new
        shorter.replace(path)
    finally:
        shorter.unlink(missing_ok=True)


def _mapped(path: Path, shape: tuple[int, ...]) -> Any:
    """A new file of float32 values, mapped for writing."""
    return npy.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)  # type: ignore[no-untyped-call]
