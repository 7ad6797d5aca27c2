"""Decide for every feedback of a workout: kept, rewritten, or unsupported with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qevd_bio.dataset.workout import Segment, Span, Workout
from qevd_bio.feedback.intent import Intent
from qevd_bio.rewriting.agree import match, wish
from qevd_bio.rewriting.choose import Choice, choose
from qevd_bio.rewriting.evidence import SegmentMotion
from qevd_bio.rewriting.options import RewriteOptions
from qevd_bio.rewriting.phrase import Phrase, phrase
from qevd_bio.rewriting.tracking import Tracked
from qevd_bio.tables.rewritten import KEPT, REWRITTEN, UNSUPPORTED

Row = dict[str, Any]
IntentOf = Callable[[Span], Intent]


def build_rows(
    workout: Workout,
    segments: Sequence[Segment],
    motion: Mapping[int, SegmentMotion],
    tracked: Tracked,
    intent_of: IntentOf,
    options: RewriteOptions,
) -> list[Row]:
    """One row (see `tables.FEEDBACKS`) for each feedback span of the workout, in order."""
    home = {feedback.span.index: segment for segment in segments for feedback in segment.feedbacks}
    choices: dict[int, Choice] = {}
    rows = []
    for span in workout.spans:
        segment = home.get(span.index)
        intent = intent_of(span)
        row = _plain_row(workout, span, segment, intent, options)
        if row["intent"] == "corrective":
            choice = _choose(span, segment, motion, tracked, intent, options)
            choices[span.index] = choice
            row.update(_decided(span, workout, choice, intent, options, 0))
        rows.append(row)
    _keep_apart(workout, rows, choices, intent_of, options)
    return rows


def new_texts(rows: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """The texts that differ from the source, by span number."""
    return {int(row["span"]): str(row["text"]) for row in rows if row["text"] != row["original"]}


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
    return choose(wish(intent, span.text), span.start_s, seen.cycles, seen.judged, options)


def _plain_row(workout: Workout, span: Span, segment: Segment | None, intent: Intent, options: RewriteOptions) -> Row:
    return {
        "split": workout.split,
        "video": workout.video,
        "participant": workout.participant,
        "span": span.index,
        "segment": segment.index if segment else None,
        "exercise": segment.exercise_id if segment else None,
        "start_s": span.start_s,
        "end_s": span.end_s,
        "stamp_unix": span.stamp_unix,
        "original": span.text,
        "text": span.text,
        "status": KEPT,
        "reason": "",
        "intent": "transition" if span.is_transition else intent.label,
        "intent_method": intent.method,
        "body_parts": list(intent.body_parts),
        "directions": list(intent.directions),
        "cycle": None,
        "key_s": None,
        "rules": [],
        "violation_ids": [],
        "numbers": "[]",
        "agreement": None,
        "part_agrees": None,
        "contradicts": None,
        "policy": options.policy,
    }


def _decided(
    span: Span, workout: Workout, choice: Choice, intent: Intent, options: RewriteOptions, variant: int
) -> Row:
    """The columns that a choice fills."""
    if not choice.cues:
        return {"status": UNSUPPORTED, "reason": choice.reason}
    seed = f"{options.seed}/{workout.key}/{span.index}"
    phrases: list[Phrase] = [
        phrase(cue, seed, rationale=options.rationale and number == 0, variant=variant if number == 0 else variant + 1)
        for number, cue in enumerate(choice.cues)
    ]
    first = choice.cues[0][0]
    found = match(wish(intent, span.text), first.parts, first.directions, first.side, first.says)
    findings = [finding for cue in choice.cues for finding in cue]
    numbers = [[n.digits, n.violation_id, n.field] for said in phrases for n in said.numbers]
    return {
        "text": " ".join(said.text for said in phrases),
        "status": REWRITTEN,
        "cycle": choice.cycle,
        "key_s": first.key_s,
        "rules": list(dict.fromkeys(f.rule for f in findings)),
        "violation_ids": [f.violation_id for f in findings],
        "numbers": json.dumps(numbers, ensure_ascii=False),
        "agreement": found.score,
        "part_agrees": found.part,
        "contradicts": found.contradicts,
    }


def _keep_apart(
    workout: Workout, rows: list[Row], choices: Mapping[int, Choice], intent_of: IntentOf, options: RewriteOptions
) -> None:
    """Give spans that touch different texts: equal ones would melt into one in the benchmark's reader."""
    for index in range(1, len(rows)):
        before, span = workout.spans[index - 1], workout.spans[index]
        variant = 0
        while span.start_frame <= before.end_frame + 1 and rows[index]["text"] == rows[index - 1]["text"]:
            variant += 1
            which = index if rows[index]["status"] == REWRITTEN else index - 1
            other = workout.spans[which]
            rows[which].update(_decided(other, workout, choices[other.index], intent_of(other), options, variant))
