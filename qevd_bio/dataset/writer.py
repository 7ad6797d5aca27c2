"""Writing a split in QEVD's own layout, so that the official reader and this one read the same feedback back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from qevd_bio.dataset import records as rec
from qevd_bio.dataset.qevd import ANNOTATIONS, FEEDBACK_KEYS, VIDEOS
from qevd_bio.dataset.spans import Run, dense_of, runs_of
from qevd_bio.dataset.timestamps import OFFSET_S
from qevd_bio.dataset.workout import Span, Workout
from qevd_bio.store.atomic import atomic_link, atomic_path, write_text
from qevd_bio.store.errors import ItemError, UserError

_KEYS = ("long_range_video_file", "video_timestamps", *FEEDBACK_KEYS)
Media = Literal["link", "copy", "none"]


class NewSpan(NamedTuple):
    """A feedback to be written: its text over the frames start..end, both included."""

    text: str
    start_frame: int
    end_frame: int
    is_transition: bool = False


def new_workout(split: str, video: str, nanoseconds: ArrayLike, spans: Iterable[NewSpan]) -> Workout:
    """A workout made from frame times (T,), integers as stored on disk, and its feedbacks in order.

    Each feedback's own time is that of its first frame. Raises UserError where a frame lies outside the video.
    """
    times = np.asarray(nanoseconds, dtype=np.float64) / 1e9 + OFFSET_S
    made = []
    for index, span in enumerate(spans):
        if not 0 <= span.start_frame <= span.end_frame < len(times):
            raise UserError(
                f"frames {span.start_frame}-{span.end_frame} do not lie in a video of {len(times)} frames",
                where=f"{split}/{video}: feedback {span.text[:60]!r}",
            )
        start, end = float(times[span.start_frame]), float(times[span.end_frame])
        zero = float(times[0])
        made.append(
            Span(
                index,
                span.text,
                span.start_frame,
                span.end_frame,
                start - zero,
                end - zero,
                start,
                span.is_transition,
            )
        )
    files = (f"./{VIDEOS}/{video}.mp4", f"./{VIDEOS}/{video}_timestamps.npy")
    return Workout(split, video, *files, len(times), times, tuple(made), keys=_KEYS)


def to_record(workout: Workout) -> dict[str, Any]:
    """The workout as a record of `feedbacks_long_range.json`: keys in their order, values as they were read.

    Raises UserError where the official reader would not read the same spans back (see `dense_of`), or where a
    path leaves the data set.
    """
    for written in (workout.video_file, workout.timestamps_file):
        try:
            rec.inner_path(Path(), written)
        except ItemError as error:
            raise UserError(
                error.detail, where=workout.key, expected="a path such as ./long_range_videos/0000.mp4"
            ) from error
    values: dict[str, Any] = {
        "long_range_video_file": workout.video_file,
        "video_timestamps": workout.timestamps_file,
        **workout.extra,
    }
    keys = workout.keys or _KEYS
    if workout.spans or any(key in keys for key in FEEDBACK_KEYS):
        values["feedbacks"] = _dense(workout)
        values["feedback_timestamps"] = [span.stamp_unix for span in workout.spans]
        values["is_transition"] = [span.is_transition for span in workout.spans]
    order = [key for key in keys if key in values] + [key for key in values if key not in keys]
    return {key: values[key] for key in order}


def _dense(workout: Workout) -> list[str]:
    runs = [Run(span.text, span.start_frame, span.end_frame) for span in workout.spans]
    try:
        dense = dense_of(runs, workout.frames)
    except UserError as error:
        raise UserError(
            error.problem, where=f"{workout.key}: {error.where}", expected=error.expected, fix=error.fix
        ) from error
    if workout.tail is not None:
        start, text = workout.tail
        dense[start:] = [text] * (workout.frames - start)
    if runs_of(dense)[0] != runs:
        raise UserError(
            "the last feedback melts into a text that still runs at the last frame, so it would not be counted",
            where=workout.key,
            expected="another text for the last feedback",
        )
    return dense


def write_split(folder: Path, workouts: Sequence[Workout]) -> Path:
    """Write `folder/feedbacks_long_range.json` atomically; returns its path. All are checked before any is written.

    The text is what `json.dumps` makes with its defaults, as QEVD's own file: non-ASCII characters as \\u escapes,
    floats by their shortest exact form, one line. Raises UserError as `to_record` does, and for two workouts of
    one video.
    """
    seen: set[str] = set()
    for workout in workouts:
        if workout.video in seen:
            raise UserError("two workouts of one video", where=workout.key, expected="one record a video")
        seen.add(workout.video)
    records = [to_record(workout) for workout in workouts]
    try:
        text = json.dumps(records, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise UserError(f"a value cannot be written as JSON: {error}", where=folder / ANNOTATIONS) from error
    write_text(folder / ANNOTATIONS, text)
    return folder / ANNOTATIONS


def place_media(source: Path, target: Path, workouts: Iterable[Workout], videos: Media = "link") -> list[str]:
    """Put the timestamps (copied) and videos (`link`ed, `copy`ed or left out) of `source` beside a written split.

    What is there already is replaced. Returns the keys of workouts whose video is not in `source`.
    """
    missing = []
    for workout in workouts:
        times = rec.inner_path(source, workout.timestamps_file)
        _copy(times, rec.inner_path(target, workout.timestamps_file))
        video = rec.inner_path(source, workout.video_file)
        if not video.is_file():
            missing.append(workout.key)
        else:
            place_file(video, rec.inner_path(target, workout.video_file), videos)
    return missing


def place_file(source: Path, target: Path, how: Media) -> None:
    """Link or copy one file, or leave it out; what is there already is replaced."""
    if how == "copy":
        _copy(source, target)
    elif how == "link":
        _link(source, target)


def _copy(source: Path, target: Path) -> None:
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def _link(source: Path, target: Path) -> None:
    atomic_link(target, source.resolve())
