"""Turning frames upright: what the file says about its rotation, QEVD's rule, or what the user says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Orientation:
    """How stored frames become upright: a flip left to right, quarter turns clockwise (0..3), borders to a square."""

    quarter_turns: int = 0
    square: bool = False
    mirrored: bool = False

    def apply(self, image: Image) -> Image:
        """(H, W, 3) as stored to (H', W', 3) upright."""
        image = image[:, ::-1] if self.mirrored else image
        turned = np.rot90(image, -self.quarter_turns) if self.quarter_turns else image
        return pad_square(turned) if self.square else np.ascontiguousarray(turned)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height after `apply`."""
        if self.quarter_turns % 2:
            width, height = height, width
        return (max(width, height),) * 2 if self.square else (width, height)


def orientation(clockwise_deg: int, lying: bool = False, mirrored: bool = False) -> Orientation:
    """The orientation for a rotation of 0, 90, 180 or 270 degrees clockwise.

    `lying` adds QEVD's correction for its early benchmark videos: another 90 degrees clockwise, then padding.
    `mirrored` frames are flipped left to right before they are turned.
    """
    if clockwise_deg % 90:
        raise ValueError(f"rotation must be a multiple of 90 degrees, not {clockwise_deg}")
    return Orientation((clockwise_deg // 90 + lying) % 4, lying, mirrored)


def pad_square(image: Image) -> Image:
    """Black borders that make (H, W, 3) a square, the picture in its middle, as QEVD's extraction does."""
    height, width = image.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, *image.shape[2:]), dtype=image.dtype)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = image
    return square
