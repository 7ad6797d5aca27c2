from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from qevd_bio.dataset.names import load_names
from qevd_bio.dataset.qevd import read_split
from qevd_bio.dataset.segments import exercise_text, exercises_of, segments_of
from qevd_bio.dataset.workout import Problem, Segment

Make = Callable[..., Any]
END = ("That's it!", 80, 90, True)


def read(split: Make, entry: dict[str, Any], keep_empty: bool = False) -> tuple[list[Segment], list[Problem]]:
    [workout], _ = read_split(split([entry]))
    return segments_of(workout, load_names(), keep_empty)


def test_segment_runs_from_the_first_frame_of_one_transition_to_the_middle_of_the_next(
    split: Make, record: Make
) -> None:
    shown = (
        ("First up are squats!", 2, 6, True),
        ("Go lower!", 20, 25, False),
        ("Moving on to armcrosschest left!", 41, 46, True),
        ("Breathe.", 60, 62, False),
        END,
    )
    [first, second], problems = read(split, record(shown=shown))
    assert problems == []
    [workout], _ = read_split(split([record(shown=shown)]))
    assert [t.official for t in exercises_of(workout, load_names())] == ["squats", "deltoid stretch left"]
    assert (first.index, first.exercise_id, first.start_frame, first.end_frame) == (0, "squats", 2, 41 + 5 // 2)
    assert first.start_s == pytest.approx(0.2, abs=1e-6)
    assert first.end_s == pytest.approx(4.3, abs=1e-6)
    assert first.start_unix == pytest.approx(1.6e9 + 0.2, abs=1e-6)
    assert [(f.text, round(f.time_s, 6)) for f in first.feedbacks] == [("Go lower!", 1.8)]
    assert (second.start_frame, second.end_frame) == (41, 85)
    assert (second.exercise_id, second.side) == ("deltoid_stretch", "left")
    assert (second.exercise_written, second.exercise_official) == ("armcrosschest left", "deltoid stretch left")


def test_feedback_time_is_the_stored_one_not_that_of_its_frame(split: Make, record: Make) -> None:
    entry = record()
    entry["feedback_timestamps"][1] += 0.25
    [segment], _ = read(split, entry)
    assert segment.feedbacks[0].time_s == pytest.approx(2.25 - 0.2, abs=1e-6)


def test_a_segment_without_feedback_is_dropped_and_reported(split: Make, record: Make) -> None:
    shown = (
        ("First up are squats!", 2, 6, True),
        ("Moving on to high knees!", 20, 25, True),
        ("Up!", 40, 44, False),
        END,
    )
    segments, problems = read(split, record(shown=shown))
    assert [segment.index for segment in segments] == [1]
    assert [(p.level, p.reason, p.frame, p.text) for p in problems] == [
        ("dropped", "no_feedback", 2, "First up are squats!")
    ]
    kept, problems = read(split, record(shown=shown), keep_empty=True)
    assert [segment.index for segment in kept] == [0, 1]
    assert problems == []


def test_an_unknown_exercise_is_reported_with_the_closest_and_its_segment_kept(split: Make, record: Make) -> None:
    shown = (("First up are squatts jumping!", 2, 6, True), ("Up!", 40, 44, False), END)
    [segment], [problem] = read(split, record(shown=shown))
    assert segment.exercise is None
    assert segment.exercise_written == "squatts jumping"
    assert (problem.level, problem.reason) == ("unparsed", "unknown_exercise")
    assert "closest: squat jumps" in problem.detail


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("First up are squats!", "squats"),
        ("first up is the plank taps", "plank_taps"),
        ("Next up: push ups!!", "push_ups"),
        ("Let's move on to some mountain climbers!", "mountain_climbers"),
        ("Squats!", "squats"),
        ("Moving on to good morning beginner!", "good_mornings"),
        ("Good job, take a break", None),
    ],
)
def test_other_ways_to_announce(split: Make, record: Make, text: str, id: str | None) -> None:
    [segment], _ = read(split, record(shown=((text, 2, 6, True), ("Up!", 40, 44, False), END)))
    assert segment.exercise_id == id


def test_official_name_is_the_text_without_lead_and_mark() -> None:
    assert exercise_text("Moving on to quad stretch right!") == "quad stretch right"
    assert exercise_text("Now squats!") == "Now squats"


def test_feedback_outside_the_transitions(split: Make, record: Make) -> None:
    shown = (
        ("Hello", 0, 1, False),
        ("First up are squats!", 2, 6, True),
        ("Up!", 40, 44, False),
        ("The end", 80, 85, True),
        ("Bye", 90, 95, False),
    )
    [segment], problems = read(split, record(shown=shown))
    assert [f.text for f in segment.feedbacks] == ["Up!"]
    assert [(p.level, p.reason, p.text) for p in problems] == [
        ("note", "outside_segments", "Hello"),
        ("note", "outside_segments", "Bye"),
    ]


@pytest.mark.parametrize(
    ("shown", "reasons"),
    [
        ((("Up!", 40, 44, False),), ["no_transition"]),
        ((("First up are squats!", 2, 6, True), ("Up!", 40, 44, False)), ["no_end", "outside_segments"]),
        (
            (("First up are squats!", 2, 6, True), ("a", 9, 9, False), ("Moving on to squats!", 30, 31, True)),
            ["no_end"],
        ),
    ],
)
def test_workouts_without_a_proper_end(split: Make, record: Make, shown: Any, reasons: list[str]) -> None:
    _, problems = read(split, record(shown=shown))
    assert [p.reason for p in problems] == reasons


def test_one_frame_transitions(split: Make, record: Make) -> None:
    shown = (("First up are squats!", 0, 0, True), ("a", 1, 1, False), ("end", 2, 2, True))
    [segment], _ = read(split, record(shown=shown))
    assert (segment.start_frame, segment.end_frame) == (0, 2)


def test_competition_records_state_their_segments(split: Make) -> None:
    entry = {
        "long_range_video_file": "./long_range_videos/0300.mp4",
        "video_timestamps": "./long_range_videos/0300_timestamps.npy",
        "exercises": ["squats", "quad stretch left"],
        "exercise_start_timestamps": [0.5, 5.0],
        "exercise_end_timestamps": [4.9, 9.0],
    }
    folder = split([entry], times=np.arange(100) / 10)
    [workout], problems = read_split(folder)
    assert problems == []
    [first, second], _ = segments_of(workout, load_names())
    assert (first.exercise_id, first.start_frame, first.end_frame, first.start_s) == ("squats", 5, 49, 0.5)
    assert (second.side, second.end_frame, second.end_s) == ("left", 99, pytest.approx(9.9))
    assert first.feedbacks == ()


def test_a_record_without_annotations_is_one_segment(split: Make, record: Make) -> None:
    entry = {k: v for k, v in record().items() if k in ("long_range_video_file", "video_timestamps")}
    [segment], problems = read(split, entry)
    assert problems == []
    assert (segment.start_frame, segment.end_frame, segment.exercise) == (0, 99, None)
    assert math.isclose(segment.end_s, 9.9, abs_tol=1e-6)
