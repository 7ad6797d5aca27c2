"""The interpolation in closed form, arm directions and back, and mirrored poses."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.anatomy.derived import derive
from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.geometry import foot_pitch
from qevd_bio.anatomy.mirror import mirror_angles
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.poses import base_poses, mirror_channels, read_pose, to_angles
from qevd_bio.exercise.trajectory import periodic
from qevd_bio.store.errors import UserError

SKELETON = Skeleton.from_stature()


def pose(**words: object) -> np.ndarray:
    return read_pose(words, base_poses())


def test_between_rests_the_course_is_minimum_jerk() -> None:
    at = np.linspace(0, 1, 2001)
    course = periodic(np.array([0.0, 0.5]), np.array([[0.0], [10.0]]), at)[:, 0]
    u = at[:1001] / 0.5
    np.testing.assert_allclose(course[:1001], 10 * (10 * u**3 - 15 * u**4 + 6 * u**5), atol=1e-9)
    # Peak velocity of a minimum-jerk movement: 1.875 times the mean velocity.
    assert np.diff(course).max() * 2000 == pytest.approx(1.875 * 10 / 0.5, rel=1e-3)


def test_no_overshoot_through_keys_on_the_way() -> None:
    phases = np.array([0.0, 0.1, 0.35, 0.5, 0.8])
    keys = np.array([[0.0], [1.0], [20.0], [21.0], [5.0]])
    course = periodic(phases, keys, np.linspace(0, 1, 1001))[:, 0]
    np.testing.assert_allclose(course[[0, 100, 350, 500, 800, 1000]], [0, 1, 20, 21, 5, 0], atol=1e-9)
    assert (np.diff(course[:501]) >= -1e-9).all() and (np.diff(course[500:]) <= 1e-9).all()


def test_seam_is_smooth() -> None:
    course = periodic(np.array([0.0, 0.3, 0.6]), np.array([[1.0], [4.0], [-2.0]]), np.linspace(0, 1, 1001))[:, 0]
    assert course[0] == course[-1]
    assert abs(np.diff(course)[[0, -1]]).max() < 1e-3


def test_one_key_is_a_hold_and_bad_phases_are_refused() -> None:
    hold = periodic(np.array([0.0]), np.array([[3.0, 4.0]]), np.linspace(0, 1, 5))
    np.testing.assert_array_equal(hold, np.tile([3.0, 4.0], (5, 1)))
    for phases in ([0.1, 0.5], [0.0, 0.0], [0.0, 1.0]):
        with pytest.raises(ValueError, match="do not increase"):
            periodic(np.array(phases), np.zeros((2, 1)), np.linspace(0, 1, 5))


@pytest.mark.parametrize("side", ["r", "l"])
@pytest.mark.parametrize("elevation", [15, 60, 90, 140])
@pytest.mark.parametrize("azimuth", [-70, 0, 45, 90, 120])
def test_arm_directions_come_back(side: str, elevation: float, azimuth: float) -> None:
    channels = pose(
        arms={"elevation": elevation, "azimuth": azimuth, "external": 20}, scapula_upward_rot=15, thorax_twist=20
    )
    angles = to_angles(channels[None])
    body = forward_kinematics(angles, SKELETON)
    assert derive(f"shoulder_elevation_{side}", angles, body)[0] == pytest.approx(elevation, abs=1e-6)
    assert derive(f"horizontal_adduction_{side}", angles, body)[0] == pytest.approx(azimuth, abs=1e-6)


@pytest.mark.parametrize("side", ["r", "l"])
def test_external_rotation_turns_the_forearm_from_forward_to_up(side: str) -> None:
    for external, axis in ((0.0, 2), (90.0, 1)):
        channels = pose(arms={"elevation": 90, "azimuth": 0, "external": external}, elbow_flexion=90)
        body = forward_kinematics(to_angles(channels[None]), SKELETON)
        forearm = (body.place(f"wrist_{side}") - body.place(f"elbow_{side}"))[0]
        assert forearm[axis] / np.linalg.norm(forearm) > 0.97


def test_a_hanging_arm_bends_forward() -> None:
    channels = pose(arms={"elevation": 0, "azimuth": 80}, elbow_flexion=90)
    body = forward_kinematics(to_angles(channels[None]), SKELETON)
    forearm = (body.place("wrist_r") - body.place("elbow_r"))[0]
    assert forearm[2] / np.linalg.norm(forearm) > 0.97


def test_soles_are_level_where_they_should_be() -> None:
    channels = pose(**{"from": "standing"}, hip_flexion=70, knee_angle=80, hip_rotation=-15, pelvis_tilt=-20)
    body = forward_kinematics(to_angles(channels[None]), SKELETON)
    for side in "rl":
        assert abs(foot_pitch(body, side)[0]) < 1e-6


def test_a_plank_stands_on_hands_and_toes() -> None:
    body = forward_kinematics(to_angles(pose(**{"from": "plank"})[None]), SKELETON)
    heights = body.places(("wrist_r", "wrist_l", "toe_tip_r", "toe_tip_l"))[0, :, 1]
    assert np.ptp(heights) < 0.005


def test_mirrored_channels_give_mirrored_angles() -> None:
    channels = pose(
        arm_r={"elevation": 60, "azimuth": 30},
        arm_l={"elevation": 20, "azimuth": 80},
        hip_flexion_r=50,
        lumbar_twist=10,
    )
    right, left = to_angles(channels[None]), to_angles(mirror_channels(channels)[None])
    np.testing.assert_allclose(left, mirror_angles(right), atol=1e-9)
    assert left[0, DOF_INDEX["hip_flexion_l"]] == pytest.approx(np.deg2rad(50))


@pytest.mark.parametrize(
    "words",
    [
        {"knee": 5},
        {"knee_angle": "bent"},
        {"arms": {"height": 3}},
        {"from": "sitting"},
        {"feet": "tiptoe"},
        {"shoulder_r_x": 3},
    ],
)
def test_unknown_words_are_refused(words: dict[str, object]) -> None:
    with pytest.raises(UserError):
        pose(**words)


def test_a_bad_pose_names_the_exercise_and_the_pose() -> None:
    import dataclasses

    from qevd_bio.exercise import catalogue
    from qevd_bio.exercise.trajectory import build_angles

    squat = catalogue.get("squats")
    assert squat.reference is not None
    bad = dataclasses.replace(squat.reference, poses={**squat.reference.poses, "top": {"knee": 3.0}})
    with pytest.raises(UserError, match=r"squats\.yaml: reference\.poses\.top"):
        build_angles(dataclasses.replace(squat, reference=bad))
    missing = dataclasses.replace(squat.reference, poses={"bottom": squat.reference.poses["bottom"]})
    with pytest.raises(UserError, match="unknown pose 'top'"):
        build_angles(dataclasses.replace(squat, reference=missing))
    with pytest.raises(UserError, match="no `reference` block"):
        build_angles(dataclasses.replace(squat, reference=None))
