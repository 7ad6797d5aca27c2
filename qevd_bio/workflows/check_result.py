"""What to tell someone about a video: typed rows of the analysis in, a few findings out.

A form error is named as a fault only when it recurs or is grave: a single repetition seen by one camera proves little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from qevd_bio.exercise.explain import reason_of
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.wording import measured_name, say, sentence, with_unit
from qevd_bio.motion.options import ConstraintOptions
from qevd_bio.tables.motion import CycleRow, MotionSegment
from qevd_bio.tables.verdicts import ERROR, NOT_JUDGED, PASS, TARGET, VIOLATION, Verdict

Outcome = Literal["broken", "unsure", "kept", "unseen"]

RECUR_SHARE = 1 / 3
RECUR_LEAST = 2
GRAVE = ConstraintOptions().grave
"""Severity from which one repetition is enough to name a fault."""

_OUTCOMES: Mapping[str, Outcome] = {VIOLATION: "broken", PASS: "kept", NOT_JUDGED: "unseen"}
_STRONGEST: tuple[Outcome, ...] = ("broken", "unsure", "kept")
_NOT_OBSERVED = "not_observed"
_TIMES_SHOWN = 4
_FEW_POSES = 0.5


@dataclass(frozen=True)
class CheckFinding:
    """One form error of a segment; right and left of a repetition count once.

    what   where and in what it shows: "knee flexion at the bottom"
    much   a typical repetition's value beside its goal: "72°, target 90°"
    do     what to do;  why: the rule's reason, or why its quantity matters
    times_s  when it was measured, seconds from the video's first frame, one for each of `repetitions`
    judged   repetitions in which the rule could be judged;  severity: the gravest, 0..1
    rule_confidence  how well the rule's bound is founded: high, medium or low
    soft     whether the exercise's file says that a coach should not raise it unasked; grave or not, it must recur
    pairs    whether `repetitions` and `judged` count cycles of a right and a left one
    """

    rule: str
    what: str
    much: str
    do: str
    why: str
    repetitions: int
    judged: int
    times_s: tuple[float, ...]
    severity: float
    rule_confidence: str
    soft: bool = False
    pairs: bool = False

    @property
    def text(self) -> str:
        """The finding in sentences; the reason is the last."""
        seen = f"in {self.repetitions} of {self.judged}{' pairs' * self.pairs}, at {_clock_times(self.times_s)}"
        parts = (f"{self.what} {self.much} ({seen})", self.do, self.why)
        return " ".join(sentence(part) for part in parts if part)


@dataclass(frozen=True)
class CheckResult:
    """What was found in one segment of one video.

    status       "ok", or why nothing could be said (`detail` in words)
    counted      repetitions as people count them;  unit: their name in the right number
    seconds      of a typical one; None where there is none
    to_fix       faults that recur or are grave, the gravest first;  seldom: those that do neither
    fine         quantities that were kept;  not_sure: those whose values lie too near a bound
    not_seen     quantities that cannot be judged in this view;  not_judged: those that lack a whole repetition
    pose_share   share of frames with a pose of their own, None where not known
    """

    split: str
    video: str
    segment: int
    exercise: str
    status: str
    detail: str = ""
    counted: float = 0.0
    unit: str = "repetitions"
    seconds: float | None = None
    to_fix: tuple[CheckFinding, ...] = ()
    seldom: tuple[CheckFinding, ...] = ()
    fine: tuple[str, ...] = ()
    not_sure: tuple[str, ...] = ()
    not_seen: tuple[str, ...] = ()
    not_judged: tuple[str, ...] = ()
    pose_share: float | None = None

    @property
    def headline(self) -> str:
        """ "8 squats, 1.6 s each.", or why there are none."""
        if self.status != "ok":
            return sentence(self.detail or self.status)
        if self.seconds is None:
            return f"No {self.unit} found."
        each = " each" if self.counted > 1 else ""
        return f"{self.counted:g} {self.unit}, {with_unit(self.seconds, 's')}{each}."

    @property
    def short(self) -> str:
        """Headline and what to fix, in one paragraph."""
        return " ".join([self.headline, *(["To fix:"] if self.to_fix else []), *(found.text for found in self.to_fix)])

    def lines(self) -> list[str]:
        """The answer as lines of text, the headline first."""
        lines = [self.headline]
        if self.status != "ok" or self.seconds is None:
            return lines
        lines.append("To fix:" if self.to_fix else "To fix: nothing that recurs or is grave.")
        lines += [f"  - {finding.text}" for finding in self.to_fix]
        seldom = [f"{f.what} {f.much} (at {_clock_times(f.times_s)})" for f in self.seldom]
        for title, names in (
            ("Seldom, so perhaps chance", seldom),
            ("Fine", self.fine),
            ("Not sure", self.not_sure),
            ("Not judgeable from this view", self.not_seen),
            ("Not judged, for want of a whole repetition", self.not_judged),
        ):
            if names:
                lines.append(f"{title}: {', '.join(names)}.")
        if self.pose_share is not None and self.pose_share < _FEW_POSES:
            lines.append(f"Only {self.pose_share:.0%} of the frames show a pose: take this with care.")
        return lines


def summarise(
    segment: MotionSegment, cycles: Sequence[CycleRow], verdicts: Sequence[Verdict], exercise: Exercise | None
) -> CheckResult:
    """The answer about one segment. `cycles` and `verdicts` are those of this segment; `exercise` is its rules.

    Form errors are told; an exercise that has none is told by its targets.
    """
    place = (segment.split, segment.video, segment.segment, segment.exercise or "")
    share = None if math.isnan(segment.pose_share) else segment.pose_share
    if exercise is None or segment.status not in ("ok", "no_cycle"):
        return CheckResult(*place, segment.status, segment.detail or "", pose_share=share)
    count = exercise.cycle.count
    if not cycles:
        return CheckResult(*place, "ok", unit=count.plural, pose_share=share)
    counted = float(sum(row.units for row in cycles))
    rules = _told(verdicts)
    groups: dict[Outcome, list[list[Verdict]]] = {"broken": [], "unsure": [], "kept": [], "unseen": []}
    for own in rules.values():
        groups[_standing(own)].append(own)
    findings = [_finding(own, exercise) for own in groups["broken"]]
    findings.sort(key=lambda found: (-found.severity * found.repetitions / found.judged, found.rule))
    to_fix = tuple(found for found in findings if _is_named(found))
    names = {kind: _names(groups[kind]) for kind in groups}
    spoken = set(names["broken"])
    unsure = tuple(name for name in names["unsure"] if name not in spoken)
    fine = tuple(name for name in names["kept"] if name not in (*spoken, *unsure))
    hidden = [own for own in groups["unseen"] if any(v.reason == _NOT_OBSERVED for v in own)]
    known = (*spoken, *fine, *unsure)
    not_seen = tuple(name for name in _names(hidden) if name not in known)
    return CheckResult(
        *place,
        "ok",
        counted=counted,
        unit=count.unit if counted == 1 else count.plural,
        seconds=_seconds_each(cycles),
        to_fix=to_fix,
        seldom=tuple(found for found in findings if found not in to_fix),
        fine=fine,
        not_sure=unsure,
        not_seen=not_seen,
        not_judged=tuple(name for name in names["unseen"] if name not in (*known, *not_seen)),
        pose_share=share,
    )


def outcome_of(verdict: Verdict) -> Outcome:
    """What a verdict says; one that is neither a violation nor a pass, and was measured, is `unsure`."""
    return _OUTCOMES.get(verdict.verdict, "unsure")


def _told(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    """Verdicts by rule, of the rules that are told, in the order of the exercise's file."""
    spoken = [v for v in verdicts if v.kind == ERROR]
    found: dict[str, list[Verdict]] = {}
    for verdict in spoken or [v for v in verdicts if v.kind == TARGET]:
        found.setdefault(verdict.rule, []).append(verdict)
    return found


