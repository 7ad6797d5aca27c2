"""Motion tables as the rewriting reads them: repetitions and judged rules of one video."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.judging.verdicts import PASS, VIOLATION
from qevd_bio.rewriting.choose import Cycle, Judged, Rule
from qevd_bio.rewriting.finding import Finding
from qevd_bio.rewriting.rules import Words, words_of

Row: TypeAlias = Mapping[str, Any]

# A value taken within this share of the cycle from a key frame is said to be taken there.
_NEAR_KEY = 0.15


class SegmentMotion:
    """Repetitions of one exercise of one video, and what was judged in them; times from the video's start."""

    def __init__(
        self, cycles: Sequence[Row] = (), verdicts: Sequence[Row] = (), exercise: Exercise | None = None
    ) -> None:
        self.cycles = tuple(Cycle(int(r["cycle"]), float(r["start_s"]), float(r["end_s"])) for r in cycles)
        self._moments = {int(row["cycle"]): str(row["keys"]) for row in cycles}
        self._rows: dict[int, list[Row]] = {}
        for row in verdicts:
            self._rows.setdefault(int(row["cycle"]), []).append(row)
        self._exercise = exercise
        self._judged: dict[int, Judged] = {}

    def judged(self, cycle: int) -> Judged:
        """Findings and rules of one repetition; made when first asked for, since most are never asked for."""
        if cycle not in self._judged:
            findings, rules = [], []
            moments = json.loads(self._moments.get(cycle, "{}"))
            exercise = self._exercise
            for row in self._rows.get(cycle, ()):
                if exercise is None:
                    continue
                words = _words(row, exercise)
                side, kind = str(row["side"] or ""), str(row["kind"])
                rules.append(Rule(cycle, str(row["verdict"]), words.parts, words.directions, side, kind, words.says))
                if row["verdict"] in (VIOLATION, PASS):
                    findings.append(_finding(row, words, _phase(row, moments, exercise)))
            self._judged[cycle] = Judged(tuple(findings), tuple(rules))
        return self._judged[cycle]


def video_motion(
    cycles: Sequence[Row], verdicts: Sequence[Row], exercises: Mapping[str, Exercise]
) -> dict[int, SegmentMotion]:
    """Motion of one video by segment number; an exercise that is not in the catalogue has repetitions but no rules."""
    found = {}
    by_segment: dict[int, list[Row]] = {}
    for row in verdicts:
        by_segment.setdefault(int(row["segment"]), []).append(row)
    for number in sorted({int(row["segment"]) for row in cycles}):
        own = [row for row in cycles if row["segment"] == number]
        found[number] = SegmentMotion(own, by_segment.get(number, ()), exercises.get(str(own[0]["exercise"])))
    return found


class Shown(NamedTuple):
    """The columns of a judged rule from which the numbers of a sentence are derived."""

    value: float
    goal: float
    unit: str
    statistic: str


def number_fields(row: Row) -> Shown:
    """The same four facts of a row that `Finding` holds, without anything else."""
    return Shown(float(row["value"]), float(row["goal"]), str(row["unit"]), str(row["stat"]))


def _words(row: Row, exercise: Exercise) -> Words:
    value, goal = row["value"], row["goal"]
    more = value is not None and goal is not None and goal > value
    return words_of(exercise, row["rule"], row["joint"] or "", row["quantity"], more)


def _phase(row: Row, moments: Mapping[str, float], exercise: Exercise) -> str:
    """Where in the repetition the value was taken: the rule's key frame, or the one it lies at."""
    if row["key"] or row["stat"] not in ("max", "min") or row["at_s"] is None:
        return str(row["key"])
    phrases = {key.name: key.phrase for key in exercise.keys}
    named = {t: phrases.get(name, phrases.get(name[:-2], "")) for name, t in moments.items()}
    near = [t for t in named if abs(t - row["at_s"]) <= _NEAR_KEY * (row["end_s"] - row["start_s"])]
    return named[min(near, key=lambda t: abs(t - row["at_s"]))] if near else ""


def _finding(row: Row, words: Words, phase: str) -> Finding:
    return Finding(
        violation_id=str(row["id"]),
        verdict=str(row["verdict"]),
        kind=str(row["kind"]),
        rule=str(row["rule"]),
        cycle=int(row["cycle"]),
        start_s=float(row["start_s"]),
        end_s=float(row["end_s"]),
        key_s=float(row["at_s"]),
        quantity=str(row["quantity"]),
        side=str(row["side"] or ""),
        limb=str(row["limb"] or ""),
        statistic=str(row["stat"]),
        value=float(row["value"]),
        goal=float(row["goal"]),
        unit=row["unit"],
        phase=phase,
        joints=(row["joint"],) if row["kind"] == "static" else words.joints,
        parts=words.parts,
        directions=words.directions,
        severity=float(row["severity"]),
        persistence=int(row["persistence"]),
        alarm=str(row["alarm"]),
        salient=bool(row["salient"]),
        fix=words.fix,
        rationale=words.rationale,
        says=words.says,
    )
