"""Simulated workouts: the same seed the same files, QEVD's layout, a coach with the paper's structure, a true truth."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from qevd_bio.anatomy.dofs import LIMITS
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.simulation.performance.perform import FPS
from qevd_bio.simulation.performance.workout import choose_exercises, make_workout
from qevd_bio.simulation.stage import Places, film, simulate
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.truth import JUDGEMENTS, MISTAKES, REPETITIONS, TRUE_FEEDBACKS

SPLIT = "QEVD-FIT-COACH-Benchmark"
OPTIONS = SimulateOptions(workouts=2, seed=5, minutes=1.2, video=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    root = tmp_path_factory.mktemp("sim")
    summary = simulate(root, OPTIONS)
    assert summary.done == 2 and not summary.failed
    yield Places(root)


def _digests(root: Path) -> dict[str, str]:
    files = [p for p in sorted(root.rglob("*")) if p.is_file() and "manifests" not in p.parts]
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_seed_gives_the_same_bytes(made: Places, tmp_path: Path) -> None:
    simulate(tmp_path, OPTIONS)
    assert _digests(tmp_path) == _digests(made.root)


def test_another_seed_gives_another_workout() -> None:
    one, other = (make_workout(SimulateOptions(seed=seed, minutes=0.6), 0) for seed in (1, 2))
    assert one.person.skeleton.stature != other.person.skeleton.stature


def test_a_later_run_may_ask_for_more(tmp_path: Path) -> None:
    few = SimulateOptions(workouts=1, seed=5, minutes=0.6, video=False)
    simulate(tmp_path, few)
    summary = simulate(tmp_path, SimulateOptions(workouts=2, seed=5, minutes=0.6, video=False))
    assert (summary.kept, summary.done) == (1, 1)
    assert len(open_dataset(tmp_path).workouts(SPLIT)) == 2


def test_it_is_a_data_set_like_the_original(made: Places) -> None:
    dataset = open_dataset(made.root)
    assert dataset.kind == "qevd" and list(dataset.splits) == [SPLIT] and not dataset.problems()
    segments = dataset.segments()
    assert len(segments) == 4 and all(segment.feedbacks for segment in segments)
    assert all(segment.exercise_id for segment in segments)
    assert {segment.participant for segment in segments} == {"sim-test-00", "sim-test-01"}
    for workout in dataset.workouts(SPLIT):
        assert workout.spans[0].is_transition and workout.spans[-1].is_transition
        for one, other in pairwise(workout.spans):
            assert one.end_frame + 1 < other.start_frame


def test_frames_times_and_kinematics_agree(made: Places) -> None:
    for workout in open_dataset(made.root).workouts(SPLIT):
        kinematics = Kinematics.read(made.kinematics(SPLIT, workout.video))
        assert len(kinematics) == workout.frames
        np.testing.assert_allclose(kinematics.time_s, workout.times_s, atol=1e-6)
        assert kinematics.observed.all() and np.isfinite(kinematics.root).all()
        assert (kinematics.angles >= LIMITS[:, 0] - 1e-5)[:, 3:].all()
        step = np.abs(np.diff(kinematics.angles, axis=0)).max(axis=0)
        assert float(np.rad2deg(step[6:20]).max()) < 40.0


def test_the_truth_is_about_these_workouts(made: Places) -> None:
    repetitions = REPETITIONS.read_rows(made.table("repetitions"))
    for row in repetitions:
        assert row["start_s"] <= row["key_s"] <= row["end_s"]
    for one, other in pairwise(repetitions):
        if (one["video"], one["segment"]) == (other["video"], other["segment"]):
            assert other["start_s"] >= one["end_s"] - 1e-6
    for row in MISTAKES.read_rows(made.table("mistakes")):
        assert row["begin_s"] < row["end_s"] and row["direction"] in ("too_little", "too_much")
        assert row["noticed_s"] is None or row["noticed_s"] > row["begin_s"]
    for row in JUDGEMENTS.read_rows(made.table("judgements")):
        inside = (row["low"] is None or row["value"] >= row["low"]) and (
            row["high"] is None or row["value"] <= row["high"]
        )
        assert inside == (row["beyond"] == 0.0)
        assert row["verdict"] != "mistake" or row["beyond"] != 0.0


def test_the_coach_keeps_the_papers_structure(made: Places) -> None:
    rows = TRUE_FEEDBACKS.read_rows(made.table("feedbacks"))
    for video in {row["video"] for row in rows}:
        own = [row for row in rows if row["video"] == video]
        for segment in {row["segment"] for row in own} - {None}:
            kinds = [row["kind"] for row in own if row["segment"] == segment]
            assert kinds[0] == "transition" and kinds[-1] == "summary" and kinds.count("summary") == 1
            assert "start" in kinds
    for row in rows:
        if row["intent"] != "corrective":
            assert row["ideal"] == row["text"]
        elif row["quantity"]:
            assert "target" in row["ideal"] and row["rule"]


def test_every_correction_follows_the_mistake(made: Places) -> None:
    repetitions = {
        (r["video"], r["segment"], r["repetition"]): r for r in REPETITIONS.read_rows(made.table("repetitions"))
    }
    for row in TRUE_FEEDBACKS.read_rows(made.table("feedbacks")):
        if row["kind"] in ("correct", "again"):
            repetition = repetitions[row["video"], row["segment"], row["repetition"]]
            assert row["rule"] in repetition["breaks"] and row["start_s"] > repetition["start_s"]


def test_five_or_six_exercises_in_three_sections() -> None:
    from qevd_bio.exercise.catalogue import load

    catalogue = load()
    for number in range(20):
        chosen = choose_exercises(SimulateOptions(), np.random.default_rng(number))
        assert len(chosen) in (5, 6) and len(set(chosen)) == len(chosen)
        order = [("warm-up", "main", "cool-down").index(catalogue[name].section) for name in chosen]
        assert order == sorted(order)


def test_video_has_the_frames_of_its_truth(tmp_path: Path) -> None:
    options = SimulateOptions(workouts=1, seed=1, minutes=0.4, width=120, height=168)
    simulate(tmp_path, options)
    places = Places(tmp_path)
    (video,) = (tmp_path / SPLIT / "long_range_videos").glob("*.mp4")
    with av.open(str(video)) as container:
        frames = sum(1 for _ in container.decode(video=0))
    assert frames == len(Kinematics.read(places.kinematics(SPLIT, video.stem))) == round(0.4 * 60 * FPS)


def test_the_same_seed_gives_the_same_pictures(tmp_path: Path) -> None:
    """Decoded frames of the first two seconds in which somebody moves, made twice from the settings."""

    def pictures(name: str, seed: int) -> list[str]:
        made = make_workout(SimulateOptions(seed=seed, minutes=0.4, width=120, height=168), 0)
        part = slice(150, 210)
        film(replace(made, angles=made.angles[part], root=made.root[part]), tmp_path / name)
        with av.open(str(tmp_path / name)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        return [hashlib.sha256(frame.tobytes()).hexdigest() for frame in frames]

    first = pictures("a.mp4", 3)
    assert len(first) == 60 and len(set(first)) > 50
    assert pictures("b.mp4", 3) == first
    assert pictures("c.mp4", 4) != first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SimulateOptions(workouts=0), "0 workouts"),
        (SimulateOptions(minutes=0.1), "0.1 minutes"),
        (SimulateOptions(width=361), "361 × 504 pixels"),
    ],
)
def test_settings_that_make_no_workout(tmp_path: Path, options: SimulateOptions, message: str) -> None:
    with pytest.raises(UserError, match=message):
        simulate(tmp_path, options)


def test_other_settings_in_the_same_folder_are_refused(made: Places) -> None:
    with pytest.raises(UserError):
        simulate(made.root, SimulateOptions(workouts=2, seed=6, minutes=1.2, video=False))
