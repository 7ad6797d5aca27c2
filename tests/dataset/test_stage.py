"""The segments table, from Python and from the command line."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.stage import write_segments
from qevd_bio.store.errors import ItemError
from qevd_bio.tables.segments import SEGMENTS, UNPARSED
from qevd_bio.tables.workspace import Workspace

Make = Callable[..., Any]


def qevd_bio(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    code = "from qevd_bio.cli.app import main; main()"
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def test_rows_and_reasons(split: Make, record: Make, workspace: Workspace) -> None:
    unknown = record(
        "0201", shown=(("First up are handstands!", 2, 6, True), ("Up!", 9, 12, False), ("End", 80, 90, True))
    )
    empty = record("0202", shown=(("First up are squats!", 2, 6, True), ("End", 80, 90, True)))
    summary = write_segments(open_dataset(split([record(), unknown, empty, {}])), workspace)
    rows = SEGMENTS.read_rows(workspace.segments)
    assert [(r["video"], r["segment"], r["exercise"], r["exercise_written"], r["feedbacks"]) for r in rows] == [
        ("0200", 0, "squats", "squats", 2),
        ("0201", 0, None, "handstands", 1),
    ]
    first = rows[0]
    assert (first["start_frame"], first["end_frame"]) == (2, 85)
    assert first["start_s"] == pytest.approx(0.2, abs=1e-6)
    assert first["end_unix"] == pytest.approx(1.6e9 + 8.5, abs=1e-6)
    listed = UNPARSED.read_rows(workspace.root / "segments_unparsed.parquet")
    assert [(r["level"], r["reason"], r["video"], r["text"]) for r in listed] == [
        ("error", "missing_key", None, None),
        ("unparsed", "unknown_exercise", "0201", "First up are handstands!"),
        ("dropped", "no_feedback", "0202", "First up are squats!"),
    ]
    assert summary.exit_code == 2
    assert summary.split_rows()[0][:4] == ("QEVD-FIT-COACH-Benchmark", 4, 2, 3)
    assert summary.exercise_counts() == [("squats", 1), ("(unknown)", 1)]
    with (workspace.root / "segments.csv").open(newline="") as stream:
        assert [row["exercise"] for row in csv.DictReader(stream)] == ["squats", ""]


def test_videos_without_annotations_are_measured(tmp_path: Path, workspace: Workspace) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"x")

    def measure(path: Path) -> tuple[int, float]:
        if path.stem == "b":
            raise ItemError("video_unreadable", "no video")
        return 90, 2.9

    summary = write_segments(open_dataset(tmp_path, exercise="squats"), workspace, measure)
    [row] = SEGMENTS.read_rows(workspace.segments)
    assert (row["video"], row["end_frame"], row["end_s"], row["start_unix"]) == ("a", 89, 2.9, None)
    assert [(p.reason, p.video) for p in summary.problems] == [("video_unreadable", "b")]


def test_what_was_said_once_about_a_video_is_kept(tmp_path: Path, workspace: Workspace) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (folder / name).write_bytes(b"x")
    people = tmp_path / "people.csv"
    people.write_text("video,participant\na,P1\n")

    def rows() -> list[tuple[str, str | None, str | None, str | None]]:
        table = SEGMENTS.read_rows(workspace.segments)
        return [(r["video"], r["exercise"], r["side"], r["participant"]) for r in table]

    write_segments(open_dataset(folder, exercise="quad stretch left", participants=people), workspace)
    expected = [("a", "quad_stretch", "left", "P1"), ("b", "quad_stretch", "left", None)]
    assert rows() == expected
    (folder / "c.mp4").write_bytes(b"x")
    write_segments(open_dataset(folder), workspace)
    assert rows() == [*expected, ("c", None, None, None)]
    # one name for a folder names what is new there; what is known keeps its own, and that is told
    summary = write_segments(open_dataset(folder, exercise="squats"), workspace)
    assert rows() == [*expected, ("c", "squats", None, None)]
    assert [(p.reason, p.video) for p in summary.problems] == [("exercise_kept", "a"), ("exercise_kept", "b")]
    # where nothing is new it corrects all
    write_segments(open_dataset(folder, exercise="squats"), workspace)
    assert rows()[0] == ("a", "squats", None, "P1")
    other = tmp_path / "others"
    folder.rename(other)
    write_segments(open_dataset(other), workspace)
    assert rows()[0] == ("a", None, None, None)


def test_segments_without_ground_truth_are_kept(split: Make, record: Make, workspace: Workspace) -> None:
    shown = (("First up are squats!", 2, 6, True), ("Moving on to high knees!", 20, 25, True), ("End", 80, 90, True))
    summary = write_segments(open_dataset(split([record(shown=shown)])), workspace)
    assert [row["exercise"] for row in SEGMENTS.read_rows(workspace.segments)] == ["squats", "high_knees"]
    assert summary.problems == []


def test_realmini(shared: Callable[..., Path], workspace: Workspace) -> None:
    root = shared("data", "realmini")
    summary = write_segments(open_dataset(root), workspace)
    hand = json.loads((root / "hand_counts.json").read_text())
    rows = SEGMENTS.read_rows(workspace.segments)
    assert [(r["video"], r["exercise_name"]) for r in rows] == [(h["video"], h["exercise"]) for h in hand]
    assert summary.problems == []
    assert all(r["start_s"] == 0.0 and r["start_unix"] >= 1.6e9 for r in rows)


def test_command(split: Make, record: Make, tmp_path: Path) -> None:
    root = split([record(), {}]).parent
    (root / "participants.csv").write_text("video,participant\n0200,P1\n")
    run = qevd_bio("segments", "--data", root, cwd=tmp_path)
    assert run.returncode == 2, run.stderr
    assert "missing_key" in run.stdout and "Traceback" not in run.stderr
    assert (tmp_path / "outputs/segments.parquet").is_file()
    assert (tmp_path / "outputs/segments_unparsed.csv").is_file()
    assert SEGMENTS.read_rows(tmp_path / "outputs/segments.parquet")[0]["participant"] == "P1"


def test_command_with_bad_input(tmp_path: Path) -> None:
    run = qevd_bio("segments", "--data", tmp_path / "none", cwd=tmp_path)
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: {tmp_path}/none: no such folder\nexpected: a folder with QEVD-FIT-COACH")
    assert not (tmp_path / "outputs").exists()
