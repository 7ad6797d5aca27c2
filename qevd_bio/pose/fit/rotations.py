"""Small rotation tools of the fit, for whole arrays: exponential, logarithm, hinges, frames from two directions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


def exp_rotation(vector: Float) -> Float:
    """Rotation matrices (..., 3, 3) of rotation vectors (..., 3), radians (Rodrigues)."""
    angle2 = np.einsum("...i,...i->...", vector, vector)
    angle = np.sqrt(angle2)
    small = angle < 1e-4
    safe = np.where(small, 1.0, angle)
    a = np.where(small, 1.0 - angle2 / 6.0, np.sin(safe) / safe)
    b = np.where(small, 0.5 - angle2 / 24.0, (1.0 - np.cos(safe)) / safe**2)
    return _assemble(a[..., None] * vector, b[..., None], vector, 1.0 - b * angle2)


def hinge(axis: Float, angle: Float) -> Float:
    """Rotation matrices (..., 3, 3) about constant unit axes (2, 3) by angles (..., 2), radians."""
    c = np.cos(angle)
    return _assemble(np.sin(angle)[..., None] * axis, (1.0 - c)[..., None], np.broadcast_to(axis, (*angle.shape, 3)), c)


def log_rotation(matrix: Float) -> Float:
    """Rotation vectors (..., 3) of rotations (..., 3, 3) by less than about 170 degrees."""
    skew = np.stack(
        [
            matrix[..., 2, 1] - matrix[..., 1, 2],
            matrix[..., 0, 2] - matrix[..., 2, 0],
            matrix[..., 1, 0] - matrix[..., 0, 1],
        ],
        axis=-1,
    )
    sine = 0.5 * np.linalg.norm(skew, axis=-1)
    cosine = 0.5 * (np.trace(matrix, axis1=-2, axis2=-1) - 1.0)
    angle = np.arctan2(sine, cosine)
    scale = np.where(sine > 1e-6, 0.5 * angle / np.maximum(sine, 1e-6), 0.5)
    return np.asarray(skew * scale[..., None])


def unit(vector: Float) -> Float:
    """Vectors of length one; zero stays zero."""
    return np.asarray(vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9))


def frame_xy(x_hint: Float, y: Float) -> Float:
    """Rotations whose y axis is `y` and whose x axis is nearest to `x_hint` (columns are the axes)."""
    y = unit(y)
    z = unit(np.cross(x_hint, y))
    return np.stack([np.cross(y, z), y, z], axis=-1)


def frame_yx(y_hint: Float, x: Float) -> Float:
    """Rotations whose x axis is `x` and whose y axis is nearest to `y_hint`."""
    x = unit(x)
    z = unit(np.cross(x, y_hint))
    return np.stack([x, np.cross(z, x), z], axis=-1)


def swing(start: Float, end: Float) -> Float:
    """The smallest rotation that takes unit vectors `start` to unit vectors `end` (not opposite)."""
    axis = np.cross(start, end)
    cosine = np.einsum("...i,...i->...", np.broadcast_to(start, end.shape), end)
    b = 1.0 / np.maximum(1.0 + cosine, 1e-3)
    return _assemble(axis, b[..., None], axis, cosine)


def _assemble(sine_axis: Float, outer: Float, axis: Float, diagonal: Float) -> Float:
    """diagonal * I + outer * axis axisᵀ + [sine_axis]×"""
    out = outer[..., None] * axis[..., :, None] * axis[..., None, :]
    for i in range(3):
        out[..., i, i] += diagonal
    x, y, z = sine_axis[..., 0], sine_axis[..., 1], sine_axis[..., 2]
    out[..., 0, 1] -= z
    out[..., 1, 0] += z
    out[..., 0, 2] += y
    out[..., 2, 0] -= y
    out[..., 1, 2] -= x
    out[..., 2, 1] += x
    return np.asarray(out)
