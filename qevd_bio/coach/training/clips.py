"""Labelled clips for the 3D CNN: frames decoded once, crops of 64, colour jitter, flips that swap left and right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qevd_bio.coach.options import FeatureOptions
from qevd_bio.coach.vision.backbone import FRAMES_PER_FEATURE
from qevd_bio.coach.vision.frames import prepare
from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import ItemError
from qevd_bio.video.reader import VideoReader
from qevd_bio.video.sampling import at_rate

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
