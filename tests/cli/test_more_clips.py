"""A plain folder that grows: clips of another exercise join, and nothing finished is done again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.simulation.drawing.mp4 import write_mp4


def clip(folder: Path, name: str, frames: int = 90) -> None:
    """A grey video and what another program found in it."""
    (folder / "videos").mkdir(exist_ok=True)
    (folder / "recordings").mkdir(exist_ok=True)
    write_mp4(folder / "videos" / f"{name}.mp4", [np.full((32, 32, 3), 90, np.uint8)] * frames)
    rows = "".join(f"{45 * (1 - (-1) ** (k // 15)):.1f}\n" for k in range(frames))
    (folder / "recordings" / f"{name}.csv").write_text(f"knee_angle_r_deg\n{rows}")


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done.output


def test_clips_of_one_more_exercise_need_no_redo(tmp_path: Path) -> None:
    names, workspace = tmp_path / "exercises.csv", str(tmp_path / "work")
    source = ("--backend", "files", "--source", str(tmp_path / "recordings"))
    call = ("extract", "--data", str(tmp_path / "videos"), *source, "--workspace", workspace, "--exercise")
    clip(tmp_path, "first")
    assert "1 done" in run(*call, "squats")
    clip(tmp_path, "SECOND")
    names.write_text("video,exercise\nfirst,squats\nSECOND,walking lunges\n")
    assert "1 done, 1 kept" in run(*call, str(names))
    table = pq.read_table(Path(workspace) / "segments.parquet").to_pydict()
    assert dict(zip(table["video"], table["exercise"], strict=True)) == {"first": "squats", "SECOND": "walking_lunges"}
    assert "2 done" in run("analyze", "--workspace", workspace)
    assert "0 done, 2 kept" in run("analyze", "--workspace", workspace)
