"""The smoother: closed form, fixed delay, indifferent to how frames come."""

from __future__ import annotations

import math

import numpy as np
import pytest

from qevd_bio.motion.cycles.smoothing import Boxcar, Smoother, boxcar_width


def run(smoother: Smoother, times: np.ndarray, values: np.ndarray) -> list[tuple[float, float]]:
    out = [sample for t, v in zip(times.tolist(), values.tolist(), strict=True) for sample in smoother.push(t, v)]
    return out + smoother.finish()


def test_boxcar_is_the_running_mean_with_held_ends() -> None:
    box = Boxcar(3)
    means = [mean for value in (0.0, 3.0, 6.0, 6.0) if (mean := box.push(value)) is not None]
    assert means == [1.0, 3.0, 5.0]


@pytest.mark.parametrize(("sigma", "width"), [(0.0, 1), (1.0, 1), (1.5, 3), (2.7, 5)])
def test_boxcar_width_is_odd(sigma: float, width: int) -> None:
    assert boxcar_width(sigma) == width


def test_a_constant_stays_and_a_ramp_keeps_its_slope() -> None:
    times = np.arange(90) / 30.0
    flat = run(Smoother(30.0, 0.09), times, np.full(90, 0.7))
    assert [value for _, value in flat] == pytest.approx([0.7] * len(flat))
    ramp = run(Smoother(30.0, 0.09), times, times)
    inner = ramp[15:-15]
    assert [value for _, value in inner] == pytest.approx([time for time, _ in inner])


def test_one_wild_frame_leaves_no_trace() -> None:
    values = np.zeros(60)
    values[30] = 5.0
    assert max(abs(value) for _, value in run(Smoother(30.0, 0.09), np.arange(60) / 30.0, values)) < 1e-12


@pytest.mark.parametrize("fps", [12.0, 18.0, 25.0, 30.0, 59.94])
def test_the_grid_is_the_same_at_every_rate(fps: float) -> None:
    times = np.arange(int(4 * fps)) / fps
    out = run(Smoother(30.0, 0.05), times, np.sin(times))
    grid = [time for time, _ in out]
    assert np.allclose(np.diff(grid), 1 / 30.0)
    assert abs(grid[-1] - times[-1]) <= 1 / 30.0
    inner = out[10:-10]
    assert max(abs(value - math.sin(time)) for time, value in inner) < 0.01


def test_a_sample_is_final_after_the_stated_delay() -> None:
    smoother = Smoother(30.0, 0.09)
    for index in range(200):
        time = index / 30.0
        for when, _ in smoother.push(time, math.sin(time)):
            assert time - when <= smoother.delay_s + 1e-9
    assert smoother.delay_s < 0.5
