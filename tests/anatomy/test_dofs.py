"""The reference tables are sane: names, order, limits, mirror partners, published facts."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from qevd_bio.anatomy.axes import BODY_TO_WORLD, BONE_TO_WORLD, SHOULDER_ALPHA_DEG, WORLD_AXES
from qevd_bio.anatomy.dofs import (
    DOF_INDEX,
    DOF_NAMES,
    DOFS,
    JOINT_DOFS,
    JOINT_NAMES,
    JOINTS,
    LIMITS,
    MIRROR_INDEX,
    MIRROR_SIGN,
    PARENTS,
)


def test_counts_and_order() -> None:
    assert len(DOFS) == len(set(DOF_NAMES)) == 46
    assert [dof.index for dof in DOFS] == list(range(46))
    assert [k for name in JOINT_NAMES for k in JOINT_DOFS[name]] == list(range(46))


def test_tree_is_that_of_skel() -> None:
    expected = [-1, 0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 11, 12, 12, 14, 15, 16, 17, 12, 19, 20, 21, 22]
    assert list(PARENTS) == expected
    assert all(parent < i for i, parent in enumerate(PARENTS))


def test_the_lists_published_for_the_right_leg_and_the_shoulders_hold() -> None:
    assert [DOF_INDEX[name] for name in ("hip_flexion_r", "knee_angle_r", "mtp_angle_r")] == [3, 6, 9]
    assert DOF_INDEX["shoulder_r_x"] == 29
    assert DOF_INDEX["shoulder_l_x"] == 39


@pytest.mark.parametrize("dof", DOFS, ids=DOF_NAMES)
def test_each_degree_of_freedom_is_described(dof) -> None:
    low, high = dof.limits_deg
    assert low < high
    assert dof.limit_source
    assert dof.positive
    assert dof.negative
    assert np.linalg.norm(dof.axis) == pytest.approx(1.0, abs=1e-3)
    for kind in (dof.daily_deg, dof.exercise_deg):
        assert low <= kind[0] < kind[1] <= high


def test_limits_of_the_left_side_are_the_mirrored_right_ones() -> None:
    mirrored = LIMITS[MIRROR_INDEX] * MIRROR_SIGN[:, None]
    assert np.allclose(np.sort(mirrored, axis=1), LIMITS, atol=1e-12)


def test_the_mirror_is_its_own_inverse() -> None:
    assert (MIRROR_INDEX[MIRROR_INDEX] == np.arange(46)).all()
    assert (MIRROR_SIGN[MIRROR_INDEX] == MIRROR_SIGN).all()


def test_axes_of_the_left_side_are_the_mirrored_right_ones() -> None:
    # a turn about a is mirrored in x = 0 to the opposite turn about the mirrored direction
    mirrored = -WORLD_AXES * np.array([-1.0, 1.0, 1.0])
    assert np.allclose(mirrored[MIRROR_INDEX] * MIRROR_SIGN[:, None], WORLD_AXES, atol=1e-9)


def test_body_axes_are_turned_into_world_axes_without_a_reflection() -> None:
    assert np.linalg.det(BODY_TO_WORLD) == pytest.approx(1.0)
    assert (BODY_TO_WORLD @ [1, 0, 0] == [0, 0, 1]).all()
    assert (BODY_TO_WORLD @ [0, 0, 1] == [-1, 0, 0]).all()


def test_forearm_bones_point_as_published() -> None:
    """Right: y medial, z up. Left: y medial, z down (T-pose)."""
    assert np.allclose(BONE_TO_WORLD["elbow_r"] @ [0, 1, 0], [1, 0, 0])
    assert np.allclose(BONE_TO_WORLD["elbow_r"] @ [0, 0, 1], [0, 1, 0])
    assert np.allclose(BONE_TO_WORLD["elbow_l"] @ [0, 1, 0], [-1, 0, 0])
    assert np.allclose(BONE_TO_WORLD["elbow_l"] @ [0, 0, 1], [0, -1, 0])


def test_only_the_humerus_depends_on_the_unverified_angle() -> None:
    assert SHOULDER_ALPHA_DEG == 45.0
    assert {joint.name for joint in JOINTS if joint.bone_turn == "humerus"} == {"shoulder_r", "shoulder_l"}


def test_the_cleaned_table_departs_from_the_draft_only_where_it_says_so(shared) -> None:
    """Names, signs, mirrors and limits as drafted; the one changed axis is the left ankle's."""
    with shared("biomech", "dofs.csv").open(encoding="utf-8", newline="") as file:
        draft = list(csv.DictReader(file))
    assert [row["name"] for row in draft] == list(DOF_NAMES)
    changed = []
    for row, dof in zip(draft, DOFS, strict=True):
        assert (DOF_INDEX[dof.mirror], dof.mirror_sign) == (int(row["mirror_index"]), int(row["mirror_sign"]))
        assert dof.limits_deg == (float(row["toolkit_lo_deg"]), float(row["toolkit_hi_deg"]))
        axis = float(row["axis_flip"]) * np.array([float(row[f"axis_{letter}"]) for letter in "xyz"])
        if not np.allclose(axis, dof.axis, atol=5e-6):
            changed.append(dof.name)
    assert changed == ["ankle_angle_l"]
