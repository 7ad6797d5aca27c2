"""Heights, steps and lines on poses whose values follow from bone lengths and angles."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.anatomy.derived import QUANTITIES, derive
from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.mirror import mirror_angles
from qevd_bio.anatomy.skeleton import Skeleton

SKELETON = Skeleton.from_stature(1.75)


def posed(**degrees: float):  # type: ignore[no-untyped-def]
    angles = np.zeros(46)
    for name, number in degrees.items():
        angles[DOF_INDEX[name]] = np.deg2rad(number)
    return angles, forward_kinematics(angles, SKELETON)


def value(quantity: str, **degrees: float) -> float:
    return float(derive(quantity, *posed(**degrees)))


def places(**degrees: float):  # type: ignore[no-untyped-def]
    pose = posed(**degrees)[1]
    return lambda name: pose.place(name) / 1.75


STAND = places()
THIGH = float(np.linalg.norm(STAND("hip_r") - STAND("knee_r")))
SHANK = float(np.linalg.norm(STAND("knee_r") - STAND("ankle_r")))
ANKLE = value("hips_height") - THIGH - SHANK


def test_heights_of_a_standing_body_are_sums_of_bones() -> None:
    assert value("knee_height_r") == pytest.approx(SHANK + ANKLE, abs=1e-3)
    assert value("chest_height") == pytest.approx(STAND("shoulder_r")[1] - STAND("toe_tip_r")[1], abs=0.03)
    assert value("foot_clearance_l") == pytest.approx(0.0, abs=1e-9)
    assert value("step_length") == pytest.approx(0.0, abs=1e-9)
    assert value("trunk_line") < 15.0


@pytest.mark.parametrize("bend", [30.0, 90.0])
def test_a_crouch_lowers_the_hips_by_the_thighs_cosine(bend: float) -> None:
    crouch = {f"hip_flexion_{s}": bend for s in "rl"} | {f"knee_angle_{s}": bend for s in "rl"}
    assert value("hips_height", **crouch) == pytest.approx(THIGH * np.cos(np.deg2rad(bend)) + SHANK + ANKLE, abs=0.02)


def test_a_lifted_leg_clears_the_floor_by_what_the_hip_lifts_it() -> None:
    # Thigh level, shank hanging: the knee rises by the whole thigh, and the sole with it.
    lifted = {"hip_flexion_r": 90.0, "knee_angle_r": 90.0}
    assert value("foot_clearance_r", **lifted) == pytest.approx(THIGH, abs=0.02)
    assert value("foot_clearance_l", **lifted) == pytest.approx(0.0, abs=1e-9)
    assert value("knee_height_r", **lifted) == pytest.approx(THIGH + SHANK + ANKLE, abs=0.02)


def test_a_split_makes_a_step() -> None:
    apart = 2 * (THIGH + SHANK) * np.sin(np.deg2rad(25.0))
    assert value("step_length", hip_flexion_r=25.0, hip_flexion_l=-25.0) == pytest.approx(apart, abs=0.01)


def test_legs_apart_widen_the_stance() -> None:
    wide = {"hip_adduction_r": -20.0, "hip_adduction_l": -20.0}
    spread = 2 * (THIGH + SHANK) * np.sin(np.deg2rad(20.0)) * 1.75
    shoulders = np.linalg.norm(STAND("shoulder_l") - STAND("shoulder_r")) * 1.75
    more = value("stance_shoulder_ratio", **wide) - value("stance_shoulder_ratio")
    assert more == pytest.approx(spread / shoulders, rel=0.05)


def test_a_leg_swung_in_leaves_its_knee_outside_the_foot() -> None:
    swung = value("knee_over_foot_r", hip_adduction_r=10.0)
    assert swung == pytest.approx(-SHANK * np.sin(np.deg2rad(10.0)), abs=1e-3)
    assert value("knee_over_foot_l", hip_adduction_l=10.0) == pytest.approx(-SHANK * np.sin(np.deg2rad(10.0)), abs=1e-3)


def test_toes_down_lift_the_heel() -> None:
    foot = float(np.linalg.norm(STAND("heel_r") - STAND("toe_tip_r")))
    gained = value("heel_toe_gap_r", ankle_angle_r=-30.0) - value("heel_toe_gap_r")
    assert gained == pytest.approx(foot * np.sin(np.deg2rad(30.0)), rel=0.15)


def test_an_arm_overhead_passes_the_head() -> None:
    assert value("hand_head_gap_l", shoulder_l_x=90.0) > 0.05
    assert value("hand_head_gap_l", shoulder_l_x=-90.0) < -0.3


def test_a_rounded_spine_bends_the_trunk() -> None:
    bent = value("trunk_line", lumbar_extension=-20.0, thorax_extension=-20.0)
    assert bent == pytest.approx(value("trunk_line") + 20.0, abs=20.0) and bent > value("trunk_line") + 5.0


@pytest.mark.parametrize("name", ["knee_height", "hand_head_gap", "foot_clearance", "heel_toe_gap", "knee_over_foot"])
def test_sides_change_places_in_the_mirror(name: str) -> None:
    angles = np.random.default_rng(3).uniform(-0.5, 0.5, (4, 46))
    mirrored = mirror_angles(angles)
    right = derive(f"{name}_r", angles, forward_kinematics(angles, SKELETON))
    left = derive(f"{name}_l", mirrored, forward_kinematics(mirrored, SKELETON))
    assert right == pytest.approx(left, abs=1e-9)
    assert set(QUANTITIES[f"{name}_r"].dofs)


@pytest.mark.parametrize("bend", [-30.0, 0.0, 40.0, 90.0, 120.0])
def test_the_bend_at_the_hip_is_the_hips_flexion_whatever_the_pelvis_does(bend: float) -> None:
    for tilt in (0.0, -70.0):
        assert value("trunk_thigh_bend_r", hip_flexion_r=bend, pelvis_tilt=tilt) == pytest.approx(bend, abs=1e-6)
        assert value("body_bend_r", hip_flexion_r=bend, pelvis_tilt=tilt) == pytest.approx(bend, abs=1e-6)


def test_a_bent_knee_takes_the_ankle_out_of_the_thighs_line() -> None:
    turned = np.rad2deg(np.arctan2(SHANK, THIGH))  # knee bent by 90 degrees
    assert value("trunk_thigh_bend_l", hip_flexion_l=90.0, knee_angle_l=90.0) == pytest.approx(90.0, abs=1e-6)
    assert value("body_bend_l", hip_flexion_l=90.0, knee_angle_l=90.0) == pytest.approx(90.0 - turned, abs=0.5)


@pytest.mark.parametrize("flexion", [0.0, 60.0, 90.0, 110.0])
def test_the_knee_rises_against_the_hip_by_the_thighs_sine(flexion: float) -> None:
    expected = -THIGH * np.cos(np.deg2rad(flexion))
    assert value("knee_hip_gap_r", hip_flexion_r=flexion) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("tilt", [0.0, -45.0, -90.0])
def test_a_trunk_that_tips_brings_hips_and_shoulders_to_one_height(tilt: float) -> None:
    upright = value("hips_shoulder_gap")
    ahead = float((STAND("shoulder_r") + STAND("shoulder_l") - STAND("hip_r") - STAND("hip_l"))[2] / 2)
    turn = np.deg2rad(-tilt)
    expected = upright * np.cos(turn) + ahead * np.sin(turn)
    assert value("hips_shoulder_gap", pelvis_tilt=tilt) == pytest.approx(expected, abs=0.01)
