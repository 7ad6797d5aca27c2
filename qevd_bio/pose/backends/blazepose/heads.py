"""From the landmark model's raw output to landmarks in the picture and in metres.

Sizes and order of the outputs are those of MediaPipe's public graphs in `modules/pose_landmark`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.blazepose.region import Region

INPUT = 256
POINTS = 39
BODY = 33
# Points 33 and 34 are the mid-hip and a point on the circle around the body: where to look in the next frame.
_ALIGNMENT = slice(33, 35)
_REACH = 3
_SURE = 0.5

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class RawLandmarks:
    """Outputs of the landmark model for one picture.

    points (39, 5): x, y, z in input pixels, logits of visibility and presence; heatmap (64, 64, 39) logits;
    world (39, 3): metres from the mid-hip, in the region's axes.
    """

    points: Floats
    heatmap: Floats
    world: Floats


def in_picture(raw: RawLandmarks, region: Region) -> tuple[Floats, NDArray[np.float64]]:
    """(33, 7) landmarks and the (2, 2) alignment points in pixels, which say where to look in the next frame.

    Columns: image x, y in pixels, world x, y, z in metres (camera axes), visibility, presence 0..1.
    """
    placed = region.to_picture(refined(raw.points[:, :2] / np.float32(INPUT), raw.heatmap))
    found: Floats = np.empty((BODY, 7), dtype=np.float32)
    found[:, :2] = placed[:BODY]
    found[:, 2:4] = region.turned(raw.world[:BODY, :2])
    found[:, 4] = raw.world[:BODY, 2]
    found[:, 5:] = sigmoid(raw.points[:BODY, 3:5])
    return found, placed[_ALIGNMENT]


def refined(points: Floats, heatmap: Floats) -> Floats:
    """(N, 2) points, 0..1, moved to the heat map's weighted mean in the 7 × 7 cells around each.

    heatmap (rows, columns, N), logits. A point stays where it lies outside, or no cell is surer than one half.
    """
    rows, columns, count = heatmap.shape
    column, row = np.trunc(points * np.array([columns, rows], dtype=np.float32)).astype(int).T
    around = np.arange(-_REACH, _REACH + 1)
    near_rows, near_columns = row[:, None, None] + around[:, None], column[:, None, None] + around
    inside = (near_rows >= 0) & (near_rows < rows) & (near_columns >= 0) & (near_columns < columns)
    cells = heatmap[
        np.clip(near_rows, 0, rows - 1), np.clip(near_columns, 0, columns - 1), np.arange(count)[:, None, None]
    ]
    weight = sigmoid(cells) * inside
    centre_inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    move = centre_inside & (weight.max(axis=(1, 2)) >= _SURE)
    total = np.where(move, weight.sum(axis=(1, 2)), 1)
    mean = np.stack([(weight * near_columns).sum(axis=(1, 2)), (weight * near_rows).sum(axis=(1, 2))], axis=1)
    mean /= total[:, None] * np.array([columns, rows])
    return np.where(move[:, None], mean, points).astype(np.float32)


def sigmoid(logits: Floats) -> Floats:
    """Logistic function, elementwise; large values do not overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))), dtype=np.float32)
