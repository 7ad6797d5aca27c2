"""What goes wrong before or while a coach runs: one message each, or a failure row where one segment is concerned."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from qevd_bio.cli.app import app
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from qevd_bio.coach.model.config import TokensConfig
from qevd_bio.coach.model.tokens import tiny_tokenizer
from qevd_bio.coach.vision.feature_files import feature_paths
from qevd_bio.scoring.pairing.predictions import read_predictions
from qevd_bio.tables.motion import CONTEXTS
from qevd_bio.tables.workspace import Workspace

from .conftest import GRID, SPLIT, ZERO

Outcome = tuple[int, str]


def run(model: Path | str, data: Path, workspace: Workspace, *more: str) -> Outcome:
    """Exit code and output (blanks as one) of `qevd-bio run`."""
    args = ["run", "--model", str(model), "--data", str(data), "--workspace", str(workspace.root),
            "--out", str(workspace.root / "run.jsonl"), "--timing", "corrected", "--max-tokens", "5", *more]  # fmt: skip
    result = CliRunner().invoke(app, args)
    assert "Traceback" not in result.output
    return result.exit_code, " ".join(result.output.split())


def failures(workspace: Workspace) -> dict[str, tuple[str, str]]:
    with (workspace.manifests / "run-run-failures.csv").open(encoding="utf-8", newline="") as file:
        return {row["key"].removeprefix(f"{SPLIT}/"): (row["reason"], row["detail"]) for row in csv.DictReader(file)}


def test_a_model_that_is_not_there(data: Path, workspace: Workspace, tmp_path: Path) -> None:
    code, text = run("nothing", data, workspace)
    assert code == 2 and "no model 'nothing'" in text and "tiny" in text and "next:" in text
    code, text = run(tmp_path, data, workspace)
    assert code == 2 and "no checkpoint of a coach here" in text and "coach.json" in text


def test_a_checkpoint_without_its_weights(data: Path, workspace: Workspace, model: Path) -> None:
    (model / "model.safetensors").unlink()
    code, text = run(model, data, workspace)
    assert code == 2 and "weights missing" in text and "a whole checkpoint folder" in text


def test_a_checkpoint_with_half_its_weights(data: Path, workspace: Workspace, model: Path) -> None:
    path = model / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    code, text = run(model, data, workspace)
    assert code == 2 and "cannot be read" in text and "it may be cut off" in text
    path.write_bytes(whole)
    tensors = load_file(path)
    dropped = next(name for name in tensors if "fusion" in name)
    save_file({name: value.clone() for name, value in tensors.items() if name != dropped}, path)
    code, text = run(model, data, workspace)
    assert code == 2 and f"1 of {len(tensors)} weights missing: {dropped}" in text


def test_a_checkpoint_with_another_tokenizer(data: Path, workspace: Workspace, model: Path) -> None:
    names = TokensConfig(**json.loads((model / "coach.json").read_text())["config"]["tokens"])
    other = tiny_tokenizer(900, names)
    other.add_tokens([f"<extra{n}>" for n in range(600)])
    other.save_pretrained(model)
    code, text = run(model, data, workspace)
    assert code == 2 and "entries, the model 512" in text and "the tokenizer that the model was made with" in text
    tiny_tokenizer(400, replace(names, next="<other>")).save_pretrained(model)
    code, text = run(model, data, workspace)
    assert code == 2 and "<next>" in text and "expected:" in text


def test_a_preset_for_a_gpu_that_is_not_there(data: Path, workspace: Workspace) -> None:
    if torch.cuda.is_available():
        pytest.skip("needs a machine without a GPU")
    code, text = run("biocoach-7b", data, workspace)
    assert code == 2 and "biocoach-7b is made for a GPU" in text and "none is here" in text and "--model tiny" in text


def test_features_and_contexts_that_cannot_be_used_fail_segment_by_segment(
    data: Path, workspace: Workspace, model: Path
) -> None:
    paths = feature_paths(workspace, SPLIT, "0200")
    good = np.load(paths.features), np.load(paths.times)
    np.save(paths.times, ZERO + np.arange(80) / 8)
    code, text = run(model, data, workspace)
    assert code == 2 and "2 done" in text and "2 failed" in text
    reason, detail = failures(workspace)["0200/0"]
    assert reason == "bad_input" and "8.00 features a second" in detail and "next: make the features again" in detail
    assert [s.video for s in read_predictions(workspace.root / "run.jsonl").segments] == ["0201", "0201"]

    np.save(paths.times, good[1])
    np.save(paths.features, np.zeros((80, GRID[0] + 1, *GRID[1:]), np.float32))
    run(model, data, workspace)
    assert "features of 33 values in 6 cells" in failures(workspace)["0200/1"][1]

    np.save(paths.features, good[0])
    np.save(paths.times, good[1] + 5000)
    run(model, data, workspace)
    assert failures(workspace)["0200/0"][0] == "no_features"

    np.save(paths.times, good[1])
    rows = CONTEXTS.read_rows(workspace.contexts(SPLIT, "0200"))
    for row in rows:
        if row["segment"] == 0 and row["step"] > 5:
            row["motion"] = "Current pose: " + "right knee 80°, " * 90
    CONTEXTS.write(workspace.contexts(SPLIT, "0200"), rows)
    code, text = run(model, data, workspace)
    reason, detail = failures(workspace)["0200/0"]
    assert code == 2 and "1 done, 2 kept from before, 1 failed" in text
    assert reason == "context_too_long" and "the model keeps 160 for it" in detail


def test_a_prompt_longer_than_the_model_reads(data: Path, workspace: Workspace, model: Path) -> None:
    settings = json.loads((model / "coach.json").read_text())
    settings["config"]["language"]["max_position_embeddings"] = 200
    (model / "coach.json").write_text(json.dumps(settings))
    code, _ = run(model, data, workspace, "--limit", "1")
    reason, detail = failures(workspace)["0200/0"]
    assert code == 2 and reason == "text_too_long" and "the model reads 200 in all" in detail


def test_weights_of_features_that_cannot_be_used(data: Path, workspace: Workspace, tmp_path: Path) -> None:
    def features(weights: Path) -> Outcome:
        args = ["features", "--data", str(data), "--workspace", str(workspace.root), "--weights", str(weights)]
        result = CliRunner().invoke(app, args)
        return result.exit_code, " ".join(result.output.split())

    assert features(tmp_path / "no.pth") == (2, features(tmp_path / "no.pth")[1])
    assert "no such file" in features(tmp_path / "no.pth")[1]
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "other.pth")
    code, text = features(tmp_path / "other.pth")
    assert code == 2 and "no vision backbone in it" in text
    torch.save({"0.cnn.0.0.weight": torch.zeros(32, 3, 3, 3)}, tmp_path / "part.pth")
    code, text = features(tmp_path / "part.pth")
    assert code == 2 and "weights missing" in text and "part of it may not have been downloaded" in text
