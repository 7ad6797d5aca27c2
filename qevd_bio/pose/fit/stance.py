"""Gravity: feet stand on a floor, and an upright body stands above its feet and does not lean back.

Of two depths that look the same in the image these rows prefer the one in which nobody floats or falls over.
"""

from __future__ import annotations

import numpy as np

from qevd_bio.pose.fit.chain import ANKLES, HEELS, HIPS, SHOULDERS, Placed
from qevd_bio.pose.fit.rotations import Float, unit
from qevd_bio.pose.fit.world import BONES, TRUNK

# A standing foot keeps to the floor; one further away than a few of these (metres) is lifted and not bound.
FLOOR_SD, FLOOR_SPREADS = 0.02, 4.0
# Share of frames in which the lower foot is below the height taken for the floor.
FLOOR_SHARE = 0.4
BALANCE_SD = 0.1
# An upright trunk's top is hardly ever less than this in front of its foot, metres.
LEAN_LEAST, LEAN_SD = 0.03, 0.02


def _balance() -> Float:
    """Weights (16,) of the markers: the middle of hips and shoulders against the middle of the ankles."""
    weights = np.zeros((8, 2))
    weights[HIPS], weights[SHOULDERS], weights[ANKLES] = 0.25, 0.25, -0.5
    return weights.ravel()


BALANCE: Float = _balance()


def floor_rows(placed: Placed, derivative: Float, trust: Float, floor: float) -> tuple[Float, Float]:
    """Rows (T, 2, n) and residuals (T, 2): the lower end of each foot against the floor.

    They tie the body's distance to where its feet are in the image, so that a crouch cannot pass for a step towards
    the camera.
    """
    frames, sides = np.arange(len(placed.markers))[:, None], np.arange(2)
    low = HEELS + placed.markers[:, HEELS:, :, 1].argmin(1)
    height = placed.markers[frames, low, sides, 1] - floor
    weight = np.sqrt(trust[frames, low, sides]) / FLOOR_SD
    weight = weight / np.sqrt(1.0 + (height * weight / FLOOR_SPREADS) ** 2)
    return derivative[frames, low, sides, 1] * weight[..., None], height * weight


def floor_height(placed: Placed, trust: Float) -> float:
    """Height of the floor: where the lower foot is in the lower part of the frames, weighted by trust."""
    low = placed.markers[:, HEELS:, :, 1].min((1, 2))
    order = np.argsort(low)
    share = np.cumsum(trust[:, HEELS:].mean((1, 2))[order])
    return float(low[order][np.searchsorted(share, FLOOR_SHARE * share[-1])])


def balance_rows(placed: Placed, derivative: Float, trust: Float) -> tuple[Float, Float]:
    """Rows (T, 2, n) and residuals (T, 2): the trunk's middle above the ankles along the camera's axis, and the
    trunk's lean forward of the pelvis. Both fade out as the body lies down.
    """
    frames, columns = len(placed.markers), derivative.shape[-1]
    points = placed.markers.reshape(frames, 16, 3)
    slopes = derivative.reshape(frames, 16, 3, columns)
    upright = np.clip(placed.pelvis[:, 1, 1], 0.0, 1.0) ** 2
    offset = points[..., 2] @ BALANCE
    weight = upright * np.sqrt(trust[:, ANKLES].mean(1)) / BALANCE_SD
    forward = unit(placed.pelvis[:, :, 2] * [1.0, 0.0, 1.0])
    over = np.minimum(np.einsum("i,tij,tj->t", BONES[TRUNK], points, forward) - LEAN_LEAST, 0.0)
    wall = np.where(over < 0.0, upright / LEAN_SD, 0.0)
    rows = np.stack(
        [
            np.einsum("i,tic->tc", BALANCE, slopes[:, :, 2]) * weight[:, None],
            np.einsum("i,tijc,tj->tc", BONES[TRUNK], slopes, forward) * wall[:, None],
        ],
        axis=1,
    )
    return rows, np.stack([offset * weight, over * wall], axis=1)
