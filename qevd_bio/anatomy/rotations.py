"""Rotations about fixed axes, and the Euler triples of a rotation matrix, for whole arrays at once."""

from __future__ import annotations

import numpy as np

from qevd_bio.anatomy.dofs import FloatArray

GIMBAL_COS = 1e-6
"""Below this cosine of the middle angle a triple is taken to be in gimbal lock."""


def about_axis(axis: FloatArray, angle: FloatArray) -> FloatArray:
    """Rotation matrices (..., 3, 3) of `angle` (...) radians about one unit `axis` (3,) (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    sine, versine = np.sin(angle)[..., None, None], 1.0 - np.cos(angle)[..., None, None]
    return np.asarray(np.eye(3) + sine * cross + versine * (cross @ cross))


def triple_of(matrix: FloatArray, order: str) -> FloatArray:
    """Angles (..., 3) of `matrix` (..., 3, 3), in the order of the matrix product.

    With order "YXZ", matrix = Ry(q0) Rx(q1) Rz(q2). The middle angle lies in [-90, 90] degrees. In gimbal
    lock only q0 and q2 together are defined: q2 is set to 0 and q0 carries the whole turn.
    """
    first, middle, last = ("XYZ".index(letter) for letter in order)
    sign = 1.0 if (middle - first) % 3 == 1 else -1.0
    sine = np.clip(sign * matrix[..., first, last], -1.0, 1.0)
    # atan2 keeps full precision near 90 degrees, where arcsine would lose half the digits
    cosine = np.hypot(matrix[..., first, first], matrix[..., first, middle])
    q0 = np.arctan2(-sign * matrix[..., middle, last], matrix[..., last, last])
    q1 = np.arctan2(sine, cosine)
    q2 = np.arctan2(-sign * matrix[..., first, middle], matrix[..., first, first])
    locked = cosine < GIMBAL_COS
    q0 = np.where(locked, np.arctan2(sign * matrix[..., last, middle], matrix[..., middle, middle]), q0)
    return np.stack([q0, q1, np.where(locked, 0.0, q2)], axis=-1)


def twist_about(matrix: FloatArray, axis: FloatArray) -> FloatArray:
    """Angle (...) in (-pi, pi] of the twist about `axis` (3,) in the swing-twist split of `matrix`.

    With the unit quaternion (w, v) it is 2 atan2(v.axis, w); here without forming the quaternion.
    """
    skew = np.stack(
        [
            matrix[..., 2, 1] - matrix[..., 1, 2],
            matrix[..., 0, 2] - matrix[..., 2, 0],
            matrix[..., 1, 0] - matrix[..., 0, 1],
        ],
        axis=-1,
    )
    trace = np.trace(matrix, axis1=-2, axis2=-1)
    along = np.einsum("i,...ij,j->...", axis, matrix, axis)
    angle: FloatArray = np.arctan2(skew @ axis, trace - along)
    return angle
