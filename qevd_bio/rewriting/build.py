"""Decide for every feedback of a workout: kept, rewritten, or unsupported with its reason."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from qevd_bio.dataset.workout import Segment, Span, Workout
from qevd_bio.feedback.intent import Intent
from qevd_bio.rewriting.agree import match, wish
from qevd_bio.rewriting.choose import Choice, choose
from qevd_bio.rewriting.evidence import SegmentMotion
from qevd_bio.rewriting.options import RewriteOptions
from qevd_bio.rewriting.phrase import Phrase, phrase
from qevd_bio.rewriting.tracking import Tracked
from qevd_bio.tables.rewritten import KEPT, REWRITTEN, UNSUPPORTED, FeedbackRow
from qevd_bio.tables.verdicts import PASS

IntentOf = Callable[[Span], Intent]


def build_rows(
    workout: Workout,
    segments: Sequence[Segment],
    motion: Mapping[int, SegmentMotion],
    tracked: Tracked,
    intent_of: IntentOf,
    options: RewriteOptions,
) -> list[FeedbackRow]:
    """One row for each feedback span of the workout, in order."""
    home = {feedback.span.index: segment for segment in segments for feedback in segment.feedbacks}
    choices: dict[int, Choice] = {}
    rows = []
    for span in workout.spans:
        segment = home.get(span.index)
        intent = intent_of(span)
        row = _plain_row(workout, span, segment, intent, options)
        if row.intent == "corrective":
            choice = _choose(span, segment, motion, tracked, intent, options)
            choices[span.index] = choice
            row = _decided(row, span, workout, choice, intent, options, 0)
        rows.append(row)
    _keep_apart(workout, rows, choices, intent_of, options)
    return rows


def new_texts(rows: Sequence[FeedbackRow]) -> dict[int, str]:
    """The texts that differ from the source, by span number."""
    return {row.span: row.text for row in rows if row.text != row.original}


def _choose(
    span: Span,
    segment: Segment | None,
    motion: Mapping[int, SegmentMotion],
    tracked: Tracked,
    intent: Intent,
    options: RewriteOptions,
) -> Choice:
    if segment is None or segment.exercise_id is None:
        return Choice((), "no_segment")
    if not tracked.known:
        return Choice((), "no_kinematics")
    if not tracked.at(span.start_s):
        return Choice((), "no_person")
    seen = motion.get(segment.index) or SegmentMotion()
    return choose(wish(intent, span.text), span.start_s, seen.cycles, seen.findings, options)


def _plain_row(
    workout: Workout, span: Span, segment: Segment | None, intent: Intent, options: RewriteOptions
) -> FeedbackRow:
    return FeedbackRow(
        split=workout.split,
        video=workout.video,
        participant=workout.participant,
        span=span.index,
        segment=segment.index if segment else None,
        exercise=segment.exercise_id if segment else None,
        start_s=span.start_s,
        end_s=span.end_s,
        stamp_unix=span.stamp_unix,
        original=span.text,
        text=span.text,
        status=KEPT,
        reason="",
        intent="transition" if span.is_transition else intent.label,
        intent_method=intent.method,
        body_parts=list(intent.body_parts),
        directions=list(intent.directions),
        rules=[],
        violation_ids=[],
        numbers="[]",
        policy=options.policy,
    )


def _decided(
    row: FeedbackRow,
    span: Span,
    workout: Workout,
    choice: Choice,
    intent: Intent,
    options: RewriteOptions,
    variant: int,
) -> FeedbackRow:
    """The row with what a choice decides."""
    if not choice.cues:
        return replace(row, status=UNSUPPORTED, reason=choice.reason, closest=choice.closest or None)
    seed = f"{options.seed}/{workout.key}/{span.index}"
    phrases: list[Phrase] = [
        phrase(cue, seed, rationale=options.rationale and number == 0, variant=variant if number == 0 else variant + 1)
        for number, cue in enumerate(choice.cues)
    ]
    words, verdict = choice.cues[0][0].words, choice.cues[0][0].verdict
    found = match(wish(intent, span.text), words.parts, words.directions, verdict.side, words.says)
    known = choice.cues[0][0].support
    verdicts = [finding.verdict for cue in choice.cues for finding in cue]
    numbers = [list(number) for said in phrases for number in said.numbers]
    return replace(
        row,
        text=" ".join(said.text for said in phrases),
        status=REWRITTEN,
        cycle=choice.cycle,
        key_s=verdict.at_s,
        rules=list(dict.fromkeys(one.rule for one in verdicts)),
        violation_ids=[one.id for one in verdicts],
        numbers=json.dumps(numbers, ensure_ascii=False),
        agreement=found.score,
        part_agrees=found.part,
        contradicts=found.contradicts,
        prior=math.nan if known is None else known.prior,
        likelihood=math.nan if known is None else known.likelihood,
        posterior=math.nan if known is None else known.posterior,
        within_bounds=verdict.verdict == PASS,
    )


def _keep_apart(
    workout: Workout,
    rows: list[FeedbackRow],
    choices: Mapping[int, Choice],
    intent_of: IntentOf,
    options: RewriteOptions,
) -> None:
    """Give spans that touch different texts: equal ones would melt into one in the benchmark's reader."""
    for index in range(1, len(rows)):
        before, span = workout.spans[index - 1], workout.spans[index]
        variant = 0
        while span.start_frame <= before.end_frame + 1 and rows[index].text == rows[index - 1].text:
            variant += 1
            which = index if rows[index].status == REWRITTEN else index - 1
            other = workout.spans[which]
            choice, intent = choices[other.index], intent_of(other)
            rows[which] = _decided(rows[which], other, workout, choice, intent, options, variant)
