"""Smooth lines, discs and arcs on RGB pictures, in place. numpy only; each touches its own bounding box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Single = NDArray[np.float32]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.integer[Any]]
Colour = tuple[int, int, int]
Point = tuple[float, float]

DARK: Colour = (16, 18, 22)
_HALF = np.float32(0.5)


def stroke(
    image: Image, start: Point, end: Point, width: float, colour: Colour, alpha: float = 1.0, edge: float = 0.0
) -> None:
    """A line with round ends, `width` pixels thick, with a dark edge of `edge` pixels so that it shows on any ground.

    image (H, W, 3); points in pixels (x, y), parts outside the picture are cut; alpha 0..1.
    """
    reach = width / 2 + edge + 1
    box = _box(image, min(start[0], end[0]), min(start[1], end[1]), max(start[0], end[0]), max(start[1], end[1]), reach)
    if box is None:
        return
    x, y = box.x - np.float32(start[0]), box.y - np.float32(start[1])
    dx, dy = end[0] - start[0], end[1] - start[1]
    squared = dx * dx + dy * dy
    if squared > 1e-6:
        along = np.clip(x * np.float32(dx / squared) + y * np.float32(dy / squared), 0.0, 1.0)
        x, y = x - along * np.float32(dx), y - along * np.float32(dy)
    distance = np.sqrt(x * x + y * y)
    _blend(box.part, distance, width / 2, colour, alpha, edge)


def disc(image: Image, centre: Point, radius: float, colour: Colour, alpha: float = 1.0, edge: float = 0.0) -> None:
    """A filled circle with a dark edge."""
    stroke(image, centre, centre, 2 * radius, colour, alpha, edge)


@dataclass(frozen=True)
class Ring:
    """A piece of a ring between two radii in pixels, from `start` by `sweep` radians, which turn from x to y (down)."""

    inner: float
    outer: float
    start: float
    sweep: float
    colour: Colour
    alpha: float = 1.0


def rings(image: Image, centre: Point, pieces: Sequence[Ring]) -> None:
    """Pieces of rings around one point, which is taken to the nearest pixel."""
    pieces = [piece for piece in pieces if abs(piece.sweep) > 1e-3]
    if not pieces or not math.isfinite(centre[0] + centre[1]):
        return
    reach = math.ceil(max(piece.outer for piece in pieces)) + 1
    x, y = round(centre[0]), round(centre[1])
    height, width = image.shape[:2]
    left, top = max(x - reach, 0), max(y - reach, 0)
    right, bottom = min(x + reach + 1, width), min(y + reach + 1, height)
    if left >= right or top >= bottom:
        return
    distance, angle = _polar(reach)
    inside = np.s_[top - y + reach : bottom - y + reach, left - x + reach : right - x + reach]
    distance, angle = distance[inside], angle[inside]
    for piece in pieces:
        rows, columns = np.nonzero((distance > piece.inner - 1) & (distance < piece.outer + 1))
        near, turn = distance[rows, columns], angle[rows, columns]
        # Measured from the middle of the piece, an angle is inside where it is small either way.
        turn = turn - np.float32(piece.start + piece.sweep / 2)
        away = np.abs((turn + np.float32(math.pi)) % np.float32(2 * math.pi) - np.float32(math.pi))
        share = np.clip(near - np.float32(piece.inner - 0.5), 0.0, 1.0)
        share *= np.clip(np.float32(piece.outer + 0.5) - near, 0.0, 1.0)
        share *= np.clip((np.float32(abs(piece.sweep) / 2) - away) * near + _HALF, 0.0, 1.0)
        _ink(image, rows + top, columns + left, share * np.float32(piece.alpha), piece.colour)


@lru_cache(maxsize=8)
def _polar(reach: int) -> tuple[Single, Single]:
    """Distance and direction from the middle of a square of 2 reach + 1 pixels."""
    x = np.arange(-reach, reach + 1, dtype=np.float32)
    return np.sqrt(x * x + x[:, None] ** 2), np.arctan2(x[:, None], x)


def strokes(image: Image, lines: FloatArray, width: float, colour: Colour, alpha: float, edge: float) -> None:
    """Lines (N, 2, 2) of points (x, y) as `stroke` draws one, as a single layer: where they cross nothing doubles."""
    lines = lines[np.isfinite(lines).all(axis=(1, 2))]
    if not len(lines):
        return
    at, row, column = _near(lines, width / 2 + edge + 1, image.shape[0], image.shape[1])
    if not len(at):
        return
    start, along = lines[:, 0].astype(np.float32), (lines[:, 1] - lines[:, 0]).astype(np.float32)
    squared = np.maximum((along**2).sum(axis=1), np.float32(1e-6))
    x, y = column - start[at, 0], row - start[at, 1]
    share = np.clip((x * along[at, 0] + y * along[at, 1]) / squared[at], 0.0, 1.0)
    distance = np.hypot(x - share * along[at, 0], y - share * along[at, 1])
    left, top = int(column.min()), int(row.min())
    nearest = np.full((int(row.max()) - top + 1, int(column.max()) - left + 1), np.float32(1e6))
    np.minimum.at(nearest.reshape(-1), (row - top) * nearest.shape[1] + column - left, distance)
    _blend(image[top : top + nearest.shape[0], left : left + nearest.shape[1]], nearest, width / 2, colour, alpha, edge)


def _near(lines: FloatArray, reach: float, height: int, width: int) -> tuple[IntArray, IntArray, IntArray]:
    """Pixels that may lie within `reach` of a line: number of the line, row and column."""
    (x0, y0), (x1, y1) = lines[:, 0].T, lines[:, 1].T
    top = np.clip(np.floor(np.minimum(y0, y1) - reach), 0, height).astype(np.int64)
    bottom = np.clip(np.ceil(np.maximum(y0, y1) + reach) + 1, 0, height).astype(np.int64)
    line, row = _spread(top, bottom)
    # The part of the line that is as near to this row as `reach`, and how far it goes to either side.
    dy = (y1 - y0)[line]
    safe = np.where(np.abs(dy) < 1e-6, 1e-6, dy)
    ends = np.clip(np.stack([(row - reach - y0[line]) / safe, (row + reach - y0[line]) / safe]), 0.0, 1.0)
    places = x0[line] + ends * (x1 - x0)[line]
    left = np.clip(np.floor(places.min(axis=0) - reach), 0, width).astype(np.int64)
    right = np.clip(np.ceil(places.max(axis=0) + reach) + 1, 0, width).astype(np.int64)
    span, column = _spread(left, right)
    return line[span], row[span], column


def _spread(first: IntArray, end: IntArray) -> tuple[IntArray, IntArray]:
    """The numbers first..end-1 of each pair, one after the other, and which pair each is of."""
    counts = np.maximum(end - first, 0)
    owner = np.repeat(np.arange(len(counts)), counts)
    begins = np.cumsum(counts) - counts
    return owner, np.arange(int(counts.sum())) - begins[owner] + first[owner]


def shade(image: Image, box: tuple[int, int, int, int], colour: Colour, alpha: float) -> None:
    """Lay a rectangle (left, top, right, bottom) of one colour over the picture."""
    left, top, right, bottom = box
    part = image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    part[:] = (part * np.float32(1 - alpha) + np.float32(alpha) * np.array(colour, np.float32)).astype(np.uint8)


def letters(image: Image, coverage: Single, left: int, top: int, colour: Colour, alpha: float = 1.0) -> None:
    """Put letters, `coverage` (h, w) in 0..1, with their top left corner at a pixel; what sticks out is cut."""
    height, width = image.shape[:2]
    first_x, first_y = max(left, 0), max(top, 0)
    part = image[first_y : min(top + coverage.shape[0], height), first_x : min(left + coverage.shape[1], width)]
    if part.size:
        seen = coverage[first_y - top :, first_x - left :][: part.shape[0], : part.shape[1]]
        _mix(part, seen * np.float32(alpha), colour)


class _Box:
    """A part of a picture and the coordinates of its pixels, x (1, w) and y (h, 1)."""

    def __init__(self, image: Image, left: int, top: int, right: int, bottom: int) -> None:
        self.part: Image = image[top:bottom, left:right]
        self.x: Single = np.arange(left, right, dtype=np.float32)[None]
        self.y: Single = np.arange(top, bottom, dtype=np.float32)[:, None]


def _box(image: Image, left: float, top: float, right: float, bottom: float, reach: float) -> _Box | None:
    if not math.isfinite(left + top + right + bottom):
        return None
    height, width = image.shape[:2]
    x0, y0 = max(math.floor(left - reach), 0), max(math.floor(top - reach), 0)
    x1, y1 = min(math.ceil(right + reach) + 1, width), min(math.ceil(bottom + reach) + 1, height)
    return _Box(image, x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _blend(part: Image, distance: Single, radius: float, colour: Colour, alpha: float, edge: float) -> None:
    rim = np.clip(np.float32(radius + edge + 0.5) - distance, 0.0, 1.0)
    rows, columns = np.nonzero(rim)
    if not len(rows):
        return
    rim = rim[rows, columns]
    core = np.clip(np.float32(radius + 0.5) - distance[rows, columns], 0.0, 1.0)
    ink = core[:, None] * np.array(colour, np.float32) + (rim - core)[:, None] * np.array(DARK, np.float32)
    share = np.float32(alpha)
    part[rows, columns] = (part[rows, columns] * (1 - share * rim[:, None]) + share * ink).astype(np.uint8)


def _mix(part: Image, share: Single, colour: Colour) -> None:
    rows, columns = np.nonzero(share)
    _ink(part, rows, columns, share[rows, columns], colour)


def _ink(image: Image, rows: IntArray, columns: IntArray, share: Single, colour: Colour) -> None:
    weight = share[:, None]
    image[rows, columns] = (image[rows, columns] * (1 - weight) + weight * np.array(colour, np.float32)).astype(
        np.uint8
    )
