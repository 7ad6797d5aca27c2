"""Body proportions against their published fractions, and measured lengths."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.anatomy.skeleton import POINT_NAMES, SEGMENTS, Skeleton
from qevd_bio.store.errors import UserError


def test_segment_lengths_are_the_stated_fractions_of_stature() -> None:
    for name, length in Skeleton.from_stature(1.80).lengths().items():
        assert length / 1.80 == pytest.approx(SEGMENTS[name].stature_fraction, abs=2e-4), name


@pytest.mark.parametrize(
    ("place", "fraction"),
    [
        ("hip_r", 0.530),
        ("knee_l", 0.285),
        ("ankle_r", 0.039),
        ("head", 0.870),
        ("shoulder_l", 0.808),
        ("eye_r", 0.936),
        ("head_top", 1.0),
        ("heel_r", 0.0),
        ("toe_tip_l", 0.0),
    ],
)
def test_heights_of_the_standing_body(place, fraction) -> None:
    assert Skeleton.from_stature(1.0).place(place)[1] == pytest.approx(fraction, abs=1e-9)


def test_both_sides_are_mirror_images() -> None:
    skeleton = Skeleton.from_stature(1.7)
    for name in POINT_NAMES:
        if name.endswith("_r"):
            right, left = skeleton.place(name), skeleton.place(f"{name[:-2]}_l")
            assert np.allclose(right * [-1, 1, 1], left), name


def test_measured_lengths_replace_the_generic_ones_and_nothing_else() -> None:
    generic = Skeleton.from_stature(1.75)
    given = {"thigh_r": 0.47, "thigh_l": 0.47, "forearm_l": 0.20, "trunk": 0.50, "shoulder_width": 0.40, "foot_r": 0.3}
    lengths = generic.with_lengths(given).lengths()
    for name, length in generic.lengths().items():
        assert lengths[name] == pytest.approx(given.get(name, length), abs=2e-4), name


def test_stature_follows_the_legs_and_the_feet_stay_on_the_floor() -> None:
    generic = Skeleton.from_stature(1.75)
    taller = generic.with_lengths({side: generic.lengths()[side] + 0.05 for side in ("shank_r", "shank_l")})
    assert taller.stature == pytest.approx(1.80)
    assert taller.zero_points()[:, 1].min() == pytest.approx(0.0, abs=1e-12)
    assert taller.leg_length == pytest.approx(0.491 * 1.75 + 0.05)


def test_no_lengths_given_changes_nothing() -> None:
    generic = Skeleton.from_stature(1.6)
    assert np.allclose(generic.with_lengths({}).offsets, generic.offsets)


def test_bad_lengths_are_refused_by_name() -> None:
    skeleton = Skeleton.from_stature(1.7)
    with pytest.raises(UserError, match="unknown segment 'tail'"):
        skeleton.with_lengths({"tail": 0.3})
    with pytest.raises(UserError, match="length nan m of segment 'thigh_r'"):
        skeleton.with_lengths({"thigh_r": float("nan")})
    with pytest.raises(UserError, match="stature 175 m"):
        Skeleton.from_stature(175)
