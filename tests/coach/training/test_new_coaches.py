"""Coaches on pretrained language models through training and streaming; Stream-VLM's ablations (QEVD, Table 4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from qevd_bio.cli.app import app
from safetensors.torch import load_file
from transformers import CLIPVisionConfig, CLIPVisionModel
from typer.testing import CliRunner

from qevd_bio.coach.model.checkpoint import Coach, load_coach, read_about, save_coach
from qevd_bio.coach.model.config import CrossAttentionConfig, VisionConfig
from qevd_bio.coach.model.new import new_coach
from qevd_bio.coach.model.presets import read_preset
from qevd_bio.coach.model.prompts import published
from qevd_bio.coach.model.stream_vlm import part_of
from qevd_bio.coach.vision.feature_files import feature_paths
from qevd_bio.tables.workspace import Workspace
from tests.coach.language_models import CHAT, save_language

from .data_set import SPLIT, VIDEOS, write_clips, write_training_split

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, workspace: Workspace) -> Run:
    """`run("train", …)` with data, workspace and two small steps; returns what was printed."""
    data = write_training_split(tmp_path / "data", workspace)
    few = ("--steps", "2", "--batch", "2", "--validation", "0", "--lr", "0.01", "--generate", "0")

    def call(*args: str, code: int = 0, learn: bool = True) -> str:
        place = ("--data", str(data), "--workspace", str(workspace.root))
        result = CliRunner().invoke(app, [*args, *place, *(few if learn else ())])
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    return call


@pytest.fixture
def own_preset(tmp_path: Path) -> Callable[[str], Path]:
    """`own_preset("stream-vlm")`: a preset file of one's own for the small features of these tests."""

    def make(kind: str) -> Path:
        tiny = read_preset("tiny" if kind == "biocoach" else "tiny-stream-vlm")
        language = {**tiny.language, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}
        config = replace(
            tiny, name="own", language=language, vision=VisionConfig(16, 4),
            cross_attention=CrossAttentionConfig((1,), 16, 1), lora=replace(tiny.lora, r=2),
        )  # fmt: skip
        path = tmp_path / f"{kind}.yaml"
        path.write_text(yaml.safe_dump(json.loads(json.dumps(config.as_json()))), encoding="utf-8")
        return path

    return make


def changed(before: Path, after: Path) -> set[str]:
    first, second = (load_file(folder / "model.safetensors") for folder in (before, after))
    return {part_of(name) for name in first if not bool((first[name] == second[name]).all())}


def begun(folder: Path, preset: Path, family: str = "llama", **more: Any) -> Path:
    save_language(folder / family, family, chat=CHAT, max_position_embeddings=2048, **more)
    new_coach(str(folder / family), "random", preset, folder / "new")
    return folder / "new"


def test_a_preset_file_of_ones_own_is_a_model(run: Run, own_preset: Callable[[str], Path], tmp_path: Path) -> None:
    preset = str(own_preset("biocoach"))
    run("train", "coach", "--model", preset, "--targets", "original", "--out", str(tmp_path / "out"))
    said = run("run", "--model", preset, "--out", str(tmp_path / "run.jsonl"), "--timing", "corrected",
               "--max-tokens", "4", learn=False)  # fmt: skip
    assert "6 done" in said


def test_a_biocoach_begins_with_what_is_new(run: Run, own_preset: Callable[[str], Path], tmp_path: Path) -> None:
    new, out = begun(tmp_path, own_preset("biocoach"), "qwen2"), tmp_path / "out"
    as_they_are = ("--salient", "exercise")  # the contexts of the workspace
    said = run("train", "--model", str(new), "--targets", "original", "--out", str(out), *as_they_are)
    assert "trains fusion+xattn+actions" in said
    assert changed(out / "selector" / "last", out / "coach" / "last") == {"fusion", "xattn", "actions"}
    about = read_about(out / "coach" / "last")[2]
    assert about["begins"] == [] and not about["language_changed"]
    said = run("train", "coach", "--model", str(out / "coach" / "last"), "--targets", "original", "--out",
               str(tmp_path / "more"), *as_they_are)  # fmt: skip
    assert "trains fusion+actions" in said  # the cross-attention has been trained: now the published part alone
    run("run", "--model", str(out / "coach" / "last"), "--out", str(tmp_path / "run.jsonl"), "--timing", "corrected",
        "--max-tokens", "4", *as_they_are, learn=False)  # fmt: skip
    assert len((tmp_path / "run.jsonl").read_text().splitlines()) == 6


@pytest.mark.parametrize(("parts", "first"), [("cross-attention", {"xattn", "actions"}),
                                              ("all", {"language", "xattn", "actions"})])  # fmt: skip
