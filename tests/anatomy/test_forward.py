"""Forward kinematics against closed forms, the published sign table, finite differences and its mirror."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, JOINT_INDEX, JOINT_NAMES, PARENTS
from qevd_bio.anatomy.forward import forward_kinematics, jacobian
from qevd_bio.anatomy.mirror import mirror_angles, mirror_mask, mirror_positions
from qevd_bio.anatomy.skeleton import POINT_NAMES, Skeleton

SKELETON = Skeleton.from_stature(1.75)
PLACES = (*JOINT_NAMES, *POINT_NAMES)


def posed(**degrees: float) -> np.ndarray:
    angles = np.zeros(46)
    for name, value in degrees.items():
        angles[DOF_INDEX[name]] = np.deg2rad(value)
    return angles


def moved(dof: str, place: str, degrees: float = 30.0) -> np.ndarray:
    """How far a place moves when one angle goes from 0 to `degrees`: (left, up, forward)."""
    before = forward_kinematics(np.zeros(46), SKELETON).place(place)
    return forward_kinematics(posed(**{dof: degrees}), SKELETON).place(place) - before


def test_zero_pose_is_the_standing_t_pose() -> None:
    pose = forward_kinematics(np.zeros(46), SKELETON)
    assert np.allclose(pose.positions, SKELETON.zero_positions())
    assert np.allclose(pose.rotations, np.eye(3))
    assert pose.place("hip_r")[0] < 0 < pose.place("hip_l")[0]
    assert pose.place("toe_tip_r")[2] > pose.place("ankle_r")[2]
    assert pose.place("head_top")[1] == pytest.approx(1.75)


def test_knee_flexion_of_90_degrees_points_the_shank_straight_back() -> None:
    pose = forward_kinematics(posed(knee_angle_r=90), SKELETON)
    shank = pose.place("ankle_r") - pose.place("knee_r")
    assert np.allclose(shank, [0, 0, -0.246 * 1.75], atol=1e-12)


def test_hip_flexion_of_90_degrees_points_the_thigh_straight_ahead() -> None:
    pose = forward_kinematics(posed(hip_flexion_l=90), SKELETON)
    assert np.allclose(pose.place("knee_l") - pose.place("hip_l"), [0, 0, 0.245 * 1.75], atol=1e-12)


def test_at_90_degrees_of_hip_flexion_rotation_moves_the_knee_and_adduction_spins_the_thigh() -> None:
    rotated = forward_kinematics(posed(hip_flexion_r=90, hip_rotation_r=30), SKELETON)
    spun = forward_kinematics(posed(hip_flexion_r=90, hip_adduction_r=30), SKELETON)
    thigh = 0.245 * 1.75
    assert np.allclose(
        rotated.place("knee_r") - rotated.place("hip_r"), [thigh / 2, 0, thigh * np.sqrt(3) / 2], atol=1e-12
    )
    assert np.allclose(spun.place("knee_r") - spun.place("hip_r"), [0, 0, thigh], atol=1e-12)


def test_arms_along_the_body() -> None:
    pose = forward_kinematics(posed(shoulder_r_x=90, shoulder_l_x=-90), SKELETON)
    for side in "rl":
        arm = pose.place(f"wrist_{side}") - pose.place(f"shoulder_{side}")
        assert np.allclose(arm, [0, -(0.175 + 0.146) * 1.75, 0], atol=1e-12)


LEFT, UP, AHEAD = 0, 1, 2
SIGNS = [
    ("pelvis_tilt", "head", AHEAD, -1),
    ("pelvis_list", "head", LEFT, -1),
    ("pelvis_rotation", "shoulder_r", AHEAD, 1),
    ("hip_flexion_*", "knee_*", AHEAD, 1),
    ("hip_adduction_*", "knee_*", "midline", 1),
    ("hip_rotation_*", "toe_tip_*", "midline", 1),
    ("knee_angle_*", "ankle_*", AHEAD, -1),
    ("ankle_angle_*", "toe_tip_*", UP, 1),
    ("mtp_angle_*", "toe_tip_*", UP, -1),
    ("subtalar_angle_*", "ball_*", "midline", 1),
    ("lumbar_bending", "head", LEFT, -1),
    ("thorax_bending", "head", LEFT, -1),
    ("head_bending", "head_top", LEFT, -1),
    ("lumbar_extension", "head", AHEAD, -1),
    ("thorax_extension", "head", AHEAD, -1),
    ("head_extension", "nose", UP, 1),
    ("lumbar_twist", "shoulder_r", AHEAD, 1),
    ("thorax_twist", "shoulder_r", AHEAD, 1),
    ("head_twist", "nose", LEFT, 1),
    ("shoulder_r_x", "wrist_r", UP, -1),
    ("shoulder_l_x", "wrist_l", UP, 1),
    ("elbow_flexion_*", "wrist_*", AHEAD, 1),
    ("pro_sup_*", "thumb_*", UP, -1),
    ("wrist_flexion_*", "hand_tip_*", UP, -1),
    ("wrist_deviation_*", "hand_tip_*", AHEAD, -1),
    ("scapula_abduction_r", "shoulder_r", AHEAD, 1),
    ("scapula_abduction_l", "shoulder_l", AHEAD, -1),
    ("scapula_elevation_r", "shoulder_r", UP, -1),
    ("scapula_elevation_l", "shoulder_l", UP, 1),
    ("scapula_upward_rot_*", "elbow_*", UP, 1),
]
EACH_SIDE = [
    (dof.replace("*", side), place.replace("*", side), axis, sign)
    for dof, place, axis, sign in SIGNS
    for side in ("rl" if "*" in dof else "r")
]


@pytest.mark.parametrize(("dof", "place", "axis", "sign"), EACH_SIDE, ids=[case[0] for case in EACH_SIDE])
def test_positive_angle_moves_the_bone_as_the_published_sign_table_says(dof, place, axis, sign) -> None:
    shift = moved(dof, place)
    if axis == "midline":
        assert shift[LEFT] * (1 if dof.endswith("_r") else -1) * sign > 0.01
    else:
        assert shift[axis] * sign > 0.01


def test_pronation_turns_the_palm_back() -> None:
    """Thumb forward at the T-pose, down after pronation: the palm, which faced the floor, faces back."""
    pose = forward_kinematics(posed(pro_sup_r=90), SKELETON)
    assert (pose.place("thumb_r") - pose.place("wrist_r"))[UP] < -0.02


def test_an_arc_of_the_thorax_section_moves_its_joint_by_the_published_amount() -> None:
    """l (1 - cos e) / e backward: 11 cm at 45 degrees for a section of 0.30 m."""
    offsets = SKELETON.offsets.copy()
    offsets[JOINT_INDEX["thorax"], UP] = 0.30
    tall = Skeleton(offsets, SKELETON.point_offsets, SKELETON.stature)
    straight, bent = (forward_kinematics(posed(thorax_extension=e), tall).place("thorax") for e in (0, 45))
    angle = np.pi / 4
    assert (bent - straight)[AHEAD] == pytest.approx(-0.30 * (1 - np.cos(angle)) / angle)
    assert (bent - straight)[AHEAD] == pytest.approx(-0.112, abs=5e-4)
    assert (bent - straight)[UP] == pytest.approx(0.30 * (np.sin(angle) / angle - 1))


def test_scapular_slide_is_about_4_cm_at_the_published_limits() -> None:
    assert np.linalg.norm(moved("scapula_abduction_r", "scapula_r", 36)) == pytest.approx(0.04, abs=0.01)
    assert np.linalg.norm(moved("scapula_elevation_r", "scapula_r", -23)) == pytest.approx(0.04, abs=0.012)


angles_within = arrays(np.float64, (46,), elements=st.floats(-2.5, 2.5))


@settings(max_examples=40, deadline=None)
@given(angles_within)
def test_mirrored_pose_has_mirrored_positions(angles) -> None:
    root = np.array([0.2, 1.0, -0.3])
    pose = forward_kinematics(angles, SKELETON, root)
    mirrored = forward_kinematics(mirror_angles(angles), SKELETON, root * [-1, 1, 1])
    assert np.allclose(mirrored.positions, mirror_positions(pose.positions), atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(angles_within)
def test_bones_keep_their_length_where_nothing_slides(angles) -> None:
    pose = forward_kinematics(angles, SKELETON)
    for name in ("knee_r", "ankle_l", "subtalar_r", "mtp_l", "elbow_r", "wrist_l", "shoulder_r", "hip_l"):
        i = JOINT_INDEX[name]
        length = np.linalg.norm(pose.positions[i] - pose.positions[PARENTS[i]])
        assert length == pytest.approx(np.linalg.norm(SKELETON.offsets[i]), abs=1e-12)
    assert np.allclose(pose.rotations @ np.swapaxes(pose.rotations, -1, -2), np.eye(3), atol=1e-12)


def test_mirror_of_the_observed_mask_swaps_sides() -> None:
    observed = np.zeros(46, dtype=bool)
    observed[DOF_INDEX["knee_angle_r"]] = True
    assert np.flatnonzero(mirror_mask(observed)).tolist() == [DOF_INDEX["knee_angle_l"]]


@pytest.mark.parametrize("scale", [0.0, 1e-5, 0.5, 1.3])
def test_jacobian_agrees_with_central_differences(scale) -> None:
    angles = scale * np.random.default_rng(3).uniform(-1, 1, (4, 46))
    step = 1e-6
    numeric = np.empty((4, len(PLACES), 3, 46))
    for k in range(46):
        shift = np.zeros(46)
        shift[k] = step
        ahead, behind = (forward_kinematics(angles + s, SKELETON).places(PLACES) for s in (shift, -shift))
        numeric[..., k] = (ahead - behind) / (2 * step)
    assert np.abs(jacobian(angles, SKELETON, PLACES) - numeric).max() < 1e-8


def test_jacobian_of_a_hip_does_not_depend_on_the_leg() -> None:
    gradient = jacobian(posed(knee_angle_r=40), SKELETON, ["hip_r"])
    touched = {DOF_NAMES[k] for k in np.flatnonzero(np.abs(gradient).max(axis=(0, 1)) > 0)}
    assert touched == {"pelvis_tilt", "pelvis_list", "pelvis_rotation"}


def test_any_leading_shape_and_a_whole_clip_at_once() -> None:
    angles = np.random.default_rng(0).normal(size=(2, 5, 46)) * 0.3
    root = np.random.default_rng(1).normal(size=(2, 5, 3))
    whole = forward_kinematics(angles, SKELETON, root)
    one = forward_kinematics(angles[1, 3], SKELETON, root[1, 3])
    assert whole.positions.shape == (2, 5, 24, 3)
    assert np.allclose(whole.positions[1, 3], one.positions)
    assert np.allclose(
        jacobian(angles, SKELETON, ["hand_tip_l"])[1, 3], jacobian(angles[1, 3], SKELETON, ["hand_tip_l"])
    )


def test_nan_reaches_only_the_bones_that_hang_on_the_angle() -> None:
    angles = np.zeros((3, 46))
    angles[1, DOF_INDEX["knee_angle_r"]] = np.nan
    pose = forward_kinematics(angles, SKELETON)
    missing = np.isnan(pose.positions).any(axis=-1)
    assert missing.sum() == 3
    assert [JOINT_NAMES[j] for j in np.flatnonzero(missing[1])] == ["ankle_r", "subtalar_r", "mtp_r"]


def test_wrong_number_of_angles_is_refused() -> None:
    with pytest.raises(ValueError, match=r"angles have shape \(4, 45\), expected \(\.\.\., 46\)"):
        forward_kinematics(np.zeros((4, 45)), SKELETON)


def test_unknown_place_is_refused() -> None:
    with pytest.raises(KeyError, match="no joint or point named 'tail'"):
        forward_kinematics(np.zeros(46), SKELETON).place("tail")
