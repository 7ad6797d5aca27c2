"""Repetitions and violations against simulated truth: matching, counts and timing. Rows in, counts out."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qevd_bio.tables.by_video import InSegment, SegmentKey, VideoKey, by_segment
from qevd_bio.tables.motion import CycleRow
from qevd_bio.tables.truth import TrueJudgement, TrueRepetition
from qevd_bio.tables.verdicts import ERROR, NOT_JUDGED, Verdict

RuleKey = tuple[str, str]
"""Rule and side."""

NEAR_TWO_SIDED, NEAR_ONE_SIDED = 0.25, 0.4
"""A found extreme belongs to a true one if it is nearer than this share of the repetition."""
HOLD_OVERLAP = 0.5
"""A found hold belongs to a true one if they share this much of their union."""


@dataclass
class Counts:
    """Hits, false alarms and misses."""

    hits: int = 0
    false: int = 0
    missed: int = 0

    @property
    def precision(self) -> float | None:
        """Share of what was found that is true; None where nothing was found."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else None

    @property
    def recall(self) -> float | None:
        """Share of what is true that was found; None where nothing is true."""
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where there is neither truth nor finding."""
        total = 2 * self.hits + self.false + self.missed
        return 2 * self.hits / total if total else None

    def add(self, other: Counts) -> None:
        """Add another count to this one."""
        self.hits += other.hits
        self.false += other.false
        self.missed += other.missed


@dataclass
class Repetitions:
    """Counts in all and by exercise; seconds by which found extremes are late (of the hits)."""

    total: Counts = field(default_factory=Counts)
    by_exercise: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    late_s: list[float] = field(default_factory=list)
    wrong: list[tuple[str, str, int, str]] = field(default_factory=list)


@dataclass
class Violations:
    """Counts of form errors: in all, by exercise, joint, rule and size; why mistakes were missed."""

    total: Counts = field(default_factory=Counts)
    on_purpose: Counts = field(default_factory=Counts)
    by_exercise: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    by_joint: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    by_rule: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    by_size: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    missed_because: Counter[str] = field(default_factory=Counter)
    borderline: int = 0


def compare_repetitions(
    truth: Sequence[TrueRepetition], cycles: Sequence[CycleRow], videos: set[VideoKey]
) -> Repetitions:
    """Match found cycles with true repetitions, limb by limb where both sides take turns; only in `videos`."""
    result = Repetitions()
    true, found = by_segment(truth), by_segment(cycles)
    for key in sorted(set(true) | set(found)):
        if key[:2] not in videos:
            continue
        own = true.get(key, [])
        exercise = (own or found[key])[0].exercise
        counts, late = _match_segment(own, found.get(key, []))
        result.total.add(counts)
        result.by_exercise[exercise].add(counts)
        result.late_s.extend(late)
        if counts.false or counts.missed:
            result.wrong.append((*key, f"{exercise}: {counts.false} too many, {counts.missed} missed"))
    return result


def _match_segment(true: Sequence[TrueRepetition], found: Sequence[CycleRow]) -> tuple[Counts, list[float]]:
    if true and true[0].hold:
        return _match_holds(true, found)
    wanted = [moment for row in true for moment in _true_moments(row)]
    seen = [moment for row in found for moment in _found_moments(row)]
    if not any(side for _, side, _ in wanted):
        seen = [(row.key_s, "") for row in found]
    pairs = sorted(
        (abs(time - at), i, j)
        for i, (at, side, near) in enumerate(wanted)
        for j, (time, found_side) in enumerate(seen)
        if side == found_side and abs(time - at) <= near
    )
    taken_i: set[int] = set()
    taken_j: set[int] = set()
    late = []
    for _, i, j in pairs:
        if i not in taken_i and j not in taken_j:
            taken_i.add(i)
            taken_j.add(j)
            late.append(seen[j][0] - wanted[i][0])
    hits = len(late)
    return Counts(hits, len(seen) - hits, len(wanted) - hits), late


def _true_moments(row: TrueRepetition) -> list[tuple[float, str, float]]:
    """(time, side, how near a found one must be) of the extremes that a repetition consists of."""
    length = row.end_s - row.start_s
    if math.isnan(row.other_key_s):
        return [(row.key_s, "", NEAR_ONE_SIDED * length)]
    near = NEAR_TWO_SIDED * length
    return [(row.key_s, "r", near), (row.other_key_s, "l", near)]


def _found_moments(row: CycleRow) -> list[tuple[float, str]]:
    side = row.side or ""
    moments = [(row.key_s, side)]
    if not math.isnan(row.other_key_s):
        moments.append((row.other_key_s, {"r": "l", "l": "r"}.get(side, "")))
    return moments


def _match_holds(true: Sequence[TrueRepetition], found: Sequence[CycleRow]) -> tuple[Counts, list[float]]:
    hits = 0
    left = list(found)
    late = []
    for row in true:
        best = max(left, key=lambda other: _union_share(row, other), default=None)
        if best is not None and _union_share(row, best) >= HOLD_OVERLAP:
            left.remove(best)
            hits += 1
            late.append(best.start_s - row.start_s)
    return Counts(hits, len(found) - hits, len(true) - hits), late


def _overlap(a: TrueRepetition, b: CycleRow) -> float:
    return float(max(min(a.end_s, b.end_s) - max(a.start_s, b.start_s), 0.0))


def _union_share(a: TrueRepetition, b: CycleRow) -> float:
    union = max(a.end_s, b.end_s) - min(a.start_s, b.start_s)
    return float(_overlap(a, b) / union) if union > 0 else 0.0


def compare_violations(
    truth: Sequence[TrueRepetition], judgements: Sequence[TrueJudgement], cycles: Sequence[CycleRow],
    verdicts: Sequence[Verdict], videos: set[VideoKey],
) -> Violations:  # fmt: skip
    """Form errors found on the cycles against those clearly shown by the true repetitions that they overlap most.

    Borderline ones count neither as right nor as wrong. A mistake whose repetition was not found is missed; a
    violation found where there was no repetition is a false alarm.
    """
    result = Violations()
    partner = _partners(truth, cycles)
    said: dict[tuple[SegmentKey, int], dict[RuleKey, Verdict]] = defaultdict(dict)
    for row in verdicts:
        if row.kind == ERROR:
            said[_key(row), row.cycle][row.rule, row.side] = row
    known: dict[tuple[SegmentKey, int], dict[RuleKey, TrueJudgement]] = defaultdict(dict)
    for true in judgements:
        if true.rule.startswith("error:"):
            known[_key(true), true.repetition][true.rule, true.side] = true
    for (key, repetition), rules in known.items():
        if key[:2] in videos:
            cycle = partner.get((key, repetition))
            _mistakes(result, rules, said.get((key, cycle)) if cycle is not None else None)
    matched = {(key, cycle): (key, repetition) for (key, repetition), cycle in partner.items()}
    for place, rows in said.items():
        if place[0][:2] in videos:
            _alarms(result, rows, known.get(matched[place]) if place in matched else None)
    return result


def _key(row: InSegment) -> SegmentKey:
    return row.split, row.video, row.segment


def _partners(truth: Sequence[TrueRepetition], cycles: Sequence[CycleRow]) -> dict[tuple[SegmentKey, int], int]:
    """(segment, repetition) -> number of the cycle that overlaps it most, if by half of the shorter one."""
    found = by_segment(cycles)
    partner: dict[tuple[SegmentKey, int], int] = {}
    for row in truth:
        others = found.get(_key(row), [])
        best = max(others, key=lambda other: _overlap(row, other), default=None)
        if best is None:
            continue
        shorter = min(row.end_s - row.start_s, best.end_s - best.start_s)
        if _overlap(row, best) >= 0.5 * shorter > 0:
            partner[_key(row), row.repetition] = best.cycle
    return partner


def _mistakes(
    result: Violations, rules: Mapping[RuleKey, TrueJudgement], said: Mapping[RuleKey, Verdict] | None
) -> None:
    """Hits and misses of one repetition's mistakes."""
    for name, row in rules.items():
        if row.verdict == "borderline":
            result.borderline += 1
        if row.verdict != "mistake":
            continue
        answer = said.get(name) if said is not None else None
        hit = answer is not None and answer.violated
        counts = Counts(hits=1) if hit else Counts(missed=1)
        for target in _targets(result, row):
            target.add(counts)
        result.by_size[_size(row)].add(counts)
        if row.on_purpose:
            result.on_purpose.add(counts)
        if not hit:
            result.missed_because[_why(said, answer)] += 1


