"""The Python interface does what the commands do, on one video."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import qevd_bio
from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.tables.workspace import Workspace


@pytest.fixture(scope="module")
def shallow() -> qevd_bio.Motion:
    return qevd_bio.analyze(qevd_bio.simulate_kinematics("squats", seconds=8.0, depth=0.6))


def test_a_shallow_squat_is_counted_and_said(shallow: qevd_bio.Motion) -> None:
    assert (shallow.exercise, shallow.count, len(shallow.repetitions)) == ("squats", 3.0, 3)
    verdicts = shallow.to_pandas("verdicts")
    violated = verdicts[verdicts.verdict == "violation"]
    assert len(violated) == len(shallow.violations) and "knee_angle" in set(violated["quantity"])
    deepest = np.rad2deg(shallow.kinematics.angles[:, DOF_INDEX["knee_angle_r"]]).max()
    first = shallow.sentences()[0]
    assert f"{deepest:.0f}°" in first and "90°" in first
    assert shallow.sentences(rationale=True)[0].startswith(first)


def test_an_ideal_squat_has_nothing_to_say() -> None:
    assert qevd_bio.analyze(qevd_bio.simulate_kinematics("squats")).sentences() == []


@pytest.mark.parametrize("table", ["repetitions", "verdicts"])
def test_tables_are_data_frames(shallow: qevd_bio.Motion, table: str) -> None:
    frame = shallow.to_pandas(table)  # type: ignore[arg-type]
    assert len(frame) == len(getattr(shallow, table))
    assert {"split", "video", "cycle"} <= set(frame.columns)


def test_another_table_is_refused(shallow: qevd_bio.Motion) -> None:
    with pytest.raises(ValueError, match="expected 'repetitions' or 'verdicts'"):
        shallow.to_pandas("angles")  # type: ignore[arg-type]


def test_the_function_finds_what_the_command_finds(tmp_path: Path, shallow: qevd_bio.Motion) -> None:
    from qevd_bio.motion.options import MotionOptions
    from qevd_bio.motion.stage import analyze

    workspace = Workspace(tmp_path)
    shallow.kinematics.write(workspace.kinematics("simulated", "squats"))
    analyze(workspace, MotionOptions(exercise="squats"))
    assert qevd_bio.read_table(workspace.cycles).equals(shallow.to_pandas())


def test_nothing_repeated_is_a_result_and_no_exercise_an_error() -> None:
    still = qevd_bio.simulate_kinematics("squats", seconds=0.7)
    assert qevd_bio.analyze(still).repetitions == ()
    with pytest.raises(qevd_bio.UserError, match="no repetitions to draw"):
        qevd_bio.plot_repetitions(qevd_bio.analyze(still))
    with pytest.raises(qevd_bio.UserError, match="unknown exercise"):
        qevd_bio.analyze(still, exercise="swimming")
    with pytest.raises(qevd_bio.UserError, match="12"):
        qevd_bio.analyze(qevd_bio.simulate_kinematics("squats", seconds=0.2))
    with pytest.raises(qevd_bio.UserError, match="no exact motion"):
        qevd_bio.simulate_kinematics("plank taps")


def test_recordings_are_extracted(shared: Callable[..., Path]) -> None:
    kinematics = qevd_bio.extract(shared("data", "kinematics", "opencap_squats1.mot"), exercise="Squats")
    assert kinematics.meta["exercise"] == "squats"
    assert qevd_bio.analyze(kinematics).count == 5
    with pytest.raises(qevd_bio.UserError, match="no such file"):
        qevd_bio.extract("nowhere.mp4")


@pytest.mark.usefixtures("pose_model")
def test_a_real_video_is_extracted_and_counted(shared: Callable[..., Path]) -> None:
    video = shared("data", "realmini", "QEVD-FIT-COACH-Benchmark", "long_range_videos", "0200.mp4")
    kinematics = qevd_bio.extract(video, exercise="jumping jacks", options=qevd_bio.ExtractOptions(every=2))
    assert kinematics.meta["backend"] == "blazepose" and kinematics.landmarks is not None
    assert abs(qevd_bio.analyze(kinematics).count - 4) <= 1


@pytest.mark.usefixtures("pose_model")
def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    with pytest.raises(qevd_bio.UserError, match=r"broken\.mp4"):
        qevd_bio.extract(broken)


def test_kinematics_and_tables_are_read_back(tmp_path: Path) -> None:
    kinematics = qevd_bio.simulate_kinematics("high_knees", seconds=2)
    kinematics.write(tmp_path / "clip.parquet")
    assert np.array_equal(qevd_bio.read_kinematics(tmp_path / "clip.parquet").angles, kinematics.angles)
    frame = qevd_bio.read_table(tmp_path / "clip.parquet")
    assert frame.attrs["units"]["knee_angle_r"] == "rad"
    assert frame.attrs["about"]["table"] == "kinematics"
    frame.to_parquet(tmp_path / "foreign.parquet")
    with pytest.raises(qevd_bio.UserError):
        qevd_bio.read_kinematics(tmp_path / "foreign.parquet")
    with pytest.raises(qevd_bio.UserError, match="not written by qevd-bio"):
        qevd_bio.read_table(_foreign(tmp_path))


def _foreign(folder: Path) -> Path:
    import pandas as pd

    path = folder / "other.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(path)
    return path


def test_pairs_and_files_are_scored(tmp_path: Path) -> None:
    pairs = [("Bend your knees.", "Bend your knees."), ("Keep going!", "Lower your hips.")]
    scores = qevd_bio.score(pairs, metrics=["rouge", "temporal"], out=tmp_path / "a")
    official = scores.protocols["official"]
    assert official["rouge_l"].value == pytest.approx(0.5)
    assert official["temporal_f_score"].value is None
    assert "no times" in str(official["temporal_f_score"].reason)
    assert (tmp_path / "a" / "scores.json").is_file()
    figure = qevd_bio.plot_scores([tmp_path / "a"])
    assert any("ROUGE-L" in text.get_text() for text in figure.axes[0].texts)
    with pytest.raises(qevd_bio.UserError, match="unknown metric"):
        qevd_bio.score(pairs, metrics=["accuracy"])
    with pytest.raises(qevd_bio.UserError, match="no pairs"):
        qevd_bio.score([])
    (tmp_path / "run.jsonl").write_text('{"video": "1"}\n', encoding="utf-8")
    with pytest.raises(qevd_bio.UserError, match=r"run\.jsonl"):
        qevd_bio.score(tmp_path / "run.jsonl")


def test_figures_show_what_they_are_given(shallow: qevd_bio.Motion) -> None:
    angles = qevd_bio.plot_angles(shallow.kinematics)
    assert len(angles.axes) == 7
    assert qevd_bio.plot_repetitions(shallow).get_suptitle().endswith("3 squats")
    with pytest.raises(qevd_bio.UserError, match="no angle 'knee'"):
        qevd_bio.plot_angles(shallow.kinematics, ["knee"])
