"""The turn-based fine-tuned baseline: a coach trained without action tokens, asked every five seconds."""

from __future__ import annotations

import json
from pathlib import Path

from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.coach.model.checkpoint import read_about, save_coach
from qevd_bio.tables.workspace import Workspace
from tests.coach.training.conftest import small_coach
from tests.coach.training.data_set import write_training_split


def test_it_is_trained_and_run_at_fixed_intervals(workspace: Workspace, tmp_path: Path) -> None:
    data = write_training_split(tmp_path / "data", workspace)
    start = small_coach(no_action_tokens=True)
    save_coach(tmp_path / "start", start.model, start.tokenizer, ablations=start.ablations, about=start.about)
    place = ["--data", str(data), "--workspace", str(workspace.root)]
    learn = ["train", "coach", "--model", str(tmp_path / "start"), "--out", str(tmp_path / "out"), "--targets", "original",
             "--steps", "16", "--batch", "6", "--lr", "0.02", "--validation", "0", "--generate", "0", "--variant",
             "no-action-tokens"]  # fmt: skip
    trained = CliRunner().invoke(app, [*learn, *place])
    assert trained.exit_code == 0, trained.output
    model = tmp_path / "out" / "coach" / "last"
    assert read_about(model)[1].no_action_tokens
    out = tmp_path / "said.jsonl"
    said = CliRunner().invoke(app, ["run", "--model", str(model), "--out", str(out), "--timing", "corrected", *place])
    assert said.exit_code == 0, said.output
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) == 6 and all(line["settings"]["interval_steps"] == 20 for line in lines)
    times = [feedback["time"] for line in lines for feedback in line["feedbacks"]]
    assert len(times) >= 3 and all(abs(time - 5.0) < 0.25 for time in times)  # segments of 5 to 6 s: one turn each
