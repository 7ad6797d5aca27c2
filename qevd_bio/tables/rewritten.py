"""The table of the rewritten data set: one row a feedback, kept, rewritten or unsupported."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, NamedTuple

from qevd_bio.tables.rows import NAN, Cell, RowTable, row

REWRITTEN, KEPT, UNSUPPORTED = "rewritten", "kept", "unsupported"


class SaidNumber(NamedTuple):
    """One number of a sentence: its digits, and the verdict and field that it was derived from."""

    digits: str
    verdict_id: str
    field: str


@row
class FeedbackRow:
    """One feedback of the data set and what became of it."""

    split: Annotated[str, Cell("folder of the source data set")]
    video: Annotated[str, Cell("file name of the video without suffix")]
    participant: Annotated[str | None, Cell("person, where a participant map was given")] = None
    span: Annotated[int, Cell("number of the feedback span in the video")]
    segment: Annotated[int | None, Cell("number of the exercise in the video; null outside every exercise")] = None
    exercise: Annotated[str | None, Cell("id of the exercise")] = None
    start_s: Annotated[float, Cell("first frame of the feedback, from the video's start", "s")]
    end_s: Annotated[float, Cell("last frame of the feedback, from the video's start", "s")]
    stamp_unix: Annotated[float, Cell("the data set's own time of the feedback", "s")]
    original: Annotated[str, Cell("text of the source data set")]
    text: Annotated[str, Cell("text of QEVD-bio-fit-coach")]
    status: Annotated[str, Cell("rewritten, kept (not corrective) or unsupported")]
    reason: Annotated[str | None, Cell("why an unsupported feedback keeps its words; empty otherwise")] = None
    intent: Annotated[str | None, Cell("corrective, motivational, count, transition, reminder, summary")] = None
    intent_method: Annotated[str | None, Cell("rules, llm or review")] = None
    body_parts: Annotated[Sequence[str] | None, Cell("body parts that the trainer named")] = None
    directions: Annotated[Sequence[str] | None, Cell("directions that the trainer named")] = None
    cycle: Annotated[int | None, Cell("the repetition that the new text is about")] = None
    key_s: Annotated[float, Cell("moment of the first cue's measurement, from the video's start", "s", null=NAN)] = NAN
    rules: Annotated[Sequence[str] | None, Cell("rules behind the cues, most important first")] = None
    violation_ids: Annotated[Sequence[str] | None, Cell("rows of the verdicts behind the text")] = None
    numbers: Annotated[str | None, Cell("each number of the text: digits, id of the verdict, field", type="json")] = (
        None
    )
    agreement: Annotated[
        float, Cell("agreement of the first cue with the trainer's words", "0..1", type="float32", null=NAN)
    ] = NAN
    part_agrees: Annotated[bool | None, Cell("the first cue concerns a body part that the trainer named")] = None
    contradicts: Annotated[bool | None, Cell("the first cue asks for the opposite of the trainer")] = None
    prior: Annotated[float, Cell("of the first cue's fault, from the trainer's words", "0..1", null=NAN)] = NAN
    likelihood: Annotated[float, Cell("ratio: the measurement with and without the fault", null=NAN)] = NAN
    posterior: Annotated[float, Cell("of the fault, from words and measurement", "0..1", null=NAN)] = NAN
    within_bounds: Annotated[bool | None, Cell("the new text says that nothing was out of bounds")] = False
    closest: Annotated[str | None, Cell("where the words were kept: the measured rule that fits them best")] = None
    policy: Annotated[str, Cell("evidence, supported or paper")]

    @property
    def said(self) -> list[SaidNumber]:
        """Where each number of the text comes from, in order of appearance."""
        return [SaidNumber(*entry) for entry in json.loads(self.numbers or "[]")]


FEEDBACKS = RowTable.of("bio_feedbacks", 2, FeedbackRow)
