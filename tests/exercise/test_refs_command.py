"""`qevd-bio refs` from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.tables.kinematics import Kinematics


def refs(*arguments: str, workspace: Path) -> subprocess.CompletedProcess[str]:
    program = "from qevd_bio.cli.app import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "refs", *arguments, "--workspace", str(workspace)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_check_finds_nothing_wrong(tmp_path: Path) -> None:
    result = refs("check", workspace=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "23 exercises: rules, references and roles agree\n"


def test_show_lists_and_draws(tmp_path: Path) -> None:
    listed = refs("show", workspace=tmp_path).stdout.splitlines()
    assert len(listed) == 24 and listed[0].startswith("exercise")
    pytest.importorskip("matplotlib")
    picture = tmp_path / "lunge.png"
    result = refs("show", "lunges", "--png", str(picture), workspace=tmp_path)
    assert result.returncode == 0 and picture.read_bytes().startswith(b"\x89PNG")
    assert "target front_knee" in result.stdout and "knee_angle_r" in result.stdout


def test_a_reference_of_ones_own(tmp_path: Path) -> None:
    time = np.arange(0, 4, 1 / 30)
    angles = np.zeros((len(time), 46), dtype=np.float32)
    angles[:, [6, 13]] = np.deg2rad(50 - 45 * np.cos(np.pi * time))[:, None]
    clip = Kinematics(
        split="videos", video="mine", fps=30.0, frame=np.arange(len(time), dtype=np.int32), time_s=time, angles=angles,
        raw=angles, observed=np.ones((len(time), 46), dtype=bool), confidence=np.ones(len(time), dtype=np.float32),
        status=np.zeros(len(time), dtype=np.uint8), root=np.full((len(time), 3), np.nan, dtype=np.float32),
    )  # fmt: skip
    file = tmp_path / "mine.parquet"
    clip.write(file)
    workspace = tmp_path / "outputs"
    missing = refs("from-kinematics", str(file), "--exercise", "squat", workspace=workspace)
    assert missing.returncode == 2 and "no cycles found yet" in missing.stderr
    half = refs("from-kinematics", str(file), "--exercise", "squat", "--start", "1", workspace=workspace)
    assert half.returncode == 2 and "only one end of the cycle given" in half.stderr
    done = refs("from-kinematics", str(file), "--exercise", "squat", "--start", "0", "--end", "2", workspace=workspace)
    assert done.returncode == 0, done.stderr
    assert (workspace / "refs" / "trajectories" / "squats.npy").is_file()
    shown = refs("show", "squats", workspace=workspace).stdout
    assert "recording mine, 0.000..2.000 s" in shown
    checked = refs("check", workspace=workspace)
    assert checked.returncode == 2 and "squats: fault: hip_depth r: hip_flexion value is 0.0" in checked.stderr


def test_build_into_the_workspace(tmp_path: Path) -> None:
    result = refs("build", "--exercise", "push ups", workspace=tmp_path)
    assert result.returncode == 0 and result.stdout.startswith("1 references in")
    assert (tmp_path / "refs" / "trajectories" / "push_ups.npy").is_file()


def test_an_unknown_exercise_is_a_clear_error(tmp_path: Path) -> None:
    result = refs("show", "sqats", workspace=tmp_path)
    assert result.returncode == 2
    assert "error: unknown exercise 'sqats'" in result.stderr and "did you mean squats" in result.stderr
    assert "Traceback" not in result.stderr
