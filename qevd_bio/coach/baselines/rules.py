"""A coach without a model: it speaks the gravest fault of each completed repetition, as the rules measured it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qevd_bio.dataset.workout import Segment
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.wording import capital, say, sentence
from qevd_bio.tables.by_video import by_segment
from qevd_bio.tables.motion import CycleRow
from qevd_bio.tables.verdicts import Verdict

CycleKey = tuple[str, str, int, int]
"""Split, video, segment, number of the cycle."""


@dataclass(frozen=True)
class RulesOptions:
    """gap_s: at least so many seconds between two sentences; repeat_s: and between two about the same rule."""

    gap_s: float = 4.0
    repeat_s: float = 8.0


def speak(
    segments: Iterable[Segment],
    cycles: Sequence[CycleRow],
    verdicts: Sequence[Verdict],
    options: RulesOptions | None = None,
) -> list[dict[str, Any]]:
    """Predictions, one a segment, from cycles and verdicts (`qevd-bio analyze`).

    A sentence is said when a live coach would know of the repetition (`reported_s`). What is settled only by
    the end of the video is never said.
    """
    options = options or RulesOptions()
    known = {_key(row): row.reported_s for row in cycles if math.isfinite(row.reported_s)}
    faults = by_segment(verdict for verdict in verdicts if verdict.is_fault and _key(verdict) in known)
    catalogue = load()
    predictions = []
    for segment in segments:
        own = faults.get((segment.split, segment.video, segment.index), [])
        exercise = catalogue.get(segment.exercise_id or "")
        said = _say(own, known, segment, exercise, options) if exercise else []
        predictions.append(
            {
                "video": segment.video,
                "segment": segment.index,
                "exercise": segment.exercise_official,
                "timing": "corrected",
                "feedbacks": said,
            }
        )
    return predictions


def _key(row: CycleRow | Verdict) -> CycleKey:
    return row.split, row.video, row.segment, row.cycle


def _say(
    faults: Sequence[Verdict],
    known: Mapping[CycleKey, float],
    segment: Segment,
    exercise: Exercise,
    options: RulesOptions,
) -> list[dict[str, Any]]:
    """The sentences of one segment in order of time."""
    by_cycle: dict[float, list[Verdict]] = {}
    for fault in faults:
        by_cycle.setdefault(known[_key(fault)], []).append(fault)
    coach = RulesCoach(exercise, options)
    said: list[dict[str, Any]] = []
    for time in sorted(by_cycle):
        at = time - segment.start_s
        text = coach.hear(at, by_cycle[time]) if 0.0 <= at <= segment.duration_s else ""
        if text:
            said.append({"time": round(at, 3), "text": text})
    return said


class RulesCoach:
    """Told of the faults of each repetition, it says the gravest one that it has not just said."""

    def __init__(self, exercise: Exercise, options: RulesOptions | None = None) -> None:
        self._exercise, self._options = exercise, options or RulesOptions()
        self._last, self._last_of = -math.inf, dict[str, float]()

    def hear(self, at: float, faults: Iterable[Verdict]) -> str:
        """What to say at `at` seconds about these faults, "" for nothing. `at` never falls."""
        fresh = [fault for fault in faults if at - self._last_of.get(fault.rule, -math.inf) >= self._options.repeat_s]
        if at - self._last < self._options.gap_s or not fresh:
            return ""
        worst = max(fresh, key=lambda fault: (fault.alarm == "hard", fault.severity, fault.rule))
        self._last = self._last_of[worst.rule] = at
        return correction(worst, self._exercise)


def correction(fault: Verdict, exercise: Exercise) -> str:
    """What was measured, the target, and what to do: "Right knee flexion 78° at the bottom (target: 90°). Bend …"."""
    said = say(fault)
    moment = f" {fault.key}" if fault.key else ""
    fix = next((error.fix for error in exercise.errors if f"error:{error.id}" == fault.rule), said.action)
    return f"{capital(said.subject)} {said.value}{moment} (target: {said.goal}). {sentence(fix)}"
