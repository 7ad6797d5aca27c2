"""A frame as the vision backbone wants it: centre crop, 224 x 160, bilinear, 0..1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from qevd_bio.coach.options import FeatureOptions
from qevd_bio.store.hashing import hash_json


def crop_box(height: int, width: int, ratio: float) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of the centre crop with height / width = `ratio`, rounded down as released."""
    if height / width > ratio:
        kept = int(width * ratio)
        top = int((height - kept) / 2)
        return top, top + kept, 0, width
    if height / width < ratio:
        kept = int(height / ratio)
        left = int((width - kept) / 2)
        return 0, height, left, left + kept
    return 0, height, 0, width


@dataclass(frozen=True)
class OtherCrop:
    """How one crop of a video differs from its middle, the same in every frame.

    scale: of the largest box with the wanted shape; down, across (0..1): where the box lies in the room that is left;
    gain, offset: of each colour, values in 0..1.
    """

    scale: float
    down: float
    across: float
    gain: tuple[float, ...]
    offset: tuple[float, ...]

    def box(self, height: int, width: int, ratio: float) -> tuple[int, int, int, int]:
        """Top, bottom, left, right in a picture of this size."""
        most = min(height, width * ratio)
        tall = max(int(most * self.scale), 1)
        wide = max(int(most * self.scale / ratio), 1)
        top, left = round(self.down * (height - tall)), round(self.across * (width - wide))
        return top, top + tall, left, left + wide


SMALLEST, JITTER = 0.8, 0.2
"""Smallest box, and largest change of a colour's gain (its offset: half of that); own choice, the papers give none."""


def other_crop(video: str, crop: int) -> OtherCrop:
    """The crop of that number (from 1) of a video; it follows from the two alone.

    Pictures are not flipped: feedback and contexts name sides.
    """
    draw = np.random.default_rng(int(hash_json([video, crop])[:15], 16))
    scale, down, across = draw.uniform((SMALLEST, 0.0, 0.0), 1.0)
    gain, offset = 1 + draw.uniform(-JITTER, JITTER, 3), draw.uniform(-JITTER / 2, JITTER / 2, 3)
    return OtherCrop(float(scale), float(down), float(across), tuple(gain.tolist()), tuple(offset.tolist()))


def prepare(image: NDArray[np.uint8], options: FeatureOptions, crop: OtherCrop | None = None) -> Tensor:
    """(H, W, 3) uint8 RGB to (3, 224, 160) float32 in 0..1; the picture's middle, or another crop of it.

    The size changes by plain bilinear interpolation at pixel centres, without low-pass filter, and values are
    rounded to whole levels in between, as an 8-bit image library does.
    """
    shape = (image.shape[0], image.shape[1], options.height_over_width)
    top, bottom, left, right = crop_box(*shape) if crop is None else crop.box(*shape)
    cropped = torch.from_numpy(np.ascontiguousarray(image[top:bottom, left:right])).permute(2, 0, 1)[None].float()
    size = (options.height, options.width)
    resized = interpolate(cropped, size=size, mode="bilinear", align_corners=False, antialias=False)
    found = resized[0].round_().div_(255.0)
    if crop is None:
        return found
    gain, offset = (torch.tensor(values).view(3, 1, 1) for values in (crop.gain, crop.offset))
    return (found * gain + offset).clamp_(0.0, 1.0)
