"""Derived quantities on poses whose values are known by construction."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.anatomy.derived import QUANTITIES, derive
from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, JOINT_NAMES
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.mirror import mirror_angles
from qevd_bio.anatomy.skeleton import Skeleton

SKELETON = Skeleton.from_stature(1.75)
ARMS_DOWN = {"shoulder_r_x": 90.0, "shoulder_l_x": -90.0}


def value(quantity: str, root=None, **degrees: float) -> float:
    angles = np.zeros(46)
    for name, number in degrees.items():
        angles[DOF_INDEX[name]] = np.deg2rad(number)
    return float(derive(quantity, angles, forward_kinematics(angles, SKELETON, root)))


@pytest.mark.parametrize(
    ("quantity", "pose", "expected"),
    [
        ("knee_angle_r", {"knee_angle_r": 37}, 37),
        ("trunk_lean_deg", {}, 0),
        ("trunk_lean_deg", {"pelvis_tilt": -30}, 30),
        ("trunk_lean_deg", {"pelvis_tilt": -90}, 90),
        ("trunk_lean_deg", {"pelvis_tilt": -30, "pelvis_rotation": 70}, 30),
        ("trunk_lean_deg", {"pelvis_tilt": 20, "pelvis_rotation": -120}, -20),
        ("trunk_side_lean_deg", {"pelvis_list": 15, "pelvis_rotation": 25}, 15),
        ("spine_extension", {"lumbar_extension": -20, "thorax_extension": -5}, -25),
        ("trunk_twist", {"lumbar_twist": 10, "thorax_twist": 5}, 15),
        ("trunk_bending", {"lumbar_bending": 10, "thorax_bending": -4}, 6),
        ("pelvis_thorax_turn", {"lumbar_twist": 10, "thorax_twist": 12, "pelvis_rotation": 50}, 22),
        ("pelvis_roll", {"pelvis_list": 12}, 12),
        ("pelvis_roll", {"pelvis_tilt": -90, "pelvis_list": 12}, 12),
        ("shoulder_elevation_r", {}, 90),
        ("shoulder_elevation_r", {"shoulder_r_x": 90}, 0),
        ("shoulder_elevation_l", {"shoulder_l_x": 60}, 150),
        ("shoulder_elevation_l", {"shoulder_l_x": 60, "lumbar_twist": 20, "pelvis_tilt": -40}, 150),
        ("upper_arm_trunk_angle_r", {"shoulder_r_x": 45}, 45),
        ("horizontal_adduction_r", {}, 0),
        ("horizontal_adduction_l", {}, 0),
        ("horizontal_adduction_r", {"shoulder_r_x": 45, "shoulder_r_y": -45, "shoulder_r_z": 90}, 90),
        ("shoulder_flexion_r", {"shoulder_r_x": 45, "shoulder_r_y": -45, "shoulder_r_z": 90}, 90),
        ("shoulder_elevation_r", {"shoulder_r_x": 45, "shoulder_r_y": -45, "shoulder_r_z": 90}, 90),
        ("shoulder_flexion_l", {"shoulder_l_x": -90}, 0),
        ("hip_abduction_r", {"hip_adduction_r": -25}, 25),
        ("hip_abduction_l", {"hip_adduction_l": 10}, -10),
        ("hip_abduction_l", {"hip_flexion_l": 90, "hip_rotation_l": -20}, 20),
        ("knee_ankle_width_ratio", {}, 1.0),
        ("ankle_hip_width_ratio", {}, 1.0),
        ("body_line_deg", {"pelvis_tilt": -80, "hip_flexion_r": 30, "hip_flexion_l": 30}, 150.3),
        ("body_line_deg", {"pelvis_tilt": -80, "hip_flexion_r": -20, "hip_flexion_l": -20}, 200.3),
        ("foot_pitch_r", {}, 0),
        ("foot_pitch_l", {"knee_angle_l": 20}, 20),
        ("foot_pitch_l", {"hip_flexion_l": 20}, -20),
        ("scapula_raise_r", {"scapula_elevation_r": -10}, 10),
        ("scapula_raise_l", {"scapula_elevation_l": 10}, 10),
        ("scapula_protraction_r", {"scapula_abduction_r": 10}, 10),
        ("scapula_protraction_l", {"scapula_abduction_l": -10}, 10),
        ("knee_valgus_r", {"hip_adduction_r": 10}, -10),
        ("knee_valgus_l", {"hip_adduction_l": -10}, 10),
        ("wrist_shoulder_width_ratio", ARMS_DOWN, 1.0),
        ("hand_floor_gap", ARMS_DOWN, 0.808 - 0.175 - 0.146 - 0.108),
        ("pelvis_height", {}, 0.530 / 0.491),
        ("wrist_shoulder_offset_r", ARMS_DOWN, 0),
        ("wrist_shoulder_offset", {}, 0.175 + 0.146),
    ],
)
def test_value_on_a_known_pose(quantity, pose, expected) -> None:
    tolerance = 0.15 if quantity == "body_line_deg" else 1e-6
    assert value(quantity, **pose) == pytest.approx(expected, abs=tolerance)


def test_quad_stretch_brings_the_wrist_to_the_ankle() -> None:
    apart = value("wrist_ankle_distance_r", **ARMS_DOWN)
    held = value("wrist_ankle_distance_r", **ARMS_DOWN, hip_flexion_r=-15, knee_angle_r=135)
    assert apart == pytest.approx(np.hypot(0.055, 0.808 - 0.321 - 0.039), abs=5e-3)
    assert held < 0.2 < apart


def test_azimuths_near_their_pole_are_not_known() -> None:
    assert np.isnan(value("horizontal_adduction_r", shoulder_r_x=85))
    assert np.isfinite(value("horizontal_adduction_r", shoulder_r_x=75))
    assert np.isnan(value("shoulder_flexion_r", shoulder_r_x=0))


def test_quantities_over_time() -> None:
    angles = np.zeros((4, 46))
    angles[:, DOF_INDEX["lumbar_extension"]] = np.deg2rad([5, 0, -10, -20])
    angles[:, DOF_INDEX["pelvis_list"]] = np.deg2rad([-4, 0, 6, 2])
    root = np.array([[0.0, 1, 0], [0.3, 1, 0], [-0.2, 1, 0], [0, 1, 0]])
    pose = forward_kinematics(angles, SKELETON, root)
    assert derive("spine_flexion_change", angles, pose) == pytest.approx([0, 5, 15, 25])
    assert derive("pelvis_roll_range", angles, pose) == pytest.approx([10] * 4)
    assert derive("pelvis_lateral_travel", angles, pose) == pytest.approx([0.5 / SKELETON.leg_length] * 4)
    assert derive("pelvis_sideways", angles, pose) == pytest.approx(root[:, 0] / SKELETON.leg_length)


def test_missing_frames_stay_missing_and_do_not_spread() -> None:
    angles = np.zeros((4, 46))
    angles[0, DOF_INDEX["lumbar_extension"]] = np.nan
    angles[2, DOF_INDEX["lumbar_extension"]] = np.deg2rad(-10)
    found = derive("spine_flexion_change", angles, forward_kinematics(angles, SKELETON))
    assert np.isnan(found).tolist() == [True, False, False, False]
    assert found[1:] == pytest.approx([0, 10, 0])
    nothing = derive(
        "pelvis_roll_range", np.full((3, 46), np.nan), forward_kinematics(np.full((3, 46), np.nan), SKELETON)
    )
    assert np.isnan(nothing).sum() == 3


def test_each_quantity_keeps_the_frames_and_names_what_it_needs() -> None:
    angles = np.random.default_rng(4).uniform(-0.4, 0.4, (2, 3, 46))
    pose = forward_kinematics(angles, SKELETON)
    for name, quantity in QUANTITIES.items():
        assert derive(name, angles, pose).shape == (2, 3), name
        assert quantity.dofs and set(quantity.dofs) <= set(DOF_NAMES), name
        assert quantity.joints and set(quantity.joints) <= set(JOINT_NAMES), name
        assert quantity.meaning, name


def test_sided_quantities_of_a_mirrored_pose_change_sides() -> None:
    angles = np.random.default_rng(5).uniform(-0.7, 0.7, (20, 46))
    here = forward_kinematics(angles, SKELETON)
    there = forward_kinematics(mirror_angles(angles), SKELETON)
    sided = [name for name in QUANTITIES if name.endswith("_r") and name not in DOF_NAMES]
    assert len(sided) == 19
    for name in sided:
        partner = f"{name[:-2]}_l"
        assert np.allclose(derive(name, angles, here), derive(partner, mirror_angles(angles), there), equal_nan=True), (
            name
        )


def test_heading_does_not_change_what_is_seen_in_the_body() -> None:
    angles = np.random.default_rng(6).uniform(-0.5, 0.5, (10, 46))
    turned = angles.copy()
    turned[:, DOF_INDEX["pelvis_rotation"]] += 2.0
    one, two = (forward_kinematics(a, SKELETON) for a in (angles, turned))
    for name, quantity in QUANTITIES.items():
        if name != "pelvis_rotation" and not quantity.needs_root:
            assert np.allclose(derive(name, angles, one), derive(name, turned, two), equal_nan=True), name


def test_unknown_quantity_is_refused() -> None:
    with pytest.raises(KeyError, match="trunk_leen"):
        derive("trunk_leen", np.zeros(46), forward_kinematics(np.zeros(46), SKELETON))
