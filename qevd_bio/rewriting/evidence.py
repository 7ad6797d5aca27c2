"""Motion tables as the rewriting reads them: repetitions and judged rules of one video."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.verdicts import PASS, VIOLATION
from qevd_bio.rewriting.choose import Cycle, Rule
from qevd_bio.rewriting.finding import Finding
from qevd_bio.rewriting.rules import Words, words_of

# A value taken within this share of the cycle from a key frame is said to be taken there.
_NEAR_KEY = 0.15


@dataclass(frozen=True)
class SegmentMotion:
    """Repetitions of one exercise of one video, with what was judged in them; times from the video's start."""

    cycles: tuple[Cycle, ...] = ()
    findings: tuple[Finding, ...] = ()
    rules: tuple[Rule, ...] = ()


@dataclass
class VideoMotion:
    """Motion of one video by segment number."""

    segments: dict[int, SegmentMotion] = field(default_factory=dict)

    def segment(self, number: int) -> SegmentMotion:
        return self.segments.get(number, SegmentMotion())


def video_motion(
    cycles: Sequence[Mapping[str, Any]], verdicts: Sequence[Mapping[str, Any]], exercises: Mapping[str, Exercise]
) -> VideoMotion:
    """Group the rows of one video; rows of an exercise that is not in the catalogue are left out."""
    found = VideoMotion()
    numbers = sorted({int(row["segment"]) for row in cycles})
    for number in numbers:
        own = [row for row in cycles if row["segment"] == number]
        judged = [row for row in verdicts if row["segment"] == number and row["exercise"] in exercises]
        moments = {row["cycle"]: json.loads(row["keys"]) for row in own}
        spoken = [(row, _words(row, exercises)) for row in judged]
        found.segments[number] = SegmentMotion(
            cycles=tuple(Cycle(int(r["cycle"]), float(r["start_s"]), float(r["end_s"])) for r in own),
            findings=tuple(
                _finding(row, words, _phase(row, moments.get(row["cycle"], {}), exercises[row["exercise"]]))
                for row, words in spoken
                if row["verdict"] in (VIOLATION, PASS)
            ),
            rules=tuple(
                Rule(int(row["cycle"]), str(row["verdict"]), words.parts, words.directions, str(row["side"] or ""))
                for row, words in spoken
            ),
        )
    return found


class Shown(NamedTuple):
    """The columns of a judged rule from which the numbers of a sentence are derived."""

    value: float
    goal: float
    unit: str
    statistic: str


def number_fields(row: Mapping[str, Any]) -> Shown:
    """The same four facts of a row that `Finding` holds, without anything else."""
    return Shown(float(row["value"]), float(row["goal"]), str(row["unit"]), str(row["stat"]))


def _words(row: Mapping[str, Any], exercises: Mapping[str, Exercise]) -> Words:
    value, goal = row["value"], row["goal"]
    more = value is not None and goal is not None and goal > value
    return words_of(exercises[row["exercise"]], row["rule"], row["joint"] or "", row["quantity"], more)


def _phase(row: Mapping[str, Any], moments: Mapping[str, float], exercise: Exercise) -> str:
    """Where in the repetition the value was taken: the rule's key frame, or the one it lies at."""
    if row["key"] or row["stat"] not in ("max", "min") or row["at_s"] is None:
        return str(row["key"])
    phrases = {key.name: key.phrase for key in exercise.keys}
    named = {t: phrases.get(name, phrases.get(name[:-2], "")) for name, t in moments.items()}
    near = [t for t in named if abs(t - row["at_s"]) <= _NEAR_KEY * (row["end_s"] - row["start_s"])]
    return named[min(near, key=lambda t: abs(t - row["at_s"]))] if near else ""


def _finding(row: Mapping[str, Any], words: Words, phase: str) -> Finding:
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
    )
