"""The reduced chain against forward kinematics and finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.fit.angles import angles_of
from qevd_bio.pose.fit.chain import (
    ANKLES,
    ELBOWS,
    KNEES,
    LENGTHS,
    N_VARIABLES,
    SHOULDERS,
    SPINE,
    WRISTS,
    Chain,
    State,
    jacobian,
    length_jacobian,
    place,
    rest_state,
)
from qevd_bio.pose.fit.prior import _triple_rates, hip_triple
from qevd_bio.pose.fit.rotations import exp_rotation, log_rotation, swing

SKELETON = Skeleton.from_stature(1.75)
CHAIN = Chain.of(SKELETON)


PAIRED = ((SHOULDERS, "shoulder"), (ELBOWS, "elbow"), (WRISTS, "wrist"), (KNEES, "knee"), (ANKLES, "ankle"))
"""Rows of the markers that stand for a joint of both sides."""


def some_state(frames: int = 6, spine: float = 1.0) -> State:
    draw = np.random.default_rng(1)
    step = draw.normal(0.0, 0.4, (frames, N_VARIABLES))
    step[:, SPINE] *= spine
    state = rest_state(frames).moved(step)
    return state.moved(np.abs(step) * 0.5)


def test_the_zero_pose_stands_where_the_skeleton_does() -> None:
    markers = place(CHAIN, rest_state(1)).markers[0]
    for row, joint in PAIRED:
        for i, side in enumerate("rl"):
            expected = SKELETON.place(f"{joint}_{side}") - SKELETON.place("pelvis")
            np.testing.assert_allclose(markers[row, i], expected, atol=1e-12)


def test_angles_of_a_state_put_the_joints_where_the_chain_has_them() -> None:
    """Against the anatomy room's forward kinematics; without spine bending, where its arcs add a shift."""
    state = some_state(spine=0.0)
    head = np.tile(np.eye(3), (len(state), 1, 1))
    pose = forward_kinematics(angles_of(state, head), SKELETON, state.trans)
    markers = place(CHAIN, state).markers
    for row, joint in PAIRED:
        for i, side in enumerate("rl"):
            np.testing.assert_allclose(markers[:, row, i], pose.place(f"{joint}_{side}"), atol=1e-9)


def test_the_spine_is_shared_sixty_to_forty() -> None:
    turn = rest_state(1)
    angles = angles_of(turn.moved(np.eye(1, N_VARIABLES, SPINE.start + 1) * 0.5), np.eye(3)[None])
    assert angles[0, DOF_INDEX["lumbar_twist"]] == pytest.approx(0.3)
    assert angles[0, DOF_INDEX["thorax_twist"]] == pytest.approx(0.2)


def test_jacobian_equals_finite_differences() -> None:
    state = some_state(spine=0.0)
    slopes = jacobian(place(CHAIN, state))
    for k in range(N_VARIABLES):
        step = np.zeros((len(state), N_VARIABLES))
        step[:, k] = 1e-5
        change = place(CHAIN, state.moved(step)).markers - place(CHAIN, state.moved(-step)).markers
        np.testing.assert_allclose(slopes[..., k], change / 2e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["thigh", "shank", "upper_arm", "forearm"])
def test_length_jacobian_equals_finite_differences(name: str) -> None:
    state = some_state()
    lengths = SKELETON.lengths()
    grown = {f"{name}_{side}": lengths[f"{name}_{side}"] * np.exp(1e-5) for side in "rl"}
    change = place(Chain.of(SKELETON.with_lengths(grown)), state).markers - place(CHAIN, state).markers
    slopes = length_jacobian(CHAIN, place(CHAIN, state))[..., LENGTHS.index(name)]
    joints = [SHOULDERS, ELBOWS, WRISTS, KNEES, ANKLES]  # the hip marker's offset goes with the stature instead
    np.testing.assert_allclose(slopes[:, joints], change[:, joints] / 1e-5, atol=1e-4)


@pytest.mark.parametrize("side", [0, 1])
def test_hip_triple_rates_equal_finite_differences(side: int) -> None:
    hip = some_state().hip[:, side]
    rates = _triple_rates(hip_triple(hip, side), side)
    for k in range(3):
        turn = exp_rotation(np.eye(3)[k] * 1e-6)
        change = hip_triple(hip @ turn, side) - hip_triple(hip, side)
        np.testing.assert_allclose(rates[:, :, k], change / 1e-6, atol=1e-4)


def test_rotation_vectors_come_back() -> None:
    vectors = np.random.default_rng(0).normal(0.0, 0.8, (50, 3))
    np.testing.assert_allclose(log_rotation(exp_rotation(vectors)), vectors, atol=1e-9)
    tiny = np.array([[1e-9, 0.0, 0.0]])
    np.testing.assert_allclose(log_rotation(exp_rotation(tiny)), tiny, atol=1e-12)


def test_swing_is_the_smallest_turn() -> None:
    start, end = np.array([1.0, 0.0, 0.0]), np.array([[0.0, 0.6, 0.8]])
    turn = swing(start, end)
    np.testing.assert_allclose(turn @ start, end, atol=1e-12)
    assert np.linalg.norm(log_rotation(turn)) == pytest.approx(np.pi / 2.0)
