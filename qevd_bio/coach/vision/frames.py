"""A frame as the vision backbone wants it: centre crop, 224 x 160, bilinear, 0..1."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from qevd_bio.coach.options import FeatureOptions


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


def prepare(image: NDArray[np.uint8], options: FeatureOptions) -> Tensor:
    """(H, W, 3) uint8 RGB to (3, 224, 160) float32 in 0..1.

    The size changes by plain bilinear interpolation at pixel centres, without low-pass filter, and values are
    rounded to whole levels in between, as an 8-bit image library does.
    """
    top, bottom, left, right = crop_box(image.shape[0], image.shape[1], options.height_over_width)
    cropped = torch.from_numpy(np.ascontiguousarray(image[top:bottom, left:right])).permute(2, 0, 1)[None].float()
    size = (options.height, options.width)
    resized = interpolate(cropped, size=size, mode="bilinear", align_corners=False, antialias=False)
    return resized[0].round_().div_(255.0)
