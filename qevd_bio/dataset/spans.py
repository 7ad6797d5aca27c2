"""Dense feedback lists (one text a frame) to spans and back, by the official rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from qevd_bio.store.errors import UserError


class Run(NamedTuple):
    """A text shown from frame `start` to frame `end`, both included."""

    text: str
    start: int
    end: int


def runs_of(dense: Sequence[str]) -> tuple[list[Run], Run | None]:
    """Runs of equal non-empty texts, and the run that still lasts at the last frame, if any.

    The official reader closes a run when the text changes; one that lasts until the last frame is never
    closed and does not count as a feedback, so it is returned apart.
    """
    runs, frame = [], 0
    for text, group in groupby(dense):
        length = sum(1 for _ in group)
        if text:
            runs.append(Run(text, frame, frame + length - 1))
        frame += length
    open_run = runs.pop() if runs and runs[-1].end == frame - 1 else None
    return runs, open_run


def dense_of(runs: Iterable[Run], frames: int) -> list[str]:
    """The dense list of `frames` entries that the official reader turns back into exactly `runs`.

    Raises UserError where that cannot be: empty texts, frames out of order or range, touching runs of the
    same text (they would melt into one), a run that lasts until the last frame (it would never be counted).
    """
    dense = [""] * frames
    before: Run | None = None
    for run in runs:
        where = f"feedback {run.text[:60]!r} at frames {run.start}-{run.end}"
        if not run.text:
            raise UserError("a feedback has no text", where=where, expected="text; silence is no feedback")
        if run.start > run.end or run.start <= (before.end if before else -1):
            raise UserError("frames out of order", where=where, expected="spans in order that do not overlap")
        if run.end >= frames - 1:
            raise UserError(
                f"lasts until the last frame ({frames - 1})",
                where=where,
                expected="silence in the last frame; the official reader never counts what still runs there",
                fix="end the feedback at least one frame earlier",
            )
        if before and run.start == before.end + 1 and run.text == before.text:
            raise UserError(
                "touches the feedback before it, which has the same text",
                where=where,
                expected="another text or a silent frame between: the reader would see one feedback",
                fix="change one of the two texts",
            )
        dense[run.start : run.end + 1] = [run.text] * (run.end - run.start + 1)
        before = run
    return dense
