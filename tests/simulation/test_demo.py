"""The demo: its plan, its message about simulation, and everything in it but video, pose model and 3D CNN."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.coach.vision.feature_files import feature_paths
from qevd_bio.dataset.timestamps import read_timestamps
from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.simulation.stage import Places
from qevd_bio.tables.workspace import Workspace
from qevd_bio.workflows import demo_steps as steps
from qevd_bio.workflows.demo import list_of_steps

WITHOUT_MODELS = (
    "simulate", "segments", "extract", "annotate", "analyze", "rewrite", "speak", "score", "verify", "report",
)  # fmt: skip
MODELS = ("features", "training_data", "train")


@pytest.mark.parametrize("models", [True, False])
def test_steps_run_in_order_and_the_last_lines_say_where_and_what_next(
    models: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    for name in (*WITHOUT_MODELS, *MODELS):
        monkeypatch.setattr(steps, name, lambda _, name=name: ran.append(name))
    words = ["demo", "--out", str(tmp_path / "d"), *([] if models else ["--no-models"])]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    wanted = [*WITHOUT_MODELS[:6], *(MODELS if models else ()), *WITHOUT_MODELS[6:]]
    assert result.exit_code == 0 and ran == wanted
    lines = result.output.strip().splitlines()
    assert "simulated" in lines[0] and f"[1/{len(wanted)}]" in result.output
    assert str(tmp_path / "d" / "workspace" / "report.html") in result.output
    assert "own videos" in result.output and "QEVD-FIT-COACH" in lines[-1]


def write_features(data: Path, place: Workspace, _: steps.Demo) -> None:
    """Noise in place of what the 3D CNN would give, in the official layout, where there is none yet."""
    for path in sorted(data.glob("*/long_range_videos/*_timestamps.npy")):
        out = feature_paths(place, path.parent.parent.name, path.name.split("_")[0])
        stamps = read_timestamps(path)
        times = np.arange(stamps[0] + 0.25, stamps[-1], 0.25)
        if not out.exist:
            out.features.parent.mkdir(parents=True, exist_ok=True)
            draw = np.random.default_rng(len(times))
            np.save(out.features, draw.normal(size=(len(times), 1280, 7, 5)).astype(np.float32))
            np.save(out.times, times)


def test_all_but_video_pose_model_and_3d_cnn_runs_and_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From data to page with true angles, twice: the second time nothing is trained or said anew."""
    from qevd_bio.reporting.verification.stage import place_oracle

    quick = {"workouts": 2, "minutes": 0.4, "video": False}
    monkeypatch.setattr(steps, "TRAINING", replace(steps.TRAINING, **quick))
    monkeypatch.setattr(steps, "STREAM_VLM", replace(steps.STREAM_VLM, steps=2))
    monkeypatch.setattr(steps, "SELECTING", replace(steps.SELECTING, steps=1))
    monkeypatch.setattr(steps, "BIOCOACH", replace(steps.BIOCOACH, steps=1, batch=2))
    monkeypatch.setattr(steps, "_features", write_features)
    monkeypatch.setattr(steps, "extract", lambda demo: place_oracle(Places(demo.data), demo.place))
    options = SimulateOptions(seed=7, **{**quick, "workouts": 1})
    place = Workspace(tmp_path / "workspace")
    demo = steps.Demo(tmp_path, options, 1, True, place, Workspace(tmp_path / "training" / "workspace"))
    for _ in range(2):
        capsys.readouterr()
        for _, step in list_of_steps(demo):
            step(demo)
    told = capsys.readouterr().out
    for name in steps.systems(demo):
        assert f"run-{name}: 0 done, 1 kept from before" in told
        assert (place.scores(name) / "scores.json").is_file()
    assert told.count("continues after step") == 3
    page = (place.root / "report.html").read_text(encoding="utf-8")
    assert all(f"<bdi>{name}</bdi>" in page for name in steps.systems(demo))
    assert "language model is tiny" in page and "3D CNN before it is random" in page
    assert (demo.data / "README.md").read_text(encoding="utf-8").startswith("---\nsimulated: true\n---")
    assert (place.root / "verify" / "verify.json").is_file()


def test_bad_settings_end_with_one_message(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path), "--minutes", "0.1"])
    assert result.exit_code == 2


def test_simulate_and_verify_as_typed(tmp_path: Path) -> None:
    run = CliRunner().invoke
    data = str(tmp_path / "sim")
    made = run(app, ["simulate", data, "--workouts", "1", "--minutes", "0.6", "--no-video", "--exercise", "squat"])
    assert made.exit_code == 0, made.output
    assert "squats" in (tmp_path / "sim" / "README.md").read_text()
    unknown = run(app, ["simulate", data, "--exercise", "sqats"])
    assert unknown.exit_code == 2
    early = run(app, ["verify", "--data", data, "--workspace", str(tmp_path / "w")])
    assert early.exit_code == 2
