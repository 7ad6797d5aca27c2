"""Smoothing, unwrapping, flips and held gaps: closed forms first."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from qevd_bio.anatomy.continuity import other_triple
from qevd_bio.anatomy.dofs import DOF_INDEX, JOINT_DOFS
from qevd_bio.pose.fit.gaps import HELD, MISSING, OK, gap_flags, hold_gaps
from qevd_bio.pose.fit.options import SmoothOptions
from qevd_bio.pose.fit.smooth import cutoff_hz, flip_flags, follow_angles, smooth_angles, unwrap_angles

DEFAULT = SmoothOptions()


def test_equals_the_reference_filter_at_a_constant_rate() -> None:
    """sigma = 2 frames at 30 fps of the paper's supplement, inside the clip."""
    values = np.random.default_rng(0).standard_normal((90, 3))
    smooth = smooth_angles(values, np.arange(90) / 30.0, DEFAULT)
    np.testing.assert_allclose(smooth[10:-10], gaussian_filter1d(values, 2.0, axis=0)[10:-10], atol=1e-3)


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
def test_a_sine_loses_what_the_formula_says_and_no_phase(fps: float) -> None:
    """Gain exp(-(2 pi f sigma)² / 2) at every frame rate; half the power at the stated cut-off."""
    time_s = np.arange(int(6 * fps)) / fps
    for hertz in (0.5, cutoff_hz(DEFAULT)):
        sine = np.sin(2 * np.pi * hertz * time_s)[:, None]
        smooth = smooth_angles(sine, time_s, DEFAULT)
        inside = (time_s > 1.0) & (time_s < 5.0)
        gain = np.exp(-0.5 * (2 * np.pi * hertz * DEFAULT.sigma_s) ** 2)
        np.testing.assert_allclose(smooth[inside], gain * sine[inside], atol=0.01)
    assert gain**2 == pytest.approx(0.5)
    assert cutoff_hz(DEFAULT) == pytest.approx(1.988, abs=1e-3)


