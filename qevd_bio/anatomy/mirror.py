"""The left/right mirror image of a pose, for selfie videos and for checks of symmetry."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qevd_bio.anatomy.dofs import JOINT_INDEX, JOINT_NAMES, MIRROR_INDEX, MIRROR_SIGN, FloatArray, IntArray


def _partner(name: str) -> str:
    swapped = {"_r": "_l", "_l": "_r"}
    return name[:-2] + swapped[name[-2:]] if name[-2:] in swapped else name


MIRROR_JOINT: IntArray = np.array([JOINT_INDEX[_partner(name)] for name in JOINT_NAMES])
"""Index of each joint's partner on the other side (itself on the midline)."""


def mirror_angles(angles: FloatArray) -> FloatArray:
    """The angles (..., 46) of the mirror image: sides swapped, signs as HSMR's left/right flip."""
    return np.asarray(np.asarray(angles)[..., MIRROR_INDEX] * MIRROR_SIGN)


def mirror_positions(positions: FloatArray) -> FloatArray:
    """The joint positions (..., 24, 3) of the mirror image in the plane x = 0."""
    return np.asarray(np.asarray(positions)[..., MIRROR_JOINT, :] * np.array([-1.0, 1.0, 1.0]))


def mirror_mask(observed: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which degrees of freedom (..., 46) of the mirror image are observed."""
    return np.asarray(np.asarray(observed)[..., MIRROR_INDEX])
