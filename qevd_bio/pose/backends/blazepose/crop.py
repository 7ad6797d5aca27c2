"""Parts of a picture as input of a model: bilinear samples on the model's grid.

Samples lie where MediaPipe's do: the grid begins at the region's corner, pixels have integer coordinates, and
positions are rounded to 1/32 pixel, values to whole grey levels, as OpenCV's warping does. A finer or smoother
sampling would give other landmarks than MediaPipe's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.blazepose.region import Region

_STEPS = 32
# Positions are added up in fixed point, so that the sums of rows and columns are exact.
_FINE = 512 * _STEPS
# Share of each step, for the three channels at once.
_SHARES = np.repeat(np.arange(_STEPS, dtype=np.float32)[:, None] / _STEPS, 3, axis=1)

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]


class Cropper:
    """Cuts turned squares out of RGB pictures; past the picture's border its outermost pixels go on.

    size: edge of the result in pixels. The buffers are kept: what a call returns is overwritten by the next.
    """

    def __init__(self, size: int) -> None:
        self._grid = np.arange(size) / size
        shape = (size, size)
        self._at: list[NDArray[np.int32]] = [np.empty(shape, np.int32) for _ in range(2)]
        self._low: list[NDArray[np.int32]] = [np.empty(shape, np.int32) for _ in range(2)]
        self._high: list[NDArray[np.int32]] = [np.empty(shape, np.int32) for _ in range(2)]
        self._place: NDArray[np.intp] = np.empty(shape, np.intp)
        self._taken: Image = np.empty((*shape, 3), np.uint8)
        self._share: list[Floats] = [np.empty((*shape, 3), np.float32) for _ in range(2)]
        self._corners: list[Floats] = [np.empty((*shape, 3), np.float32) for _ in range(4)]

    def __call__(self, image: Image, region: Region) -> Floats:
        """(1, size, size, 3) float32, 0..1, of the region in an RGB image (H, W, 3) uint8."""
        height, width = image.shape[:2]
        self._positions(region)
        self._pixels(width, height)
        flat = np.ascontiguousarray(image).reshape(-1, 3)
        for number, corner in enumerate(self._corners):
            x, y = (self._low[0], self._high[0])[number % 2], (self._low[1], self._high[1])[number // 2]
            np.multiply(y, width, out=self._place, casting="unsafe")
            np.add(self._place, x, out=self._place)
            np.take(flat, self._place, axis=0, out=self._taken, mode="clip")
            np.copyto(corner, self._taken)
        upper_left, upper_right, lower_left, lower_right = self._corners
        _blend(upper_left, upper_right, self._share[0])
        _blend(lower_left, lower_right, self._share[0])
        _blend(upper_left, lower_left, self._share[1])
        np.rint(upper_left, out=upper_left)
        np.multiply(upper_left, np.float32(1 / 255), out=upper_left)
        return upper_left[None]

    def _positions(self, region: Region) -> None:
        """`_at`: x and y of each sample in steps of 1/32 pixel."""
        axes, corner = region.axes * _FINE, region.corner * _FINE
        for at, (right, down), start in zip(self._at, axes, corner, strict=True):
            along = np.rint(start + right * self._grid + _FINE / _STEPS / 2).astype(np.int32)
            np.add(along[None, :], np.rint(down * self._grid).astype(np.int32)[:, None], out=at)
            np.floor_divide(at, _FINE // _STEPS, out=at)

    def _pixels(self, width: int, height: int) -> None:
        """`_low`, `_high`: the pixels on both sides of each sample; `_share`: how near it lies to the second."""
        for at, low, high, share, size in zip(
            self._at, self._low, self._high, self._share, (width, height), strict=True
        ):
            np.bitwise_and(at, _STEPS - 1, out=low)
            np.take(_SHARES, low, axis=0, out=share, mode="clip")
            np.right_shift(at, 5, out=low)
            np.add(low, 1, out=high)
            np.clip(low, 0, size - 1, out=low)
            np.clip(high, 0, size - 1, out=high)


def _blend(first: Floats, second: Floats, share: Floats) -> None:
    """first += share × (second − first), in place; `second` is used up."""
    np.subtract(second, first, out=second)
    np.multiply(second, share, out=second)
    np.add(first, second, out=first)


def letterbox(image: Image, region: Region, size: int) -> Floats:
    """(1, size, size, 3) float32, 0..1, of an upright region; black past the picture's border."""
    height, width = image.shape[:2]
    columns, across = _two_taps(region.corner[0], region.side, size, width)
    rows, down = _two_taps(region.corner[1], region.side, size, height)
    taps = [image[np.ix_(row, column)].astype(np.float32) for row in rows for column in columns]
    upper = taps[0] * across[0][None, :, None] + taps[1] * across[1][None, :, None]
    lower = taps[2] * across[0][None, :, None] + taps[3] * across[1][None, :, None]
    found = np.rint(upper * down[0][:, None, None] + lower * down[1][:, None, None])
    return np.asarray(found[None] / np.float32(255), dtype=np.float32)


def _two_taps(
    start: float, side: float, size: int, limit: int
) -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], tuple[Floats, Floats]]:
    """Pixels on both sides of each sample of one axis and their weights, 0 for pixels outside."""
    at = np.rint((start + side * np.arange(size) / size) * _STEPS).astype(np.int64)
    low, share = at // _STEPS, (at % _STEPS).astype(np.float32) / _STEPS
    pixels = (low, low + 1)
    weights = tuple(
        np.where((pixel >= 0) & (pixel < limit), weight, 0).astype(np.float32)
        for pixel, weight in zip(pixels, (1 - share, share), strict=True)
    )
    first, second = (np.clip(pixel, 0, limit - 1).astype(np.intp) for pixel in pixels)
    return (first, second), (weights[0], weights[1])
