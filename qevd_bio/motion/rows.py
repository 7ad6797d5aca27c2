"""Results of a segment as rows of the declared tables."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.judging.evaluate import JudgedCycle, Setup
from qevd_bio.motion.judging.verdicts import NOT_JUDGED, PASS, VIOLATION, Verdict
from qevd_bio.motion.segment import SegmentResult

Row = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Which segment the rows belong to."""

    split: str
    video: str
    segment: int
    exercise: str

    def columns(self) -> Row:
        return {"split": self.split, "video": self.video, "segment": self.segment, "exercise": self.exercise}


def units_of(judged: JudgedCycle, exercise: Exercise) -> float:
    """Repetitions as people count them: a half cycle of a movement that is counted side by side is one of two."""
    per_cycle = exercise.cycle.count.per_cycle
    return per_cycle * judged.cycle.halves / 2.0


def cycle_rows(place: Place, result: SegmentResult, setup: Setup) -> list[Row]:
    """One row a cycle."""
    rows = []
    for judged in result.cycles:
        cycle, likeness = judged.cycle, judged.similarity
        counts = {v: sum(verdict.verdict == v for verdict in judged.verdicts) for v in (VIOLATION, PASS, NOT_JUDGED)}
        rows.append(
            {
                **place.columns(),
                "cycle": judged.number,
                "start_s": cycle.start_s,
                "middle_s": cycle.middle_s,
                "end_s": cycle.end_s,
                "key_s": cycle.key_s,
                "other_key_s": _known(cycle.other_key_s),
                "reported_s": _known(judged.reported_s),
                "side": cycle.side or judged.own,
                "halves": cycle.halves,
                "partial": cycle.partial,
                "units": units_of(judged, setup.exercise),
                "amplitude_deg": math.degrees(cycle.amplitude),
                "signal": result.signal,
                "keys": json.dumps(dict(judged.keys), sort_keys=True),
                "score": _known(likeness.score),
                "cosine": _known(likeness.cosine),
                "pearson": _known(likeness.pearson),
                "velocity": _known(likeness.velocity),
                "amplitude": _known(likeness.amplitude),
                "best": judged.number == result.best,
                "confidence": judged.confidence,
                "salient": list(setup.salient),
                "salient_source": setup.salient_source,
                "violations": counts[VIOLATION],
                "passed": counts[PASS],
                "not_judged": counts[NOT_JUDGED],
            }
        )
    return rows


def verdict_rows(place: Place, cycles: Sequence[JudgedCycle]) -> list[Row]:
    """One row a judged rule, cycle and side: violations, passes and what could not be judged."""
    return [_verdict_row(place, judged, verdict) for judged in cycles for verdict in judged.verdicts]


def _verdict_row(place: Place, judged: JudgedCycle, verdict: Verdict) -> Row:
    frames, times = judged.frames, judged.times
    has = len(frames) > 0
    name = f"{place.split}/{place.video}/{place.segment}/{judged.number}/{verdict.rule}"
    return {
        "id": f"{name}/{verdict.side}" if verdict.side else name,
        **place.columns(),
        "cycle": judged.number,
        "verdict": verdict.verdict,
        "reason": verdict.reason or None,
        "rule": verdict.rule,
        "kind": verdict.kind,
        "joint": verdict.joint,
        "quantity": verdict.quantity,
        "side": verdict.side,
        "limb": verdict.limb,
        "stat": verdict.stat,
        "key": verdict.key,
        "value": _known(verdict.value),
        "low": _known(verdict.low),
        "high": _known(verdict.high),
        "deviation": _known(verdict.deviation),
        "goal": _known(verdict.goal),
        "reference": _known(verdict.reference),
        "unit": verdict.unit,
        "tolerance": verdict.tolerance,
        "tolerance_widened": verdict.widened,
        "start_s": judged.cycle.start_s,
        "end_s": judged.cycle.end_s,
        "at_s": float(times[verdict.at]) if has else None,
        "at_frame": int(frames[verdict.at]) if has else None,
        "first_frame": int(frames[verdict.first]) if has else None,
        "last_frame": int(frames[verdict.last]) if has else None,
        "severity": verdict.severity,
        "persistence": verdict.persistence,
        "confidence": verdict.confidence,
        "alarm": verdict.alarm,
        "salient": verdict.salient,
        "source": verdict.source,
        "rule_confidence": verdict.rule_confidence,
    }


def context_columns(places: Sequence[tuple[Place, SegmentResult]]) -> Mapping[str, list[Any]]:
    """The contexts of a video's segments as columns."""
    rows = [(place, row) for place, result in places for row in result.contexts]
    return {
        "split": [place.split for place, _ in rows],
        "video": [place.video for place, _ in rows],
        "segment": [place.segment for place, _ in rows],
        "exercise": [place.exercise for place, _ in rows],
        "step": [row.step for _, row in rows],
        "time_s": [row.time_s for _, row in rows],
        "morph": [row.morph for _, row in rows],
        "motion": [row.motion for _, row in rows],
        "tokens": [row.tokens for _, row in rows],
        "cycle": [row.cycle for _, row in rows],
        "pose_known": [row.pose_known for _, row in rows],
    }


def _known(value: float) -> float | None:
    """None for what is not a finite number, as tables have it."""
    return value if math.isfinite(value) else None
