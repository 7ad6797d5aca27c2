"""Rotations back to angles: round trips, conversions from OpenSim's order, gimbal lock, continuity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from qevd_bio.anatomy.continuity import continuous_angles, continuous_triple, other_triple, unwrap, wrap
from qevd_bio.anatomy.dofs import DOF_INDEX, JOINT_DOFS, JOINTS
from qevd_bio.anatomy.forward import forward_kinematics, joint_rotation
from qevd_bio.anatomy.inverse import angles_from_rotations, joint_angles, joint_matrix
from qevd_bio.anatomy.rotations import about_axis, triple_of, twist_about
from qevd_bio.anatomy.skeleton import Skeleton

SKELETON = Skeleton.from_stature(1.7)
principal = arrays(np.float64, (46,), elements=st.floats(-1.5, 1.5))


@settings(max_examples=60, deadline=None)
@given(principal)
def test_angles_survive_the_way_through_rotations(angles) -> None:
    pose = forward_kinematics(angles, SKELETON)
    assert np.allclose(angles_from_rotations(pose.rotations), angles, atol=1e-9)


@pytest.mark.parametrize("joint", [joint.name for joint in JOINTS if len(joint.euler) == 3])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_any_rotation_of_a_triple_joint_is_reached(joint, seed) -> None:
    matrix = Rotation.random(random_state=seed).as_matrix()
    angles = np.zeros(46)
    angles[list(JOINT_DOFS[joint])] = joint_angles(joint, matrix)
    assert np.allclose(joint_rotation(joint, angles), matrix, atol=1e-9)


@pytest.mark.parametrize("order", ["YXZ", "YZX", "XZY", "ZYX", "XYZ", "ZXY"])
def test_triples_agree_with_scipy(order) -> None:
    matrices = Rotation.random(200, random_state=1)
    expected = matrices.as_euler(order)
    assert np.allclose(triple_of(matrices.as_matrix(), order), expected, atol=1e-9)


@pytest.mark.parametrize("order", ["YXZ", "YZX", "XZY", "ZYX"])
@pytest.mark.parametrize("middle", [90.0, -90.0])
def test_gimbal_lock_keeps_the_rotation(order, middle) -> None:
    matrix = Rotation.from_euler(order, [40, middle, 25], degrees=True).as_matrix()
    found = triple_of(matrix, order)
    assert found[2] == 0.0
    assert np.allclose(Rotation.from_euler(order, found).as_matrix(), matrix, atol=1e-7)


def test_opensim_squat_bottom_becomes_the_published_skel_triple() -> None:
    """OpenSim flexion 105.4, adduction -12.4, rotation 1.0 is SKEL 105.1, 2.3, -12.2."""
    turns = [("Z", 105.4), ("X", -12.4), ("Y", 1.0)]
    matrix = joint_matrix("hip_r", *((letter, np.deg2rad(value)) for letter, value in turns))
    assert np.rad2deg(joint_angles("hip_r", matrix)) == pytest.approx([105.1, 2.3, -12.2], abs=0.06)


@pytest.mark.parametrize(
    ("flexion", "adduction", "expected_x"), [(0, 0, 90), (0, -90, 0), (0, -150, -60)], ids=["down", "90", "150"]
)
def test_opensim_arm_becomes_the_published_shoulder_x(flexion, adduction, expected_x) -> None:
    """D = Rz(f) Rx(a) Ry(r) Rx(90): anatomical arm +90, abduction 90 -> 0, abduction 150 -> -60 (right)."""
    turns = [("Z", flexion), ("X", adduction), ("Y", 0), ("X", 90)]
    # the turn is given in body axes: the pelvis bone has none of its own
    matrix = joint_matrix("pelvis", *((letter, np.deg2rad(value)) for letter, value in turns))
    assert np.rad2deg(joint_angles("shoulder_r", matrix))[0] == pytest.approx(expected_x, abs=1e-6)


def test_hinge_takes_the_twist_and_leaves_the_swing() -> None:
    axis = np.array([0.0, 0.0, 1.0])
    swing = about_axis(np.array([1.0, 0.0, 0.0]), np.array(0.4))
    assert twist_about(swing @ about_axis(axis, np.array(0.7)), axis) == pytest.approx(0.7)
    assert twist_about(about_axis(axis, np.array([-3.0, 3.0])), axis) == pytest.approx([-3.0, 3.0])


def test_other_triple_is_the_same_rotation() -> None:
    triple = np.array([0.3, 1.2, -0.8])
    once, twice = (Rotation.from_euler("ZYX", t[::-1]) for t in (triple, other_triple(triple)))
    assert np.allclose(once.as_matrix(), twice.as_matrix())


def test_a_track_through_the_middle_angles_90_degrees_stays_smooth() -> None:
    true = np.stack([np.full(61, 0.2), np.deg2rad(np.linspace(60, 120, 61)), np.full(61, -0.4)], axis=1)
    matrices = Rotation.from_euler("ZYX", true[:, ::-1]).as_matrix()
    principal_track = triple_of(matrices, "ZYX")[:, ::-1]
    assert np.abs(np.diff(principal_track, axis=0)).max() > 2.0
    # one frame lies exactly in gimbal lock, where first and last are only known together
    apart = np.abs(true[:, 1] - np.pi / 2) > 1e-3
    assert np.allclose(continuous_triple(principal_track[apart]), true[apart], atol=1e-6)


def test_a_turn_runs_on_past_a_half_turn() -> None:
    heading = np.linspace(0, 4 * np.pi, 200)
    angles = np.zeros((200, 46))
    angles[:, DOF_INDEX["pelvis_rotation"]] = wrap(heading)
    assert np.allclose(continuous_angles(angles)[:, DOF_INDEX["pelvis_rotation"]], heading)


def test_other_joints_are_not_unwrapped() -> None:
    angles = np.zeros((2, 46))
    angles[1, DOF_INDEX["knee_angle_r"]] = 6.0
    assert (continuous_angles(angles) == angles).all()


def test_nan_frames_are_bridged_and_stay_nan() -> None:
    track = np.array([3.0, np.nan, -3.0, -2.9])
    result = unwrap(track)
    assert np.isnan(result).tolist() == [False, True, False, False]
    assert result[2:] == pytest.approx([2 * np.pi - 3.0, 2 * np.pi - 2.9])
    triples = np.stack([track] * 3, axis=1) * [1, 0, 1]
    assert np.isnan(continuous_triple(triples)).any(axis=1).tolist() == [False, True, False, False]
    assert continuous_triple(np.full((3, 3), np.nan)).shape == (3, 3)
