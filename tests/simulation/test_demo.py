"""The demo: its plan, its message about simulation, and what it leaves when a step cannot run."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import demo as module
from cli.app import app

STEPS = (
    "_simulate",
    "_segments",
    "_extract",
    "_annotate",
    "_analyze",
    "_rewrite",
    "_coach",
    "_score",
    "_verify",
    "_report",
)


def test_steps_run_in_order_and_the_last_lines_say_where_and_what_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    for name in STEPS:
        monkeypatch.setattr(module, name, lambda *_, name=name: ran.append(name))
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "d")], catch_exceptions=False)
    assert result.exit_code == 0 and tuple(ran) == STEPS
    lines = result.output.strip().splitlines()
    assert "simulated" in lines[0] and f"[1/{len(STEPS)}]" in result.output
    assert str(tmp_path / "d" / "workspace" / "report.html") in result.output
    assert "own videos" in result.output and "QEVD-FIT-COACH" in lines[-1]


def test_stages_after_the_pose_model_run_on_true_kinematics(tmp_path: Path) -> None:
    """Everything but video and pose model, from data to page, twice: the second time nothing is made anew."""
    from qevd_bio.reporting.verify import place_oracle
    from qevd_bio.simulation.options import SimulateOptions
    from qevd_bio.simulation.stage import Places
    from qevd_bio.store.workspace import Workspace

    data, place = tmp_path / "data", Workspace(tmp_path / "workspace")
    options = SimulateOptions(workouts=2, seed=7, minutes=0.6, video=False)
    for _ in range(2):
        module._simulate(data, options, 1)
        module._segments(data, place)
        place_oracle(Places(data), place)
        module._annotate(data, place, 1)
        module._analyze(place, 1)
        module._rewrite(data, place)
        module._coach(place)
        module._score(place)
        module._verify(data, place)
        module._report(place)
    page = (place.root / "report.html").read_text(encoding="utf-8")
    assert "rules" in page and "interval" in page
    assert (data / "README.md").read_text(encoding="utf-8").startswith("---\nsimulated: true\n---")
    assert (place.scores("rules") / "scores.json").is_file()
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
