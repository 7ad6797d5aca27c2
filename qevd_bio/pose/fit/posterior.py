"""How well the evidence binds each frame's pose: covariances of the fit's variables, and of the angles read from them.

The normal matrix of a clip is block-banded: every frame is bound to two neighbours on either side. Two frames at a
time it is block-tridiagonal, and the diagonal blocks of its inverse follow from one pass forward and one backward.
"""

from __future__ import annotations

import numpy as np

from qevd_bio.anatomy.dofs import DOF_INDEX, JOINT_DOFS
from qevd_bio.pose.fit.angles import N_DOFS, angles_of
from qevd_bio.pose.fit.chain import (
    ANKLE,
    ELBOW,
    HIP,
    KNEE,
    N_VARIABLES,
    PELVIS,
    SHOULDER,
    SPINE,
    SUBTALAR,
    State,
)
from qevd_bio.pose.fit.rotations import Float

_NUDGE = 1e-4
_BALLS = {
    "pelvis": PELVIS,
    "lumbar": SPINE,
    "thorax": SPINE,
    "hip_r": HIP[0],
    "hip_l": HIP[1],
    "shoulder_r": SHOULDER[0],
    "shoulder_l": SHOULDER[1],
}
_HINGES = {"knee_angle": KNEE, "ankle_angle": ANKLE, "subtalar_angle": SUBTALAR, "elbow_flexion": ELBOW}


def covariances(normal: Float, couple: Float, information: Float) -> Float:
    """Covariance (T, 29, 29) of each frame's variables, the others free.

    normal (T, 29, 29) information of single frames, couple (T - 2, 3) coefficients of the second differences that bind
    neighbours, information (29,) of these.
    """
    frames, n = normal.shape[:2]
    diagonal, upper = _in_pairs(normal, couple, information)
    pairs = len(diagonal)
    ahead, behind = np.empty_like(diagonal), np.empty_like(diagonal)
    ahead[0], behind[-1] = diagonal[0], diagonal[-1]
    for i in range(1, pairs):
        ahead[i] = diagonal[i] - upper[i - 1].T @ np.linalg.solve(ahead[i - 1], upper[i - 1])
        j = pairs - 1 - i
        behind[j] = diagonal[j] - upper[j] @ np.linalg.solve(behind[j + 1], upper[j].T)
    both = np.linalg.inv(ahead + behind - diagonal)
    out = np.empty((2 * pairs, n, n))
    out[0::2], out[1::2] = both[:, :n, :n], both[:, n:, n:]
    return out[:frames]


def angle_spread(state: State, head: Float, covariance: Float) -> Float:
    """Standard deviation (T, 46) of the angles, radians; NaN for those that are no variables of the fit."""
    out = np.full((len(state), N_DOFS), np.nan)
    slopes = _slopes(state, head)
    for joint, block in _BALLS.items():
        own = covariance[:, block, block]
        rates = slopes[:, list(JOINT_DOFS[joint])]
        out[:, list(JOINT_DOFS[joint])] = np.einsum("tdi,tij,tdj->td", rates, own, rates)
    for name, columns in _HINGES.items():
        for side, column in zip("rl", columns, strict=True):
            out[:, DOF_INDEX[f"{name}_{side}"]] = covariance[:, column, column]
    spread: Float = np.sqrt(np.maximum(out, 0.0))
    return spread


def _slopes(state: State, head: Float) -> Float:
    """Derivatives (T, 46, 3) of the ball joints' angles by their own joint's small turns, all joints nudged at once."""
    ends = []
    for axis in range(3):
        nudge = np.zeros((len(state), N_VARIABLES))
        for block in _BALLS.values():
            nudge[:, block.start + axis] = _NUDGE
        step = angles_of(state.moved(nudge), head) - angles_of(state.moved(-nudge), head)
        ends.append(np.angle(np.exp(1j * step)) / (2.0 * _NUDGE))
    return np.stack(ends, axis=-1)


def _in_pairs(normal: Float, couple: Float, information: Float) -> tuple[Float, Float]:
    """Blocks (P, 58, 58) on the diagonal and (P - 1, 58, 58) above it, two frames in one; an odd last frame is alone
    in its block with a frame of ones."""
    frames, n = normal.shape[:2]
    even = frames + frames % 2
    blocks = np.tile(np.eye(n), (even, 1, 1))
    blocks[:frames] = normal
    weight, near, far = np.zeros((3, even))
    bound = len(couple)
    for k in range(3):
        weight[k : k + bound] += couple[:, k] ** 2
    for k in range(2):
        near[k : k + bound] += couple[:, k] * couple[:, k + 1]
    far[:bound] += couple[:, 0] * couple[:, 2]
    spread = np.diag(information)
    blocks = blocks + weight[:, None, None] * spread
    pairs = even // 2
    diagonal = np.zeros((pairs, 2 * n, 2 * n))
    diagonal[:, :n, :n], diagonal[:, n:, n:] = blocks[0::2], blocks[1::2]
    diagonal[:, :n, n:] = diagonal[:, n:, :n] = near[0::2, None, None] * spread
    upper = np.zeros((max(pairs - 1, 0), 2 * n, 2 * n))
    first, second = np.arange(0, even - 2, 2), np.arange(1, even - 1, 2)
    upper[:, :n, :n], upper[:, n:, n:] = far[first, None, None] * spread, far[second, None, None] * spread
    upper[:, n:, :n] = near[second, None, None] * spread
    return diagonal, upper
