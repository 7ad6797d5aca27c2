"""Cycles of a segment as rows of their table."""

from __future__ import annotations

import json
import math
from collections import Counter

from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.judging.evaluate import JudgedCycle, Setup
from qevd_bio.motion.salient import JointsOverTime
from qevd_bio.motion.segment import SegmentResult
from qevd_bio.tables.motion import CycleRow
from qevd_bio.tables.verdicts import NOT_JUDGED, NOT_SURE, PASS, SPOKEN, faults_of


def units_of(judged: JudgedCycle, exercise: Exercise) -> float:
    """Repetitions as people count them: a half cycle of a movement that is counted side by side is one of two."""
    per_cycle = exercise.cycle.count.per_cycle
    return per_cycle * judged.cycle.halves / 2.0


def cycle_rows(result: SegmentResult, setup: Setup, joints: JointsOverTime) -> list[CycleRow]:
    """One row a cycle; `joints` are J* over time."""
    return [_row(judged, result, setup, joints) for judged in result.cycles]


def _row(judged: JudgedCycle, result: SegmentResult, setup: Setup, joints: JointsOverTime) -> CycleRow:
    place, cycle, likeness = setup.place, judged.cycle, judged.similarity
    counts = Counter(verdict.verdict for verdict in judged.verdicts)
    return CycleRow(
        split=place.split,
        video=place.video,
        segment=place.segment,
        exercise=place.exercise,
        cycle=judged.number,
        start_s=cycle.start_s,
        middle_s=cycle.middle_s,
        end_s=cycle.end_s,
        key_s=cycle.key_s,
        other_key_s=cycle.other_key_s,
        reported_s=judged.reported_s,
        side=cycle.side or judged.own,
        halves=cycle.halves,
        partial=cycle.partial,
        units=units_of(judged, setup.exercise),
        amplitude_deg=math.degrees(cycle.amplitude),
        signal=result.signal,
        keys=json.dumps(dict(judged.keys), sort_keys=True),
        score=likeness.score,
        cosine=likeness.cosine,
        pearson=likeness.pearson,
        velocity=likeness.velocity,
        amplitude=likeness.amplitude,
        best=judged.number == result.best,
        confidence=judged.confidence,
        salient=list(joints.at(judged.reported_s)),
        salient_source=joints.source,
        violations=len(faults_of(judged.verdicts)),
        measurements=len(
            {verdict.rule for verdict in judged.verdicts if verdict.violated and verdict.kind not in SPOKEN}
        ),
        not_sure=counts[NOT_SURE],
        passed=counts[PASS],
        not_judged=counts[NOT_JUDGED],
    )
