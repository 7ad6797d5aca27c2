"""J* that becomes known while a segment runs, and contexts of the last seconds alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.vocabulary import joint_names
from qevd_bio.motion.context import parse_motion
from qevd_bio.motion.frames import Frames
from qevd_bio.motion.judging.evaluate import Setup
from qevd_bio.motion.options import ContextOptions, MotionOptions
from qevd_bio.motion.salient import Chosen, SalientJoints
from qevd_bio.motion.segment import analyse, analyse_over_time
from tests.motion.conftest import MakeFrames, MakeSetup, exercise_of
from tests.motion.test_stream import stream

KEY = ("s", "v", 0)


def windowed(setup: Setup, window_s: float) -> Setup:
    return replace(setup, options=MotionOptions(contexts=ContextOptions(window_s=window_s)))


def test_a_joint_counts_from_the_time_when_it_was_seen_to_matter() -> None:
    squats = exercise_of("squats")
    own = joint_names(squats.salient)
    rows = {KEY: Chosen((*own, "thorax"), {"thorax": 6.0})}
    causal = SalientJoints("annotated", "causal", rows).of(KEY, squats)
    assert causal.at(5.9) == own and causal.at(6.0) == causal.last == (*own, "thorax")
    whole = SalientJoints("annotated", "whole", rows).of(KEY, squats)
    assert whole.at(0.0) == whole.last == (*own, "thorax")
    # Until the selector has seen its first seconds, the exercise's own list holds.
    chosen = SalientJoints("selector", "causal", {KEY: Chosen(("head",), {"head": 3.0})}).of(KEY, squats)
    assert chosen.at(2.9) == own and chosen.at(3.0) == ("head",)
    # A segment that the source knows nothing of is told apart.
    assert SalientJoints("selector", "causal", {}).of(KEY, squats).source == "exercise"


def test_contexts_and_verdicts_are_those_of_the_joints_known_then(
    make_frames: MakeFrames, make_setup: MakeSetup
) -> None:
    frames, setup = (
        make_frames("squats", reps=5, change={"knee_angle_r": 0.7, "knee_angle_l": 0.7}),
        make_setup("squats"),
    )
    rows = {KEY: Chosen(("head",), {"head": 6.0})}
    joints = SalientJoints("selector", "causal", rows).of(KEY, setup.exercise)
    found = analyse_over_time(frames, setup, joints)
    before, after = analyse(frames, setup), analyse(frames, replace(setup, salient=("head",)))
    early, late = ([row.time_s < 6.0 for row in found.contexts].count(value) for value in (True, False))
    assert early and late
    assert found.contexts == before.contexts[:early] + after.contexts[early:]
    assert [any(v.salient and v.violated for v in c.verdicts) for c in found.cycles] == [
        any(v.salient and v.violated for v in (b if c.reported_s < 6.0 else a).verdicts)
        for a, b, c in zip(after.cycles, before.cycles, found.cycles, strict=True)
    ]
    assert "Knee" not in found.contexts[-1].motion and "knee" in before.contexts[-1].motion


@pytest.mark.parametrize("name", ["high_knees", "squats", "quad_stretch"])
def test_the_stream_sees_the_same_window_as_the_batch(
    name: str, make_frames: MakeFrames, make_setup: MakeSetup
) -> None:
    frames = make_frames(name, reps=5, noise=0.02, lost=(100, 106))
    setup = windowed(make_setup(name), 3.0)
    _, contexts = stream(frames, setup)
    assert contexts == list(analyse(frames, setup).contexts)


def test_a_window_knows_nothing_of_what_lies_before_it(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    frames, setup = make_frames("high_knees", reps=8), make_setup("high_knees")
    last = analyse(frames, windowed(setup, 3.0)).contexts[-1]
    still = replace(frames, angles=frames.angles.copy())
    still.angles[frames.time_s < last.time_s - 3.0 - 1e-6] = frames.angles[0]
    assert analyse(still, windowed(setup, 3.0)).contexts[-1] == last
    assert analyse(still, setup).contexts[-1].motion != analyse(frames, setup).contexts[-1].motion
    counts = {
        window: max(parse_motion(row.motion).cycles for row in analyse(frames, windowed(setup, window)).contexts)
        for window in (0.0, 3.0, 2.0)
    }
    assert counts[0.0] >= 7 and 1 <= counts[2.0] < counts[3.0] < counts[0.0]


def test_a_shorter_window_misses_longer_repetitions(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    frames = slower(make_frames("squats", reps=5), 2.5)
    setup = make_setup("squats")
    seen = {
        window: sum(row.cycle >= 0 for row in analyse(frames, windowed(setup, window)).contexts)
        for window in (0.0, 4.0, 3.0, 2.0)
    }
    assert seen[0.0] > seen[4.0] > seen[3.0] > seen[2.0] == 0


def slower(frames: Frames, cycle_s: float) -> Frames:
    """The reference's squat of some 2 s at another pace."""
    squats = exercise_of("squats")
    found = analyse(frames, Setup(squats, load_reference(squats).angles, joint_names(squats.salient))).cycles
    pace = cycle_s / float(np.median([cycle.cycle.duration_s for cycle in found]))
    count = int(len(frames) * pace)
    places = np.linspace(0, len(frames) - 1, count)
    angles = np.column_stack([np.interp(places, np.arange(len(frames)), column) for column in frames.angles.T])
    return Frames(
        np.arange(count, dtype=np.int32), np.arange(count) / 30.0, angles, np.ones(angles.shape, bool),
        np.full(count, 0.9), np.zeros(count, np.uint8), np.full((count, 3), np.nan),
    )  # fmt: skip
