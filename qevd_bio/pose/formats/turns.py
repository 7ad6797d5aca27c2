"""Turns of joints for hours of frames at once: matrices are (3, 3, T), so that each element is one array over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.axes import BODY_TO_WORLD, BONE_TO_WORLD, WORLD_AXES
from qevd_bio.anatomy.dofs import DOF_NAMES, JOINT_DOFS
from qevd_bio.anatomy.inverse import angles_in_bone

Float = NDArray[np.float64]
Turn = tuple[tuple[str, Float], ...]


def turn_product(turn: Turn) -> Float:
    """The product (3, 3, T), in world axes, of turns (letter, angle (T,)) about body axes in the order given.

    Body axes are x forward, y up, z right; world axes x left, y up, z forward, as at the zero pose.
    """
    frames = max(np.size(angle) for _, angle in turn)
    columns = list(np.broadcast_to(np.eye(3)[..., None], (3, 3, frames)).swapaxes(0, 1))
    for letter, angle in turn:
        axis = "XYZ".index(letter)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        cosine, sine = np.cos(angle), np.sin(angle)
        # M Rot(axis, angle): the two columns beside the axis are mixed
        a, b = columns[first], columns[second]
        columns[first], columns[second] = cosine * a + sine * b, cosine * b - sine * a
    rows = np.argmax(np.abs(BODY_TO_WORLD), axis=1)  # the frame only renames and turns round axes
    signs = BODY_TO_WORLD[np.arange(3), rows]
    world = np.stack([columns[k] * signs[j] for j, k in enumerate(rows)], axis=1)
    return np.asarray(world[rows] * signs[:, None, None])


def joint_turn(name: str, angles: Mapping[str, Float]) -> Float:
    """The turn (3, 3, T) of a joint's bone against its parent, from the joint's own angles by name (T,)."""
    first, *later = (_about(WORLD_AXES[k], angles[DOF_NAMES[k]]) for k in JOINT_DOFS[name])
    for turn in later:
        first = times(turn, first)
    return first


def angles_of_turn(name: str, matrix: Float) -> dict[str, Float]:
    """The joint's angles by name (T,) from the turn (3, 3, T) of its bone against its parent."""
    frame = BONE_TO_WORLD[name][..., None]
    found = angles_in_bone(name, np.moveaxis(times(back(frame), times(matrix, frame)), -1, 0))
    return {DOF_NAMES[dof]: found[:, k] for k, dof in enumerate(JOINT_DOFS[name])}


def times(a: Float, b: Float) -> Float:
    """Products (3, 3, T) of (3, 3, T) with (3, 3, T)."""
    return np.asarray(a[:, 0, None] * b[None, 0] + a[:, 1, None] * b[None, 1] + a[:, 2, None] * b[None, 2])


def back(matrix: Float) -> Float:
    """The turns (3, 3, T) back."""
    return np.swapaxes(matrix, 0, 1)


def shares_of(matrix: Float, shares: Sequence[float]) -> list[Float]:
    """The turns (3, 3, T) by shares of the angle of `matrix` (3, 3, T), which turns by less than a half turn."""
    skew = 0.5 * (matrix - back(matrix))
    sine = np.sqrt(skew[2, 1] ** 2 + skew[0, 2] ** 2 + skew[1, 0] ** 2)
    angle = np.arctan2(sine, 0.5 * (matrix[0, 0] + matrix[1, 1] + matrix[2, 2] - 1.0))
    square = times(skew, skew)
    small = sine < 1e-6
    safe = np.where(small, 1.0, sine)
    found = []
    for share in shares:
        first = np.where(small, share, np.sin(share * angle) / safe)
        second = np.where(small, 0.5 * share**2, (1.0 - np.cos(share * angle)) / safe**2)
        found.append(np.asarray(np.eye(3)[..., None] + first * skew + second * square))
    return found


def _about(axis: Float, angle: Float) -> Float:
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    sine, versine = np.sin(angle), 1.0 - np.cos(angle)
    return np.asarray(np.eye(3)[..., None] + sine * cross[..., None] + versine * (cross @ cross)[..., None])
