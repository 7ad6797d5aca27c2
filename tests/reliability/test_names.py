"""Files of any name: each becomes one part of a path and is found again."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.stage import write_segments
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.store.names import safe_name, true_name, why_unsafe
from qevd_bio.store.work import Item, RunOptions, run_stage
from qevd_bio.tables.segments import SEGMENTS
from qevd_bio.tables.workspace import Workspace, video_of
from qevd_bio.video.probe import measure

NAMES = [
    "it's", "a[1]", "a]b", "#3", "a&b", "hey!", "100%", "a%20b", "%41", "~home", "a;b", "🏋️ squat", "(copy)", "-x",
    "+1", ".hidden", "..", ".", " lead", "trail ", "a*b", "a?b", 'a"b', "a<b>", "a|b", "a:b", "a\\b", "a\tb", "a\nb",
    "\x1b[31m", "$HOME", "`id`", "{x}", "a,b", "a=b", "e\u0301", "équerre", "日本", "a'b\"c", "[!a]", "con", "--help",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_is_one_part_of_a_path_and_comes_back(tmp_path: Path, name: str) -> None:
    part = safe_name(name)
    assert true_name(part) == name
    assert Path(part).name == part and part not in (".", "..") and part.isprintable()
    workspace = Workspace(tmp_path)
    path = workspace.kinematics("videos", name)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    assert workspace.all_kinematics("videos") == [path] and video_of(path) == ("videos", name)


@pytest.mark.parametrize("name", ["0007", "squats (2)", "a.b", "QEVD-FIT-COACH", "x_y+z=1@2,3", "équerre", "日本"])
def test_plain_names_stay_as_they_are(name: str) -> None:
    assert safe_name(name) == name


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_text_comes_back_and_two_never_meet(name: str) -> None:
    assert true_name(safe_name(name)) == name
    assert safe_name(name + "%") != safe_name(name)


@pytest.mark.parametrize("name", ["", "x" * 236, "🏋" * 30, "a\ud800"])
def test_names_that_cannot_name_results_are_told(name: str) -> None:
    assert why_unsafe(name)
    assert len(safe_name(name)) < 60


def test_items_of_any_name_are_chosen_finished_and_kept(tmp_path: Path, workspace: Workspace) -> None:
    names = [name for name in NAMES if "/" not in name] + ["x" * 300]
    items = [Item(f"videos/{name}", (), (), None) for name in names]
    first = run_stage("s", workspace, items, lambda item: {"key": item.key}, settings={})
    again = run_stage("s", workspace, items, lambda item: {}, settings={})
    assert (first.done, again.kept) == (len(names), len(names))
    assert again.results["videos/a[1]"] == {"key": "videos/a[1]"}
    one = run_stage("s", workspace, items, lambda item: {}, settings={}, options=RunOptions(only=("a[1]",), redo=True))
    assert one.done == 1


def test_a_folder_of_odd_names_becomes_segments(tmp_path: Path, workspace: Workspace) -> None:
    names = ["it's", "a[1]", "#3", "a&b!", "100%", "~x", "🏋️", "(b", "-c", "+d", "e;f"]
    data = tmp_path / "data"
    write_mp4(data / "first.mp4", [np.zeros((64, 64, 3), np.uint8)] * 3)
    for name in names:
        os.link(data / "first.mp4", data / f"{name}.mp4")
    long = "y" * 240
    os.link(data / "first.mp4", data / f"{long}.mp4")
    dataset = open_dataset(data)
    summary = write_segments(dataset, workspace, measure)
    assert summary.exit_code == 0
    rows = {row.video: row for row in SEGMENTS.load(workspace.segments)}
    assert set(rows) == {"first", *names, long} and all(row.end_frame == 2 for row in rows.values())
    (refused,) = [video for video in dataset.videos() if video.problem is not None]
    assert refused.stem == long and "longer than" in refused.problem.detail  # type: ignore[union-attr]
