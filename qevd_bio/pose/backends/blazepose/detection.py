"""From the person detector's raw output to people: anchors, decoding, merging of overlapping boxes.

The facts (strides, thresholds, meaning of the twelve numbers of a box) are those of MediaPipe's public graph
`modules/pose_detection/pose_detection_cpu.pbtxt`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.blazepose.region import Region, region_around

INPUT = 224
# Edge of a cell in input pixels, and anchors in each cell: three layers share the grid of 32.
_LAYERS = ((8, 2), (16, 2), (32, 6))
_SAME_PERSON_IOU = 0.3
_LARGEST_LOGIT = 100.0
# The circle around a whole person is centred at the hips; shoulders to feet fill about this part of its square.
_WIDTH = 0.5


@dataclass(frozen=True)
class Person:
    """One detection: score 0..1, mid-hip and a point on the circle around the body, (2,) each, in pixels."""

    score: float
    hip: NDArray[np.float64]
    rim: NDArray[np.float64]

    @property
    def region(self) -> Region:
        """What the landmark model should look at."""
        return region_around(self.hip, self.rim)

    def box(self, width: int, height: int) -> NDArray[np.float64]:
        """(x0, y0, x1, y1) of the body in pixels, inside the picture.

        The detector's own box is that of the face and says little about the size of a person.
        """
        radius = float(np.hypot(*(self.rim - self.hip)))
        reach = np.array([_WIDTH * radius, radius])
        if abs(self.rim[0] - self.hip[0]) > abs(self.rim[1] - self.hip[1]):
            reach = reach[::-1]
        box = np.concatenate([self.hip - reach, self.hip + reach])
        return np.asarray(np.clip(box, 0, [width, height, width, height]), dtype=np.float64)


@cache
def anchors() -> NDArray[np.float64]:
    """(2254, 2) centres x, y of the anchors, in shares of the input."""
    found = []
    for stride, each in _LAYERS:
        cells = INPUT // stride
        rows, columns = np.mgrid[:cells, :cells]
        centres = (np.stack([columns, rows], axis=-1).reshape(-1, 2) + 0.5) / cells
        found.append(np.repeat(centres, each, axis=0))
    return np.concatenate(found)


def decode(boxes: NDArray[np.float32], logits: NDArray[np.float32], threshold: float, view: Region) -> list[Person]:
    """People in a picture, most certain first, each with a score of `threshold` at least.

    boxes (2254, 12): centre and size of the face, then four points, in input pixels from the anchor; logits
    (2254,); view: the region of the picture that the detector saw.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -_LARGEST_LOGIT, _LARGEST_LOGIT)))
    likely = np.flatnonzero(scores >= threshold)
    likely = likely[np.argsort(-scores[likely], kind="stable")]
    points = boxes[likely].reshape(-1, 6, 2).astype(np.float64) / INPUT
    points[:, [0, 2, 3, 4, 5]] += anchors()[likely][:, None]
    valid = (points[:, 1] >= 0).all(axis=1)
    merged = _merge(points[valid], scores[likely][valid])
    return [
        Person(score, *view.to_picture(place[[2, 3]]))  # the other two points are shoulders', not used
        for score, place in merged
    ]


def _merge(points: NDArray[np.float64], scores: NDArray[np.float64]) -> list[tuple[float, NDArray[np.float64]]]:
    """One entry for each group of overlapping faces: its best score, its points averaged by score."""
    low, high = points[:, 0] - points[:, 1] / 2, points[:, 0] + points[:, 1] / 2
    area = points[:, 1].prod(axis=1)
    left = np.arange(len(scores))
    found = []
    while len(left):
        best = left[0]
        shared = np.clip(np.minimum(high[left], high[best]) - np.maximum(low[left], low[best]), 0, None).prod(axis=1)
        union = area[left] + area[best] - shared
        same = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0) > _SAME_PERSON_IOU
        same[0] = True
        group = left[same]
        found.append((float(scores[best]), np.average(points[group], axis=0, weights=scores[group])))
        left = left[~same]
    return found
