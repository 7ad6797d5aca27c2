"""The paper's constraints: the reference keeps them, a known change breaks them by its size, the text says so."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX, JOINT_NAMES
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.exercise.wording import say
from qevd_bio.motion.context import parse_motion
from qevd_bio.motion.judging.paper_constraints import STATIC_STD_DEG, STATIC_VARIANCE_DEG2
from qevd_bio.motion.options import ConstraintOptions, CycleOptions, MotionOptions
from qevd_bio.motion.segment import SegmentResult, analyse
from qevd_bio.rewriting.evidence import finding
from qevd_bio.rewriting.phrase import phrase
from qevd_bio.tables.verdicts import DYNAMIC, NOT_JUDGED, PASS, STABLE, Verdict, faults_of
from tests.motion.conftest import MakeFrames, MakeSetup

PAPER = MotionOptions(constraints=ConstraintOptions(method="paper"))
BY_STD = MotionOptions(constraints=ConstraintOptions(method="paper-std"))


def verdicts_of(result: SegmentResult) -> list[Verdict]:
    return [verdict for judged in result.cycles for verdict in judged.verdicts]


@pytest.mark.parametrize("name", sorted(load()))
def test_the_reference_deviates_nowhere_from_itself(name: str, make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    setup = replace(make_setup(name, options=PAPER), salient=JOINT_NAMES)
    found = verdicts_of(analyse(make_frames(name, noise=0.0), setup))
    moved = [v for v in found if v.kind == DYNAMIC and v.verdict != NOT_JUDGED]
    assert {v.kind for v in found} <= {DYNAMIC, STABLE}
    if load()[name].category != "hold":
        assert moved
    # The cut of the cycles and of the reference may differ by a frame of fast movement.
    assert np.median([abs(v.deviation) for v in moved]) < 2.0 if moved else True


def test_a_shallow_squat_is_told_by_its_deviation_from_the_reference(
    make_frames: MakeFrames, make_setup: MakeSetup
) -> None:
    change = {"knee_angle_r": 0.7, "knee_angle_l": 0.7}
    result = analyse(make_frames("squats", noise=0.0, change=change), make_setup("squats", options=PAPER))
    depth = math.degrees(float(load_reference(load()["squats"]).angles[:, DOF_INDEX["knee_angle_r"]].max()))
    knees = [v for v in verdicts_of(result) if v.rule == "dynamic:knee@bottom"]
    assert {v.side for v in knees} == {"r", "l"} and all(v.is_fault for v in knees)
    for verdict in knees:
        assert verdict.goal == pytest.approx(depth, abs=0.5) and verdict.value == pytest.approx(0.7 * depth, abs=0.5)
        assert verdict.deviation == pytest.approx(verdict.value - verdict.reference)
    issues = parse_motion(result.contexts[-1].motion).issues
    assert [(i.name, i.fault, i.required) for i in issues if i.name == "knee flexion"] == [
        ("knee flexion", "insufficient", float(round(depth)))
    ]


def test_only_salient_joints_are_judged(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    setup = replace(make_setup("squats", options=PAPER), salient=("knee_r", "lumbar"))
    found = verdicts_of(analyse(make_frames("squats"), setup))
    assert {v.joint for v in found} == {"knee_r", "lumbar"}
    assert {v.rule for v in found} == {"dynamic:knee@bottom", "dynamic:knee@top", "stable:lumbar"}


def test_a_variance_of_five_is_a_deviation_of_its_root(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    """A head that nods with a deviation of 3.5° breaks the printed limit, and keeps that of 5°."""
    assert math.sqrt(STATIC_VARIANCE_DEG2) < 3.5 < STATIC_STD_DEG
    frames = make_frames("squats", noise=0.0)
    angles = frames.angles.copy()
    angles[:, DOF_INDEX["head_extension"]] = math.radians(3.5 * math.sqrt(2)) * np.sin(
        2 * np.pi * frames.time_s / load()["squats"].cycle.typical_s[0]
    )
    setup = replace(make_setup("squats", options=PAPER), salient=("head", "knee_r", "knee_l"))
    nodding = replace(frames, angles=angles)
    heads = [v for v in verdicts_of(analyse(nodding, setup)) if v.joint == "head"]
    assert heads and all(v.is_fault and v.high == pytest.approx(math.sqrt(5.0)) for v in heads)
    kept = verdicts_of(analyse(nodding, replace(setup, options=BY_STD)))
    assert all(v.verdict == PASS for v in kept if v.joint == "head")


def test_without_a_reference_nothing_moving_is_judged(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    setup = replace(make_setup("squats", options=PAPER), reference=None)
    found = verdicts_of(analyse(make_frames("squats"), setup))
    assert {v.reason for v in found if v.kind == DYNAMIC} == {"no_reference"}
    assert all(v.verdict != NOT_JUDGED for v in found if v.kind == STABLE)


def test_hidden_joints_are_not_judged(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    frames = make_frames("squats")
    observed = frames.observed.copy()
    observed[:, DOF_INDEX["knee_angle_l"]] = False
    found = verdicts_of(analyse(replace(frames, observed=observed), make_setup("squats", options=PAPER)))
    assert {v.reason for v in found if v.joint == "knee_l"} == {"not_observed"}


@pytest.mark.parametrize("name", sorted(load()))
def test_everything_judged_can_be_said(name: str, make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    exercise = load()[name]
    setup = replace(make_setup(name, options=PAPER), salient=JOINT_NAMES)
    change = {"knee_angle_r": 0.5, "elbow_flexion_l": 0.5, "lumbar_extension": 3.0}
    found = [v for v in verdicts_of(analyse(make_frames(name, noise=0.05, change=change), setup)) if v.violated]
    assert found and len(faults_of(found)) <= len(found)
    for verdict in found:
        assert say(verdict).subject
        assert phrase((finding(verdict, exercise, {}),), "seed").text.endswith(".")


def test_every_main_angle_has_words() -> None:
    words = vocabulary()
    assert {joint.primary for joint in words.joints.values()} <= set(words.quantities)


@pytest.mark.parametrize("name", sorted(load()))
def test_the_paper_s_cycle_rule_takes_its_own_signal(name: str, make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    paper = load()[name].signal.paper
    assert paper
    options = MotionOptions(cycles=CycleOptions(method="paper"))
    result = analyse(make_frames(name, noise=0.0), make_setup(name, options=options))
    assert result.signal == paper


def test_both_switches_together(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    options = replace(PAPER, cycles=CycleOptions(method="paper"))
    result = analyse(make_frames("squats", reps=4), make_setup("squats", options=options))
    assert len(result.cycles) == 2  # from valley to valley: the first and the last squat begin and end without one
    assert any(v.kind == DYNAMIC and v.verdict == PASS for v in verdicts_of(result))


def test_a_turn_that_looks_alike_on_both_sides_is_half_a_cycle(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    """The pelvis tilts with every kick, so five kicks of each leg are ten cycles of one unit."""
    options = MotionOptions(cycles=CycleOptions(method="paper"))
    frames = make_frames("standing_kicks", noise=0.0, change={"pelvis_tilt": 2.0})
    result = analyse(frames, make_setup("standing_kicks", options=options))
    assert {judged.cycle.halves for judged in result.cycles} == {1}
    assert 8 <= len(result.cycles) <= 10
