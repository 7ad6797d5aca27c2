"""The 3D CNN on labelled clips: frame-wise cross-entropy (QEVD, App. D.1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from qevd_bio.coach.options import FeatureOptions
from qevd_bio.coach.training.clips import ClipBatch, LabelledClip, crop_batch, decode, mirror_classes
from qevd_bio.coach.training.options import CROP_FRAMES, LoopOptions
from qevd_bio.coach.vision.backbone import FEATURE_DIM, Backbone
from qevd_bio.coach.vision.backbone_weights import load_backbone
from qevd_bio.dataset.opening import Dataset
from qevd_bio.learning.batches import hold_out
from qevd_bio.learning.loop import Outcome, train
from qevd_bio.store.atomic import atomic_path, make_folder, write_json
from qevd_bio.store.errors import ItemError, UserError

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
        chosen = [self._clips[index] for index in indices]
        return crop_batch(chosen, len(self.labels), self._mirrored, CROP_FRAMES, True)

    def weight(self, indices: Sequence[int]) -> float:
        return float(len(indices))

    def better(self, new: float, old: float) -> bool:
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
        frames = make_folder(cache) / f"{clip.stem}.npy"
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
) -> Outcome:
    """Fit the 3D CNN; `start` are weights to begin with (ImageNet's or an earlier run's), None for random ones."""
    clips, labels = read_clips(dataset, out / "frames", say)
    backbone = Backbone(len(labels)).initialise(options.seed) if start is None else load_backbone(start)
    if backbone.classifier.out_features != len(labels):
        torch.manual_seed(options.seed)
        backbone.classifier = nn.Linear(FEATURE_DIM, len(labels))
    backbone.requires_grad_(True)
    task = VisionTask(backbone, clips, labels, options)
    return train(task, options, out, {"stage": "vision", "from": str(start), "labels": len(labels)}, say)
