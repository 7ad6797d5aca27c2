"""`qevd-bio segments`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import DEFAULT_WORKSPACE, Data, WorkspaceDir, need_data, open_workspace

if TYPE_CHECKING:
    from qevd_bio.dataset.stage import SegmentsSummary

Exercise = Annotated[
    str | None,
    typer.Option(
        "--exercise",
        help="For a plain folder of videos: the exercise of all, or a CSV with the columns video,exercise.",
        show_default=False,
    ),
]
Participants = Annotated[
    Path | None,
    typer.Option(
        "--participants",
        help="CSV with the columns video,participant. Default: participants.csv in the data set, if there.",
        show_default=False,
    ),
]


def segments(
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    exercise: Exercise = None,
    participants: Participants = None,
) -> None:
    """Write the table of exercises and their times: segments.parquet and segments.csv in the workspace.

    Everything that does not get into the table (records that cannot be read, announcements of unknown
    exercises, segments without feedback) is listed with its reason in segments_unparsed.parquet and .csv.
    Leaves with code 2 if a record or video could not be read.

    Examples: qevd-bio segments --data /data/qevd; qevd-bio segments --data videos --exercise squats
    """
    from qevd_bio.dataset.opening import open_dataset
    from qevd_bio.dataset.stage import write_segments
    from qevd_bio.video.probe import measure

    where = open_workspace(workspace)
    dataset = open_dataset(need_data(data), exercise=exercise, participants=participants, user_refs=where.user_refs)
    summary = write_segments(dataset, where, measure)
    _show(summary)
    if summary.exit_code:
        raise typer.Exit(summary.exit_code)


def _show(summary: SegmentsSummary) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table("split", "videos", "segments", "feedback", "minutes", "people", title="Segments")
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for split, videos, count, feedbacks, minutes, people in summary.split_rows():
        table.add_row(
            escape(split), str(videos), str(count), str(feedbacks), f"{minutes:.1f}", str(people) if people else "-"
        )
    console.print(table)
    exercises = ", ".join(f"{name} {count}" for name, count in summary.exercise_counts())
    console.print(f"Exercises: {escape(exercises or 'none')}", highlight=False)
    if summary.problems:
        listed = Table("level", "reason", "number", "first", title="Not in the table, or odd")
        for level, reason, count, example in summary.problem_counts():
            listed.add_row(level, reason, str(count), escape(example[:160]))
        console.print(listed)
        console.print(f"All of them: {escape(str(summary.unparsed_path.with_suffix('.csv')))}", soft_wrap=True)
    for person, splits in summary.shared_participants.items():
        console.print(
            f"[yellow]participant {escape(person)} is in several splits: {escape(', '.join(splits))}[/yellow]"
        )
    if summary.unused_participants:
        names = ", ".join(summary.unused_participants[:5])
        count = len(summary.unused_participants)
        console.print(f"{count} rows of the participant map name no video here: {escape(names)}", highlight=False)
    console.print(f"Written: {escape(str(summary.path))} and .csv", soft_wrap=True, highlight=False)
