"""Bad input of `qevd-bio train`: one message each that says what was expected and what to do, exit code 2."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qevd_bio.cli.app import app
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from qevd_bio.coach.model.checkpoint import Coach, save_coach
from qevd_bio.coach.model.config import TokensConfig
from qevd_bio.coach.model.tokens import tiny_tokenizer
from qevd_bio.coach.vision.feature_files import FeaturePaths, feature_paths
from qevd_bio.learning import language
from qevd_bio.tables.workspace import Workspace

from .data_set import SPLIT, VIDEOS, write_clips, write_contexts, write_training_split

Fails = Callable[..., str]


@pytest.fixture
def data(tmp_path: Path, workspace: Workspace) -> Path:
    return write_training_split(tmp_path / "data", workspace)


@pytest.fixture
def model(make_coach: Callable[..., Coach], tmp_path: Path) -> Path:
    coach = make_coach()
    save_coach(tmp_path / "model", coach.model, coach.tokenizer)
    return tmp_path / "model"


@pytest.fixture
def fails(tmp_path: Path, data: Path, workspace: Workspace) -> Fails:
    """`fails("coach", …)` runs `qevd-bio train coach …` on the data and returns the error, which must be one."""

    def call(*args: str, targets: str = "original", code: int = 2) -> str:
        place = ["--data", str(data), "--workspace", str(workspace.root), "--out", str(tmp_path / "out")]
        few = ["--steps", "1", "--batch", "2", "--validation", "0"]
        kind = ["--targets", targets, "--generate", "0"] if args[0] in ("coach", "") else []
        result = CliRunner().invoke(app, ["train", *filter(None, args), *place, *few, *kind])
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output and result.output.count("error:") == (1 if code else 0)
        return " ".join(result.output.split())

    return call


def files(workspace: Workspace) -> list[FeaturePaths]:
    return [feature_paths(workspace, SPLIT, stem) for stem in VIDEOS]


def test_without_features(fails: Fails, workspace: Workspace, model: Path) -> None:
    shutil.rmtree(workspace.path("features"))
    said = fails("coach", "--model", str(model))
    assert "no segment to train on" in said and "3 videos have no features (qevd-bio features" in said
    for stem in VIDEOS:
        workspace.contexts(SPLIT, stem).unlink()
    for stage in ("coach", ""):  # all that is missing is named at once, before the selector is trained
        said = fails(stage, "--model", str(model))
        assert "3 videos have no features" in said and "3 videos have no contexts (qevd-bio extract, then" in said
    assert "no segment with features and a known exercise" in fails("selector", "--model", str(model))


def test_one_video_without_features_is_told_and_left_out(fails: Fails, workspace: Workspace, model: Path) -> None:
    files(workspace)[0].features.unlink()
    said = fails("coach", "--model", str(model), code=0)
    assert "coach: 4 segments" in said and "left out: 2 × bad_input" in said and "0000_features.npy" in said


def test_features_of_another_rate_or_shape(fails: Fails, workspace: Workspace, model: Path) -> None:
    for paths in files(workspace):
        np.save(paths.times, 1.6e9 + 0.125 * (1 + np.arange(48)))
    said = fails("coach", "--model", str(model))
    assert "8.00 features a second" in said and "4 a second" in said
    for paths in files(workspace):
        np.save(paths.features, np.zeros((48, 8, 2, 2), np.float32))
    said = fails("coach", "--model", str(model))
    assert "features of 8 values in 4 cells" in said and "16 values in 4 cells, as this model sees" in said


def test_contexts_that_are_missing_or_too_long(fails: Fails, workspace: Workspace, model: Path) -> None:
    for stem in VIDEOS:
        write_contexts(workspace, stem, "Form issues: " + "knee flexion too small; " * 80)
    said = fails("coach", "--model", str(model))
    assert "context_too_long" in said and "the model keeps 192" in said and "analyze --max-tokens" in said
    for stem in VIDEOS:
        workspace.contexts(SPLIT, stem).unlink()
    said = fails("coach", "--model", str(model))
    assert "3 videos have no contexts" in said and "qevd-bio analyze" in said


def test_sequences_that_cannot_fit(fails: Fails, model: Path) -> None:
    said = fails("coach", "--model", str(model), "--max-tokens", "30")
    assert "text_too_long" in said and "fill the 30 tokens of a sequence" in said


def test_partial_checkpoints_and_other_tokenizers(fails: Fails, model: Path) -> None:
    weights = model / "model.safetensors"
    whole = load_file(weights)
    save_file({name: whole[name] for name in list(whole)[3:]}, weights)
    said = fails("coach", "--model", str(model))
    assert f"3 of {len(whole)} weights missing" in said and "use the whole checkpoint" in said
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "cannot be read" in fails("selector", "--model", str(model))
    weights.unlink()
    assert "weights missing" in fails("coach", "--model", str(model))
    save_file(whole, weights)
    tiny_tokenizer(400, TokensConfig("<vision>", "<answer>", "<answer/>")).save_pretrained(model)
    assert "<next>" in fails("coach", "--model", str(model))
    tiny_tokenizer(2048, TokensConfig(), ("Words that no other tokenizer has, and many.",)).save_pretrained(model)
    said = fails("coach", "--model", str(model))
    assert "entries, the model 448" in said and "the tokenizer that the model was made with" in said
    (model / "coach.json").unlink()
    assert "no checkpoint of a coach here" in fails("coach", "--model", str(model))


def test_models_for_larger_machines(fails: Fails, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = fails("", "--model", "biocoach-7b")
    assert "made for a GPU with 17 GiB, and none is here" in said and "--model tiny runs on a CPU" in said
    said = fails("", "--model", "biocoach-7b", "--device", "cpu")
    assert "has no tokenizer of its own" in said and "qevd-bio coach import-stream-vlm" in said
    monkeypatch.setattr(language, "available_memory", lambda: 1000)
    said = fails("coach", "--model", str(model))
    assert "GiB of main memory in float32" in said and "a machine with more memory, or a GPU" in said
    assert "fp16 needs a GPU" in fails("selector", "--model", "tiny-stream-vlm", "--precision", "fp16")


def test_wrong_names_and_places(fails: Fails, data: Path, model: Path, workspace: Workspace, tmp_path: Path) -> None:
    assert "--variant full-body" in fails("coach", "--variant", "full-body")
    assert "no model 'tinny'" in fails("coach", "--model", "tinny")
    said = fails("coach", "--model", str(model), targets="rewritten")
    assert "the rewritten data set is not there" in said and "--targets original" in said
    said = fails("coach", "--model", str(model), "--variant", "tau-2s")
    assert "made with other ablations (the full model)" in said and "tau_s 2.0" in said
    clips = write_clips(tmp_path / "clips", workspace)
    for name in ("questions.json", "feedbacks_short_clips.json"):
        (clips / name).unlink()
    assert "none has a question or feedback" in fails("stream-vlm", "--model", str(model), "--clips", str(clips))
    (data / SPLIT).rename(data / "QEVD-FIT-COACH-Benchmark")
    said = fails("coach", "--model", str(model))
    assert "no training split in it (found: QEVD-FIT-COACH-Benchmark)" in said


def test_another_models_run_is_not_gone_on_with(fails: Fails, model: Path) -> None:
    fails("coach", "--model", str(model), code=0)
    said = fails("coach", "--model", str(model), "--alpha", "0.5")
    assert "this run was begun with other settings (data:" in said and "remove this folder" in said
