"""What is known of a body without looking: joint limits as soft walls, and rules for what landmarks do not show."""

from __future__ import annotations

import numpy as np

from qevd_bio.anatomy.axes import BODY_TO_WORLD
from qevd_bio.anatomy.rotations import triple_of
from qevd_bio.pose.fit.chain import ANKLE, ELBOW, HIP, KNEE, N_VARIABLES, SHOULDER, SPINE, SUBTALAR, State
from qevd_bio.pose.fit.rotations import Float, log_rotation, swing

_DEG = np.pi / 180.0
WALL_SD = 3.0 * _DEG
# Spine as a rotation vector (side axis: flexion; up: twist; forward: bending). Landmarks show no pelvic tilt apart
# from the trunk's, so flexion is held near zero and the pelvis takes the trunk's lean.
SPINE_SD = np.array([4.0, 15.0, 9.0]) * _DEG
ANKLE_SD, SUBTALAR_SD, ARM_TWIST_SD = 20.0 * _DEG, 6.0 * _DEG, 30.0 * _DEG
# hip triple (rotation, adduction, flexion): centre, spread, soft limits
HIP_CENTRE = np.array([0.0, -5.0, 0.0]) * _DEG
HIP_SD = np.array([25.0, 31.0, 44.0]) * _DEG
HIP_LOW, HIP_HIGH = np.array([-60.0, -70.0, -35.0]) * _DEG, np.array([60.0, 40.0, 140.0]) * _DEG
HINGE_LOW, HINGE_HIGH = -2.0 * _DEG, 155.0 * _DEG


def add_priors(state: State, flexion: Float, flexion_sd: Float, normal: Float, gradient: Float) -> None:
    """Add the priors' information to the normal matrices (T, 29, 29) and gradients (T, 29), in place.

    flexion (T, 2, 2) of knees and elbows is what the evidence says of it by itself, with its spread.
    """
    flexion_sd = np.broadcast_to(flexion_sd, flexion.shape)
    _diagonal(normal, gradient, list(range(N_VARIABLES))[SPINE], state.spine, SPINE_SD)
    _diagonal(normal, gradient, list(ANKLE), state.ankle, ANKLE_SD)
    _diagonal(normal, gradient, list(SUBTALAR), state.subtalar, SUBTALAR_SD)
    _diagonal(normal, gradient, list(KNEE), state.knee - flexion[:, 0], flexion_sd[:, 0])
    _diagonal(normal, gradient, list(ELBOW), state.elbow - flexion[:, 1], flexion_sd[:, 1])
    for column, angle in ((KNEE, state.knee), (ELBOW, state.elbow)):
        over = np.minimum(angle - HINGE_LOW, 0.0) + np.maximum(angle - HINGE_HIGH, 0.0)
        _diagonal(normal, gradient, list(column), over, np.where(over != 0.0, WALL_SD, np.inf))
    for side in range(2):
        _hip(state.hip[:, side], side, normal, gradient)
        _arm_twist(state.shoulder[:, side], side, normal, gradient)


def _diagonal(normal: Float, gradient: Float, columns: list[int], error: Float, spread: Float | float) -> None:
    information = 1.0 / np.square(np.broadcast_to(spread, error.shape))
    normal[:, columns, columns] += information
    gradient[:, columns] += information * error


def hip_triple(hip: Float, side: int) -> Float:
    """(rotation, adduction, flexion) (..., 3) of thigh rotations (..., 3, 3); both sides with the same signs."""
    found = triple_of(BODY_TO_WORLD.T @ hip @ BODY_TO_WORLD, "YXZ")
    return found * ([1.0, 1.0, 1.0] if side == 0 else [-1.0, -1.0, 1.0])


def _hip(hip: Float, side: int, normal: Float, gradient: Float) -> None:
    angles = hip_triple(hip, side)
    error = (angles - HIP_CENTRE) / HIP_SD**2
    over = np.minimum(angles - HIP_LOW, 0.0) + np.maximum(angles - HIP_HIGH, 0.0)
    information = HIP_SD**-2.0 + np.where(over != 0.0, WALL_SD**-2, 0.0)
    error = error + over / WALL_SD**2
    rates = _triple_rates(angles, side)
    block = slice(HIP[side].start, HIP[side].stop)
    normal[:, block, block] += np.swapaxes(rates, -1, -2) @ (information[..., None] * rates)
    gradient[:, block] += np.einsum("tij,ti->tj", rates, error)


def _triple_rates(angles: Float, side: int) -> Float:
    """Derivative of the hip triple by a small turn about the thigh's own axes (level axes), (T, 3, 3)."""
    mirror = 1.0 if side == 0 else -1.0
    adduction, flexion = mirror * angles[:, 1], angles[:, 2]
    cos_a = np.maximum(np.cos(adduction), 0.2)
    rates = np.zeros((len(angles), 3, 3))
    rates[:, 0, 0], rates[:, 0, 1] = np.sin(flexion) / cos_a, np.cos(flexion) / cos_a
    rates[:, 1, 0], rates[:, 1, 1] = np.cos(flexion), -np.sin(flexion)
    rates[:, 2] = np.sin(adduction)[:, None] * rates[:, 0]
    rates[:, 2, 2] += 1.0
    rates[:, :2] *= mirror
    return rates @ BODY_TO_WORLD.T


def _arm_twist(shoulder: Float, side: int, normal: Float, gradient: Float) -> None:
    """Hold the upper arm's turn about itself near the smallest turn from the T-pose."""
    outward = np.array([-1.0 if side == 0 else 1.0, 0.0, 0.0])
    rest = swing(outward, shoulder @ outward)
    twist = log_rotation(np.swapaxes(rest, -1, -2) @ shoulder)[:, 0]
    column = SHOULDER[side].start
    normal[:, column, column] += ARM_TWIST_SD**-2
    gradient[:, column] += twist / ARM_TWIST_SD**2
