"""`qevd-bio train` and its stages on small data, from the command line: what is trained, kept, and can be run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qevd_bio.cli.app import app
from safetensors.torch import load_file
from torch import Tensor
from typer.testing import CliRunner

from qevd_bio.coach.model.checkpoint import Coach, load_coach, read_about, save_coach
from qevd_bio.coach.model.stream_vlm import part_of
from qevd_bio.learning.log import read_log
from qevd_bio.tables.annotations import SALIENT
from qevd_bio.tables.motion import CONTEXTS
from qevd_bio.tables.workspace import Workspace

from .data_set import SPLIT, write_clips, write_kinematics, write_training_split

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, workspace: Workspace) -> Run:
    """`run("train", …)` with data, workspace, and a few small steps; returns what was printed."""
    data = write_training_split(tmp_path / "data", workspace)
    few = ("--steps", "4", "--batch", "2", "--validation", "0.34", "--validate-every", "4", "--lr", "0.01")

    def call(*args: str, code: int = 0, learn: bool = True) -> str:
        place = ("--data", str(data), "--workspace", str(workspace.root))
        result = CliRunner().invoke(app, [*args, *place, *(few if learn else ())])
        assert result.exit_code == code, result.output
        return result.output

    return call


def saved(coach: Coach, folder: Path, **about: object) -> str:
    save_coach(folder, coach.model, coach.tokenizer, ablations=coach.ablations, about=dict(about))
    return str(folder)


def weights(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


def changed(before: Path, after: Path) -> set[str]:
    """Parts in which a weight differs; both must have the same names."""
    first, second = weights(before), weights(after)
    assert first.keys() == second.keys()
    return {part_of(name) for name in first if not bool((first[name] == second[name]).all())}


def test_both_stages_and_a_run_of_what_they_made(
    run: Run, make_coach: Callable[..., Coach], tmp_path: Path, workspace: Workspace
) -> None:
    model, out = saved(make_coach(), tmp_path / "start", untrained=True), tmp_path / "out"
    args = ("train", "--model", model, "--out", str(out), "--targets", "original", "--context-every", "6",
            "--generate", "1", "--window", "4")  # fmt: skip
    assert "own salient joints need kinematics" in run(*args, code=2)
    write_kinematics(tmp_path / "data", workspace)
    said = run(*args)
    assert "coach: contexts with J* of source selector" in said and "trains language+xattn+fusion" in said
    assert changed(Path(model), out / "selector" / "best") == {"selector"}
    assert changed(out / "selector" / "best", out / "coach" / "best") == {"language", "xattn", "fusion"}
    about = read_about(out / "coach" / "best")[2]
    assert about["context_every"] == 6 and about["selector"] == "trained" and "untrained" not in about
    assert (about["salient"], about["window_s"], about["evidence"]) == ("selector", 4.0, "causal")
    rows = read_log(out / "coach")
    assert [row["step"] for row in rows if row["kind"] == "train"] == [1, 2, 3, 4]
    assert {"loss", "temporal_f", "said"} <= rows[-1].keys()
    assert list((out / "coach" / "tensorboard").glob("events.out.tfevents.*"))
    again = run(*args)
    assert "coach: continues after step 4" in again and read_log(out / "coach") == rows
    predictions = tmp_path / "run.jsonl"
    run("run", "--model", str(out / "coach" / "best"), "--out", str(predictions), learn=False)
    lines = [json.loads(line) for line in predictions.read_text().splitlines()]
    settings = lines[0]["settings"]
    assert len(lines) == 6 and settings["context_every"] == 6
    assert (settings["salient"], settings["window_s"], len(settings["selection"])) == ("selector", 4.0, 64)
    # J* and contexts were made once: `run` finds those of `train`.
    (view,) = (workspace.root / "motion" / "views").iterdir()
    seen = workspace.seen_as(view.name)
    rows = [row for stem in ("0000", "0001") for row in CONTEXTS.load(seen.contexts(SPLIT, stem))]
    assert {row.salient_source for row in rows} == {"selector"} and len(SALIENT.load(seen.selected_joints)) == 6
    run("run", "--model", str(out / "coach" / "best"), "--out", str(tmp_path / "b.jsonl"), "--context-every", "2",
        learn=False)  # fmt: skip
    assert json.loads((tmp_path / "b.jsonl").read_text().splitlines()[0])["settings"]["context_every"] == 2


@pytest.mark.parametrize(
    ("variant", "trained"),
    [("full", {"fusion"}), ("no-morphology", {"xattn"}), ("no-pretraining", {"fusion", "xattn"})],
)
def test_a_stream_vlm_becomes_a_biocoach_and_what_is_frozen_stays(
    run: Run,
    make_stream_vlm: Callable[..., Coach],
    tmp_path: Path,
    workspace: Workspace,
    variant: str,
    trained: set[str],
) -> None:
    write_kinematics(tmp_path / "data", workspace)
    model, out = saved(make_stream_vlm(), tmp_path / "stream-vlm"), tmp_path / "out"
    run("train", "--model", model, "--out", str(out), "--targets", "original", "--variant", variant, "--generate", "0")
    before, after = weights(Path(model)), weights(out / "coach" / "last")
    differ = {part_of(name) for name in before if not bool((before[name] == after[name]).all())}
    assert differ == trained - {"fusion"}
    assert changed(out / "selector" / "best", out / "coach" / "last") == trained
    assert {part_of(name) for name in after.keys() - before.keys()} == {"selector", "fusion"}
    config, ablations, _ = read_about(out / "coach" / "last")
    assert config.kind == "biocoach" and ablations.no_morphology == (variant == "no-morphology")
    assert load_coach(out / "coach" / "last").model.config.lora.r == 2


def test_the_selector_alone_and_then_the_fusion(
    run: Run, make_coach: Callable[..., Coach], tmp_path: Path, workspace: Workspace
) -> None:
    write_kinematics(tmp_path / "data", workspace)
    model, out = saved(make_coach(), tmp_path / "start"), tmp_path / "out"
    said = run("train", "selector", "--model", model, "--out", str(out))
    assert "4 steps in" in said and changed(Path(model), out / "selector" / "last") == {"selector"}
    rows = read_log(out / "selector")
    assert [row["kind"] for row in rows] == ["train"] * 4 + ["validation"] and 0 <= rows[-1]["accuracy"] <= 1
    (pooled,) = (out / "selector").glob("pooled-*.npy")
    assert np.load(pooled, mmap_mode="r").shape == (9, 1, 16)
    made = pooled.stat().st_mtime_ns
    assert "continues after step 4" in run("train", "selector", "--model", model, "--out", str(out))
    assert pooled.stat().st_mtime_ns == made
    chosen = run("coach", "select-joints", "--model", str(out / "selector" / "last"), learn=False)
    assert "6 segments, 0 failed" in chosen
    run("train", "coach", "--model", str(out / "selector" / "last"), "--out", str(out), "--targets", "original",
        "--generate", "0")  # fmt: skip
    assert changed(out / "selector" / "last", out / "coach" / "last") == {"fusion"}


def test_stream_vlm_on_short_clips_then_lora_on_long_videos(
    run: Run, make_stream_vlm: Callable[..., Coach], tmp_path: Path, workspace: Workspace
) -> None:
    model, out = saved(make_stream_vlm(), tmp_path / "start"), tmp_path / "out"
    clips = write_clips(tmp_path / "clips", workspace)
    said = run("train", "stream-vlm", "--model", model, "--clips", str(clips), "--out", str(out), "--generate", "1",
               "--activation-checkpointing")  # fmt: skip
    assert "coach: 5 segments" in said and "trains lora" in said
    assert changed(Path(model), out / "short" / "best") == {"xattn"}
    assert changed(out / "short" / "best", out / "coach" / "last") == {"lora"}
    loaded = load_coach(out / "coach" / "last").model
    lora = [value for name, value in loaded.named_parameters() if "lora_B" in name]
    assert lora and all(bool(value.any()) for value in lora)
    run("run", "--model", str(out / "coach" / "best"), "--out", str(tmp_path / "run.jsonl"), learn=False)
    assert len((tmp_path / "run.jsonl").read_text().splitlines()) == 6


def test_a_preset_knows_the_words_of_its_data(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qevd_bio.coach.model import loading, presets
    from qevd_bio.coach.model.config import ModelConfig, VisionConfig
    from qevd_bio.coach.training import stage as train_start

    def narrow(name: str | Path) -> ModelConfig:
        return replace(presets.read_preset(name), vision=VisionConfig(16, 4))

    for module in (loading, train_start):
        monkeypatch.setattr(module, "read_preset", narrow)
    out = tmp_path / "out"
    run("train", "coach", "--model", "tiny", "--variant", "no-motion-context", "--targets", "original", "--out",
        str(out), "--generate", "0")  # fmt: skip
    made = load_coach(out / "coach" / "last")
    assert made.ablations.no_motion_context
    assert len(made.tokenizer("Bend the knees!")["input_ids"]) <= 6


def test_options_before_a_stage_are_refused(run: Run) -> None:
    said = run("train", "--lr", "0.1", "coach", code=2, learn=False)
    assert "--lr stands before the stage's name" in said and "qevd-bio train coach --lr" in said