def test_stream_vlm_in_its_published_stages(
    parts: str, first: set[str], run: Run, own_preset: Callable[[str], Path], tmp_path: Path, workspace: Workspace
) -> None:
    new, out = begun(tmp_path, own_preset("stream-vlm"), "gemma"), tmp_path / "out"
    clips = write_clips(tmp_path / "clips", workspace)
    said = run("train", "stream-vlm", "--model", str(new), "--clips", str(clips), "--parts", parts, "--out", str(out))
    assert "trains lora+actions" in said
    assert changed(new, out / "short" / "last") == first
    assert changed(out / "short" / "last", out / "coach" / "last") == {"lora", "actions"}
    assert bool(read_about(out / "coach" / "last")[2]["language_changed"]) == (parts == "all")
    short, long = load_coach(out / "short" / "last"), load_coach(out / "coach" / "last")
    asked = "The user should be doing squats."
    words = published("long_range").strip()
    assert words in long.tokenizer.decode(long.prompt_ids(asked)) and "<|turn|>" in long.config.prompt.before
    assert asked in short.tokenizer.decode(short.prompt_ids(asked))


def saved(coach: Coach, folder: Path) -> str:
    save_coach(folder, coach.model, coach.tokenizer, ablations=coach.ablations)
    return str(folder)


def test_rows_of_table_4_on_a_stream_vlm(
    run: Run, make_stream_vlm: Callable[..., Coach], tmp_path: Path, workspace: Workspace
) -> None:
    model, out = saved(make_stream_vlm(), tmp_path / "start"), tmp_path / "out"
    said = run("train", "stream-vlm", "--variant", "no-pretraining", "--model", model, "--out", str(out / "a"))
    assert "trains lora+xattn" in said and changed(Path(model), out / "a" / "coach" / "last") == {"lora", "xattn"}
    assert read_about(out / "a" / "coach" / "last")[1].no_pretraining
    clips = str(write_clips(tmp_path / "clips", workspace))
    said = run("train", "stream-vlm", "--variant", "no-pretraining", "--model", model, "--clips", clips, "--out",
               str(out / "x"), code=2)  # fmt: skip
    assert "that row skips the short clips" in said
    run("train", "coach", "--variant", "no-action-tokens", "--model", model, "--targets", "original", "--out",
        str(out / "b"))  # fmt: skip
    assert load_coach(out / "b" / "coach" / "last").interval_steps == 20
    run("run", "--model", str(out / "b" / "coach" / "last"), "--out", str(tmp_path / "run.jsonl"), "--timing",
        "corrected", "--max-tokens", "4", learn=False)  # fmt: skip
    times = [f["time"] for f in json.loads((tmp_path / "run.jsonl").read_text().splitlines()[0])["feedbacks"]]
    assert times and times[0] == pytest.approx(4.75, abs=0.3)  # the twentieth step
    said = run("train", "coach", "--variant", "no-3d-cnn", "--model", model, "--targets", "original", "--out",
               str(out / "c"), code=2)  # fmt: skip
    assert "sees the features of the 3D CNN" in said and "coach new --vision FOLDER" in said
    said = run("train", "coach", "--variant", "no-morphology", "--model", model, "--targets", "original", "--out",
               str(out / "d"), code=2)  # fmt: skip
    assert "one of BioCoach's parts" in said


def test_another_encoder_of_another_width(
    run: Run, own_preset: Callable[[str], Path], tmp_path: Path, workspace: Workspace
) -> None:
    config = CLIPVisionConfig(hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                              image_size=28, patch_size=4)  # fmt: skip
    CLIPVisionModel(config).save_pretrained(tmp_path / "clip")
    save_language(tmp_path / "language", chat=CHAT, max_position_embeddings=2048)
    for kind in ("stream-vlm", "biocoach"):
        preset, out = own_preset(kind), tmp_path / kind
        new_coach(str(tmp_path / "language"), str(tmp_path / "clip"), preset, out)
        coach = load_coach(out)
        assert (coach.sees.encoder, coach.sees.dim, coach.sees.tokens) == ("image", 24, 35)
    for stem in VIDEOS:
        theirs = feature_paths(workspace, SPLIT, stem, "image")
        theirs.features.parent.mkdir(parents=True, exist_ok=True)
        np.save(theirs.features, np.random.default_rng(0).normal(size=(48, 24, 7, 5)).astype(np.float32))
        np.save(theirs.times, np.load(feature_paths(workspace, SPLIT, stem).times))
    said = run("train", "stream-vlm", "--variant", "no-3d-cnn", "--model", str(tmp_path / "stream-vlm"), "--out",
               str(tmp_path / "out"))  # fmt: skip
    assert "trains lora+xattn+actions" in said
    assert load_coach(tmp_path / "out" / "coach" / "last").sees.dim == 24
