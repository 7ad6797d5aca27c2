"""Reading one split of QEVD-FIT-COACH: `feedbacks_long_range.json` and the frame times beside the videos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.dataset import records as rec
from qevd_bio.dataset.spans import Run, runs_of
from qevd_bio.dataset.timestamps import read_timestamps
from qevd_bio.dataset.workout import GivenExercise, Problem, Span, Workout
from qevd_bio.store.errors import ItemError, UserError

ANNOTATIONS = "feedbacks_long_range.json"
VIDEOS = "long_range_videos"
FEEDBACK_KEYS = ("feedbacks", "feedback_timestamps", "is_transition")
COMPETITION_KEYS = ("exercises", "exercise_start_timestamps", "exercise_end_timestamps")
KNOWN_KEYS = frozenset(("long_range_video_file", "video_timestamps", *FEEDBACK_KEYS))
_EXPECTED = "a JSON list with one record a workout video (feedbacks_long_range.json of QEVD-FIT-COACH)"
# A feedback's stored time and the time of its first frame are two records of one moment.
_TIME_TOLERANCE_S = 2.0


@dataclass(frozen=True)
class SplitFiles:
    """What a record says about files: the video and its timestamps, or why they cannot be used."""

    stem: str
    video: Path
    timestamps: Path
    problem: Problem | None = None


def read_files(folder: Path) -> list[SplitFiles]:
    """Video and timestamp files that the split's records name, in the order of the file.

    Only the two path keys are looked at; a record without usable paths comes with its problem.
    """
    found = []
    for index, record in enumerate(_records(folder)):
        place = f"record-{index:04d}"
        try:
            stem, video, times = _paths(folder, record)
        except ItemError as error:
            problem = _problem(folder, index, error)
            found.append(SplitFiles(place, folder / VIDEOS / f"{place}.mp4", folder / VIDEOS / place, problem))
        else:
            found.append(SplitFiles(stem, video, times))
    return found


def read_split(folder: Path, participants: Mapping[str, str] | None = None) -> tuple[list[Workout], list[Problem]]:
    """All workouts of a split folder that can be read, and what is wrong with the others.

    Without an annotation file each video is a workout without feedback. Raises UserError where the annotation
    file as a whole cannot be read. A record that breaks the format is
    left out and becomes a Problem of level "error" that names the record, the place in it and the reason.
    """
    workouts: list[Workout] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for index, record in enumerate(_records(folder)):
        try:
            workout, notes = read_record(folder, record)
            if workout.video in seen:
                raise ItemError(
                    "duplicate_record", f"video {workout.video} has a record already (record {seen[workout.video]})"
                )
        except ItemError as error:
            problems.append(_problem(folder, index, error, record))
            continue
        seen[workout.video] = index
        person = (participants or {}).get(workout.video)
        workouts.append(workout if person is None else workout.for_participant(person))
        problems.extend(notes)
    return workouts, problems


def read_record(folder: Path, record: Any) -> tuple[Workout, list[Problem]]:
    """One record as a Workout, with notes on oddities; raises ItemError with a reason that can be counted.

    Reasons: missing_key, wrong_type, bad_text, unsafe_path, bad_timestamps, timestamps_too_short,
    span_count, feedback_at_last_frame.
    """
    stem, _, times_path = _paths(folder, record)
    try:
        times = read_timestamps(times_path)
    except UserError as error:
        raise ItemError("bad_timestamps", f"{error.where}: {error.problem}") from error
    about = _About(folder.name, stem)
    spans: tuple[Span, ...] = ()
    given: tuple[GivenExercise, ...] = ()
    frames, tail, notes = len(times), None, []
    if all(key in record for key in COMPETITION_KEYS) and "feedbacks" not in record:
        given = _given(record, times)
    elif any(key in record for key in FEEDBACK_KEYS):
        dense = rec.get_list(record, "feedbacks", rec.is_text, "texts, one a frame")
        frames = len(dense)
        runs, tail = runs_of(dense)
        stamps = rec.get_list(record, "feedback_timestamps", rec.is_time, "finite numbers (Unix seconds)")
        flags = rec.get_list(record, "is_transition", rec.is_flag, "true or false")
        rec.check_unicode("feedbacks", (run.text for run in runs))
        _check_counts(runs, tail, stamps, flags)
        _check_length(runs, frames, len(times))
        spans = _spans(runs, stamps, flags, times)
        notes = _notes(about, spans, tail, frames, times)
    workout = Workout(
        split=folder.name,
        video=stem,
        video_file=record["long_range_video_file"],
        timestamps_file=record["video_timestamps"],
        frames=frames,
        times_unix=times,
        spans=spans,
        tail=None if tail is None else (tail.start, tail.text),
        given=given,
        keys=tuple(record),
        extra={key: value for key, value in record.items() if key not in KNOWN_KEYS},
    )
    return workout, notes


def _records(folder: Path) -> list[Any]:
    """The annotation file's records; where there is no such file, one for each video that lies in the folder."""
    if (folder / ANNOTATIONS).exists():
        return rec.read_records(folder / ANNOTATIONS, _EXPECTED)
    stems = [path.stem for path in sorted((folder / VIDEOS).glob("*.mp4"))]
    return [
        {"long_range_video_file": f"./{VIDEOS}/{s}.mp4", "video_timestamps": f"./{VIDEOS}/{s}_timestamps.npy"}
        for s in stems
    ]


