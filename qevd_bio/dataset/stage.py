"""`qevd-bio segments`: the explicit table of exercises and their times, and of everything that is not in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from qevd_bio.dataset.opening import Dataset
from qevd_bio.dataset.workout import Problem, Segment
from qevd_bio.store.columns import Column, Table
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.tables.workspace import Workspace

SEGMENTS = Table(
    "segments",
    1,
    (
        Column("split", "string", "", "the split's folder name; `videos` for a plain folder", nullable=False),
        Column("video", "string", "", "the video's file name without suffix", nullable=False),
        Column("segment", "int32", "", "index of its transition; dropped segments leave a gap", nullable=False),
        Column("exercise", "string", "", "id of the exercise; null where its name is not known"),
        Column("exercise_name", "string", "", "canonical name of the exercise"),
        Column("exercise_written", "string", "", "the name as the annotation has it"),
        Column("side", "string", "", "left or right, where the written name has a side"),
        Column("start_s", "float64", "s", "from the video's first frame", nullable=False),
        Column("end_s", "float64", "s", "from the video's first frame; null where the duration is not known"),
        Column("start_frame", "int32", "frame", "first frame"),
        Column("end_frame", "int32", "frame", "last frame, included"),
        Column("start_unix", "float64", "s", "Unix time of the first frame, as feedback_timestamps count"),
        Column("end_unix", "float64", "s", "Unix time of the last frame"),
        Column("feedbacks", "int32", "", "number of feedbacks", nullable=False),
        Column("participant", "string", "", "from the participant map or the worker ids"),
    ),
)
UNPARSED = Table(
    "segments_unparsed",
    1,
    (
        Column("level", "string", "", "error, unparsed, dropped or note", nullable=False),
        Column("reason", "string", "", "short name of the reason, for counting", nullable=False),
        Column("split", "string"),
        Column("video", "string"),
        Column("frame", "int32", "frame", "where in the video"),
        Column("text", "string", "", "the text of the transition or feedback"),
        Column("detail", "string", "", "the reason in words"),
    ),
)

# Frames and seconds of a video without annotations; raises ItemError.
Measure = Callable[[Path], tuple[int, float]]


@dataclass
class SegmentsSummary:
    """What `write_segments` wrote: rows by split, what is not in the table, who is in several splits."""

    path: Path
    unparsed_path: Path
    segments: list[Segment]
    videos: dict[str, int]
    problems: list[Problem]
    shared_participants: dict[str, tuple[str, ...]]
    unused_participants: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """2 where a record or video could not be read, else 0."""
        return 2 if any(problem.level == "error" for problem in self.problems) else 0

    def split_rows(self) -> list[tuple[str, int, int, int, float, int]]:
        """For each split: name, videos, segments, feedbacks, minutes, participants."""
        rows = []
        for split, videos in self.videos.items():
            own = [s for s in self.segments if s.split == split]
            minutes = sum(s.duration_s for s in own if s.bounded) / 60.0
            people = len({s.participant for s in own} - {None})
            rows.append((split, videos, len(own), sum(len(s.feedbacks) for s in own), minutes, people))
        return rows

    def exercise_counts(self) -> list[tuple[str, int]]:
        """Exercises with their number of segments, most first."""
        names = Counter(s.exercise.canonical if s.exercise else "(unknown)" for s in self.segments)
        return names.most_common()

    def problem_counts(self) -> list[tuple[str, str, int, str]]:
        """Level, reason, number and one example of each reason."""
        counts = Counter((problem.level, problem.reason) for problem in self.problems)
        first: dict[tuple[str, str], Problem] = {}
        for problem in self.problems:
            first.setdefault((problem.level, problem.reason), problem)
        return [
            (
                level,
                reason,
                n,
                f"{first[level, reason].split}/{first[level, reason].video}: {first[level, reason].detail}",
            )
            for (level, reason), n in sorted(counts.items())
        ]


def write_segments(dataset: Dataset, workspace: Workspace, measure: Measure | None = None) -> SegmentsSummary:
    """Write `segments` and `segments_unparsed` (Parquet and CSV) to the workspace.

    Records that break the format, transitions without a known exercise and dropped segments are all listed in
    the second table. What an earlier run was told about exercises and participants is kept where this one is
    told nothing (see `_remembered`). `measure` gives frames and seconds of videos without annotations.
    """
    segments, kept = _remembered(dataset, dataset.segments(strict=False), workspace.segments)
    problems = dataset.problems() + kept
    if dataset.kind == "videos" and measure is not None:
        segments, failed = _measured(dataset, segments, measure)
        problems = problems + failed
    rows = [_row(segment) for segment in segments]
    others = [_problem_row(problem) for problem in problems]
    unparsed = workspace.root / "segments_unparsed.parquet"
    about = {"data": dataset.root.name, "kind": dataset.kind, "has_ground_truth": dataset.has_ground_truth}
    for table, path, content in ((SEGMENTS, workspace.segments, rows), (UNPARSED, unparsed, others)):
        table.write(path, content, metadata=about)
        table.write_csv(path.with_suffix(".csv"), content)
    return SegmentsSummary(
        path=workspace.segments,
        unparsed_path=unparsed,
        segments=segments,
        videos={split: len(dataset.videos(split)) for split in dataset.splits},
        problems=problems,
        shared_participants=dataset.shared_participants(),
        unused_participants=dataset.unused_participants,
    )


def _remembered(
    dataset: Dataset, segments: list[Segment], path: Path
) -> tuple[list[Segment], list[Problem]]:
    """Segments with the exercise (plain videos) and participant that the table at `path` has for them, and notes.

    Several commands write the table; `extract --exercise squats` said once must hold for the next of them, too. One
    name for a folder names the videos that are new there: those that the table knows keep theirs, with a note. Where
    no video is new, the name corrects all.
    """
    try:
        if SEGMENTS.read_metadata(path)["metadata"].get("data") != dataset.root.name:
            return segments, []
        rows = {(row["split"], row["video"], row["segment"]): row for row in SEGMENTS.read_rows(path)}
    except UserError:
        return segments, []  # no table, or one of another version: it is about to be replaced
    known = {key for key, row in rows.items() if row.get("exercise_written")}
    hint = dataset.exercise_hint
    adding = hint is not None and any((s.split, s.video, s.index) not in known for s in segments)
    people = not dataset.has_participants
    found, kept = [], []
    for segment in segments:
        row = rows.get((segment.split, segment.video, segment.index), {})
        written = row.get("exercise_written") or ""
        one_name = adding and hint is not None and not hint.lower().endswith(".csv")
        if dataset.kind == "videos" and written and (segment.exercise is None or one_name):
            if segment.exercise is not None and segment.exercise_id != row.get("exercise"):
                detail = f"stays {written}; a CSV with the columns video,exercise names each video"
                kept.append(Problem("note", "exercise_kept", detail, segment.split, segment.video))
            name = dataset.names.lookup(written)
            official = name.canonical if name else written
            segment = replace(segment, exercise=name, exercise_written=written, exercise_official=official)
        if people and row.get("participant"):
            segment = replace(segment, participant=row["participant"])
        found.append(segment)
    return found, kept


def _measured(dataset: Dataset, segments: list[Segment], measure: Measure) -> tuple[list[Segment], list[Problem]]:
    """Whole-video segments with their ends; videos that cannot be opened become problems."""
    paths = {(item.split, item.stem): item.path for item in dataset.videos()}
    found, failed = [], []
    for segment in segments:
        try:
            frames, seconds = measure(paths[segment.split, segment.video])
        except ItemError as error:
            failed.append(Problem("error", error.reason, error.detail, segment.split, segment.video))
        else:
            found.append(replace(segment, end_s=seconds, start_frame=0, end_frame=frames - 1))
    return found, failed


def _row(segment: Segment) -> dict[str, Any]:
    return {
        "split": segment.split,
        "video": segment.video,
        "segment": segment.index,
        "exercise": segment.exercise_id,
        "exercise_name": segment.exercise.canonical if segment.exercise else None,
        "exercise_written": segment.exercise_written,
        "side": segment.side,
        "start_s": segment.start_s,
        "end_s": segment.end_s if segment.bounded else None,
        "start_frame": segment.start_frame,
        "end_frame": segment.end_frame,
        "start_unix": segment.start_unix,
        "end_unix": segment.end_unix,
        "feedbacks": len(segment.feedbacks),
        "participant": segment.participant,
    }


def _problem_row(problem: Problem) -> dict[str, Any]:
    return {
        "level": problem.level,
        "reason": problem.reason,
        "split": problem.split or None,
        "video": problem.video or None,
        "frame": problem.frame,
        "text": problem.text or None,
        "detail": problem.detail,
    }
