"""Gravity: feet stand on a floor, and an upright body stands above its feet and does not lean back.

Of two depths that look the same in the image these rows prefer the one in which nobody floats or falls over. "Up" is
a direction in camera axes: the rows of `level` (3, 3) are the level frame's axes (right, up, to the camera).
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


def stance_rows(placed: Placed, derivative: Float, trust: Float, floor: float, level: Float) -> tuple[Float, Float]:
    """Rows (T, 5, n) and residuals (T, 5): both feet on the floor, the body above its feet, no lean backward."""
    parts = [
        _floor_rows(placed, derivative, trust, floor, level),
        _balance_rows(placed, derivative, trust, level),
        _lean_rows(placed, derivative, level),
    ]
    return np.concatenate([p[0] for p in parts], axis=1), np.concatenate([p[1] for p in parts], axis=1)


def floor_height(placed: Placed, trust: Float, level: Float) -> float:
    """Height of the floor: where the lower foot is in the lower part of the frames, weighted by trust."""
    low = (placed.markers[:, HEELS:] @ level[1]).min((1, 2))
    order = np.argsort(low, kind="stable")
    share = np.cumsum(trust[:, HEELS:].mean((1, 2))[order])
    return float(low[order][np.searchsorted(share, FLOOR_SHARE * share[-1])])


def uprightness(placed: Placed, level: Float) -> Float:
    """1 (T,) for a body that stands, 0 for one that lies."""
    return np.asarray(np.clip(np.einsum("tij,i->tj", placed.pelvis, level[1])[:, 1], 0.0, 1.0) ** 2)


def _floor_rows(placed: Placed, derivative: Float, trust: Float, floor: float, level: Float) -> tuple[Float, Float]:
    """Rows (T, 2, n): the lower end of each foot against the floor.

    They tie the body's distance to where its feet are in the image, so that a crouch cannot pass for a step towards
    the camera.
    """
    frames, sides = np.arange(len(placed.markers))[:, None], np.arange(2)
    heights = placed.markers[:, HEELS:] @ level[1]
    low = HEELS + heights.argmin(1)
    height = heights.min(1) - floor
    weight = np.sqrt(trust[frames, low, sides]) / FLOOR_SD
    weight = weight / np.sqrt(1.0 + (height * weight / FLOOR_SPREADS) ** 2)
    rows = np.einsum("tsic,i->tsc", derivative[frames, low, sides], level[1])
    return rows * weight[..., None], height * weight


def _balance_rows(placed: Placed, derivative: Float, trust: Float, level: Float) -> tuple[Float, Float]:
    """Rows (T, 2, n): the trunk's middle above the ankles, sideways and along the camera's axis. They fade out as the
    body lies down.
    """
    frames, columns = len(placed.markers), derivative.shape[-1]
    ground = level[[0, 2]]
    points = placed.markers.reshape(frames, 16, 3)
    offset = np.einsum("m,tmi,gi->tg", BALANCE, points, ground)
    slopes = np.einsum("m,tmic,gi->tgc", BALANCE, derivative.reshape(frames, 16, 3, columns), ground, optimize=True)
    weight = uprightness(placed, level) * np.sqrt(trust[:, ANKLES].mean(1)) / BALANCE_SD
    return slopes * weight[:, None, None], offset * weight[:, None]


def _lean_rows(placed: Placed, derivative: Float, level: Float) -> tuple[Float, Float]:
    """Rows (T, 1, n): the trunk's lean forward of the pelvis, where it is too little."""
    frames, columns = len(placed.markers), derivative.shape[-1]
    front = placed.pelvis[:, :, 2]
    forward = unit(front - (front @ level[1])[:, None] * level[1])
    trunk = np.einsum("m,tmi->ti", BONES[TRUNK], placed.markers.reshape(frames, 16, 3))
    over = np.minimum(np.einsum("ti,ti->t", trunk, forward) - LEAN_LEAST, 0.0)
    wall = np.where(over < 0.0, uprightness(placed, level) / LEAN_SD, 0.0)
    slopes = np.einsum("m,tmic->tic", BONES[TRUNK], derivative.reshape(frames, 16, 3, columns))
    rows = np.einsum("tic,ti->tc", slopes, forward) * wall[:, None]
    return rows[:, None], (over * wall)[:, None]
