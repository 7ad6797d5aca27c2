"""Several processes, number formats, compiled models, FSDP's states: the same losses, whole checkpoints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.coach.model.checkpoint import Coach, load_coach, save_coach
from qevd_bio.coach.model.stream_vlm import part_of
from qevd_bio.coach.training.coach import CoachTask, parts_to_train
from qevd_bio.learning.log import read_log
from qevd_bio.learning.loop import train
from qevd_bio.learning.options import LoopOptions
from qevd_bio.learning.precision import settle_types
from qevd_bio.tables.workspace import Workspace

from .conftest import small_task
from .data_set import write_training_split
from .test_loop import losses, silent

ROOT = Path(__file__).parents[3]
MakeTask = Callable[..., CoachTask]


def two_processes(*arguments: str) -> str:
    """Run two_processes.py as two processes of one run; returns what was printed."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
               str(Path(__file__).with_name("two_processes.py")), *arguments]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return done.stdout


def test_two_processes_learn_as_one(make_coach: Callable[..., Coach], tmp_path: Path, workspace: Workspace) -> None:
    """Data in parallel, interrupted and resumed. FSDP: accelerate offers it on GPUs alone, so torch spreads weights."""
    coach = make_coach()
    save_coach(tmp_path / "start", coach.model, coach.tokenizer, about={"untrained": True})
    data = write_training_split(tmp_path / "data", workspace)

    def args(out: str, steps: int) -> list[str]:
        return ["train", "coach", "--model", str(tmp_path / "start"), "--data", str(data), "--lr", "0.01", "--workspace",
                str(workspace.root), "--out", str(tmp_path / out), "--targets", "original", "--batch", "3", "--steps",
                str(steps), "--validation", "0.34", "--generate", "0", "--device", "cpu", "--validate-every", "3"]  # fmt: skip

    said = two_processes(json.dumps([args("two", 3), args("two", 6)]), str(tmp_path / "spread"))
    assert "process 0 of 2" in said and "process 1 of 2" in said
    assert said.count("continues after step 3") == 1 and said.count("trains language+xattn+fusion") == 2
    assert CliRunner().invoke(app, args("one", 6)).exit_code == 0
    two, one = (tmp_path / name / "coach" for name in ("two", "one"))
    assert losses(two) == pytest.approx(losses(one), rel=1e-4) and len(losses(one)) == 6
    checks = [[row["loss"] for row in read_log(folder) if row["kind"] == "validation"] for folder in (two, one)]
    assert checks[0] == pytest.approx(checks[1], rel=1e-4)
    ours, theirs = (load_coach(folder / "last").model.state_dict() for folder in (two, one))
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)
    spread, before = (
        load_coach(tmp_path / "spread").model.state_dict(),
        small_task(LoopOptions()).coach.model.state_dict(),
    )
    differ = {part_of(name) for name, value in spread.items() if not torch.equal(value, before[name])}
    assert differ == {"fusion", "xattn"}


OPTIONS = LoopOptions(learning_rate=1e-2, batch=3, steps=3, validation_share=0.2, device="cpu")


def test_bf16_keeps_what_is_trained_in_float32(
    make_stream_vlm: Callable[..., Coach], make_task: MakeTask, tmp_path: Path
) -> None:
    coach = make_stream_vlm()
    coach.model.train_only(parts_to_train(coach, "long"))
    settle_types(coach.model.to(torch.bfloat16), "bf16")
    kinds = {p.requires_grad: p.dtype for p in coach.model.parameters()}
    assert kinds == {True: torch.float32, False: torch.bfloat16}
    options = replace(OPTIONS, precision="bf16")
    task = make_task(options)
    task.module.requires_grad_(False)
    task.coach.model.train_only(("fusion",))
    train(task, options, tmp_path, {}, silent)
    assert {p.dtype for p in task.coach.model.parameters() if not p.requires_grad} == {torch.bfloat16}
    assert all(loss == loss for loss in losses(tmp_path))
    assert load_coach(tmp_path / "last").model.dtype == torch.float32


def test_half_precision_keeps_positions_exact(make_coach: Callable[..., Coach], tmp_path: Path) -> None:
    coach = make_coach()
    save_coach(tmp_path / "coach", coach.model, coach.tokenizer)
    half = load_coach(tmp_path / "coach", dtype="bfloat16").model
    assert half.dtype == torch.bfloat16
    assert torch.equal(half.decoder.rotary_emb.inv_freq, coach.model.decoder.rotary_emb.inv_freq)
