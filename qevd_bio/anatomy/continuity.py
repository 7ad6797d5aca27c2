"""Angles that run on over time: 2 pi unwrapping, and the Euler triple nearest to the one before.

(x, y, z) and (x + pi, pi - y, z + pi) are the same rotation. A track that passes the middle angle's 90
degrees is smooth only if it changes from one to the other there.
"""

from __future__ import annotations

import numpy as np

from qevd_bio.anatomy.dofs import DOFS, JOINT_DOFS, JOINTS, FloatArray

TURN = 2.0 * np.pi


def other_triple(triple: FloatArray) -> FloatArray:
    """The second triple (..., 3) of the same rotation; first, middle and last as the angles act."""
    return np.stack([triple[..., 0] + np.pi, np.pi - triple[..., 1], triple[..., 2] + np.pi], axis=-1)


def wrap(angle: FloatArray) -> FloatArray:
    """The same angle within [-pi, pi)."""
    return np.asarray((angle + np.pi) % TURN - np.pi)


def unwrap(track: FloatArray) -> FloatArray:
    """A track (T,) or (T, n) without 2 pi jumps; NaN frames stay NaN and are bridged."""
    columns = np.asarray(track, dtype=np.float64).reshape(len(track), -1).copy()
    for column in columns.T:
        known = np.isfinite(column)
        column[known] = np.unwrap(column[known])
    return columns.reshape(np.shape(track))


def continuous_triple(track: FloatArray) -> FloatArray:
    """The triples (T, 3) of the same rotations, each the nearest to the known one before it.

    Starts from the triple given first. NaN frames stay NaN. Where the two candidates are equally near (as in
    gimbal lock) the form of the frame before is kept.
    """
    result = np.asarray(track, dtype=np.float64).copy()
    known = np.isfinite(result).all(axis=1)
    given = result[known]
    if len(given) < 2:
        return result
    stay = _distance(given[1:], given[:-1])
    change = _distance(other_triple(given[1:]), given[:-1])
    # both forms differ from their counterparts by the same amounts, so a change is one whatever the form so far
    form = np.concatenate([[0], np.cumsum(change < stay - 1e-9)]) % 2
    chosen = np.where(form[:, None] == 1, other_triple(given), given)
    result[known] = np.unwrap(chosen, axis=0)
    return result


def continuous_angles(angles: FloatArray) -> FloatArray:
    """A clip's angles (T, 46) with continuous triples and no 2 pi jumps, for whole-clip smoothing.

    Only joints with a wrapping angle (pelvis, shoulders) may run past a half turn; the others keep their
    principal triple, whose middle angle their limits hold below 90 degrees.
    """
    result = np.asarray(angles, dtype=np.float64).copy()
    for joint in JOINTS:
        dofs = list(JOINT_DOFS[joint.name])
        if any(DOFS[k].wraps for k in dofs):
            result[:, dofs] = continuous_triple(result[:, dofs])
    return result


def _distance(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(np.abs(wrap(a - b)).sum(axis=-1))
