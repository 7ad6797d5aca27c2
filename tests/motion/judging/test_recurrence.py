"""Evidence over repetitions: faults that recur, shares of one's own median, rests between repetitions."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.uncertainty import SHARED
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.severity import Bounds
from qevd_bio.motion.frames import Frames
from qevd_bio.motion.judging.constraints import CycleJudge
from qevd_bio.motion.judging.occasion import CameraView
from qevd_bio.motion.judging.own_course import OwnCourse
from qevd_bio.motion.judging.reading_error import reading_factor, view_of
from qevd_bio.motion.judging.recurrence import Recurrence
from qevd_bio.motion.options import ConstraintOptions
from qevd_bio.motion.segment import analyse
from qevd_bio.tables.verdicts import NOT_SURE, VIOLATION, Verdict
from tests.motion.conftest import MakeFrames, MakeSetup
from tests.motion.judging.test_constraints import occasion, window_of
from tests.motion.test_stream import stream

BOUNDS = Bounds(85.0, math.inf, 0.0)


def test_what_readings_share_of_their_errors_stays_however_many_there_are() -> None:
    course = Recurrence()
    course.add(80.0, 10.0)
    assert math.isnan(course.probability(BOUNDS))
    for _ in range(3):
        course.add(80.0, 10.0)
    spread = math.sqrt(SHARED * 100.0 + (1.0 - SHARED) * 100.0 / 4)
    assert course.probability(BOUNDS) == pytest.approx(NormalDist(80.0, spread).cdf(85.0), abs=1e-12)
    for _ in range(1000):
        course.add(80.0, 10.0)
    assert course.probability(BOUNDS) == pytest.approx(NormalDist(80.0, 10.0 * math.sqrt(SHARED)).cdf(85.0), abs=1e-3)


def test_repetitions_that_differ_are_less_sure() -> None:
    steady, uneven = Recurrence(), Recurrence()
    for value in (80.0, 80.0, 80.0, 80.0):
        steady.add(value, 1.0)
    for value in (50.0, 110.0, 60.0, 100.0):
        uneven.add(value, 1.0)
    assert steady.probability(BOUNDS) > 0.99 and uneven.probability(BOUNDS) < 0.7


def shallow(sigma_deg: float, count: int, **options: float) -> list[Verdict]:
    """The right knee's verdict in `count` squats of 77°, measured with an error of `sigma_deg` by a camera."""
    window = window_of("squats", {"knee_angle_r": 0.75, "knee_angle_l": 0.75})
    window.sigma = np.full(window.angles.shape, math.radians(sigma_deg))
    camera = CameraView(90.0)
    judge = CycleJudge(load()["squats"], (), ConstraintOptions(**options), camera)  # type: ignore[arg-type]
    found = []
    for _ in range(count):
        verdicts = judge.judge(occasion(window, 3.0), window)
        found.append(next(v for v in verdicts if (v.rule, v.side) == ("error:knees_shallow", "r")))
    return found


def test_a_fault_that_is_likely_each_time_becomes_sure_enough_when_it_recurs() -> None:
    once, again, third = shallow(6.0, 3)
    assert once.verdict == NOT_SURE and 0.7 < once.probability < 0.9 and not once.raised
    assert again.recurrence > once.probability
    assert again.verdict == third.verdict == VIOLATION and again.severity > 0.0
    assert third.persistence == 2 and third.raised
    assert all(v.verdict == NOT_SURE for v in shallow(6.0, 3, recur_p=0.99))


def test_a_share_needs_three_repetitions_and_compares_with_their_median() -> None:
    course = OwnCourse(load()["squats"])
    window = window_of("squats")
    small = window_of("squats", {"knee_angle_r": 0.5, "knee_angle_l": 0.5})
    for duration in (2.0, 9.0):
        course.remember(window, duration)
    assert math.isnan(course.shares(window, 3.0)["duration_share"])
    course.remember(window, 3.0)
    assert course.shares(window, 6.0)["duration_share"] == pytest.approx(2.0)
    assert course.shares(small, 6.0)["range_share"] == pytest.approx(0.5, abs=0.02)


def piked(make_frames: MakeFrames, bend_deg: float) -> Frames:
    """Two push-ups, a rest of two seconds with the hips bent, two more."""
    parts = [make_frames("push_ups", reps=2, rest=15, noise=0.0)] * 2
    still = np.repeat(parts[0].angles[-1:], 60, axis=0)
    for side in "rl":
        still[:, DOF_INDEX[f"hip_flexion_{side}"]] += math.radians(bend_deg)
    angles = np.concatenate([parts[0].angles, still, parts[1].angles])
    count = len(angles)
    first = parts[0]
    return replace(
        first, frame=np.arange(count, dtype=np.int32), time_s=np.arange(count) / 30.0, angles=angles,
        observed=np.ones(angles.shape, dtype=bool), confidence=np.full(count, 0.9),
        status=np.repeat(first.status[:1], count), root=np.repeat(first.root[:1], count, axis=0),
    )  # fmt: skip


def test_a_pike_between_push_ups_is_found_in_the_rest_and_streamed_alike(
    make_frames: MakeFrames, make_setup: MakeSetup
) -> None:
    for bend, broken in ((70.0, True), (5.0, False)):
        frames, setup = piked(make_frames, bend), make_setup("push_ups")
        batch = analyse(frames, setup).cycles
        streamed, _ = stream(frames, setup)
        assert len(batch) == len(streamed) == 4
        for cycles in (batch, streamed):
            told = [v for cycle in cycles for v in cycle.verdicts if v.rule == "error:rests_piked" and v.side != "l"]
            assert [v.reason for v in told if v.verdict == "not_judged"] == ["no_pause"] * 3
            (rest,) = [v for v in told if v.verdict != "not_judged"]
            assert (rest.verdict == VIOLATION) == broken and rest.at_s < rest.start_s
            assert rest.value == pytest.approx(bend + 2.0, abs=3.0) and rest.key == "between the repetitions"


def test_factors_are_known_for_every_view_and_unknown_quantities_take_the_common_one() -> None:
    assert [view_of(h) for h in (0.0, -40.0, 90.0, 180.0, 355.0)] == ["front", "oblique", "side", "back", "front"]
    assert reading_factor("foot_clearance", "max", 0.0) < 1.0 < reading_factor("pelvis_list", "range", 0.0)
    assert reading_factor("no_such", "mean", None) == reading_factor("", "mean", 90.0) > 0.0
