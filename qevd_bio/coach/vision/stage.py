"""`qevd-bio features`: visual features of every video of a data set, in the official layout."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qevd_bio.coach.options import RANDOM, FeatureOptions
from qevd_bio.coach.vision.encoders import load_encoder, read_normal
from qevd_bio.coach.vision.feature_files import FeaturePaths, feature_paths
from qevd_bio.coach.vision.features import write_video_features
from qevd_bio.dataset.opening import Dataset, VideoItem
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_file, hash_json
from qevd_bio.store.work import Item, RunOptions, Summary, run_stage
from qevd_bio.tables.workspace import Workspace

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
) -> Summary:
    """Write the features of every video below `<workspace>/features/<split>/`.

    `weights` is a file (3D CNN), a folder (image encoder) or "random". Raises UserError where it cannot be read.
    """
    if options.warm_up % 4:
        raise UserError(f"--warm-up {options.warm_up}", expected="a multiple of 4")
    if weights == RANDOM and options.encoder == "image":
        raise UserError("an image encoder has no random weights here", expected="--weights FOLDER of transformers")
    load_encoder(options.encoder, weights, seed, device)
    settings = {**asdict(options), "weights": f"random:{seed}" if weights == RANDOM else _hash(Path(weights))}
    items = []
    for video in dataset.videos():
        out = feature_paths(workspace, video.split, video.stem, options.encoder)
        inputs = (video.path, *([video.timestamps_path] if video.timestamps_path else []))
        task = FeatureTask(video, weights, seed, device, options, out)
        items.append(Item(video.key, inputs, (out.features, out.times), task))
    stage = "features" if options.encoder == "3d-cnn" else "features-image"
    return run_stage(stage, workspace, items, features_of, settings=settings, options=run, version=VERSION)


def features_of(item: Item) -> dict[str, Any]:
    """Work of one video."""
    task: FeatureTask = item.payload
    task.video.check()
    encoder = load_encoder(task.options.encoder, task.weights, task.seed, task.device)
    video = task.video
    counted = write_video_features(video.path, video.timestamps_path, video.rotate, encoder, task.options, task.out)
    return {"features": counted.features, "frames": counted.frames, "flags": list(counted.flags)}


def _hash(weights: Path) -> str:
    if weights.is_file():
        return hash_file(weights)
    files = [[path.name, hash_file(path)] for path in sorted(weights.glob("*.safetensors"))]
    return hash_json([files, asdict(read_normal(weights))])
