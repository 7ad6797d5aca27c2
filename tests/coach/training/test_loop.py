"""The loop: it learns, divides batches without changing them, and goes on after SIGKILL with the same losses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qevd_bio.coach.model.checkpoint import load_coach
from qevd_bio.coach.training.coach import CoachTask
from qevd_bio.learning.log import TrainingLog, read_log
from qevd_bio.learning.loop import learning_rate, train
from qevd_bio.learning.options import LoopOptions
from qevd_bio.learning.precision import explained_memory
from qevd_bio.store.errors import UserError

OPTIONS = LoopOptions(
    learning_rate=1e-2, batch=3, steps=12, validation_share=0.2, save_every=3, validate_every=6, device="cpu"
)
MakeTask = Callable[..., CoachTask]


def silent(_: str) -> None:
    """Says nothing."""


def losses(folder: Path) -> list[float]:
    return [row["loss"] for row in read_log(folder) if row["kind"] == "train"]


def test_the_loss_falls_and_checkpoints_can_be_run(make_task: MakeTask, tmp_path: Path) -> None:
    done = train(make_task(OPTIONS), OPTIONS, tmp_path, {}, silent)
    found = losses(tmp_path)
    assert len(found) == 12 and sum(found[-3:]) < 0.8 * sum(found[:3])
    assert done.best is not None and done.best_step in (6, 12)
    for folder in (done.best_folder, done.last_folder):
        assert load_coach(folder).about["trained"] == "coach"
    assert [row["step"] for row in read_log(tmp_path) if row["kind"] == "validation"] == [6, 12]


def test_micro_batches_give_the_same_losses(make_task: MakeTask, tmp_path: Path) -> None:
    small = replace(OPTIONS, steps=4, micro_batch=1)
    train(make_task(small), small, tmp_path / "one", {}, silent)
    whole = replace(OPTIONS, steps=4)
    train(make_task(whole), whole, tmp_path / "whole", {}, silent)
    assert losses(tmp_path / "one") == pytest.approx(losses(tmp_path / "whole"), rel=1e-4)


@pytest.mark.parametrize("change", [{"activation_checkpointing": True}, {"precision": "bf16"}])
def test_ways_to_save_memory_keep_the_result(make_task: MakeTask, tmp_path: Path, change: dict[str, object]) -> None:
    plain = replace(OPTIONS, steps=3)
    train(make_task(plain), plain, tmp_path / "plain", {}, silent)
    other = replace(plain, **change)  # type: ignore[arg-type]
    train(make_task(other), other, tmp_path / "other", {}, silent)
    close = 1e-4 if "precision" not in change else 0.05
    assert losses(tmp_path / "other") == pytest.approx(losses(tmp_path / "plain"), rel=close)


def test_a_killed_run_goes_on_with_identical_losses(make_task: MakeTask, tmp_path: Path) -> None:
    train(make_task(OPTIONS, dropout=0.1), OPTIONS, tmp_path / "whole", {}, silent)
    script = (
        "import sys; from pathlib import Path; import torch; torch.set_num_threads(1)\n"
        "from tests.coach.training.conftest import small_task\n"
        "from tests.coach.training.test_loop import OPTIONS, silent\n"
        "from qevd_bio.learning.loop import train\n"
        "train(small_task(OPTIONS, dropout=0.1), OPTIONS, Path(sys.argv[1]), {}, silent)\n"
    )
    killed = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", script, str(killed)], cwd=Path(__file__).parents[3])
    patience = time.monotonic() + 120
    while len(losses(killed)) < 5 and time.monotonic() < patience and process.poll() is None:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 5 <= len(losses(killed)) < 12
    said: list[str] = []
    train(make_task(OPTIONS, dropout=0.1), OPTIONS, killed, {}, said.append)
    assert "continues after step" in said[0]
    assert losses(killed) == losses(tmp_path / "whole")
    assert [row["loss"] for row in read_log(killed) if row["kind"] == "validation"] == [
        row["loss"] for row in read_log(tmp_path / "whole") if row["kind"] == "validation"
    ]


def test_other_settings_and_damaged_states_are_refused(make_task: MakeTask, tmp_path: Path) -> None:
    short = replace(OPTIONS, steps=1)
    train(make_task(short), short, tmp_path, {}, silent)
    other = replace(short, learning_rate=2e-2)
    with pytest.raises(UserError, match=r"other settings \(learning_rate: 0.01 there, 0.02 now\)"):
        train(make_task(other), other, tmp_path, {}, silent)
    (tmp_path / "resume.safetensors").write_bytes(b"cut off")
    with pytest.raises(UserError, match=r"resume.safetensors.*\n?.*cannot be read|cannot be read"):
        train(make_task(short), short, tmp_path, {}, silent)


def test_short_memory_says_what_to_change() -> None:
    wanted = r"--micro-batch 4 .*--activation-checkpointing"
    with pytest.raises(UserError, match=wanted) as error, explained_memory(LoopOptions()):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    assert "--precision bf16" in str(error.value)
    with pytest.raises(RuntimeError, match="something else"), explained_memory(LoopOptions()):
        raise RuntimeError("something else")


def test_rates() -> None:
    options = LoopOptions(learning_rate=1.0, warm_up_steps=4, schedule="cosine")
    rates = [learning_rate(options, step, 24) for step in range(24)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0] and rates[4] == 1.0
    assert rates[14] == pytest.approx(0.55) and rates[23] > 0.1
    assert learning_rate(LoopOptions(), 7, 10) == 2e-5


def test_a_log_drops_what_came_after_the_saved_step(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path, 0)
    for step in (1, 2, 3):
        log.write("train", step, {"loss": float("nan") if step == 2 else 1.0})
    log.close()
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 4, "ki')
    assert [row["loss"] for row in read_log(tmp_path)] == [1.0, None, 1.0]
    TrainingLog(tmp_path, 2).close()
    assert [row["step"] for row in read_log(tmp_path)] == [1, 2]


def test_without_tensorboard_the_log_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    log = TrainingLog(tmp_path, 0)
    log.write("train", 1, {"loss": 2.0})
    log.close()
    assert read_log(tmp_path) == [{"step": 1, "kind": "train", "loss": 2.0}] and not (tmp_path / "tensorboard").exists()
