"""The 3D CNN on labelled clips: frame-wise cross-entropy (QEVD, App. D.1)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qevd_bio.coach.options import FeatureOptions
from qevd_bio.coach.training.options import CROP_FRAMES
from qevd_bio.coach.vision.backbone import FEATURE_DIM, FRAMES_PER_FEATURE, Backbone
from qevd_bio.coach.vision.frames import prepare
from qevd_bio.coach.vision.weights import load_backbone
from qevd_bio.dataset.opening import Dataset
from qevd_bio.learning.batches import hold_out
from qevd_bio.learning.loop import Trained, train
from qevd_bio.learning.options import LoopOptions
from qevd_bio.store.atomic import atomic_path, make_folder, write_json
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.names import safe_name
from qevd_bio.video.reader import VideoReader
from qevd_bio.video.sampling import at_rate

WEIGHTS, LABELS = "backbone.safetensors", "label2int.json"


class FrameLoss(nn.Module):
    """A batch of clips to the sum over clips of the mean cross-entropy over their steps."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, batch: ClipBatch) -> Tensor:
        features, _ = self.backbone(batch.frames)
        scores = self.backbone.logits(features).log_softmax(-1)
        return -(scores * batch.targets[:, None]).sum(-1).mean(-1).sum()


class VisionTask:
    """The backbone, its clips and what is held out of them by person."""

    name, chooses = "vision", "accuracy"
    advice: Sequence[str] = ()

    def __init__(
        self, backbone: Backbone, clips: Sequence[LabelledClip], labels: Sequence[str], options: LoopOptions
    ) -> None:
        self.backbone, self.labels = backbone, list(labels)
        self._mirrored = mirror_classes(labels)
        train_on, held = hold_out([clip.group for clip in clips], options.validation_share, options.seed)
        self._clips, self._held = [clips[i] for i in train_on], [clips[i] for i in held]
        self.module: nn.Module = FrameLoss(backbone)
        self.lengths: Sequence[int] = [min(clip.length, CROP_FRAMES) for clip in self._clips]
        self._size = options.micro_batch or options.batch

    def collate(self, indices: Sequence[int]) -> ClipBatch:
        """The batch of these training items."""
        chosen = [self._clips[index] for index in indices]
        return crop_batch(chosen, len(self.labels), self._mirrored, CROP_FRAMES, True)

    def weight(self, indices: Sequence[int]) -> float:
        """What the summed loss of these items is divided by."""
        return float(len(indices))

    def better(self, new: float, old: float) -> bool:
        """Whether `new` is the better value."""
        return new > old

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Share of steps whose likeliest class is one of the clip's labels, and loss, over held-out clips."""
        right = steps = loss = 0.0
        device = next(self.module.parameters()).device
        for clip in self._held:
            batch = crop_batch([clip], len(self.labels), self._mirrored, CROP_FRAMES, False).to(device)
            loss += float(self.module(batch))
            best = self.backbone.logits(self.backbone(batch.frames)[0])[0].argmax(-1)
            right += float(batch.targets[0][best].gt(0).sum())
            steps += len(best)
        return {"accuracy": right / steps, "loss": loss / len(self._held)} if self._held else {}

    def save(self, folder: Path, about: Mapping[str, Any], tensors: dict[str, Tensor] | None = None) -> None:
        """Write a checkpoint; `tensors` are the weights where they are spread over processes."""
        from safetensors.torch import save_file

        make_folder(folder)
        named = {f"backbone.{k}": v for k, v in self.backbone.state_dict().items()} if tensors is None else tensors
        state = {name.removeprefix("backbone."): value.detach().cpu().contiguous() for name, value in named.items()}
        with atomic_path(folder / WEIGHTS) as path:
            save_file(state, path, metadata={"format": "pt"})
        write_json(folder / LABELS, {label: index for index, label in enumerate(self.labels)})
        write_json(folder / "about.json", json.loads(json.dumps(dict(about), default=str)))


def read_clips(dataset: Dataset, cache: Path, say: Callable[[str], None]) -> tuple[list[LabelledClip], list[str]]:
    """Clips of the training split with labels, and all labels in order. UserError where there is none."""
    chosen = [
        (clip, video) for clip, video in zip(dataset.clips, dataset.videos(), strict=True) if clip.split == "train"
    ]
    labels = sorted({label for clip, _ in chosen for label in clip.labels})
    number = {label: index for index, label in enumerate(labels)}
    found: list[LabelledClip] = []
    lost = 0
    for clip, video in chosen:
        if not clip.labels:
            continue
        frames = make_folder(cache) / f"{safe_name(clip.stem)}.npy"
        try:
            length = decode(video.path, frames, FeatureOptions())
        except ItemError:
            lost += 1
            continue
        classes = tuple(number[label] for label in clip.labels)
        found.append(LabelledClip(clip.stem, clip.participant or clip.stem, frames, length, classes))
    if not found:
        raise UserError(
            "no labelled clip to train on",
            where=dataset.root,
            expected="QEVD-FIT-300K: fine_grained_labels.json and the clips of its train split",
        )
    say(f"vision: {len(found)} clips, {len(labels)} labels" + (f"; {lost} clips could not be read" if lost else ""))
    return found, labels


