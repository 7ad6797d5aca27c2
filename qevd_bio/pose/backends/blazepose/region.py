"""The square part of a picture, turned with the body, that the landmark model looks at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The circle around the body, drawn by the two alignment points, is grown by this factor.
GROW = 1.25


@dataclass(frozen=True, slots=True)
class Region:
    """A square: centre (x, y) and side in pixels, angle in radians (0: upright; clockwise)."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    @property
    def axes(self) -> NDArray[np.float64]:
        """(2, 2) whose columns are the square's edges (right, down) in pixels."""
        c, s = self.side * math.cos(self.angle), self.side * math.sin(self.angle)
        return np.array([[c, -s], [s, c]])

    @property
    def corner(self) -> NDArray[np.float64]:
        """(2,) its upper left corner, as the body stands, in pixels."""
        return np.asarray(np.array([self.x, self.y]) - self.axes.sum(axis=1) / 2)

    def to_picture(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """(N, 2) points in shares of the square, 0..1, to pixels of the picture."""
        return np.asarray(points @ self.axes.T + self.corner)

    def turned(self, vectors: NDArray[Any]) -> NDArray[np.float64]:
        """(N, 2) directions in the square's axes, turned to those of the picture; lengths stay."""
        return np.asarray(vectors @ (self.axes / self.side).T)


def region_around(hip: NDArray[Any], rim: NDArray[Any]) -> Region:
    """The region of a body from its two alignment points in pixels.

    They are the mid-hip and a point on the circle around the whole body, above the head.
    """
    dx, dy = float(rim[0] - hip[0]), float(rim[1] - hip[1])
    angle = math.pi / 2 - math.atan2(-dy, dx)
    angle -= 2 * math.pi * math.floor((angle + math.pi) / (2 * math.pi))
    return Region(float(hip[0]), float(hip[1]), 2 * GROW * math.hypot(dx, dy), angle)


def whole_picture(width: int, height: int) -> Region:
    """The upright square around a whole picture, black bars included."""
    return Region(width / 2, height / 2, float(max(width, height)))
