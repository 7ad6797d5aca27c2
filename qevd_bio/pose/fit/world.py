"""What the world landmarks are worth: bones with their known errors taken out, and how far to trust them.

The pose model's world landmarks keep bone lengths, but a limb that points at the camera comes out too short in depth
(frontal squats of 100 degrees read 67), a straight one slightly bent, and an upright trunk about 20 degrees forward.
Fixed corrections take out what was measured over rendered figures of known pose (docs/pose-fit.md); a gain and a bias
by kind of bone take out what a clip itself shows against the foreshortening in its images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.fit.chain import ANKLES, ELBOWS, HEELS, HIPS, KNEES, SHOULDERS, TOES, WRISTS, Placed
from qevd_bio.pose.fit.rotations import Float, unit

_PAIRS = ((KNEES, HIPS), (ANKLES, KNEES), (TOES, HEELS), (ELBOWS, SHOULDERS), (WRISTS, ELBOWS))


def _bone_matrix() -> Float:
    """Bones as differences of the 16 markers: hip line, shoulder line, trunk, then both sides of _PAIRS."""
    rows = np.zeros((3 + 2 * len(_PAIRS), 8, 2))
    rows[0, HIPS] = rows[1, SHOULDERS] = (-1.0, 1.0)
    rows[2, SHOULDERS], rows[2, HIPS] = 0.5, -0.5
    for i, (end, start) in enumerate(_PAIRS):
        for side in range(2):
            rows[3 + 2 * i + side, end, side] = 1.0
            rows[3 + 2 * i + side, start, side] = -1.0
    return rows.reshape(len(rows), 16)


BONES: Float = _bone_matrix()
"""(13, 16): bones from the markers."""
HIP_LINE, TRUNK = 0, 2
THIGHS, SHANKS, UPPER_ARMS, FOREARMS = slice(3, 5), slice(5, 7), slice(9, 11), slice(11, 13)
KINDS = ("hip_line", "shoulder_line", "trunk", "thigh", "shank", "foot", "upper_arm", "forearm")
N_KINDS = len(KINDS)
BONE_KIND: NDArray[np.intp] = np.array([0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7])

# By kind, for a body that faces the camera: depth is multiplied by the gain where it is well above the dead zone
# (metres); less is mostly the model's own resting pose.
FRONT_GAIN = np.array([1.0, 1.0, 1.0, 1.6, 1.6, 1.0, 1.2, 3.3])
FRONT_DEAD = np.array([1e-6, 1e-6, 1e-6, 0.15, 0.20, 1e-6, 0.05, 0.07])

GAIN_SD, GAIN_LOW, GAIN_HIGH = 0.2, 0.7, 2.5
BIAS_SD = np.array([0.005, 0.005, 0.300, 0.005, 0.005, 0.005, 0.005, 0.005])
DEPTH_NOISE = 0.06
INDEPENDENT_BONES = 30.0  # neighbouring frames share their errors


def world_bones(markers: Float) -> Float:
    """Bones (T, 13, 3) of level world markers (T, 8, 2, 3), with what is known of their depth corrected."""
    bones = BONES @ markers.reshape(len(markers), 16, 3)
    across, depth = bones[:, HIP_LINE, 0] ** 2, bones[:, HIP_LINE, 2] ** 2
    faces = across / np.maximum(across + depth, 1e-9)
    square = bones[..., 2] ** 2
    gain = FRONT_GAIN[BONE_KIND] * square / (square + FRONT_DEAD[BONE_KIND] ** 2)
    bones[..., 2] *= 1.0 + (gain - 1.0) * faces[:, None]
    return np.asarray(bones)


def flexion_of(bones: Float) -> Float:
    """Bend (T, 2, 2) in radians of knees and elbows, right and left, in bones (T, 13, 3)."""
    return np.stack(
        [_bend(bones[:, THIGHS], bones[:, SHANKS]), _bend(bones[:, UPPER_ARMS], bones[:, FOREARMS])], axis=1
    )


def _bend(first: Float, second: Float) -> Float:
    cosine = np.einsum("tsi,tsi->ts", unit(first), unit(second))
    return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)))


def bone_trust(trust: Float) -> Float:
    """Trust (T, 13) of the bones: geometric mean of their markers' (T, 8, 2)."""
    ends = (BONES != 0.0).astype(float)
    return np.asarray(np.exp(np.log(trust.reshape(len(trust), 16)) @ ends.T / ends.sum(1)))


def facing(placed: Placed) -> Float:
    """Cosine (T,) between the pelvis' forward axis and the direction to the camera."""
    return placed.pelvis[:, 2, 2]


def calibrated(bones: Float, gain: Float, bias: Float, towards: Float) -> Float:
    """Bones (T, 13, 3) with a clip's gain and bias (8,) of the depth; the bias follows the body's heading."""
    out = bones.copy()
    out[..., 2] = gain[BONE_KIND] * out[..., 2] + bias[BONE_KIND] * towards[:, None]
    return out


def calibrate_depth(placed: Placed, bones: Float, trust: Float) -> tuple[Float, Float]:
    """Gain and bias (8,) that carry the world bones' depth to the fitted bones' (ridge regression by kind)."""
    model = (BONES @ placed.markers.reshape(len(placed.markers), 16, 3))[..., 2]
    towards = facing(placed)[:, None] * np.ones(len(BONES))
    gain, bias = np.empty(N_KINDS), np.empty(N_KINDS)
    for kind in range(N_KINDS):
        own = kind == BONE_KIND
        weight = trust[:, own].ravel()
        columns = np.stack([bones[:, own, 2].ravel(), towards[:, own].ravel()], axis=1)
        weight = weight * min(1.0, INDEPENDENT_BONES / max(weight.sum(), 1e-9)) / DEPTH_NOISE**2
        normal = columns.T @ (weight[:, None] * columns) + np.diag([GAIN_SD**-2, BIAS_SD[kind] ** -2])
        right = columns.T @ (weight * model[:, own].ravel()) + [GAIN_SD**-2, 0.0]
        gain[kind], bias[kind] = np.linalg.solve(normal, right)
    return np.clip(gain, GAIN_LOW, GAIN_HIGH), bias