def _paths(folder: Path, record: Any) -> tuple[str, Path, Path]:
    if not isinstance(record, dict):
        raise ItemError("wrong_type", f"the record is {rec.kind_of(record)}, expected an object")
    video = rec.get_text(record, "long_range_video_file")
    times = rec.get_text(record, "video_timestamps")
    paths = rec.inner_path(folder, video), rec.inner_path(folder, times)
    return rec.stem_of(video), *paths


def _check_counts(runs: list[Run], tail: Run | None, stamps: list[Any], flags: list[Any]) -> None:
    if len(flags) != len(stamps):
        raise ItemError("span_count", f"{len(stamps)} feedback_timestamps but {len(flags)} is_transition")
    if tail is not None and len(stamps) == len(runs) + 1:
        raise ItemError(
            "feedback_at_last_frame",
            f"{tail.text[:60]!r} still runs at the last frame ({tail.end}): the official reader never counts it, "
            f"so {len(stamps)} feedback_timestamps stand against {len(runs)} spans",
        )
    if len(runs) != len(stamps):
        raise ItemError("span_count", f"{len(runs)} feedback spans but {len(stamps)} feedback_timestamps")


def _check_length(runs: list[Run], frames: int, times: int) -> None:
    last = runs[-1].end if runs else -1
    if last >= times:
        raise ItemError(
            "timestamps_too_short",
            f"{times} timestamps for {frames} frames of feedback; the last feedback ends at frame {last}",
        )


def _spans(runs: list[Run], stamps: list[Any], flags: list[Any], times: NDArray[np.float64]) -> tuple[Span, ...]:
    start, end = (times[[getattr(run, name) for run in runs]] - times[0] for name in ("start", "end"))
    return tuple(
        Span(i, run.text, run.start, run.end, float(start[i]), float(end[i]), stamp, flag)
        for i, (run, stamp, flag) in enumerate(zip(runs, stamps, flags, strict=True))
    )


def _given(record: Mapping[str, Any], times: NDArray[np.float64]) -> tuple[GivenExercise, ...]:
    """Exercises and times as the competition release gives them; the last one runs to the video's end."""
    names = rec.get_list(record, "exercises", rec.is_text, "texts")
    rec.check_unicode("exercises", names)
    starts = rec.get_list(record, "exercise_start_timestamps", rec.is_time, "finite numbers (seconds)")
    ends = rec.get_list(record, "exercise_end_timestamps", rec.is_time, "finite numbers (seconds)")
    if not len(names) == len(starts) == len(ends):
        raise ItemError("span_count", f"{len(names)} exercises, {len(starts)} start and {len(ends)} end times")
    ends = [*ends[:-1], float(times[-1])] if ends else []
    return tuple(GivenExercise(n, float(s), float(e)) for n, s, e in zip(names, starts, ends, strict=True))


@dataclass(frozen=True)
class _About:
    split: str
    video: str

    def note(self, reason: str, detail: str, frame: int | None = None, text: str = "") -> Problem:
        return Problem("note", reason, detail, self.split, self.video, frame, text)


def _notes(
    about: _About, spans: tuple[Span, ...], tail: Run | None, frames: int, times: NDArray[np.float64]
) -> list[Problem]:
    notes = []
    if tail is not None:
        detail = "still runs at the last frame; not counted, as in the official reader"
        notes.append(about.note("feedback_at_last_frame", detail, tail.start, tail.text))
    if frames != len(times):
        notes.append(about.note("frame_count", f"{frames} frames of feedback, {len(times)} timestamps"))
    still = int(np.count_nonzero(np.diff(times) == 0))
    if still:
        notes.append(about.note("equal_timestamps", f"{still} frames have the same time as the frame before"))
    for before, span in zip((None, *spans), spans, strict=False):
        if before is not None and span.stamp_unix < before.stamp_unix:
            detail = f"feedback time {span.stamp_unix:.3f} lies before that of the feedback before it"
            notes.append(about.note("feedback_times_fall", detail, span.start_frame, span.text))
        gap = span.stamp_unix - float(times[0]) - span.start_s
        if abs(gap) > _TIME_TOLERANCE_S:
            detail = f"feedback time and time of its first frame differ by {gap:+.2f} s"
            notes.append(about.note("feedback_time_off", detail, span.start_frame, span.text))
    return notes


def _problem(folder: Path, index: int, error: ItemError, record: Any = None) -> Problem:
    written = record.get("long_range_video_file") if isinstance(record, dict) else None
    video = written[:120] if isinstance(written, str) else ""
    try:
        video = rec.stem_of(video) if video else ""
    except ItemError:
        video = repr(video)
    return Problem("error", error.reason, f"record {index} of {ANNOTATIONS}: {error.detail}", folder.name, video)
