"""Reading a split: the official rules in closed form, then every way in which a record can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qevd_bio.dataset.qevd import read_files, read_split
from qevd_bio.dataset.workout import Problem
from qevd_bio.store.errors import UserError

Make = Callable[..., Any]


def test_spans_have_frames_times_and_flags(split: Make, record: Make) -> None:
    workouts, problems = read_split(split([record()]))
    assert problems == []
    [workout] = workouts
    assert (workout.split, workout.video, workout.frames) == ("QEVD-FIT-COACH-Benchmark", "0200", 100)
    assert [span.text for span in workout.spans] == [
        "First up are squats!",
        "Go lower!",
        "Nice.",
        "And that's the end!",
    ]
    second = workout.spans[1]
    assert (second.start_frame, second.end_frame, second.is_transition) == (20, 25, False)
    assert second.start_s == pytest.approx(2.0, abs=1e-6)
    assert second.stamp_unix == 1.6e9 + 2.0
    assert [span.index for span in workout.transitions] == [0, 3]


def test_eight_hours_lie_between_timestamps_and_annotations(split: Make, record: Make) -> None:
    [workout], _ = read_split(split([record()]))
    assert workout.times_unix[0] == pytest.approx(1.6e9, abs=1e-6)
    stored = np.load(split([record()]) / "long_range_videos/0200_timestamps.npy")
    assert stored[0] == (1_600_000_000 - 28800) * 10**9


def test_a_text_over_the_last_frame_is_not_counted(split: Make, record: Make) -> None:
    entry = record()
    entry["feedbacks"][95:] = ["Bye"] * 5
    [workout], notes = read_split(split([entry]))
    assert len(workout.spans) == 4
    assert workout.tail == (95, "Bye")
    assert [(p.level, p.reason, p.frame) for p in notes] == [("note", "feedback_at_last_frame", 95)]


def bad(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def apply(entry: dict[str, Any]) -> dict[str, Any]:
        change(entry)
        return entry

    return apply


@pytest.mark.parametrize(
    ("change", "reason", "detail"),
    [
        (lambda r: r.pop("is_transition"), "missing_key", "key 'is_transition' is missing"),
        (lambda r: r.pop("long_range_video_file"), "missing_key", "key 'long_range_video_file' is missing"),
        (lambda r: r.update(feedbacks="x"), "wrong_type", "feedbacks is a text, expected a list of texts"),
        (lambda r: r["feedbacks"].__setitem__(7, None), "wrong_type", "feedbacks[7] is null"),
        (lambda r: r["is_transition"].__setitem__(1, 0), "wrong_type", "is_transition[1] is a number"),
        (lambda r: r["feedback_timestamps"].__setitem__(0, "1"), "wrong_type", "feedback_timestamps[0] is a text"),
        (lambda r: r["feedback_timestamps"].__setitem__(0, True), "wrong_type", "feedback_timestamps[0] is true"),
        (lambda r: r["feedback_timestamps"].__setitem__(0, float("nan")), "wrong_type", "[0] is NaN or infinite"),
        (lambda r: r.update(video_timestamps=5), "wrong_type", "video_timestamps is a number, expected a text"),
        (lambda r: r["feedback_timestamps"].pop(), "span_count", "3 feedback_timestamps but 4 is_transition"),
        (
            lambda r: (r["feedback_timestamps"].pop(), r["is_transition"].pop()),
            "span_count",
            "4 feedback spans but 3 feedback_timestamps",
        ),
        (
            lambda r: r["feedbacks"].__setitem__(slice(80, 100), ["And that's the end!"] * 20),
            "feedback_at_last_frame",
            "4 feedback_timestamps stand against 3 spans",
        ),
        (lambda r: r.update(long_range_video_file="/etc/0200.mp4"), "unsafe_path", "'/etc/0200.mp4'"),
        (lambda r: r.update(long_range_video_file="../0200.mp4"), "unsafe_path", "'../0200.mp4'"),
        (lambda r: r.update(video_timestamps="a/../../b.npy"), "unsafe_path", "'a/../../b.npy'"),
        (lambda r: r.update(long_range_video_file="C:\\0200.mp4"), "unsafe_path", "not a plain path"),
        (lambda r: r.update(long_range_video_file=""), "unsafe_path", "'' is not a plain path"),
        (lambda r: r.update(long_range_video_file="./v/\x1b[2J.mp4"), "unsafe_path", "not a plain path"),
        (lambda r: r.update(long_range_video_file="./v/.mp4"), "unsafe_path", "that of a hidden file"),
        (lambda r: r["feedbacks"].__setitem__(50, "a\ud800"), "bad_text", "is no valid Unicode"),
        (lambda r: r["feedbacks"].extend([""] * 9 + ["x"] * 5 + [""]), "span_count", "5 feedback spans"),
    ],
)
def test_a_bad_record_is_named_and_the_others_are_read(
    split: Make, record: Make, change: Callable[[dict[str, Any]], None], reason: str, detail: str
) -> None:
    entry = bad(change)(record("0201"))
    workouts, problems = read_split(split([record("0200"), entry, record("0202")]))
    assert [workout.video for workout in workouts] == ["0200", "0202"]
    [problem] = [p for p in problems if p.level == "error"]
    assert problem.reason == reason
    assert problem.detail.startswith("record 1 of feedbacks_long_range.json: ")
    assert detail in problem.detail


@pytest.mark.parametrize("entry", [[], "x", None, 3])
def test_a_record_that_is_no_object(split: Make, record: Make, entry: Any) -> None:
    workouts, problems = read_split(split([record(), entry]))
    assert len(workouts) == 1
    assert problems[0].reason == "wrong_type"
    assert "expected an object" in problems[0].detail


def test_duplicate_records(split: Make, record: Make) -> None:
    workouts, problems = read_split(split([record(), record()]))
    assert len(workouts) == 1
    assert [(p.reason, p.video) for p in problems] == [("duplicate_record", "0200")]
    assert "(record 0)" in problems[0].detail


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not valid JSON: Expecting value (line 1, column 1)"),
        (b"[{]", "not valid JSON: Expecting property name enclosed in double quotes (line 1, column 3)"),
        (b'["\xff\xfe"]', "not UTF-8 text (byte 2)"),
        (b'{"a": 1}', "holds an object"),
        (b"[" * 100_000, "JSON nested too deeply"),
    ],
)
def test_unreadable_annotation_file(split: Make, record: Make, content: bytes, problem: str) -> None:
    folder = split([record()])
    (folder / "feedbacks_long_range.json").write_bytes(content)
    with pytest.raises(UserError) as error:
        read_split(folder)
    assert error.value.problem == problem
    assert error.value.where == str(folder / "feedbacks_long_range.json")


def test_a_folder_in_place_of_the_annotation_file(split: Make, record: Make) -> None:
    folder = split([record()])
    (folder / "feedbacks_long_range.json").unlink()
    (folder / "feedbacks_long_range.json").mkdir()
    with pytest.raises(UserError, match="a folder stands where an annotation file is expected"):
        read_split(folder)


def error_of(folder: Path) -> Problem:
    workouts, problems = read_split(folder)
    assert workouts == []
    [problem] = problems
    return problem


def nanoseconds(frames: int) -> np.ndarray:
    return (np.arange(frames) * 100_000_000).astype(np.int64) + 1_599_971_200 * 10**9


def test_timestamps_that_end_before_the_feedback(split: Make, record: Make) -> None:
    problem = error_of(split([record()], times=nanoseconds(90)))
    assert problem.reason == "timestamps_too_short"
    assert "90 timestamps for 100 frames of feedback; the last feedback ends at frame 90" in problem.detail


@pytest.mark.parametrize("frames", [95, 120])
def test_other_counts_are_noted(split: Make, record: Make, frames: int) -> None:
    workouts, notes = read_split(split([record()], times=nanoseconds(frames)))
    assert len(workouts) == 1
    assert [(p.reason, p.detail) for p in notes] == [("frame_count", f"100 frames of feedback, {frames} timestamps")]


def test_falling_timestamps(split: Make, record: Make) -> None:
    times = nanoseconds(100)
    times[50] = times[40]
    problem = error_of(split([record()], times=times))
    assert problem.reason == "bad_timestamps"
    assert "times fall at 1 frame(s), first at frame 50" in problem.detail


def test_equal_and_far_off_times_are_noted(split: Make, record: Make) -> None:
    times = nanoseconds(100)
    times[50] = times[49]
    entry = record()
    entry["feedback_timestamps"][2] -= 28800.0
    _, notes = read_split(split([entry], times=times))
    assert [p.reason for p in notes] == ["equal_timestamps", "feedback_times_fall", "feedback_time_off"]
    assert notes[2].detail.endswith("differ by -28800.00 s")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (np.zeros((3, 2)), "holds float64 (3, 2)"),
        (np.array([], dtype=np.int64), "holds int64 (0,)"),
        (np.array(["a"]), "holds <U1 (1,)"),
        (np.array([1.0, np.nan]), "time of frame 1 is not a finite number"),
        (np.array([{}], dtype=object), "cannot be read as timestamps"),
        (b"nonsense", "cannot be read as timestamps"),
        (b"", "cannot be read as timestamps"),
        (None, "timestamps missing"),
    ],
)
def test_bad_timestamp_files(split: Make, record: Make, content: Any, part: str) -> None:
    folder = split([record()])
    path = folder / "long_range_videos/0200_timestamps.npy"
    path.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content, allow_pickle=True)
    problem = error_of(folder)
    assert problem.reason == "bad_timestamps"
    assert part in problem.detail


def test_files_are_found_without_reading_feedback(split: Make, record: Make) -> None:
    entry = record("0201")
    entry["feedbacks"] = 5
    unsafe = {"long_range_video_file": "../../etc/passwd", "video_timestamps": "x"}
    files = read_files(split([record(), entry, unsafe]))
    assert [f.stem for f in files] == ["0200", "0201", "record-0002"]
    assert files[1].problem is None
    assert files[2].problem is not None and files[2].problem.reason == "unsafe_path"
    assert "etc" not in str(files[2].video)
