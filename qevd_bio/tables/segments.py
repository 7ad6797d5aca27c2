"""The tables that `qevd-bio segments` writes: exercises and their times, and everything that is not among them."""

from __future__ import annotations

from typing import Annotated

from qevd_bio.tables.rows import INF, NAN, Cell, RowTable, row


@row
class SegmentRow:
    """One exercise of one video."""

    split: Annotated[str, Cell("the split's folder name; `videos` for a plain folder")]
    video: Annotated[str, Cell("the video's file name without suffix")]
    segment: Annotated[int, Cell("index of its transition; dropped segments leave a gap")]
    exercise: Annotated[str | None, Cell("id of the exercise; null where its name is not known")] = None
    exercise_name: Annotated[str | None, Cell("canonical name of the exercise")] = None
    exercise_written: Annotated[str | None, Cell("the name as the annotation has it")] = None
    side: Annotated[str | None, Cell("left or right, where the written name has a side")] = None
    start_s: Annotated[float, Cell("from the video's first frame", "s")]
    end_s: Annotated[
        float, Cell("from the video's first frame; null where the duration is not known", "s", null=INF)
    ] = INF
    start_frame: Annotated[int | None, Cell("first frame", "frame")] = None
    end_frame: Annotated[int | None, Cell("last frame, included", "frame")] = None
    start_unix: Annotated[float, Cell("Unix time of the first frame, as feedback_timestamps count", "s", null=NAN)] = (
        NAN
    )
    end_unix: Annotated[float, Cell("Unix time of the last frame", "s", null=NAN)] = NAN
    feedbacks: Annotated[int, Cell("number of feedbacks")]
    participant: Annotated[str | None, Cell("from the participant map or the worker ids")] = None


@row
class UnparsedRow:
    """Something of the annotations that became no segment, with the reason."""

    level: Annotated[str, Cell("error, unparsed, dropped or note")]
    reason: Annotated[str, Cell("short name of the reason, for counting")]
    split: str | None = None
    video: str | None = None
    frame: Annotated[int | None, Cell("where in the video", "frame")] = None
    text: Annotated[str | None, Cell("the text of the transition or feedback")] = None
    detail: Annotated[str | None, Cell("the reason in words")] = None


SEGMENTS = RowTable.of("segments", 1, SegmentRow)
UNPARSED = RowTable.of("segments_unparsed", 1, UnparsedRow)
