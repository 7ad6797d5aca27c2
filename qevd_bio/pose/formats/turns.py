"""Products of turns about the body's axes for hours of frames at once: each matrix element is one array over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.axes import BODY_TO_WORLD

Float = NDArray[np.float64]
Turn = tuple[tuple[str, Float], ...]


def turn_product(turn: Turn) -> Float:
    """The product (T, 3, 3), in world axes, of turns (letter, angle (T,)) about body axes in the order given.

    Body axes are x forward, y up, z right; world axes x left, y up, z forward, as at the zero pose.
    """
    frames = max(np.size(angle) for _, angle in turn)
    matrix = np.zeros((3, 3, frames))
    for k in range(3):
        matrix[k, k] = 1.0
    for letter, angle in turn:
        axis = "XYZ".index(letter)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        cosine, sine = np.cos(angle), np.sin(angle)
        # M Rot(axis, angle): the two columns beside the axis are mixed
        a, b = matrix[:, first].copy(), matrix[:, second].copy()
        matrix[:, first] = cosine * a + sine * b
        matrix[:, second] = cosine * b - sine * a
    return np.moveaxis(_to_world(matrix), -1, 0)


def share_of(matrix: Float, share: float) -> Float:
    """The turn (T, 3, 3) by a share of the angle of `matrix` (T, 3, 3), which turns by less than a half turn."""
    own = np.moveaxis(matrix, 0, -1)
    skew = 0.5 * (own - np.swapaxes(own, 0, 1))
    sine = np.sqrt(skew[2, 1] ** 2 + skew[0, 2] ** 2 + skew[1, 0] ** 2)
    angle = np.arctan2(sine, 0.5 * (own[0, 0] + own[1, 1] + own[2, 2] - 1.0))
    small = sine < 1e-6
    safe = np.where(small, 1.0, sine)
    first = np.where(small, share, np.sin(share * angle) / safe)
    second = np.where(small, 0.5 * share**2, (1.0 - np.cos(share * angle)) / safe**2)
    square = np.einsum("ijt,jkt->ikt", skew, skew)
    return np.moveaxis(np.eye(3)[..., None] + first * skew + second * square, -1, 0)


def _to_world(matrix: Float) -> Float:
    """B M B^T of (3, 3, T), where the frame B only renames and turns round axes."""
    rows = np.argmax(np.abs(BODY_TO_WORLD), axis=1)
    signs = BODY_TO_WORLD[np.arange(3), rows]
    return np.asarray(matrix[np.ix_(rows, rows)] * np.outer(signs, signs)[..., None])
