"""Judging cycles: the reference passes, known changes are found with their size, what is not seen is not judged."""

from __future__ import annotations

import math

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.severity import severity
from qevd_bio.motion.cycles.curves import SeenCurves, Window
from qevd_bio.motion.judging.constraints import CycleJudge
from qevd_bio.motion.judging.occasion import CameraView, Occasion
from qevd_bio.motion.judging.stillness import static_limits
from qevd_bio.motion.judging.truncation import Cut
from qevd_bio.motion.options import ConstraintOptions
from qevd_bio.tables.motion import SegmentPlace
from qevd_bio.tables.verdicts import NOT_JUDGED, PASS, VIOLATION, Verdict, distance

ALL_JOINTS = ("knee_r", "knee_l", "hip_r", "hip_l")


def window_of(name: str, change: dict[str, float] | None = None, hidden: tuple[str, ...] = ()) -> Window:
    """The reference cycle with degrees of freedom multiplied, others hidden."""
    angles = load_reference(load()[name]).angles.copy()
    for dof, factor in (change or {}).items():
        angles[:, DOF_INDEX[dof]] *= factor
    observed = np.ones(angles.shape, dtype=bool)
    observed[:, [DOF_INDEX[dof] for dof in hidden]] = False
    curves = SeenCurves(angles, observed, np.ones(len(angles), dtype=bool), Skeleton.from_stature())
    return Window(curves, 0, len(angles) - 1)


def occasion(window: Window, duration_s: float) -> Occasion:
    """A cycle of 30 frames a second that begins at frame 300, 10 s into its video."""
    frames = np.arange(300, 300 + len(window), dtype=np.int32)
    return Occasion(SegmentPlace("s", "0001", 2, "any"), 4, 10.0, 10.0 + duration_s, frames / 30.0, frames)


def judged(name: str, window: Window, **options: object) -> dict[tuple[str, str], Verdict]:
    judge = CycleJudge(load()[name], ALL_JOINTS, **options)  # type: ignore[arg-type]
    verdicts = judge.judge(occasion(window, (len(window) - 1) / 30.0), window, 0.5)
    return {(v.rule, v.side): v for v in verdicts}


@pytest.mark.parametrize("name", sorted(load()))
def test_the_reference_violates_no_form_error(name: str) -> None:
    found = judged(name, window_of(name))
    assert [key for key, v in found.items() if v.kind == "error" and v.verdict == VIOLATION] == []
    assert found


def test_a_shallow_squat_is_found_with_its_size_and_sign() -> None:
    window = window_of("squats", {"knee_angle_r": 0.7, "knee_angle_l": 0.7})
    verdict = judged("squats", window)["error:knees_shallow", "r"]
    depth = math.degrees(float(window.angles[:, DOF_INDEX["knee_angle_r"]].max()))
    rule = next(e for e in load()["squats"].errors if e.id == "knees_shallow")
    assert verdict.verdict == VIOLATION
    assert verdict.value == pytest.approx(depth)
    assert (verdict.low, verdict.goal, verdict.unit) == (rule.below, rule.goal, "deg")
    assert verdict.deviation == pytest.approx(depth - float(rule.below or 0))
    assert verdict.deviation < 0
    assert 0.5 * rule.weight <= verdict.severity <= rule.weight
    deepest = 300 + int(np.argmax(window.angles[:, DOF_INDEX["knee_angle_r"]]))
    assert (verdict.at_frame, verdict.at_s) == (deepest, pytest.approx(deepest / 30.0))
    assert (verdict.first_frame, verdict.last_frame) == (300, 299 + len(window))
    assert (verdict.id, verdict.cycle) == ("s/0001/2/4/error:knees_shallow/r", 4)
    assert verdict.source == rule.source and verdict.alarm == rule.alarm and verdict.salient
    assert verdict.side == "r" and verdict.joint == "knee_r"


