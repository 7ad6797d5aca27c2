"""A coach without a model: it speaks the gravest fault of each completed repetition, as the rules measured it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qevd_bio.dataset.workout import Segment
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import vocabulary

Row = Mapping[str, Any]

_SIDES = {"r": "right ", "l": "left ", "": ""}
_DIGITS = {"deg": 0, "s": 1, "ratio": 2, "fraction": 2}
_SIGNS = {"deg": "°", "s": " s", "ratio": "", "fraction": ""}


@dataclass(frozen=True)
class RulesOptions:
    """gap_s: at least so many seconds between two sentences; repeat_s: and between two about the same rule."""

    gap_s: float = 4.0
    repeat_s: float = 8.0


def speak(
    segments: Iterable[Segment], cycles: Sequence[Row], verdicts: Sequence[Row], options: RulesOptions | None = None
) -> list[dict[str, Any]]:
    """Predictions, one a segment, from the rows of `cycles` and `violations` (`qevd-bio analyze`).

    A sentence is said when a live coach would know of the repetition (`reported_s`). What is settled only by
    the end of the video is never said.
    """
    options = options or RulesOptions()
    known = {_key(row): row for row in cycles if row["reported_s"] is not None and math.isfinite(row["reported_s"])}
    faults: dict[tuple[Any, ...], list[Row]] = {}
    for row in verdicts:
        if is_fault(row) and _key(row) in known:
            faults.setdefault((row["split"], row["video"], row["segment"]), []).append(row)
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


def is_fault(row: Row) -> bool:
    """Whether a row of `violations` is a mistake that a coach would speak of."""
    return bool(row["verdict"] == "violation" and row["kind"] == "error")


def _key(row: Row) -> tuple[Any, ...]:
    return row["split"], row["video"], row["segment"], row["cycle"]


def _say(
    faults: Sequence[Row],
    known: Mapping[tuple[Any, ...], Row],
    segment: Segment,
    exercise: Exercise,
    options: RulesOptions,
) -> list[dict[str, Any]]:
    """The sentences of one segment in order of time."""
    by_cycle: dict[float, list[Row]] = {}
    for row in faults:
        by_cycle.setdefault(float(known[_key(row)]["reported_s"]), []).append(row)
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

    def hear(self, at: float, faults: Iterable[Row]) -> str:
        """What to say at `at` seconds about these rows of `violations`, "" for nothing. `at` never falls."""
        fresh = [row for row in faults if at - self._last_of.get(row["rule"], -math.inf) >= self._options.repeat_s]
        if at - self._last < self._options.gap_s or not fresh:
            return ""
        worst = max(fresh, key=lambda row: (row["alarm"] == "hard", row["severity"], row["rule"]))
        self._last = self._last_of[worst["rule"]] = at
        return sentence(worst, self._exercise)


def sentence(row: Row, exercise: Exercise) -> str:
    """What was measured, the target, and what to do: "Right knee flexion 78° at the bottom (target: 90°). Bend …"."""
    words = vocabulary().quantities[row["quantity"]]
    digits, sign = _DIGITS[row["unit"]], _SIGNS[row["unit"]]
    value, goal = float(row["value"]), float(row["goal"])
    negative = bool(words.negative_name) and value < 0 and goal <= 0
    name = words.negative_name if negative else words.name
    if negative:
        value, goal = -value, -goal
    moment = f" {row['key']}" if row["key"] else ""
    fix = next((e.fix for e in exercise.errors if f"error:{e.id}" == row["rule"]), words.increase)
    said = f"{_SIDES[row['side']]}{name} {value:.{digits}f}{sign}{moment} (target: {goal:.{digits}f}{sign}). "
    return f"{said[0].upper()}{said[1:]}{fix[0].upper()}{fix[1:]}."
