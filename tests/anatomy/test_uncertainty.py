"""Errors of angles carried to quantities and extremes, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.uncertainty import curve_sigma, statistic_sigma


def test_an_angle_keeps_its_sigma_and_sums_add_squares() -> None:
    angles, sigma = np.zeros((3, 46)), np.full((3, 46), np.deg2rad(4.0))
    np.testing.assert_allclose(curve_sigma("knee_angle_r", angles, sigma), 4.0)
    sigma[:, DOF_INDEX["thorax_twist"]] = np.deg2rad(99.0)  # a rule's share of the whole twist, not one of its sources
    np.testing.assert_allclose(curve_sigma("trunk_twist", angles, sigma), 4.0)
    sigma[1] = np.nan
    assert np.isnan(curve_sigma("knee_angle_r", angles, sigma)).tolist() == [False, True, False]
    with pytest.raises(KeyError):
        curve_sigma("no_such_thing", angles, sigma)


def test_lean_follows_the_pelvis() -> None:
    """An upright trunk leans by as much as the pelvis tilts, and not at all by turning."""
    angles, sigma = np.zeros((1, 46)), np.full((1, 46), np.nan)
    for name in ("pelvis_tilt", "pelvis_list", "pelvis_rotation", "lumbar_bending", "lumbar_twist"):
        sigma[:, DOF_INDEX[name]] = 0.0
    sigma[:, DOF_INDEX["pelvis_tilt"]] = np.deg2rad(6.0)
    assert curve_sigma("trunk_lean_deg", angles, sigma)[0] == pytest.approx(6.0, rel=0.02)
    sigma[:, DOF_INDEX["pelvis_tilt"]], sigma[:, DOF_INDEX["pelvis_rotation"]] = 0.0, np.deg2rad(6.0)
    assert curve_sigma("trunk_lean_deg", angles, sigma)[0] < 0.6


def test_what_lasts_moves_an_extreme_as_far_as_a_frame() -> None:
    time_s = np.arange(30) / 30.0
    peak = 60.0 * np.sin(np.pi * time_s)
    sd = statistic_sigma(peak, np.full(30, 5.0), time_s, np.max, courses=2000)
    assert 4.0 < sd < 5.2
    assert statistic_sigma(peak, np.full(30, 5.0), time_s, np.ptp, courses=2000) < sd
    assert statistic_sigma(peak, np.zeros(30), time_s, np.max) == 0.0
    assert np.isnan(statistic_sigma(peak, np.full(30, np.nan), time_s, np.max))
    assert statistic_sigma(peak, np.full(30, 5.0), time_s, np.max) == statistic_sigma(
        peak, np.full(30, 5.0), time_s, np.max
    )
