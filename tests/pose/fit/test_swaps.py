"""Left and right put right over a whole clip; a camera that moves is noticed."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.pose.fit.clip import fit_clip
from qevd_bio.pose.fit.moving import moving_flags
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.swaps import STATES, decide_swaps, swap_flags, swapped_back
from tests.pose.seen import SIZE, landmarks_of, squats


@pytest.mark.parametrize("state", [1, 2, 3])
@pytest.mark.parametrize("heading", [0.0, 50.0])
def test_a_swap_is_found_and_put_right(state: int, heading: float) -> None:
    time_s, truth = squats(90, heading=heading)
    seen = landmarks_of(truth, noise_px=2.0)
    states = np.zeros(90, dtype=np.intp)
    states[30:42] = state
    wrong = swapped_back(seen, states)
    assert not np.array_equal(wrong, seen)
    found = decide_swaps(wrong, time_s)
    np.testing.assert_array_equal(found, states)
    np.testing.assert_array_equal(swapped_back(wrong, found), seen)
    flags = swap_flags(found, time_s)
    assert flags == [{"kind": "sides_swapped", "what": STATES[state], "start_s": 1.0, "end_s": 41 / 30}]
    fit = fit_clip(wrong, time_s, SIZE, FitOptions())
    np.testing.assert_allclose(fit.raw, fit_clip(seen, time_s, SIZE, FitOptions()).raw)
    assert [flag["kind"] for flag in fit.flags] == ["sides_swapped"]


def test_nothing_is_swapped_in_a_clean_clip_or_across_a_gap() -> None:
    time_s, truth = squats(60)
    seen = landmarks_of(truth, noise_px=3.0)
    assert not decide_swaps(seen, time_s).any()
    seen[20:50] = np.nan
    assert not decide_swaps(seen, time_s).any()
    assert not decide_swaps(np.full((4, 33, 7), np.nan), np.arange(4) / 30.0).any()


def test_a_camera_that_pans_is_noticed_and_one_that_stands_is_not() -> None:
    time_s, truth = squats(120, heading=30.0)
    seen = landmarks_of(truth, noise_px=2.0)
    assert moving_flags(seen, time_s) == []
    panned = seen.copy()
    panned[45:90, :, 0] += (150.0 * (time_s[45:90] - time_s[45]))[:, None]
    panned[90:, :, 0] += 225.0
    (flag,) = moving_flags(panned, time_s)
    assert flag["kind"] == "camera_moves"
    assert (flag["start_s"], flag["end_s"]) == (pytest.approx(1.5, abs=0.25), pytest.approx(3.0, abs=0.25))
