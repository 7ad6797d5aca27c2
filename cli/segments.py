"""`qevd-bio segments`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qevd_bio.store.terminal import console

from .common import Exercise, Participants, PlaceFlags
from .ending import leave
from .flags import spread

if TYPE_CHECKING:
    from qevd_bio.dataset.stage import SegmentsSummary


@spread
def segments(*, place: PlaceFlags, exercise: Exercise = None, participants: Participants = None) -> None:
    """Write the table of exercises and their times: segments.parquet and segments.csv in the workspace.

    Everything that does not get into the table (records that cannot be read, announcements of unknown
    exercises, segments without feedback) is listed with its reason in segments_unparsed.parquet and .csv.
    Leaves with code 2 if a record or video could not be read.

    Examples: qevd-bio segments --data /data/qevd; qevd-bio segments --data videos --exercise squats
    """
    from qevd_bio.dataset.stage import write_segments
    from qevd_bio.video.probe import measure

    dataset = place.dataset(exercise=exercise, participants=participants)
    summary = write_segments(dataset, place.open(), measure)
    _show(summary)
    leave(summary.exit_code)


def _show(summary: SegmentsSummary) -> None:
    from rich.markup import escape
    from rich.table import Table

    screen = console()
    table = Table("split", "videos", "segments", "feedback", "minutes", "people", title="Segments")
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for split, videos, count, feedbacks, minutes, people in summary.split_rows():
        table.add_row(
            escape(split), str(videos), str(count), str(feedbacks), f"{minutes:.1f}", str(people) if people else "-"
        )
    screen.print(table)
    exercises = ", ".join(f"{name} {count}" for name, count in summary.exercise_counts())
    screen.print(f"Exercises: {escape(exercises or 'none')}", highlight=False)
    if summary.problems:
        listed = Table("level", "reason", "number", "first", title="Not in the table, or odd")
        for level, reason, count, example in summary.problem_counts():
            listed.add_row(level, reason, str(count), escape(example[:160]))
        screen.print(listed)
        screen.print(f"All of them: {escape(str(summary.unparsed_path.with_suffix('.csv')))}", soft_wrap=True)
    for person, splits in summary.shared_participants.items():
        screen.print(f"[yellow]participant {escape(person)} is in several splits: {escape(', '.join(splits))}[/yellow]")
    if summary.unused_participants:
        names = ", ".join(summary.unused_participants[:5])
        count = len(summary.unused_participants)
        screen.print(f"{count} rows of the participant map name no video here: {escape(names)}", highlight=False)
    screen.print(f"Written: {escape(str(summary.path))} and .csv", soft_wrap=True, highlight=False)