def train_vision(
    dataset: Dataset, start: Path | None, out: Path, options: LoopOptions, say: Callable[[str], None]
) -> Trained:
    """Fit the 3D CNN; `start` are weights to begin with (ImageNet's or an earlier run's), None for random ones."""
    clips, labels = read_clips(dataset, out / "frames", say)
    backbone = Backbone(len(labels)).initialise(options.seed) if start is None else load_backbone(start)
    if backbone.classifier.out_features != len(labels):
        torch.manual_seed(options.seed)
        backbone.classifier = nn.Linear(FEATURE_DIM, len(labels))
    backbone.requires_grad_(True)
    task = VisionTask(backbone, clips, labels, options)
    return train(task, options, out, {"stage": "vision", "from": str(start), "labels": len(labels)}, say)


JITTER = 0.2
"""Largest change of each channel's gain and offset (own choice: the paper gives no size)."""


@dataclass(frozen=True)
class LabelledClip:
    """frames: file of (T, 3, 224, 160) uint8; classes: its labels' numbers; group: person or clip."""

    key: str
    group: str
    frames: Path
    length: int
    classes: tuple[int, ...]


@dataclass
class ClipBatch:
    """frames (B, T, 3, H, W) in 0..1; targets (B, classes), each row a distribution over its clip's labels."""

    frames: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> ClipBatch:
        """The same on `device`."""
        return ClipBatch(self.frames.to(device), self.targets.to(device))


def decode(video: Path, out: Path, options: FeatureOptions) -> int:
    """Write the 16 Hz frames of a clip to `out` unless they are there; returns their number.

    Raises ItemError for a clip that cannot be read or is shorter than a feature.
    """
    if not out.is_file():
        with VideoReader(video, select=at_rate(options.rate_hz)) as reader:
            frames = [(prepare(frame.image, options) * 255).round().to(torch.uint8).numpy() for frame in reader]
        if len(frames) < FRAMES_PER_FEATURE:
            raise ItemError("too_short", f"{video}: {len(frames)} frames, a feature needs {FRAMES_PER_FEATURE}")
        with atomic_path(out) as path, path.open("wb") as file:
            np.save(file, np.stack(frames), allow_pickle=False)
    mapped: NDArray[np.uint8] = np.load(out, mmap_mode="r", allow_pickle=False)
    return len(mapped)


_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)


def swapped(label: str) -> str:
    """A label with left and right exchanged, as a mirrored clip shows it."""

    def other(match: re.Match[str]) -> str:
        word = "right" if match[0].lower() == "left" else "left"
        return word.capitalize() if match[0][0].isupper() else word

    return _SIDES.sub(other, label)


def mirror_classes(labels: Sequence[str]) -> list[int | None]:
    """For each class the one of the mirrored clip; None where no such label exists (then it is not flipped)."""
    number = {label: index for index, label in enumerate(labels)}
    return [number.get(swapped(label)) for label in labels]


def crop_batch(
    clips: Sequence[LabelledClip], classes: int, mirrored: Sequence[int | None], frames: int, augment: bool
) -> ClipBatch:
    """A random crop of each clip, at most `frames` long and as long as the shortest allows, a multiple of four.

    With `augment`, colours are jittered and half of the clips flipped; randomness is torch's. Without, crops are
    the clips' middles.
    """
    length = min(frames, *(clip.length for clip in clips)) // FRAMES_PER_FEATURE * FRAMES_PER_FEATURE
    shown, targets = [], torch.zeros(len(clips), classes)
    for row, clip in enumerate(clips):
        room = clip.length - length
        start = int(torch.randint(room + 1, ())) if augment else room // 2
        mapped = np.load(clip.frames, mmap_mode="r", allow_pickle=False)
        crop = torch.from_numpy(np.array(mapped[start : start + length])).float() / 255.0
        own: tuple[int, ...] = clip.classes
        if augment:
            other = [mirrored[index] for index in own]
            if None not in other and bool(torch.rand(()) < 0.5):
                crop, own = crop.flip(-1), tuple(index for index in other if index is not None)
            gain = 1 + (torch.rand(1, 3, 1, 1) * 2 - 1) * JITTER
            offset = (torch.rand(1, 3, 1, 1) * 2 - 1) * JITTER / 2
            crop = (crop * gain + offset).clamp(0, 1)
        shown.append(crop)
        for index in own:
            targets[row, index] += 1 / len(own)
    return ClipBatch(torch.stack(shown), targets)
