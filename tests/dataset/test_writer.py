"""Round trip: a split that is read and written again says the same, to the byte where it was written the usual way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qevd_bio.dataset.qevd import read_split
from qevd_bio.dataset.timestamps import read_timestamps, to_nanoseconds, write_timestamps
from qevd_bio.dataset.writer import NewSpan, new_workout, place_media, to_record, write_split
from qevd_bio.store.errors import UserError

Make = Callable[..., Any]


def again(folder: Path, target: Path) -> bytes:
    workouts, _ = read_split(folder)
    return write_split(target, workouts).read_bytes()


def test_same_bytes_when_written_as_json_dumps_does(split: Make, record: Make, tmp_path: Path) -> None:
    entry = record()
    entry["feedbacks"][20:26] = ["Größer! \U0001f4aa \u2028"] * 6
    entry["feedback_timestamps"] = [1600000000.2, 1600000002, 1600000004.0000002, 1.6e9 + 1e-7]
    folder = split([entry, record("0201")])
    assert again(folder, tmp_path / "out") == (folder / "feedbacks_long_range.json").read_bytes()


def test_same_values_keys_and_order_however_it_was_written(split: Make, record: Make, tmp_path: Path) -> None:
    entry = {"is_transition": [], "note": {"b": [1, None], "a": 1e300}, **record(), "z": False}
    entry["is_transition"] = record()["is_transition"]
    entry["feedbacks"][97:] = ["Tschüss"] * 3
    folder = split([entry])
    (folder / "feedbacks_long_range.json").write_text(json.dumps([entry], ensure_ascii=False, indent=2), "utf-8")
    written = again(folder, tmp_path / "out")
    assert written == json.dumps([entry]).encode()
    [back] = json.loads(written)
    assert list(back) == ["is_transition", "note", *[k for k in record() if k != "is_transition"], "z"]


def test_realmini_comes_back_byte_for_byte(shared: Callable[..., Path], tmp_path: Path) -> None:
    folder = shared("data", "realmini") / "QEVD-FIT-COACH-Benchmark"
    assert again(folder, tmp_path) == (folder / "feedbacks_long_range.json").read_bytes()


def test_competition_record_comes_back(split: Make, tmp_path: Path) -> None:
    entry = {
        "long_range_video_file": "./long_range_videos/0300.mp4",
        "video_timestamps": "./long_range_videos/0300_timestamps.npy",
        "exercises": ["squats"],
        "exercise_start_timestamps": [0.5],
        "exercise_end_timestamps": [4.9],
    }
    folder = split([entry], times=np.arange(100) / 10)
    assert json.loads(again(folder, tmp_path / "out")) == [entry]


def test_other_texts_change_nothing_else(split: Make, record: Make, tmp_path: Path) -> None:
    folder = split([record()])
    [workout], _ = read_split(folder)
    write_split(tmp_path / "out", [workout.with_texts({1: "Bend your knees to 90 degrees."})])
    [new] = json.loads((tmp_path / "out/feedbacks_long_range.json").read_text())
    expected = record()
    expected["feedbacks"][20:26] = ["Bend your knees to 90 degrees."] * 6
    assert new == expected


def test_a_text_that_would_melt_into_its_neighbour_is_refused_before_anything_is_written(
    split: Make, record: Make, tmp_path: Path
) -> None:
    shown = (("First up are squats!", 2, 6, True), ("a", 20, 25, False), ("b", 26, 30, False), ("end", 80, 90, True))
    [workout], _ = read_split(split([record(shown=shown)]))
    with pytest.raises(UserError) as error:
        write_split(tmp_path / "out", [workout.with_texts({2: "a"})])
    assert error.value.problem == "touches the feedback before it, which has the same text"
    assert "QEVD-FIT-COACH-Benchmark/0200: feedback 'a' at frames 26-30" in (error.value.where or "")
    assert not (tmp_path / "out").exists()


def test_melting_into_a_text_at_the_last_frame_is_refused(split: Make, record: Make) -> None:
    entry = record(shown=(("First up are squats!", 2, 6, True), ("end", 80, 90, True)))
    entry["feedbacks"][91:] = ["Bye"] * 9
    [workout], _ = read_split(split([entry]))
    assert to_record(workout) == entry
    with pytest.raises(UserError, match="melts into a text that still runs at the last frame"):
        to_record(workout.with_texts({1: "Bye"}))


def test_new_workout_is_read_back(tmp_path: Path) -> None:
    times = 1_700_000_000_000_000_000 + np.arange(50) * 33_333_333
    spans = [
        NewSpan("First up are squats!", 0, 5, True),
        NewSpan("Chest up.", 10, 20),
        NewSpan("Tiefer!", 21, 30),
        NewSpan("Done!", 40, 48, True),
    ]
    workout = new_workout("QEVD-FIT-COACH", "0007", times, spans)
    folder = tmp_path / "QEVD-FIT-COACH"
    write_split(folder, [workout])
    write_timestamps(folder / "long_range_videos/0007_timestamps.npy", times)
    [back], problems = read_split(folder)
    assert problems == []
    assert back.spans == workout.spans
    np.testing.assert_array_equal(back.times_unix, workout.times_unix)
    assert back.spans[1].stamp_unix == workout.times_unix[10]


@pytest.mark.parametrize(
    ("spans", "problem"),
    [
        ([NewSpan("a", 5, 50)], "frames 5-50 do not lie in a video of 50 frames"),
        ([NewSpan("a", 5, 49)], "lasts until the last frame (49)"),
        ([NewSpan("a", 5, 9), NewSpan("a", 10, 12)], "touches the feedback before it, which has the same text"),
    ],
)
def test_new_workouts_that_would_not_load(spans: list[NewSpan], problem: str) -> None:
    with pytest.raises(UserError) as error:
        to_record(new_workout("QEVD-FIT-COACH", "0007", np.arange(50) * 10**9, spans))
    assert error.value.problem == problem


def test_paths_that_leave_the_data_set_are_refused() -> None:
    workout = new_workout("QEVD-FIT-COACH", "../../0007", np.arange(50) * 10**9, [])
    with pytest.raises(UserError, match="is not a plain path inside the data set"):
        to_record(workout)


def test_two_workouts_of_one_video(tmp_path: Path) -> None:
    workout = new_workout("QEVD-FIT-COACH", "0007", np.arange(50) * 10**9, [])
    with pytest.raises(UserError, match="two workouts of one video"):
        write_split(tmp_path, [workout, workout])


def test_media_beside_a_written_split(split: Make, record: Make, tmp_path: Path) -> None:
    folder = split([record(), record("0201")])
    (folder / "long_range_videos/0200.mp4").write_bytes(b"video")
    workouts, _ = read_split(folder)
    target = tmp_path / "out" / folder.name
    for videos in ("none", "link", "copy", "link"):
        write_split(target, workouts)
        assert place_media(folder, target, workouts, videos) == ["QEVD-FIT-COACH-Benchmark/0201"]
        video = target / "long_range_videos/0200.mp4"
        assert video.exists() == (videos != "none")
        assert video.is_symlink() == (videos == "link")
    assert read_split(target)[0][1].video == "0201"


def test_timestamps_survive_the_round_trip(tmp_path: Path) -> None:
    seconds = 1.7e9 + np.arange(1000) / 30
    write_timestamps(tmp_path / "t.npy", to_nanoseconds(seconds))
    np.testing.assert_allclose(read_timestamps(tmp_path / "t.npy"), seconds, rtol=0, atol=5e-7)
    with pytest.raises(ValueError, match="1-D integer array"):
        write_timestamps(tmp_path / "t.npy", seconds)
