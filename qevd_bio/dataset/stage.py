"""`qevd-bio segments`: the explicit table of exercises and their times, and of everything that is not in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from qevd_bio.dataset.opening import Dataset, open_dataset
from qevd_bio.dataset.workout import Problem, Segment
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.progress import ProgressLine
from qevd_bio.tables.by_video import by_segment
from qevd_bio.tables.rows import NAN
from qevd_bio.tables.segments import SEGMENTS, UNPARSED, SegmentRow, UnparsedRow
from qevd_bio.tables.workspace import Workspace, video_of

# Frames and seconds of a video without annotations, None where they are left open; raises ItemError.
Measure = Callable[[Path], tuple[int, float] | None]


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


def write_segments(
    dataset: Dataset, workspace: Workspace, measure: Measure | None = None, *, quick: bool = False
) -> SegmentsSummary:
    """Write `segments` and `segments_unparsed` (Parquet and CSV) to the workspace.

    Records that break the format, transitions without a known exercise and dropped segments are all listed in
    the second table. What an earlier run was told about exercises and participants is kept where this one is
    told nothing (see `_remembered`), and so are the rows of other videos that were extracted. `measure` gives frames
    and seconds of videos without annotations; where it opens them (not `quick`), progress is shown.
    """
    segments, kept = _remembered(dataset, dataset.segments(strict=False), workspace.segments)
    problems = dataset.problems() + kept
    if dataset.kind == "videos" and measure is not None:
        segments, failed = _measured(dataset, segments, measure, 0 if quick else len(segments))
        problems = problems + failed
    rows = [*_earlier(dataset, workspace), *(_row(segment) for segment in segments)]
    others = [_problem_row(problem) for problem in problems]
    about = {"data": dataset.root.name, "kind": dataset.kind, "has_ground_truth": dataset.has_ground_truth}
    SEGMENTS.save(workspace.segments, rows, metadata=about)
    SEGMENTS.save_csv(workspace.segments.with_suffix(".csv"), rows)
    UNPARSED.save(workspace.unparsed, others, metadata=about)
    UNPARSED.save_csv(workspace.unparsed.with_suffix(".csv"), others)
    return SegmentsSummary(
        path=workspace.segments,
        unparsed_path=workspace.unparsed,
        segments=segments,
        videos={split: len(dataset.videos(split)) for split in dataset.splits},
        problems=problems,
        shared_participants=dataset.shared_participants(),
        unused_participants=dataset.unused_participants,
    )


def _remembered(dataset: Dataset, segments: list[Segment], path: Path) -> tuple[list[Segment], list[Problem]]:
    """Segments with the exercise (plain videos), participant and end that the table at `path` has for them, and notes.

    Several commands write the table; `extract --exercise squats` said once must hold for the next of them, too. One
    name for a folder names the videos that are new there: those that the table knows keep theirs, with a note. Where
    no video is new, the name corrects all.
    """
    try:
        if SEGMENTS.read_metadata(path)["metadata"].get("data") != dataset.root.name:
            return segments, []
        rows = {key: found[-1] for key, found in by_segment(SEGMENTS.load(path)).items()}
    except UserError:
        return segments, []  # no table, or one of another version: it is about to be replaced
    known = {key for key, row in rows.items() if row.exercise_written}
    hint = dataset.exercise_hint
    adding = hint is not None and any((s.split, s.video, s.index) not in known for s in segments)
    people = not dataset.has_participants
    found, kept = [], []
    for segment in segments:
        row = rows.get((segment.split, segment.video, segment.index))
        written = (row.exercise_written if row is not None else None) or ""
        one_name = adding and hint is not None and not hint.lower().endswith(".csv")
        if dataset.kind == "videos" and row is not None and written and (segment.exercise is None or one_name):
            if segment.exercise is not None and segment.exercise_id != row.exercise:
                detail = f"stays {written}; a CSV with the columns video,exercise names each video"
                kept.append(Problem("note", "exercise_kept", detail, segment.split, segment.video))
            name = dataset.names.lookup(written)
            official = name.canonical if name else written
            segment = replace(segment, exercise=name, exercise_written=written, exercise_official=official)
        if dataset.kind == "videos" and row is not None and row.end_frame is not None:
            segment = replace(segment, end_s=row.end_s, start_frame=row.start_frame, end_frame=row.end_frame)
        if people and row is not None and row.participant:
            segment = replace(segment, participant=row.participant)
        found.append(segment)
    return found, kept


def _earlier(dataset: Dataset, workspace: Workspace) -> list[SegmentRow]:
    """Rows of other videos whose kinematics are in this workspace: they are still to be analysed."""
    try:
        if SEGMENTS.read_metadata(workspace.segments)["metadata"].get("kind") != dataset.kind:
            return []
        rows = SEGMENTS.load(workspace.segments)
    except UserError:
        return []  # as in `_remembered`
    named = {(video.split, video.stem) for video in dataset.videos()}
    others = [row for row in rows if (row.split, row.video) not in named]
    there = {video_of(path) for path in workspace.all_kinematics()} if others else set()
    return [row for row in others if (row.split, row.video) in there]


def _measured(
    dataset: Dataset, segments: list[Segment], measure: Measure, shown: int
) -> tuple[list[Segment], list[Problem]]:
    """Whole-video segments with their ends; videos that cannot be opened become problems. `shown` is for progress."""
    paths = {(item.split, item.stem): item.path for item in dataset.videos()}
    found, failed = [], []
    with ProgressLine("segments", shown) as progress:
        for segment in segments:
            try:
                measured = measure(paths[segment.split, segment.video])
            except ItemError as error:
                failed.append(Problem("error", error.reason, error.detail, segment.split, segment.video))
            else:
                if measured is not None:
                    segment = replace(segment, end_s=measured[1], start_frame=0, end_frame=measured[0] - 1)
                found.append(segment)
            progress.step()
    return found, failed


def _row(segment: Segment) -> SegmentRow:
    return SegmentRow(
        split=segment.split,
        video=segment.video,
        segment=segment.index,
        exercise=segment.exercise_id,
        exercise_name=segment.exercise.canonical if segment.exercise else None,
        exercise_written=segment.exercise_written,
        side=segment.side,
        start_s=segment.start_s,
        end_s=segment.end_s,
        start_frame=segment.start_frame,
        end_frame=segment.end_frame,
        start_unix=NAN if segment.start_unix is None else segment.start_unix,
        end_unix=NAN if segment.end_unix is None else segment.end_unix,
        feedbacks=len(segment.feedbacks),
        participant=segment.participant,
    )


def _problem_row(problem: Problem) -> UnparsedRow:
    return UnparsedRow(
        level=problem.level,
        reason=problem.reason,
        split=problem.split or None,
        video=problem.video or None,
        frame=problem.frame,
        text=problem.text or None,
        detail=problem.detail,
    )


def ensure_segments(data: Path, workspace: Workspace, measure: Measure | None = None) -> None:
    """Write the table of exercises of `data` where the workspace has none yet."""
    if not workspace.segments.is_file():
        write_segments(open_dataset(data, user_refs=workspace.user_refs), workspace, measure)