def _why(said: Mapping[RuleKey, Verdict] | None, answer: Verdict | None) -> str:
    if said is None:
        return "repetition_not_found"
    if answer is None:
        return "other_side_or_key"
    return answer.reason or "not_judged" if answer.verdict == NOT_JUDGED else "measured_within_bounds"


def _alarms(result: Violations, said: Mapping[RuleKey, Verdict], rules: Mapping[RuleKey, TrueJudgement] | None) -> None:
    """False alarms of one cycle."""
    for name, row in said.items():
        if not row.violated:
            continue
        truth = rules.get(name) if rules is not None else None
        if truth is None or truth.verdict == "fine":
            for target in _targets(result, row):
                target.add(Counts(false=1))


def _targets(result: Violations, row: Verdict | TrueJudgement) -> tuple[Counts, ...]:
    joint = row.joint.removesuffix("_r").removesuffix("_l")
    rule = f"{row.exercise}/{row.rule.removeprefix('error:')}"
    return result.total, result.by_exercise[row.exercise], result.by_joint[joint], result.by_rule[rule]


def _size(row: TrueJudgement) -> str:
    """How far beyond the threshold, in words that read in order."""
    if row.unit != "deg":
        return f"other ({row.unit})"
    size = abs(row.beyond)
    return "up to 10°" if size < 10 else "10 to 20°" if size < 20 else "above 20°"