def followed(raw: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    return follow_angles(raw, smooth_angles(raw, time_s, DEFAULT), time_s, DEFAULT)


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_fast_peaks_are_kept(fps: float) -> None:
    """Kicks of 60 degrees at 2.5 Hz, one alone and many in a row, lose less than 3; the paper's filter takes 13."""
    time_s = np.arange(int(8 * fps)) / fps
    phase = 2.5 * (time_s - 3.0)
    for last in (1.0, 8.0):
        kicks = np.where((phase > 0) & (phase < last), 0.5 - 0.5 * np.cos(2 * np.pi * phase), 0.0)[:, None]
        for peak_deg in (60.0, 120.0):
            lost = peak_deg * (
                kicks.max() - followed(np.deg2rad(peak_deg) * kicks, time_s).max() / np.deg2rad(peak_deg)
            )
            assert lost < 3.0 * peak_deg / 60.0
    noise = np.deg2rad(2.0) * np.random.default_rng(0).standard_normal(kicks.shape)
    found = followed(np.deg2rad(60.0) * kicks + noise, time_s)
    at = np.argmax(kicks)
    assert np.rad2deg(found[at]) == pytest.approx(60.0, abs=5.0)
    assert np.rad2deg(smooth_angles(np.deg2rad(60.0) * kicks, time_s, DEFAULT).max()) < 50.0


@pytest.mark.parametrize("noise_deg", [0.5, 1.0, 3.0])
def test_noise_of_a_held_pose_falls_by_half(noise_deg: float) -> None:
    time_s = np.arange(240) / 30.0
    noise = np.deg2rad(noise_deg) * np.random.default_rng(1).standard_normal((240, 20))
    found = followed(noise, time_s)[15:-15]
    assert found.std() < 0.5 * noise.std()


def test_following_leaves_gaps_alone() -> None:
    values = np.random.default_rng(4).standard_normal((90, 2))
    values[40:60] = np.nan
    time_s = np.arange(90) / 30.0
    np.testing.assert_array_equal(np.isnan(followed(values, time_s)), np.isnan(values))


def test_a_constant_stays_constant_up_to_the_ends_at_any_rate() -> None:
    time_s = np.sort(np.random.default_rng(1).uniform(0.0, 3.0, 80))
    np.testing.assert_allclose(smooth_angles(np.full((80, 2), 0.7), time_s, DEFAULT), 0.7, atol=1e-12)


def test_nan_frames_stay_and_only_they() -> None:
    values = np.ones((60, 2))
    values[20:25] = np.nan
    smooth = smooth_angles(values, np.arange(60) / 30.0, DEFAULT)
    assert np.isnan(smooth).sum() == 10
    np.testing.assert_allclose(smooth[np.isfinite(smooth)], 1.0)


def test_nothing_is_mixed_across_a_long_gap() -> None:
    values = np.concatenate([np.zeros((10, 1)), np.ones((10, 1))])
    time_s = np.concatenate([np.arange(10), np.arange(10) + 30]) / 30.0
    np.testing.assert_allclose(smooth_angles(values, time_s, DEFAULT), values, atol=1e-12)


def test_sigma_zero_and_one_frame_change_nothing() -> None:
    values = np.random.default_rng(2).standard_normal((5, 2))
    np.testing.assert_array_equal(smooth_angles(values, np.arange(5) / 30.0, SmoothOptions(sigma_s=0.0)), values)
    np.testing.assert_array_equal(smooth_angles(values[:1], np.zeros(1), DEFAULT), values[:1])


def test_full_turns_are_unwrapped_over_gaps() -> None:
    angles = np.zeros((6, 46))
    heading = np.deg2rad([170.0, 175.0, np.nan, -175.0, -170.0, -165.0])
    angles[:, DOF_INDEX["pelvis_rotation"]] = heading
    angles[2] = np.nan
    out = np.rad2deg(unwrap_angles(angles)[:, DOF_INDEX["pelvis_rotation"]])
    expected = np.array([170.0, 175.0, np.nan, 185.0, 190.0, 195.0])
    shift = np.round((out[0] - 170.0) / 360.0) * 360.0
    np.testing.assert_allclose(out, expected + shift)


def test_a_bad_start_does_not_turn_the_whole_clip_over() -> None:
    """The first frame has the other form of the pelvis triple; the rest of the clip keeps the plain one."""
    angles = np.zeros((30, 46))
    dofs = list(JOINT_DOFS["pelvis"])
    angles[:, dofs] = [-1.5, 0.1, -0.9]
    angles[0, dofs] = other_triple(angles[0, dofs])
    np.testing.assert_allclose(unwrap_angles(angles)[5:, dofs], angles[5:, dofs], atol=1e-12)


def test_a_facing_flip_is_flagged_and_left_alone() -> None:
    angles = np.zeros((60, 46))
    angles[30:, DOF_INDEX["pelvis_rotation"]] = np.pi
    before = angles.copy()
    flags = flip_flags(angles, np.arange(60) / 30.0)
    assert len(flags) == 1 and flags[0]["kind"] == "facing_flip"
    assert 0.8 < flags[0]["start_s"] <= 29 / 30.0
    np.testing.assert_array_equal(angles, before)


def test_a_turn_in_one_second_is_no_flip() -> None:
    angles = np.zeros((60, 46))
    angles[:, DOF_INDEX["pelvis_rotation"]] = np.linspace(0.0, 2 * np.pi, 60)
    assert flip_flags(angles, np.arange(60) / 30.0) == []


def test_gaps_are_held_for_the_stated_time_then_missing() -> None:
    """At 10 frames a second with 0.5 s: five frames held, the rest of the gap missing, the start never held."""
    time_s = np.arange(20) / 10.0
    valid = np.ones(20, dtype=bool)
    valid[[0, 1]] = False
    valid[5:15] = False
    values = np.where(valid[:, None], np.arange(20.0)[:, None], np.nan)
    (filled,), status = hold_gaps([values], time_s, valid, 0.5)
    assert status.tolist() == [MISSING] * 2 + [OK] * 3 + [HELD] * 5 + [MISSING] * 5 + [OK] * 5
    np.testing.assert_array_equal(filled[5:10, 0], np.full(5, 4.0))
    assert np.isnan(filled).sum() == 7
    flags = gap_flags(status, time_s)
    assert [(f["held_frames"], f["missing_frames"]) for f in flags] == [(0, 2), (5, 5)]
    assert flags[1]["start_s"] == pytest.approx(0.5) and flags[1]["end_s"] == pytest.approx(1.4)


def test_no_frames_and_no_valid_frames() -> None:
    (empty,), status = hold_gaps([np.zeros((0, 2))], np.zeros(0), np.zeros(0, dtype=bool), 0.5)
    assert empty.shape == (0, 2) and len(status) == 0 and gap_flags(status, np.zeros(0)) == []
    (nothing,), status = hold_gaps([np.ones((3, 2))], np.arange(3.0), np.zeros(3, dtype=bool), 0.5)
    assert np.isnan(nothing).all() and (status == MISSING).all()
