"""`qevd-bio features`: visual features of every video of a data set, in the official layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray

from qevd_bio.coach.options import RANDOM, FeatureOptions
from qevd_bio.coach.vision.backbone import FRAMES_PER_FEATURE
from qevd_bio.coach.vision.encoders import FrameEncoder, load_encoder
from qevd_bio.coach.vision.feature_files import FeaturePaths, feature_paths, stage_name
from qevd_bio.coach.vision.frames import OtherCrop, other_crop, prepare
from qevd_bio.dataset.opening import Dataset, VideoItem
from qevd_bio.dataset.timestamps import read_timestamps
from qevd_bio.learning.encoders import read_normal
from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.hashing import hash_file, hash_json
from qevd_bio.store.work import Item, RunOptions, Summary, run_stage
from qevd_bio.tables.workspace import Workspace
from qevd_bio.video.reader import VideoReader
from qevd_bio.video.sampling import at_rate, indices_at_rate

VERSION = 1


@dataclass(frozen=True)
class FeatureTask:
    """One video, and what its features are made with."""

    video: VideoItem
    weights: str
    seed: int
    device: str
    options: FeatureOptions
    out: FeaturePaths
    crop: int = 0


def need_weights(weights: str | None) -> str:
    """`weights`; UserError that says what can be named where it is None."""
    if weights is None:
        raise UserError(
            "no weights named",
            expected="--weights FILE with the released 3D CNN (efficientnet4Lite), or --weights random to try out",
        )
    return weights


def write_features(
    dataset: Dataset,
    workspace: Workspace,
    weights: str,
    options: FeatureOptions,
    run: RunOptions | None = None,
    *,
    seed: int = 0,
    device: str = "cpu",
    crop: int = 0,
) -> Summary:
    """Write the features of every video below `<workspace>/features/<split>/`: of the picture's middle, or of the
    crop of that number.

    `weights` is a file (3D CNN), a folder (image encoder) or "random". Raises UserError where it cannot be read.
    """
    if options.warm_up % 4:
        raise UserError(f"--warm-up {options.warm_up}", expected="a multiple of 4")
    if weights == RANDOM and options.encoder == "image":
        raise UserError("an image encoder has no random weights here", expected="--weights FOLDER of transformers")
    load_encoder(options.encoder, weights, seed, device)
    settings = {**asdict(options), "weights": f"random:{seed}" if weights == RANDOM else _hash(Path(weights))}
    if crop:
        settings["crop"] = crop
    items = []
    for video in dataset.videos():
        out = feature_paths(workspace, video.split, video.stem, options.encoder, crop)
        inputs = (video.path, *([video.timestamps_path] if video.timestamps_path else []))
        task = FeatureTask(video, weights, seed, device, options, out, crop)
        items.append(Item(video.key, inputs, (out.features, out.times), task, source=video.path))
    return run_stage(
        stage_name(options.encoder, crop),
        workspace,
        items,
        features_of,
        settings=settings,
        options=run,
        version=VERSION,
    )


def features_of(item: Item[FeatureTask]) -> dict[str, Any]:
    """Work of one video."""
    task = item.payload
    task.video.check()
    encoder = load_encoder(task.options.encoder, task.weights, task.seed, task.device)
    video = task.video
    crop = other_crop(video.key, task.crop) if task.crop else None
    counted = write_video_features(
        video.path, video.timestamps_path, video.lies_on_side, encoder, task.options, task.out, crop
    )
    return {"features": counted.features, "frames": counted.frames, "flags": list(counted.flags)}


def _hash(weights: Path) -> str:
    if weights.is_file():
        return hash_file(weights)
    files = [[path.name, hash_file(path)] for path in sorted(weights.glob("*.safetensors"))]
    return hash_json([files, asdict(read_normal(weights))])


_COPY_STEPS = 256


@dataclass(frozen=True)
class Counted:
    """What a video gave: features, sampled frames, and what to know about the video."""

    features: int
    frames: int
    flags: tuple[str, ...]


def write_video_features(
    video: Path,
    timestamps: Path | None,
    lying: bool,
    encoder: FrameEncoder,
    options: FeatureOptions,
    out: FeaturePaths,
    crop: OtherCrop | None = None,
) -> Counted:
    """Write the features and times of `video`, seen in its middle or in another crop; both files appear whole or not
    at all.

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
            for values in _encoded(reader, encoder, options, stamps, crop):
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
    reader: VideoReader,
    encoder: FrameEncoder,
    options: FeatureOptions,
    stamps: list[float],
    crop: OtherCrop | None,
) -> Iterator[NDArray[np.float32]]:
    stream = encoder.stream(options.warm_up)
    for frame in reader:
        stamps.append(frame.time_s)
        found = stream.push(prepare(frame.image, options, crop))
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
    return npy.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
