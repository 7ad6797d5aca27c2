"""Holes in time of any length, and results that do not depend on threads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.motion.judging.align import compare
from qevd_bio.pose.fit.clip import FitOptions, fit_clip
from qevd_bio.pose.fit.gaps import MISSING, hold_gaps
from qevd_bio.pose.fit.smooth import SmoothOptions, follow_angles, smooth_angles
from qevd_bio.video.sampling import indices_at_rate
from tests.pose.seen import SIZE, landmarks_of, squats

HOLES = [1.0, 3600.0, 1e6, 1e9]


@pytest.mark.parametrize("hole_s", HOLES)
def test_a_fit_steps_over_a_hole(hole_s: float) -> None:
    time_s, truth = squats(60)
    later = time_s + hole_s * (np.arange(60) >= 30)
    fitted = fit_clip(landmarks_of(truth, noise_px=1.0), later, SIZE, FitOptions())
    assert np.isfinite(fitted.raw).all()
    assert np.rad2deg(np.abs(fitted.raw - truth)).mean() < 5


@pytest.mark.parametrize("hole_s", HOLES)
def test_smoothing_holding_and_sampling_step_over_a_hole(hole_s: float) -> None:
    time_s, truth = squats(60)
    later = time_s + hole_s * (np.arange(60) >= 30)
    options = SmoothOptions(2 / 30, 0.5, "follow")
    smooth = smooth_angles(truth, later, options)
    follow = follow_angles(truth, smooth, later, options)
    assert smooth.shape == follow.shape == truth.shape and np.isfinite(follow).all()
    _, status = hold_gaps([truth], later, np.arange(60) != 30, 0.5)
    assert status[30] == MISSING or hole_s <= 0.5
    assert len(indices_at_rate(later, 16.0)) <= 60


def test_similarity_does_not_depend_on_the_number_of_threads() -> None:
    """More values than BLAS gives to one thread."""
    code = (
        "import numpy as np\nfrom qevd_bio.motion.judging.align import compare\n"
        "draw = np.random.default_rng(1)\n"
        "a, b = (np.cumsum(draw.normal(size=(1500, 46)), axis=0) for _ in range(2))\n"
        "print(compare(a, b + a, np.arange(46)).velocity.hex())\n"
    )
    said = set()
    for threads in ("1", "2", "4"):
        environment = {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, "PYTHONPATH": str(Path.cwd())}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        said.add(run.stdout)
    assert len(said) == 1


def test_similarity_does_not_depend_on_where_the_values_lie() -> None:
    draw = np.random.default_rng(2)
    a, b = (np.cumsum(draw.normal(size=(300, 46)), axis=0) for _ in range(2))
    found = set()
    for shift in range(8):
        room = np.empty(a.size + 8)[shift : shift + a.size].reshape(a.shape)
        room[:] = a
        found.add(compare(room, b + room, np.arange(46)))
    assert len(found) == 1
