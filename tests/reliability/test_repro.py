"""Inputs that once went wrong, kept beside the developers' checkouts; their kinds have tests of their own here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.stage import write_segments
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.pose.stage import extract
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.tables.segments import SEGMENTS
from qevd_bio.tables.workspace import Workspace
from qevd_bio.video.probe import measure, probe
from qevd_bio.video.reader import VideoReader

Shared = Callable[..., Path]


def test_damage_in_the_middle_is_passed_over(shared: Shared) -> None:
    with VideoReader(shared("data", "repro", "corrupt-middle", "vid", "corrupt.mp4")) as reader:
        indices = [frame.index for frame in reader]
    assert indices[-1] > 80 and not reader.truncated and {"damaged_frames", "frames_lost"} <= set(reader.flags)


def test_a_repeated_time_costs_one_frame(shared: Shared) -> None:
    path = shared("data", "repro", "duplicate-timestamp", "vid", "dup.mkv")
    with VideoReader(path) as reader:
        frames = [(frame.index, frame.time_s) for frame in reader]
    assert len(frames) == 89 and frames[-1][0] == 89 and reader.lost == 0
    assert (np.diff([time_s for _, time_s in frames]) > 0).all()


def test_frames_after_a_repeated_time_keep_their_places(tmp_path: Path) -> None:
    write_mp4(tmp_path / "a.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5)
    reader = VideoReader(tmp_path / "a.mp4")
    reader.close()
    reader.info = replace(reader.info, pts=(0, 10, 10, 30, 40))
    pictures = [SimpleNamespace(pts=pts, is_corrupt=False) for pts in (0, 10, 10, 30, 40)]
    assert [index for index, _ in reader._placed(pictures)] == [0, 1, 2, 3, 4]


def test_odd_names(shared: Shared, workspace: Workspace) -> None:
    write_segments(open_dataset(shared("data", "repro", "file-names", "vid")), workspace, measure)
    assert {row.video for row in SEGMENTS.load(workspace.segments)} == {"ok", "squat's [720p] #1"}


@pytest.mark.parametrize("name", ["41_enc.npz", "31_deg.npz", "30d_fpsempty.npz"])
def test_recordings_that_ended_in_a_traceback(shared: Shared, workspace: Workspace, name: str) -> None:
    path = shared("data", "repro", "hsmr-traceback", name)
    summary = extract(None, workspace, ExtractOptions(backend="files", source=path))
    assert "unexpected_error" not in {reason for reason, _ in summary.failed.values()}


def test_display_matrices(shared: Shared) -> None:
    folder = shared("data", "repro", "rotation-flags", "vid")
    assert probe(folder / "mirror.mp4").mirrored and probe(folder / "mirror.mp4").rotation_deg == 0
    assert "odd_rotation" in probe(folder / "rot45.mp4").notes


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_an_unreadable_video_is_one_problem_of_many(shared: Shared, tmp_path: Path, workspace: Workspace) -> None:
    data = tmp_path / "vid"
    shutil.copytree(shared("data", "repro", "unreadable-stops-all", "vid"), data)
    (data / "z.mp4").chmod(0)
    summary = write_segments(open_dataset(data), workspace, measure)
    assert [(problem.video, problem.reason) for problem in summary.problems] == [("z", "unreadable")]
