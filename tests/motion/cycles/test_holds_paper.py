"""Holds, and the paper's own rule against SciPy's functions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from qevd_bio.motion.cycles import paper_cycles as paper
from qevd_bio.motion.cycles.builders import CycleRule
from qevd_bio.motion.cycles.holds import HoldDetector

FPS = 30.0
RULE = CycleRule(False, (0.33, math.inf), (10.0, 30.0), 0.0)


def holds(values: np.ndarray) -> list[tuple[float, float]]:
    detector = HoldDetector(RULE, math.radians(80))
    times = (np.arange(len(values)) / FPS).tolist()
    return [(c.start_s, c.end_s) for c in detector.extend(times, values.tolist()) + detector.finish()]


def stretch(seconds: float = 5.0) -> np.ndarray:
    up, down = np.linspace(0, 120, 30), np.linspace(120, 0, 30)
    return np.radians(np.concatenate([np.zeros(60), up, np.full(round(seconds * FPS), 120.0), down, np.zeros(60)]))


def test_a_hold_lasts_from_stillness_to_movement() -> None:
    [(start, end)] = holds(stretch())
    assert start == pytest.approx(3.0, abs=0.35)
    assert end == pytest.approx(8.0, abs=0.35)


def test_the_slow_end_of_the_way_into_a_hold_is_no_part_of_it() -> None:
    """Minimum jerk over two seconds: the last half second moves by 6° only, which looks like stillness."""
    share = np.linspace(0.0, 1.0, 60)
    way = 120 * (10 * share**3 - 15 * share**4 + 6 * share**5)
    values = np.radians(np.concatenate([np.zeros(30), way, np.full(150, 120.0), way[::-1], np.zeros(30)]))
    [(start, end)] = holds(values)
    inside = np.degrees(values[round(start * FPS) : round(end * FPS) + 1])
    assert inside.min() > 112.0 and inside.std() < 2.0
    assert end - start > 5.0


def test_standing_still_is_no_hold_and_a_moment_is_too_short() -> None:
    assert holds(np.zeros(300)) == []
    assert holds(stretch(0.5)) == []


def test_a_slip_does_not_end_a_hold_and_a_long_gap_does() -> None:
    values = stretch(6.0)
    slip = values.copy()
    slip[150:156] += np.radians(20)
    assert len(holds(slip)) == 1
    gap = values.copy()
    gap[150:180] = np.nan
    assert len(holds(gap)) == 2


def test_holds_streamed_one_by_one_are_the_same() -> None:
    values = stretch() + np.random.default_rng(1).normal(0, 0.01, 330)
    detector = HoldDetector(RULE, math.radians(80))
    times = np.arange(330) / FPS
    streamed = [c for t, v in zip(times, values, strict=True) for c in detector.push(float(t), float(v))]
    assert [(c.start_s, c.end_s) for c in streamed + detector.finish()] == holds(values)


def test_paper_cycles_are_those_of_its_functions_and_numbers() -> None:
    rng = np.random.default_rng(0)
    times = np.arange(900) / FPS
    values = 0.8 - 0.8 * np.cos(2 * math.pi * times / 2.3) + rng.normal(0, 0.05, 900)
    smooth = gaussian_filter1d(values, 2)
    valleys, _ = find_peaks(-smooth, prominence=0.1, distance=5)
    expected = [(times[a], times[b]) for a, b in itertools.pairwise(valleys) if 24 <= b - a <= 150]
    cycles = paper.detect_cycles(times, values)
    assert np.allclose([(c.start_s, c.end_s) for c in cycles], expected)
    assert len(expected) >= 10
    assert all(values[round(c.key_s * FPS)] > 1.2 for c in cycles)


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
def test_the_paper_s_frames_are_those_of_thirty_a_second(fps: float) -> None:
    times = np.arange(round(12 * fps)) / fps
    slow, fast = (0.8 - 0.8 * np.cos(2 * math.pi * times / period) for period in (3.0, 0.7))
    assert len(paper.detect_cycles(times, slow)) == 2  # of four, the first and the last have no valley outside
    assert paper.detect_cycles(times, fast) == []  # 21 frames
    assert paper.count_peaks(times, slow) == 4


def test_paper_splits_two_sided_cycles_where_the_signal_meets_its_mean() -> None:
    times = np.arange(300) / FPS
    cycles = paper.detect_cycles(times, np.sin(2 * math.pi * times / 2.0), two_sided=True)
    assert len(cycles) == 4
    for cycle in cycles:
        assert cycle.middle_s == pytest.approx(cycle.start_s + 1.5, abs=0.07)


def test_paper_holds_take_thirty_percent_of_any_signal() -> None:
    values = np.cumsum(np.random.default_rng(0).normal(0, 0.1, 600))
    found = paper.detect_holds(np.arange(600) / FPS, values)
    assert all(c.duration_s >= 9 / FPS for c in found)
    assert paper.detect_holds([0.0] * 5, [0.0] * 5) == []
    assert paper.detect_cycles([], []) == []
    assert paper.detect_cycles([0.0, 1.0], [math.nan, math.nan]) == []
