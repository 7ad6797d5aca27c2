"""Which exercise a clip shows: features in closed form, every reference recognised, own exercises, doubt, auto."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio import simulate_kinematics
from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.mirror import mirror_angles
from qevd_bio.exercise.catalogue import get, load
from qevd_bio.exercise.reference import load_reference, write
from qevd_bio.exercise.template import new_exercise
from qevd_bio.motion.recognition.features import features
from qevd_bio.motion.recognition.model import classified, load_model, recognise
from qevd_bio.store.errors import ItemError
from qevd_bio.tables.segments import SEGMENTS
from qevd_bio.tables.workspace import Workspace
from qevd_bio.workflows.recognise import recognise_videos

TIME = np.arange(120) / 15.0


def swinging(**bends: tuple[float, float, float]) -> np.ndarray:
    """Angles (120, 46): degree of freedom -> middle and half range in degrees, phase in turns, once in two seconds."""
    angles = np.zeros((len(TIME), 46))
    for name, (middle, half, phase) in bends.items():
        angles[:, DOF_INDEX[name]] = np.deg2rad(middle + half * np.sin(2 * np.pi * (TIME / 2 - phase)))
    return angles


def test_features_of_a_known_movement() -> None:
    together = features(swinging(knee_angle_r=(50, 40, 0), knee_angle_l=(50, 40, 0)), TIME)
    assert together["knee_angle.middle"] == pytest.approx(50 / 40, abs=0.1)
    assert together["knee_angle.high"] == pytest.approx(90 / 40, abs=0.05)
    assert together["knee_angle.together"] == pytest.approx(np.log1p(80 / 6), abs=0.05)
    assert together["knee_angle.in turn"] == pytest.approx(0.0, abs=0.05)
    assert np.exp(together["tempo"]) == pytest.approx(0.5, abs=0.04)
    turned = features(swinging(knee_angle_r=(50, 40, 0), knee_angle_l=(50, 40, 0.5)), TIME)
    assert turned["knee_angle.together"] < 0.2 and turned["knee_angle.in turn"] > 3
    assert together["trunk"] == pytest.approx(1.0, abs=0.08)
    tipped = swinging()
    tipped[:, DOF_INDEX["pelvis_tilt"]] = -np.pi / 2
    assert abs(features(tipped, TIME)["trunk"]) < 0.4


def test_features_do_not_know_left_from_right_nor_where_the_camera_stands() -> None:
    angles = load_reference(get("walking lunges")).angles
    angles = np.tile(angles[:-1], (4, 1))
    time = np.arange(len(angles)) / 30
    one, other = features(angles, time), features(mirror_angles(angles), time)
    turned = angles.copy()
    turned[:, DOF_INDEX["pelvis_rotation"]] += 1.0
    for name, value in one.items():
        if "in turn" not in name or "~" not in name:
            assert other[name] == pytest.approx(value, abs=0.03), name
        assert features(turned, time)[name] == pytest.approx(value, abs=1e-6), name
        break
    assert one.keys() == other.keys()


def test_gaps_are_bridged_and_too_little_is_said() -> None:
    angles = swinging(knee_angle_r=(50, 40, 0))
    holes = angles.copy()
    holes[30:36] = np.nan
    whole, broken = features(angles, TIME), features(holes, TIME)
    assert broken["knee_angle.high"] == pytest.approx(whole["knee_angle.high"], abs=0.05)
    assert all(np.isfinite(list(broken.values())))
    with pytest.raises(ItemError, match=r"less than 1\.2 s of poses"):
        features(angles, TIME, TIME < 1.0)
    with pytest.raises(ItemError, match="too little"):
        features(np.full((50, 46), np.nan), TIME[:50])


def test_most_references_are_recognised() -> None:
    right = 0
    for exercise in load().values():
        angles = load_reference(exercise).angles
        angles = np.tile(angles[:-1], (max(round(6 * 30 / len(angles)), 2), 1))
        right += recognise(angles, np.arange(len(angles)) / 30).exercise == exercise.id
    assert right >= 19


def test_probabilities_are_those_of_gaussians_and_doubt_is_said() -> None:
    model = load_model()
    at = model.centres[3]
    sure = classified(model, model.exercises, model.centres, at)
    assert sure.exercise == model.exercises[3] and sure.sure
    between = classified(model, model.exercises[:2], model.centres[:2], model.centres[:2].mean(axis=0))
    assert not between.sure and between.probability == pytest.approx(0.5, abs=1e-3)
    far = classified(model, model.exercises, model.centres, at + 60 * (at - model.centres.mean(axis=0)))
    assert not far.sure


def test_someone_who_stands_still_does_no_exercise() -> None:
    assert not recognise(np.zeros((len(TIME), 46)), TIME).sure


def test_an_exercise_of_ones_own_joins_by_its_reference(tmp_path: Path) -> None:
    refs = tmp_path / "refs"
    new_exercise("bicep curls", refs)
    own = get("bicep curls", refs)
    curls = swinging(elbow_flexion_r=(70, 60, 0.25), elbow_flexion_l=(70, 60, 0.25))
    assert recognise(curls, TIME, own=[own], user_refs=refs).exercise != "bicep_curls"  # nothing is known of it yet
    write(refs / "trajectories", own, curls[:31], 15.0, "made")
    found = recognise(curls, TIME, own=[own], user_refs=refs)
    assert found.exercise == "bicep_curls" and found.probability > 0.5


def place_clips(work: Workspace) -> None:
    squats = simulate_kinematics("squats", seconds=9)
    replace(squats, split="videos", video="a").write(work.kinematics("videos", "a"))
    still = np.zeros_like(squats.angles)
    replace(squats, split="videos", video="b", angles=still, raw=still).write(work.kinematics("videos", "b"))


def test_sure_ones_are_written_down_and_kept(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "work")
    place_clips(work)
    found = recognise_videos(work)
    assert [(key, one.exercise) for key, one in found.found.items()] == [("videos/a", "squats")]
    assert list(found.unsure) == ["videos/b"]
    assert (
        found.unsure["videos/b"].startswith("not sure which exercise this is: ") and " or " in found.unsure["videos/b"]
    )
    (row,) = SEGMENTS.load(work.segments)
    assert (row.video, row.exercise, row.exercise_name) == ("a", "squats", "squats")
    assert recognise_videos(work).found == {}  # it is known now


def test_analyze_takes_auto(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "work")
    place_clips(work)
    done = CliRunner().invoke(app, ["analyze", "--workspace", str(work.root), "--exercise", "auto"])
    text = " ".join(done.output.split())
    assert "videos/a: squats (" in text and "videos/b: not sure which exercise this is" in text
    assert done.exit_code == 2 and "no exercise is known for this video" in text
