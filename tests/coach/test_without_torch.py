"""Rules, live with rules, baselines that ask nobody and the list of presets work without the `train` extra."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qevd_bio.tables.motion import CYCLES
from qevd_bio.tables.verdicts import VERDICTS
from qevd_bio.tables.workspace import Workspace
from tests.coach.conftest import SPLIT
from tests.coach.made_data import write_videos

ROOT = Path(__file__).resolve().parents[2]
BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "transformers", "peft", "accelerate", "safetensors", "tensorboard", "tokenizers"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
"""
COMMAND = "sys.argv[0] = 'qevd-bio'; from qevd_bio.cli.app import main; main()"


def without_torch(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python where nothing of the `train` extra can be imported."""
    command = [sys.executable, "-c", BLOCKED + code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)


def test_what_needs_no_model_imports_no_torch() -> None:
    modules = ("baselines.stage", "live.stage", "model.presets", "training.options")
    done = without_torch("\n".join(f"import qevd_bio.coach.{module}" for module in modules))
    assert done.returncode == 0, done.stderr


def test_presets_are_listed() -> None:
    done = without_torch(COMMAND, "coach", "presets")
    assert done.returncode == 0, done.stderr
    assert "biocoach-7b (biocoach): 32 layers of 4096 values; for cuda, 17 GiB" in done.stdout
    assert "pip install 'qevd-bio[train]'" in done.stderr


@pytest.mark.parametrize("name", ["rules", "copy-context", "interval"])
def test_baselines_speak(name: str, data: Path, workspace: Workspace, tmp_path: Path) -> None:
    for stem in ("0200", "0201"):
        tables = workspace.motion_parts(SPLIT, stem)
        CYCLES.save(tables.cycles, [])
        VERDICTS.save(tables.verdicts, [])
    out = tmp_path / f"{name}.jsonl"
    done = without_torch(
        COMMAND, "run", "--model", name, "--data", str(data), "--workspace", str(workspace.root), "--out", str(out)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = [json.loads(line)["feedbacks"] for line in out.read_text().splitlines()]
    assert len(said) == 4 and all(bool(feedbacks) == (name == "interval") for feedbacks in said)


@pytest.mark.usefixtures("pose_model")
def test_rules_watch_a_video(workspace: Workspace, tmp_path: Path) -> None:
    video = write_videos(tmp_path) / SPLIT / "long_range_videos" / "0200.mp4"
    out = tmp_path / "live.mp4"
    done = without_torch(
        COMMAND, "coach", "live", str(video), "--exercise", "squats", "--fast", "--seconds", "1", "--out", str(out),
        "--workspace", str(workspace.root),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 squats, 0 feedbacks" in done.stdout and out.is_file()
