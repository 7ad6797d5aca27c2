"""Agreement and time offset in closed form: known errors give known figures, gaps are counted, nothing else."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from qevd_bio.reporting.options import AgainstOptions
from qevd_bio.reporting.verification.agreement import Paired, agreement
from qevd_bio.reporting.verification.alignment import find_offset, values_at
from qevd_bio.tables.agreement import ALL, AgreementRow

OPTIONS = AgainstOptions(replicates=300)
NAN = math.nan


def paired(true: Any, error: Any, *, clip: int = 0, sigma: float = NAN, **more: Any) -> Paired:
    true = np.asarray(true, dtype=np.float64)
    place = {"quantity": "knee_angle_r", "view": "front", "exercise": np.full(len(true), "squats"), **more}
    return Paired(clip=clip, true=true, found=true + error, sigma=np.full(len(true), sigma), **place)


def over_all(rows: list[AgreementRow], quantity: str = "knee_angle_r") -> AgreementRow:
    (row,) = (r for r in rows if (r.quantity, r.view, r.exercise) == (quantity, ALL, ALL))
    return row


def test_a_constant_error_is_bias_and_nothing_else() -> None:
    row = over_all(agreement([paired([0.0, 30.0, 90.0], 5.0, clip=k) for k in (0, 1)], OPTIONS))
    assert (row.frames, row.clips) == (6, 2)
    for value in (row.bias, row.rmse, row.median_abs, row.loa_low, row.loa_high, row.bias_low, row.rmse_high):
        assert value == pytest.approx(5.0)
    assert row.correlation == pytest.approx(1.0)
    assert row.median_abs_low == pytest.approx(5.0, abs=0.11)
    assert math.isnan(row.within_1) and row.sigma_frames == 0


def test_alternating_errors_have_known_spread_limits_and_coverage() -> None:
    true = np.tile([10.0, 20.0], 500)
    error = 1.0 + np.tile([3.0, 3.0, -3.0, -3.0], 250)
    row = over_all(agreement([paired(true, error, sigma=2.5)], OPTIONS))
    spread = 3.0 * math.sqrt(1000 / 999)
    assert row.bias == pytest.approx(1.0)
    assert row.rmse == pytest.approx(math.sqrt(10.0))
    assert row.median_abs == pytest.approx(3.0)
    assert row.loa_low == pytest.approx(1.0 - 1.96 * spread)
    assert row.loa_high == pytest.approx(1.0 + 1.96 * spread)
    # errors of 4 and -2 do not depend on the truth: 5 of the spread is its own, 3 the error's
    assert row.correlation == pytest.approx(5.0 / math.sqrt(25.0 + 9.0))
    assert (row.within_1, row.within_2) == (0.5, 1.0)
    assert math.isnan(row.bias_low), "one clip has no interval"


def test_normal_noise_gives_its_own_figures_within_chance() -> None:
    rng = np.random.default_rng(3)
    clips = [paired(60 + 30 * np.sin(np.arange(2000) / 9), rng.normal(2, 4, 2000), clip=k, sigma=4.0) for k in range(8)]
    row = over_all(agreement(clips, OPTIONS))
    assert row.bias == pytest.approx(2.0, abs=0.15)
    assert row.rmse == pytest.approx(math.sqrt(20.0), abs=0.1)
    assert row.loa_high - row.loa_low == pytest.approx(2 * 1.96 * 4, abs=0.25)
    assert row.correlation == pytest.approx(math.sqrt(450 / 466), abs=0.005)
    assert row.within_2 == pytest.approx(0.927, abs=0.02)
    assert row.bias_low < row.bias < row.bias_high
    assert row.median_abs_low < row.median_abs < row.median_abs_high


def test_the_interval_is_that_of_clips_not_of_frames() -> None:
    """Four clips with errors of their own: thousands of frames make the interval no narrower."""
    few, many = (
        over_all(agreement([paired(np.arange(n) % 50, e, clip=k) for k, e in enumerate((-6, 0, 2, 8))], OPTIONS))
        for n in (50, 5000)
    )
    assert (few.bias_low, few.bias_high) == pytest.approx((many.bias_low, many.bias_high))
    assert few.bias_high - few.bias_low > 6.0


def test_what_is_not_observed_is_counted_and_left_out() -> None:
    found = paired([10.0, NAN, 30.0, 40.0], [1.0, 1.0, NAN, 1.0])
    row = over_all(agreement([found], OPTIONS))
    assert (row.frames, row.unobserved, row.truth_unobserved) == (2, 1, 1)
    assert row.bias == pytest.approx(1.0)
    nothing = over_all(agreement([paired([NAN, NAN], 0.0)], OPTIONS))
    assert (nothing.frames, nothing.clips, nothing.truth_unobserved) == (0, 0, 2)
    assert math.isnan(nothing.rmse)


def test_views_and_exercises_have_rows_of_their_own_and_errors_go_the_short_way() -> None:
    rows = agreement(
        [
            paired([179.0, 170.0], [-358.0, 2.0]),
            paired([0.0], [10.0], clip=1, view="side", exercise=np.array(["lunges"])),
            paired([0.0], [4.0], clip=1, view="side", quantity="hip_flexion_r", exercise=np.array(["lunges"])),
        ],
        OPTIONS,
    )
    found = {(r.quantity, r.view, r.exercise): r for r in rows}
    assert found["knee_angle_r", "front", ALL].bias == pytest.approx(2.0)
    assert found["knee_angle_r", ALL, "lunges"].rmse == pytest.approx(10.0)
    assert found[ALL, "side", ALL].frames == 2
    assert ("knee_angle_r", "side", "squats") not in found
    assert math.isnan(found[ALL, ALL, ALL].correlation)


def test_equal_seeds_give_equal_intervals() -> None:
    clips = [paired(np.arange(20.0), k, clip=k) for k in range(5)]
    first, second = (over_all(agreement(clips, AgainstOptions(replicates=50, seed=4))) for _ in range(2))
    assert (first.rmse_low, first.rmse_high) == (second.rmse_low, second.rmse_high)


def motion(times: np.ndarray) -> np.ndarray:
    """Three angles whose speed changes with time, so that one offset alone fits."""
    phase = 2 * np.pi * (0.5 * times + 0.03 * times**2)
    return np.stack([40 * np.sin(phase), 25 * np.cos(phase + 0.4), 0.2 * np.sin(times)], axis=1)


@pytest.mark.parametrize("shift", [0.0, 0.137, -1.5, 4.25])
def test_a_known_offset_is_found(shift: float) -> None:
    times, true_times = np.arange(0, 9, 1 / 30), np.arange(0, 10, 1 / 100) + shift
    rng = np.random.default_rng(0)
    seen = motion(times) + rng.normal(0, 2, (len(times), 3)) + 7.0
    offset = find_offset(true_times, motion(true_times - shift), times, seen)
    assert offset.found and offset.used == (0, 1), "the third one hardly moves"
    assert offset.seconds == pytest.approx(shift, abs=0.01)
    assert offset.correlation > 0.98


def test_a_movement_that_repeats_exactly_says_that_another_offset_fits() -> None:
    times = np.arange(0, 12, 0.02)
    angle = 40 * np.sin(2 * np.pi * times / 2.0)[:, None]
    offset = find_offset(times, angle, times, angle)
    assert offset.seconds == pytest.approx(0.0, abs=1e-6)
    assert offset.other is not None and abs(offset.other) == pytest.approx(2.0, abs=0.05)


def test_gaps_do_not_move_the_offset_and_noise_has_none() -> None:
    times = np.arange(0, 9, 0.02)
    seen = motion(times)
    seen[100:180] = NAN
    assert find_offset(times + 3, motion(times), times, seen).seconds == pytest.approx(3.0, abs=0.01)
    rng = np.random.default_rng(1)
    noise = find_offset(times, motion(times), times, rng.normal(0, 9, (len(times), 3)))
    assert not noise.found and noise.seconds == 0.0
    still = find_offset(times, np.zeros((len(times), 2)), times, np.zeros((len(times), 2)))
    assert not still.found and math.isnan(still.correlation)


def test_values_between_frames_but_not_across_gaps_or_beyond_the_ends() -> None:
    own = np.array([0.0, 0.1, 0.2, 1.0, 1.1])
    values = np.array([[0.0], [1.0], [NAN], [5.0], [6.0]])
    got = values_at(np.array([-0.1, 0.0, 0.05, 0.1, 0.15, 0.6, 1.0, 1.1, 1.2]), own, values)[:, 0]
    assert got == pytest.approx([NAN, 0.0, 0.5, 1.0, NAN, NAN, 5.0, 6.0, NAN], nan_ok=True)