def test_what_is_not_seen_is_not_judged_and_never_passed() -> None:
    found = judged("squats", window_of("squats", {"knee_angle_l": 0.5}, hidden=("knee_angle_l",)))
    left = [v for (_, side), v in found.items() if v.quantity == "knee_angle" and side == "l"]
    assert left and all(v.verdict == NOT_JUDGED and v.reason == "not_observed" for v in left)
    assert all(math.isnan(v.value) for v in left)
    right = [v for (_, side), v in found.items() if v.quantity == "knee_angle" and side == "r"]
    assert right and all(v.verdict == PASS for v in right)


def test_a_quantity_seen_in_too_few_frames_is_not_judged() -> None:
    window = window_of("squats")
    window.observed[: len(window) // 3, DOF_INDEX["lumbar_extension"]] = False
    assert judged("squats", window)["static:lumbar", ""].reason in (None, "not_observed")
    window.observed[:, [DOF_INDEX[d] for d in ("lumbar_extension", "lumbar_bending", "lumbar_twist")]] = False
    assert judged("squats", window)["static:lumbar", ""].verdict == NOT_JUDGED


def test_a_moving_static_joint_is_found_by_its_deviation_in_degrees() -> None:
    window = window_of("squats")
    swing = np.radians(20) * np.sin(2 * math.pi * np.linspace(0, 1, len(window)))
    window.angles[:, DOF_INDEX["lumbar_bending"]] += swing
    verdict = judged("squats", window)["static:lumbar", ""]
    assert verdict.verdict == VIOLATION
    assert verdict.quantity == "lumbar_bending"
    assert verdict.value == pytest.approx(20 / math.sqrt(2), rel=0.03)
    assert verdict.deviation == pytest.approx(verdict.value - verdict.high)


def test_a_bad_view_widens_the_tolerance_and_says_so() -> None:
    window = window_of("squats", {"knee_angle_r": 0.8})
    plain = judged("squats", window)["target:knee_depth", "r"]
    front = judged("squats", window, camera=CameraView(10.0))["target:knee_depth", "r"]
    side = judged("squats", window, camera=CameraView(90.0))["target:knee_depth", "r"]
    assert (plain.tolerance_widened, front.tolerance_widened, side.tolerance_widened) == (False, True, False)
    assert front.tolerance == pytest.approx(1.5 * plain.tolerance)
    error = judged("squats", window, camera=CameraView(180.0))["error:knees_shallow", "r"]
    assert error.tolerance_widened and error.tolerance == pytest.approx(0.5 * abs(error.goal - error.low))


@pytest.mark.parametrize(
    ("heading", "plane", "badly"),
    [
        (0.0, "sagittal", True),
        (180.0, "sagittal", True),
        (-175.0, "sagittal", True),
        (90.0, "sagittal", False),
        (90.0, "frontal", True),
        (-80.0, "frontal", True),
        (0.0, "frontal", False),
        (45.0, "transverse", True),
        (45.0, "mixed", False),
        (None, "sagittal", False),
    ],
)
def test_which_planes_a_camera_sees_badly(heading: float | None, plane: str, badly: bool) -> None:
    assert CameraView(heading).sees_badly(plane, 30.0) is badly


def test_persistence_counts_consecutive_cycles_and_the_unseen_ones_do_not_break_it() -> None:
    judge = CycleJudge(load()["squats"], ALL_JOINTS)
    shallow = window_of("squats", {"knee_angle_r": 0.6})
    unseen = window_of("squats", {"knee_angle_r": 0.6}, hidden=("knee_angle_r",))
    counts = []
    for window in (shallow, shallow, unseen, shallow, window_of("squats"), shallow):
        verdicts = {(v.rule, v.side): v for v in judge.judge(occasion(window, 3.0), window)}
        counts.append(verdicts["error:knees_shallow", "r"].persistence)
    assert counts == [1, 2, 0, 3, 0, 1]


def test_the_side_of_a_lunge_is_found_and_its_rules_follow() -> None:
    found = judged("walking_lunges", window_of("walking_lunges", {"knee_angle_r": 0.5}))
    assert found["target:front_knee", "r"].limb == "front"
    assert found["target:front_knee", "r"].verdict == VIOLATION
    assert found["target:rear_knee", "l"].verdict == PASS
    assert ("target:front_knee", "l") not in found


def test_no_hard_alarm_where_the_definition_is_uncertain() -> None:
    for exercise in load().values():
        if exercise.uncertain:
            found = judged(exercise.id, window_of(exercise.id))
            assert {v.alarm for v in found.values()} == {"soft"}


def test_the_pause_is_known_only_after_a_first_cycle() -> None:
    judge = CycleJudge(load()["moving_plank"], ALL_JOINTS)
    window = window_of("moving_plank")
    first = {v.rule: v for v in judge.judge(occasion(window, 3.0), window)}["error:stopped"]
    assert (first.verdict, first.reason) == (NOT_JUDGED, "first_cycle")
    later = {v.rule: v for v in judge.judge(occasion(window, 3.0), window, 9.0)}["error:stopped"]
    assert (later.verdict, later.value) == (VIOLATION, 9.0)


def test_a_cycle_cut_off_by_the_clip_is_judged_only_where_it_was_seen() -> None:
    window = window_of("squats", {"knee_angle_r": 0.6, "knee_angle_l": 0.6})
    window.angles[:, DOF_INDEX["knee_angle_r"]] += 0.6
    judge = CycleJudge(load()["squats"], ALL_JOINTS)
    cut = {(v.rule, v.side): v for v in judge.judge(occasion(window, 0.4), window, cut=Cut(True, "", "min"))}
    assert cut["error:too_fast", ""].reason == "cut_off"
    assert cut["error:not_upright", "r"].reason == "cut_off"
    assert cut["target:stand_tall", ""].reason == "no_key_frame"
    assert cut["error:knees_shallow", "l"].verdict == VIOLATION


def test_one_sides_turn_says_nothing_of_the_other_side() -> None:
    window = window_of("high_knees")
    judge = CycleJudge(load()["high_knees"], ALL_JOINTS)
    found = {(v.rule, v.side): v for v in judge.judge(occasion(window, 0.8), window, cut=Cut(True, "r"))}
    assert found["error:knees_low", "l"].reason == "cut_off"
    assert found["error:knees_low", "r"].verdict == PASS
    assert ("target:knee_height", "r") in found and ("target:knee_height", "l") not in found


def test_no_frames_judge_nothing() -> None:
    window = window_of("squats")
    empty = Window(window._curves, 0, -1)
    verdicts = CycleJudge(load()["squats"], ALL_JOINTS).judge(occasion(empty, 2.0), empty)
    assert {v.verdict for v in verdicts} == {NOT_JUDGED}
    assert {v.reason for v in verdicts} == {"no_frames"}


def test_strict_paper_judges_every_joint_that_is_not_dynamic() -> None:
    squats = load()["squats"]
    strict, plain = static_limits(squats, True), static_limits(squats, False)
    assert len(strict) == 24 - 8  # hip, knee, ankle and subtalar of both sides are dynamic (Supp. 9)
    assert set(plain) < set(strict)
    assert all(limit == 5.0 for limits in strict.values() for limit in limits.values())
    window = window_of("squats")
    found = judged("squats", window, options=ConstraintOptions(strict_paper=True))
    assert ("static:shoulder", "r") in found


def test_distance_and_severity() -> None:
    assert distance(5, 0, 10) == 0
    assert distance(-2, 0, 10) == -2
    assert distance(12, 0, 10) == 2
    assert distance(3, -math.inf, 1) == 2
    assert severity(0.8, 0.0, 10) == pytest.approx(0.4)
    assert severity(0.8, 25.0, 10) == pytest.approx(0.8)