def _by_cycle(verdicts: Sequence[Verdict]) -> dict[int, list[Verdict]]:
    found: dict[int, list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault(verdict.cycle, []).append(verdict)
    return found


def _strongest(verdicts: Sequence[Verdict]) -> Outcome:
    """What the sides of one repetition, or a rule's repetitions, come to."""
    seen = {outcome_of(verdict) for verdict in verdicts}
    return next((outcome for outcome in _STRONGEST if outcome in seen), "unseen")


def _standing(verdicts: Sequence[Verdict]) -> Outcome:
    """What a rule's repetitions come to: broken at all, else what most of the judged ones say."""
    outcomes = [_strongest(sides) for sides in _by_cycle(verdicts).values()]
    if "broken" in outcomes:
        return "broken"
    kept, unsure = outcomes.count("kept"), outcomes.count("unsure")
    if not kept and not unsure:
        return "unseen"
    return "kept" if kept > unsure else "unsure"


def _is_named(finding: CheckFinding) -> bool:
    recurs = finding.repetitions >= max(RECUR_LEAST, RECUR_SHARE * finding.judged)
    return recurs or (finding.severity >= GRAVE and not finding.soft)


def _finding(verdicts: Sequence[Verdict], exercise: Exercise) -> CheckFinding:
    """One rule that was broken, in words; the numbers are those of a repetition of middling severity."""
    cycles = _by_cycle(verdicts)
    broken = {number: [v for v in sides if outcome_of(v) == "broken"] for number, sides in cycles.items()}
    worst = [max(sides, key=lambda v: v.severity) for sides in broken.values() if sides]
    typical = sorted(worst, key=lambda v: v.severity)[(len(worst) - 1) // 2]
    both = sum(len(sides) > 1 for sides in broken.values()) * 2 > len(worst)
    said = say(typical, both_sides=both)
    error = next((e for e in exercise.errors if f"error:{e.id}" == typical.rule), None)
    moment = f" {typical.key}" if typical.key else ""
    return CheckFinding(
        rule=typical.rule,
        what=f"{said.subject}{moment}",
        much=f"{said.value}, target {said.goal}",
        do=error.fix if error is not None else f"{said.action} by {said.change}",
        why=(error.rationale if error is not None else "") or reason_of(typical),
        repetitions=len(worst),
        judged=sum(_strongest(sides) != "unseen" for sides in cycles.values()),
        times_s=tuple(round(v.start_s if math.isnan(v.at_s) else v.at_s, 3) for v in worst),
        severity=round(max(v.severity for v in worst), 3),
        rule_confidence=typical.rule_confidence,
        soft=error.alarm == "soft" if error is not None else typical.alarm == "soft",
        pairs=exercise.cycle.count.per_cycle > 1,
    )


def _names(rules: Sequence[Sequence[Verdict]]) -> tuple[str, ...]:
    """Names of what the rules measure, each once."""
    return tuple(dict.fromkeys(measured_name(own[0]) for own in rules))


def _seconds_each(cycles: Sequence[CycleRow]) -> float | None:
    """Seconds of a typical repetition; a cycle that counts twice lasts two of them."""
    whole = [row for row in cycles if not row.partial] or list(cycles)
    each = [(row.end_s - row.start_s) / row.units for row in whole if row.units > 0]
    return round(median(each), 3) if each else None


def _clock_times(times_s: Sequence[float]) -> str:
    """ "0:04, 0:09 …": minutes and seconds of the first few."""
    shown = ", ".join(f"{int(t) // 60}:{int(t) % 60:02d}" for t in times_s[:_TIMES_SHOWN])
    return f"{shown} …" if len(times_s) > _TIMES_SHOWN else shown


def heading(result: CheckResult, several: bool) -> str:
    """Which video and segment an answer is about; "" for the only one."""
    name = result.video if not result.segment else f"{result.video}, exercise {result.segment + 1}"
    return name if several else ""
