"""`qevd-bio dataset from-csv`: feedback in a spreadsheet and a folder of videos become a split in QEVD's layout."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qevd_bio.dataset.folder import list_videos
from qevd_bio.dataset.items import lies_on_its_side
from qevd_bio.dataset.names import load_names
from qevd_bio.dataset.qevd import VIDEOS
from qevd_bio.dataset.timestamps import to_nanoseconds, write_timestamps
from qevd_bio.dataset.workout import Workout
from qevd_bio.dataset.writer import Media, NewSpan, new_workout, place_file, write_split
from qevd_bio.store.errors import ItemError, UserError

FrameTimes = Callable[[Path], NDArray[np.float64]]
"""Seconds (T,) of a video's frames from its first; raises ItemError."""
COLUMNS = ("video", "time", "text", "exercise")
_EXPECTED = "CSV with a header line and the columns video,time,text,exercise (time in seconds from the video's start)"
_FIRST_UNIX = 1_600_000_000.0
_SHOWN_S, _LEAD_S, _CLOSE_S = 0.8, 0.3, 0.25
_END = "And that's the end of the workout!"


class FeedbackLine(NamedTuple):
    """One row of the CSV, and where it stands."""

    video: str
    time_s: float
    text: str
    exercise: str
    line: int


@dataclass(frozen=True)
class WrittenSplit:
    """What was written: the split's folder, and how many videos and feedbacks it has."""

    folder: Path
    videos: int
    feedbacks: int


def from_csv(table: Path, videos: Path, folder: Path, frame_times: FrameTimes, media: Media = "link") -> WrittenSplit:
    """Write a split into `folder` (its name is that of a QEVD split) from the rows of `table`.

    Rows of one video are put in order of time; a new exercise is announced before its first feedback. Raises UserError,
    before anything is written, for a row that cannot be used, a video that is not there or cannot be read, and a folder
    that is in use.
    """
    lines = read_lines(table)
    if folder.exists() and any(folder.iterdir()):
        raise UserError("is not empty", where=folder, expected="a new folder", fix="name another one with --out")
    found = {path.stem: path for path in list_videos(videos)} if videos.is_dir() else {}
    missing = next((line for line in lines if line.video not in found), None)
    if missing is not None:
        raise UserError(
            f"no video {missing.video!r} in {videos}",
            where=f"{table}, line {missing.line}",
            expected="the file's name in the folder that --videos names, with or without its suffix",
        )
    by_video: dict[str, list[FeedbackLine]] = {}
    for line in lines:
        by_video.setdefault(line.video, []).append(line)
    written: list[tuple[Workout, Path, NDArray[np.int64]]] = []
    for number, (stem, own) in enumerate(sorted(by_video.items())):
        try:
            times = frame_times(found[stem])
        except ItemError as error:
            raise UserError(error.detail, where=found[stem], expected="a video that can be decoded") from error
        nanoseconds = to_nanoseconds(_FIRST_UNIX + 10_000.0 * number + times)
        # QEVD's early benchmark videos lie on their side; one of this name would be turned.
        name = f"v{stem}" if lies_on_its_side(folder.name, stem) else stem
        spans = spans_of(sorted(own, key=lambda line: line.time_s), times, table)
        written.append((new_workout(folder.name, name, nanoseconds, spans), found[stem], nanoseconds))
    for workout, path, nanoseconds in written:
        place_file(path, folder / VIDEOS / f"{workout.video}.mp4", media)
        write_timestamps(folder / VIDEOS / f"{workout.video}_timestamps.npy", nanoseconds)
    write_split(folder, [workout for workout, *_ in written])
    return WrittenSplit(folder, len(written), len(lines))


def read_lines(table: Path) -> list[FeedbackLine]:
    """The rows of the CSV. UserError for a missing column, an empty cell, a time that is none, an unknown exercise."""
    names = load_names()
    lines = []
    for number, row in _rows(table):
        where = f"{table}, line {number}"
        cells = {name: " ".join((row.get(name) or "").split()) for name in COLUMNS}
        empty = [name for name, value in cells.items() if not value]
        if empty:
            raise UserError(f"no {empty[0]}", where=where, expected=_EXPECTED)
        try:
            time_s = float(cells["time"])
        except ValueError:
            time_s = float("nan")
        if not 0 <= time_s < float("inf"):
            raise UserError(f"{cells['time']!r} is no time", where=where, expected="seconds from the video's start")
        name = names.lookup(cells["exercise"])
        if name is None:
            close = names.suggest(cells["exercise"]) or sorted(names.names.values())
            expected = f"one of {', '.join(close)}"
            raise UserError(f"unknown exercise {cells['exercise']!r}", where=where, expected=expected)
        lines.append(FeedbackLine(Path(cells["video"]).stem, time_s, cells["text"], name.canonical, number))
    if not lines:
        raise UserError("holds no feedback", where=table, expected=_EXPECTED)
    return lines


def spans_of(lines: Sequence[FeedbackLine], times_s: NDArray[np.float64], table: Path) -> list[NewSpan]:
    """The spans of one video, transitions included, in order and never touching. `lines` in order of time.

    UserError for a feedback that the end of the video leaves no room for.
    """
    last = len(times_s) - 1
    rate = last / max(float(times_s[-1] - times_s[0]), 1e-6)
    lead, shown, close = (max(round(seconds * rate), 2) for seconds in (_LEAD_S, _SHOWN_S, _CLOSE_S))
    spans: list[NewSpan] = []
    free, exercise = 0, ""
    for line in lines:
        start = int(np.searchsorted(times_s, line.time_s - 1e-6))
        if line.exercise != exercise:
            first = 0 if not spans else max(free, start - lead - 2)
            announced = f"{'Moving on to' if spans else 'First up are'} {line.exercise}!"
            spans.append(NewSpan(announced, first, first + lead, True))
            free, exercise = first + lead + 2, line.exercise
        start = max(start, free)
        if start > last - close - 4:
            raise UserError(
                f"at {line.time_s:g} s there is no room for a feedback in a video of {times_s[-1]:.1f} s",
                where=f"{table}, line {line.line}",
                expected="times within the video, some tenths of a second before its end",
            )
        spans.append(NewSpan(line.text, start, min(start + shown, last - close - 2)))
        free = spans[-1].end_frame + 2
    return [*spans, NewSpan(_END, last - close, last - 1, True)]


def _rows(table: Path) -> list[tuple[int, dict[str, str | None]]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            reader.fieldnames = [(name or "").strip().lower() for name in reader.fieldnames or []]
            missing = [name for name in COLUMNS if name not in reader.fieldnames]
            if missing:
                raise UserError(f"no column {' and '.join(missing)}", where=table, expected=_EXPECTED)
            return [(reader.line_num, dict(row)) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(f"cannot be read: {text}", where=table, expected=_EXPECTED) from error
