"""Cycle detection: closed form first, then what real signals do, then the promises of the stream."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qevd_bio.motion.cycles.builders import Cycle, CycleRule
from qevd_bio.motion.cycles.detection import CycleDetector, detect

FPS = 30.0
SQUAT = CycleRule(False, (0.8, 5.0), (1.2, 4.0), math.radians(100))
KNEES = CycleRule(True, (0.4, 2.5), (0.6, 1.2), math.radians(180))


def seconds(duration: float, fps: float = FPS) -> np.ndarray:
    return np.arange(round(duration * fps)) / fps


def squats(times: np.ndarray, period: float = 2.5, depth: float = 90.0) -> np.ndarray:
    return np.radians(depth / 2) * (1 - np.cos(2 * math.pi * times / period))


def found(times: np.ndarray, values: np.ndarray, rule: CycleRule = SQUAT) -> list[Cycle]:
    return detect(times.tolist(), values.tolist(), rule)


@pytest.mark.parametrize("fps", [15.0, 25.0, 30.0, 60.0])
@pytest.mark.parametrize("period", [1.5, 2.5, 4.0])
def test_every_period_of_a_cosine_is_one_cycle_from_top_to_top(period: float, fps: float) -> None:
    times = seconds(8 * period, fps)
    cycles = found(times, squats(times, period))
    assert len(cycles) == 8
    for number, cycle in enumerate(cycles):
        assert cycle.key_s == pytest.approx((number + 0.5) * period, abs=0.06)
        assert cycle.amplitude == pytest.approx(math.radians(90), rel=0.05)
        assert cycle.start_s < cycle.key_s < cycle.end_s
    inner = cycles[1:-1]
    assert [c.duration_s for c in inner] == pytest.approx([period] * 6, abs=0.1)
    assert [a.end_s for a in inner[:-1]] == [b.start_s for b in inner[1:]]


def test_standing_between_repetitions_belongs_to_none() -> None:
    one = squats(seconds(2.0), 2.0)
    still = np.zeros(90)
    values = np.concatenate([still, one, still, one, still])
    cycles = found(seconds(len(values) / FPS), values)
    assert [round(c.start_s, 1) for c in cycles] == pytest.approx([3.2, 8.2], abs=0.2)
    assert [round(c.end_s, 1) for c in cycles] == pytest.approx([4.8, 9.8], abs=0.2)


def test_fidgets_holds_and_double_humps_are_no_repetitions() -> None:
    times = seconds(20)
    values = squats(times, 4.0)
    fidget = np.radians(4) * np.sin(2 * math.pi * 3.0 * times)
    assert len(found(times, values + fidget)) == 5
    bottom_pause = np.minimum(values, np.radians(70))
    assert len(found(times, bottom_pause)) == 5
    hump = np.where(
        values > np.radians(70), values - np.radians(15) * np.sin(math.pi * (times % 4 - 1.2) / 1.6) ** 2, values
    )
    assert len(found(times, hump)) == 5
    assert found(times, fidget) == []


def test_a_constant_noise_and_nothing_have_no_cycles() -> None:
    times = seconds(10)
    assert found(times, np.full(300, 1.0)) == []
    assert found(times, np.random.default_rng(0).normal(0, 0.02, 300)) == []
    assert found(times, np.full(300, np.nan)) == []
    assert found(seconds(0), np.empty(0)) == []
    assert found(seconds(10 / FPS), squats(seconds(10 / FPS))) == []


def test_clip_that_starts_at_the_bottom_has_a_first_half() -> None:
    times = seconds(10)
    cycles = found(times, squats(times + 1.25))
    assert [c.partial for c in cycles] == ["start", "", "", "", "end"]
    assert cycles[0].start_s == pytest.approx(0.0, abs=0.05)


def test_clip_that_ends_at_the_bottom_has_a_last_half() -> None:
    times = seconds(6.3)
    cycles = found(times, squats(times))
    assert [c.partial for c in cycles] == ["", "", "end"]
    assert cycles[-1].reported_s == math.inf


def test_a_small_first_movement_waits_for_the_next_and_is_dropped() -> None:
    bend = squats(seconds(1.5), 1.5, 30.0)
    values = np.concatenate([bend, np.zeros(30), squats(seconds(7.5), 2.5)])
    detector = CycleDetector(SQUAT)
    cycles = detector.extend(seconds(len(values) / FPS).tolist(), values.tolist()) + detector.finish()
    assert len(cycles) == 3
    assert detector.rejected == {"smaller_than_the_next": 1}


def test_shallow_repetitions_count_when_all_are_shallow() -> None:
    times = seconds(12.5)
    assert len(found(times, squats(times, 2.5, 35.0))) == 5


def test_standing_up_after_the_last_one_is_no_part_of_it() -> None:
    """Squats that are never finished upright (30° at the top), then the person stands up and stays."""
    bent = np.radians(30) + squats(seconds(7.5), 2.5, 70.0)
    up = np.radians(30) * 0.5 * (1 + np.cos(np.linspace(0, math.pi, 24)))
    values = np.concatenate([np.zeros(60), up[::-1], bent, up, np.zeros(90)])
    times = seconds(len(values) / FPS)
    cycles = found(times, values)
    assert len(cycles) == 3
    for cycle in cycles:
        inside = np.degrees(values[(times >= cycle.start_s) & (times <= cycle.end_s)])
        assert inside.min() > 27.0
    assert [c.duration_s for c in cycles] == pytest.approx([2.5] * 3, abs=0.45)


def test_a_rest_as_long_as_the_references_is_no_pause() -> None:
    one = np.concatenate([squats(seconds(2.0), 2.0), np.zeros(24)])
    values = np.tile(one, 6)
    times = seconds(len(values) / FPS)
    cut = found(times, values)[1:-1]
    whole = found(times, values, replace(SQUAT, rest_ratio=0.9))[1:-1]
    assert all(c.duration_s < 2.2 for c in cut)
    assert [c.duration_s for c in whole] == pytest.approx([2.8] * 4, abs=0.05)


def test_what_the_exercise_itself_calls_too_fast_is_found() -> None:
    times = seconds(16)
    values = np.where(times < 12, squats(times, 4.0), squats(times, 0.8))
    slow = replace(SQUAT, typical_s=(3.0, 5.0))
    assert len(found(times, values, slow)) < 8
    assert len(found(times, values, replace(slow, fast_s=1.2))) == pytest.approx(8, abs=1)
    assert len(found(times, values, replace(slow, fast_s=5.0))) < 8


def test_small_turns_count_where_they_leave_the_middle_of_both_sides() -> None:
    times = seconds(16)
    size = np.where(times < 8, 90.0, 40.0)
    small = np.radians(size) * np.sin(2 * math.pi * times / 1.0)
    assert sum(c.halves for c in found(times, small, KNEES)) == pytest.approx(32, abs=1)
    # One side alone returns to the middle and goes no further: that is no turn of the other side.
    right = np.where(times < 8, small, np.maximum(np.radians(90) * np.sin(2 * math.pi * times / 1.0), 0.0))
    cycles = found(times, right, KNEES)
    assert sum(c.halves for c in cycles if c.start_s > 8.5) == pytest.approx(8, abs=1)


def test_bounds_are_in_seconds() -> None:
    times = seconds(8)
    detector = CycleDetector(SQUAT)
    assert detector.extend(times.tolist(), squats(times, 0.4).tolist()) == []
    assert detector.rejected["too_short"] >= 10
    slow = seconds(50)
    assert found(slow, squats(slow, 25.0)) == []


def test_short_gaps_are_bridged_and_long_ones_end_a_repetition() -> None:
    times = seconds(12.5)
    values = squats(times)
    short = values.copy()
    short[100:110] = np.nan
    assert len(found(times, short)) == 5
    long = values.copy()
    long[95:125] = np.nan
    cycles = found(times, long)
    assert [c.partial for c in cycles] == ["", "start", "", "", ""]
    assert all(not (c.start_s < 3.1 and c.end_s > 4.2) for c in cycles)


def test_rest_may_be_the_high_end() -> None:
    times = seconds(10)
    rule = CycleRule(False, (0.8, 5.0), (1.2, 4.0), math.radians(100), rest_high=True)
    cycles = found(times, -squats(times), rule)
    assert [c.key_s for c in cycles] == pytest.approx([1.25, 3.75, 6.25, 8.75], abs=0.05)


def test_two_sided_cycles_hold_one_movement_of_each_side() -> None:
    times = seconds(8)
    values = np.radians(90) * np.sin(2 * math.pi * times / 1.0)
    cycles = found(times, values, KNEES)
    assert sum(c.halves for c in cycles) == 16
    assert {c.side for c in cycles} == {"r"}
    for cycle in cycles[1:-1]:
        assert cycle.key_s % 1.0 == pytest.approx(0.25, abs=0.05)
        assert cycle.other_key_s % 1.0 == pytest.approx(0.75, abs=0.05)
        assert cycle.start_s < cycle.key_s < cycle.middle_s < cycle.other_key_s < cycle.end_s


def test_standing_before_and_after_is_no_lift() -> None:
    times = seconds(4)
    lifts = np.radians(90) * np.sin(2 * math.pi * times / 1.0)
    values = np.concatenate([np.zeros(60), lifts, np.zeros(60)])
    assert sum(c.halves for c in found(seconds(len(values) / FPS), values, KNEES)) == 8


def test_an_arm_that_is_never_seen_still_gives_pairs() -> None:
    times = seconds(9)
    taps = np.radians(80) * np.maximum(np.sin(2 * math.pi * times / 1.5), 0.0) ** 2
    rule = CycleRule(True, (0.8, 5.0), (1.5, 4.0), math.radians(220))
    assert sum(c.halves for c in found(times, taps, rule)) == pytest.approx(12, abs=1)


signals = st.builds(
    lambda period, depth, noise, seed, start: (
        squats(seconds(14) + start, period, depth) + np.random.default_rng(seed).normal(0.0, noise, round(14 * FPS))
    ),
    st.floats(0.7, 5.0),
    st.floats(10.0, 120.0),
    st.floats(0.0, 0.15),
    st.integers(0, 10_000),
    st.floats(0.0, 3.0),
)


@settings(max_examples=40, deadline=None)
@given(signals, st.sampled_from([SQUAT, KNEES]), st.lists(st.integers(1, 419), max_size=5))
def test_streaming_in_any_pieces_equals_the_batch(values: np.ndarray, rule: CycleRule, cuts: list[int]) -> None:
    times = seconds(14)
    detector = CycleDetector(rule)
    streamed: list[Cycle] = []
    edges = [0, *sorted(set(cuts)), len(times)]
    for first, last in itertools.pairwise(edges):
        streamed += detector.extend(times[first:last].tolist(), values[first:last].tolist())
    assert repr(streamed + detector.finish()) == repr(found(times, values, rule))


@settings(max_examples=40, deadline=None)
@given(signals, st.sampled_from([SQUAT, KNEES]), st.integers(2, 419))
def test_what_was_reported_is_what_the_batch_finds_on_the_prefix(values: np.ndarray, rule: CycleRule, cut: int) -> None:
    times = seconds(14)
    detector = CycleDetector(rule)
    reported = detector.extend(times[:cut].tolist(), values[:cut].tolist())
    on_prefix = found(times[:cut], values[:cut], rule)
    assert repr(on_prefix[: len(reported)]) == repr(reported)
    later = reported + detector.extend(times[cut:].tolist(), values[cut:].tolist()) + detector.finish()
    assert repr(later) == repr(found(times, values, rule))


@settings(max_examples=30, deadline=None)
@given(signals)
@example(squats(seconds(14) + 1.0, 3.0, 10.0) + np.random.default_rng(256).normal(0.0, 0.125, round(14 * FPS)))
def test_cycles_are_ordered_do_not_overlap_and_hold_their_key(values: np.ndarray) -> None:
    cycles = found(seconds(14), values)
    for cycle in cycles:
        assert cycle.start_s <= cycle.key_s <= cycle.end_s
    for first, second in itertools.pairwise(cycles):
        assert first.end_s <= second.start_s + 1e-9


@settings(max_examples=30, deadline=None)
@given(signals, st.floats(-3.0, 3.0))
def test_an_offset_changes_nothing_on_one_sided_signals(values: np.ndarray, offset: float) -> None:
    plain, moved = found(seconds(14), values), found(seconds(14), values + offset)
    assert [c.key_s for c in plain] == pytest.approx([c.key_s for c in moved], abs=0.07)


def test_a_cycle_followed_by_rest_is_reported_within_the_stated_latency() -> None:
    values = np.concatenate([squats(seconds(5.0)), np.zeros(120)])
    times = seconds(len(values) / FPS)
    detector = CycleDetector(SQUAT)
    cycles = detector.extend(times.tolist(), values.tolist())
    assert len(cycles) == 2
    for cycle in cycles:
        assert cycle.reported_s - cycle.end_s <= detector.latency_s
    assert detector.latency_s < 2.5


def test_memory_does_not_grow() -> None:
    times = seconds(600)
    detector = CycleDetector(SQUAT)
    values = squats(times)
    detector.extend(times[:3000].tolist(), values[:3000].tolist())
    size = len(detector._builder.samples)
    detector.extend(times[3000:].tolist(), values[3000:].tolist())
    assert len(detector._builder.samples) == size == detector._builder.samples.maxlen
