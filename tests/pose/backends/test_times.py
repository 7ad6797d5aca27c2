"""Rows of a recording on a video: times stay what they are, and what does not fit is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qevd_bio.pose.backends.base import Clip
from qevd_bio.pose.backends.files import find_recording, list_recordings
from qevd_bio.pose.backends.times import on_video
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.store.errors import ItemError, UserError

ALONE = Clip("videos", "clip", None)
FILE = Path("clip.mot")


def video(seconds: float = 6.0, fps: float = 30.0) -> Clip:
    times = np.arange(round(seconds * fps)) / fps
    return Clip("videos", "clip", Path("clip.mp4"), (640, 480), seconds, times)


def seconds(start: float, end: float, rate: float = 100.0) -> np.ndarray:
    return np.arange(start, end, 1 / rate)


def test_a_recording_that_begins_later_stays_there() -> None:
    own = seconds(2.0, 6.0)
    found = on_video(len(own), own, video(), ExtractOptions(backend="files"), FILE)
    assert found.time_s[0] == 2.0 and found.frame[0] == 60 and found.frame[-1] == 179
    assert [flag["kind"] for flag in found.flags] == ["recording_shorter"]
    alone = on_video(len(own), own, ALONE, ExtractOptions(backend="files"), FILE)
    assert alone.time_s[0] == 2.0 and not alone.flags


def test_length_against_the_video_is_said() -> None:
    options = ExtractOptions(backend="files")
    for end, kinds in ((6.0, []), (29.7, ["recording_longer"]), (3.0, ["recording_shorter"])):
        own = seconds(0.0, end)
        assert [f["kind"] for f in on_video(len(own), own, video(), options, FILE).flags] == kinds
    with pytest.raises(ItemError, match="recording_elsewhere"):
        on_video(100, seconds(20.0, 21.0), video(), options, FILE)


def test_rows_before_the_video_are_left_out() -> None:
    own = seconds(-0.5, 6.0)
    found = on_video(len(own), own, video(), ExtractOptions(backend="files"), FILE)
    assert found.time_s[0] == pytest.approx(0.0, abs=1e-9) and len(found.rows) == 600
    assert found.flags[0]["kind"] == "recording_early"
    alone = on_video(len(own), own, ALONE, ExtractOptions(backend="files"), FILE)
    assert alone.time_s[0] == 0 and "moved to 0" in alone.origin


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (np.arange(100) * 33.3, "these are no seconds"),  # milliseconds
        (np.arange(100) * 33333.0, "these are no seconds"),
        (1.7e9 + np.arange(100) / 30, "these are no seconds"),  # the clock
        (np.arange(100) / 30e6, "rows a second"),
        (np.array([0.0, 0.1, 0.1]), r"do not rise from row to row \(row 3\)"),
        (np.array([0.0, np.nan, 0.2]), "do not rise"),
    ],
)
def test_times_that_are_no_seconds_are_refused(times: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        on_video(len(times), times, ALONE, ExtractOptions(backend="files"), FILE)


def test_frame_numbers_with_holes_take_the_times_of_the_video() -> None:
    numbers = np.array([0, 1, 5, 179], dtype=np.int32)
    found = on_video(4, numbers, video(), ExtractOptions(backend="files"), FILE)
    assert found.time_s == pytest.approx([0, 1 / 30, 5 / 30, 179 / 30])
    assert found.flags[0]["kind"] == "recording_shorter"
    with pytest.raises(ItemError, match="frame 200"):
        on_video(2, np.array([0, 200], dtype=np.int32), video(), ExtractOptions(backend="files"), FILE)


def test_recordings_are_found_by_the_names_that_programs_give_them(tmp_path: Path) -> None:
    for name in ("clip_Sports2D_angles_person00.mot", "OTHER.MOT", "clip2.trc", "x_timestamps.npy", "notes.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "clip3_json").mkdir()
    for k in range(3):
        (tmp_path / "clip3_json" / f"clip3_{k:012d}_keypoints.json").write_text("{}")
    found = list_recordings(tmp_path)
    assert sorted(found) == ["OTHER", "clip2", "clip3_json", "clip_Sports2D_angles_person00"]
    assert find_recording(found, "videos", "clip") == tmp_path / "clip_Sports2D_angles_person00.mot"
    assert find_recording(found, "videos", "clip3") == tmp_path / "clip3_json"
    assert find_recording(found, "videos", "nobody") is None
    (tmp_path / "clip_Sports2D_angles_person01.mot").write_text("x")
    with pytest.raises(ItemError, match=r"person00\.mot, clip_Sports2D_angles_person01\.mot"):
        find_recording(list_recordings(tmp_path), "videos", "clip")
