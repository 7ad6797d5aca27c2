"""Bounds from labels: closed forms of area and cut, who is left out, and a whole run on simulated labels."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.exercise.catalogue import load
from qevd_bio.motion.bounds.candidates import candidates_of, own_candidate
from qevd_bio.motion.bounds.choose import RuleClips, choose, folds, held_out, standing
from qevd_bio.motion.bounds.labels import read_labels
from qevd_bio.motion.bounds.options import CalibrateOptions
from qevd_bio.motion.bounds.roc import area, area_with_interval, cut_of_precision
from qevd_bio.motion.calibrate_stage import calibrate
from qevd_bio.store.errors import UserError
from qevd_bio.store.work import RunOptions
from qevd_bio.tables.workspace import Workspace

SQUAT = load()["squats"]
SHALLOW = next(error for error in SQUAT.errors if error.id == "knees_shallow")
OPTIONS = CalibrateOptions(replicates=200)


def test_the_area_counts_the_pairs_that_are_in_order() -> None:
    scores, present = np.array([3.0, 1.0, 2.0, 1.0]), np.array([True, True, False, False])
    assert area(scores, present) == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    assert math.isnan(area(scores, np.zeros(4, dtype=bool)))


def test_one_person_gives_no_interval_and_many_one_around_the_area() -> None:
    rng = np.random.default_rng(2)
    present = np.arange(60) % 2 == 0
    scores = present + rng.normal(0.0, 1.0, 60)
    alone = area_with_interval(scores, present, np.zeros(60, dtype=np.intp))
    assert math.isnan(alone.low)
    found = area_with_interval(scores, present, np.arange(60, dtype=np.intp) // 3)
    assert found.low < found.value < found.high and found.value == area(scores, present)


def test_the_cut_has_the_precision_and_of_those_the_most_recall() -> None:
    scores = np.array([9.0, 8.0, 7.0, 6.0, 5.0, 4.0])
    present = np.array([True, True, True, False, True, False])
    cut = cut_of_precision(scores, present, 0.8)
    assert cut is not None and (cut.threshold, cut.precision, cut.recall) == (4.5, 0.8, 1.0)
    cut = cut_of_precision(scores, present, 0.9)
    assert cut is not None and (cut.threshold, cut.recall) == (6.5, 0.75)
    assert cut_of_precision(scores, ~present, 0.9) is None


def clips(faulty: float = 70.0, fine: float = 100.0, number: int = 40, noise: float = 5.0) -> RuleClips:
    rng = np.random.default_rng(4)
    present = np.arange(number) % 2 == 0
    own = np.where(present, faulty, fine) + rng.normal(0.0, noise, number)
    candidates = candidates_of(SHALLOW, SQUAT)[:2]
    return RuleClips(SHALLOW, candidates, np.stack([own, rng.normal(size=number)]), present, np.arange(number) // 2)


def test_a_bound_lies_between_the_kinds_drawn_towards_the_old_one() -> None:
    made = choose(clips(), OPTIONS)
    assert made.number == 0 and made.area.value == 1.0
    assert 70.0 < made.found < 100.0
    assert min(made.found, 85.0) <= made.bound <= max(made.found, 85.0)
    free = choose(clips(), CalibrateOptions(replicates=200, shrink=0.0))
    assert free.bound == pytest.approx(free.found)


def test_labels_that_say_nothing_leave_the_bound() -> None:
    made = choose(clips(faulty=90.0, fine=90.0, noise=1.0), CalibrateOptions(replicates=200, precision=1.0))
    assert math.isnan(made.found) and made.bound == 85.0


def test_another_measure_is_taken_only_where_it_is_surely_better() -> None:
    given = clips(faulty=85.0, fine=87.0, noise=15.0)
    better = RuleClips(given.error, given.candidates, given.values.copy(), given.present, given.people)
    better.values[1] = np.where(given.present, 1.0, 0.0) * (1.0 if given.candidates[1].above else -1.0)
    assert choose(given, OPTIONS).number == 0
    assert choose(better, CalibrateOptions(replicates=200, switch=21)).number == 0, (
        "too few clips to change the measure"
    )
    made = choose(better, OPTIONS)
    assert made.number == 1 and made.area.value == 1.0
    assert math.isfinite(standing(better, 1))


def test_nobody_is_in_training_and_test() -> None:
    given = clips()
    for options in (OPTIONS, CalibrateOptions(folds=4)):
        parts = folds(given.people, options)
        assert np.sum(parts, axis=0).tolist() == [1] * 40
        for part in parts:
            assert not set(given.people[part]) & set(given.people[~part])
    before, after = held_out(given, OPTIONS)
    assert after.judged == 40 and after.faulty == 20 and after.precision >= 0.9 and after.recall >= before.recall - 0.1


def test_candidates_begin_with_the_rule_itself_and_concern_its_joints() -> None:
    found = candidates_of(SHALLOW, SQUAT)
    assert found[0] == own_candidate(SHALLOW) and not found[0].above
    assert len(set(found)) == len(found) > 20
    assert any(c.measure.quantity == "hips_height" for c in found)
    assert not any(c.measure.quantity == "elbow_flexion" for c in found)
    pause = next(e for e in load()["push_ups"].errors if e.id == "rests_piked")
    assert len(candidates_of(pause, load()["push_ups"])) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("clip,exercise,fault\na,squats,leaning\n", "no column 'present'"),
        ("clip,exercise,fault,present\na,sqats,leaning,1\n", "labels.csv:2"),
        ("clip,exercise,fault,present\na,squats,lean,1\n", "squats has no fault 'lean'"),
        ("clip,exercise,fault,present\na,squats,leaning,maybe\n", "present is 'maybe'"),
        ("clip,exercise,fault,present\n,squats,leaning,1\n", "the clip has no name"),
        ("clip,exercise,fault,present\n", "there is no label"),
    ],
)
def test_labels_that_cannot_be_read_are_told_with_their_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_labels([path], load())
    assert told in str(caught.value)


def test_simulated_squats_set_their_own_bound(tmp_path: Path) -> None:
    import qevd_bio
    from qevd_bio.motion.options import MotionOptions
    from qevd_bio.motion.stage import analyze

    workspace = Workspace(tmp_path / "w")
    labels = tmp_path / "labels.csv"
    with labels.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["clip", "exercise", "fault", "present", "participant"])
        for number in range(12):
            deep = number % 2 == 0
            made = qevd_bio.simulate_kinematics("squats", seconds=6, depth=(1.0 if deep else 0.7) - 0.005 * number)
            made = replace(made, split="videos", video=f"c{number}")
            made.write(workspace.kinematics("videos", f"c{number}"))
            writer.writerow([f"c{number}", "squats", "knees_shallow", int(not deep), f"p{number // 2}"])
    analyze(workspace, MotionOptions(exercise="squats"), RunOptions())
    done = calibrate(workspace, [labels], CalibrateOptions(replicates=100), write=True, today=date(2026, 1, 2))
    (rule,) = done.rules
    assert rule.changed and rule.chosen is not None and rule.chosen.area.value == 1.0
    assert rule.after.hits == rule.after.called == rule.after.faulty == 6
    mended = load((workspace.user_refs / "exercises",))["squats"]
    error = next(error for error in mended.errors if error.id == "knees_shallow")
    assert error.source == "LABELS" and "12 clips of 6 people" in error.basis and "2026-01-02" in error.basis
    assert error.below == pytest.approx(rule.chosen.bound, rel=1e-2)
    assert "<script" not in done.page.read_text(encoding="utf-8") and "svg" in done.page.read_text(encoding="utf-8")
    with pytest.raises(UserError, match="none of the labelled clips"):
        labels.write_text("clip,exercise,fault,present\nnobody,squats,leaning,1\n", encoding="utf-8")
        calibrate(workspace, [labels], CalibrateOptions())
