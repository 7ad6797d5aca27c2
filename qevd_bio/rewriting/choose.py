"""Which measurements a feedback is about, and whether any supports it.

The trainer reacted to the repetition that had just ended, or to the running one where it had already failed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from qevd_bio.exercise.wording import speaks_negative
from qevd_bio.rewriting.agree import Match, Wish, match
from qevd_bio.rewriting.belief import on_faulty_side, support
from qevd_bio.rewriting.evidence import Finding
from qevd_bio.rewriting.options import RewriteOptions
from qevd_bio.tables.motion import CycleRow
from qevd_bio.tables.verdicts import NOT_SURE, PASS, SPOKEN, Verdict

# Reasons for which a corrective feedback keeps its words.
REASONS = {
    "no_segment": "the feedback lies outside every exercise whose name is known",
    "no_kinematics": "the video has no kinematics",
    "no_person": "no person was tracked around the feedback",
    "no_cycle": "no repetition was found shortly before the feedback",
    "no_rule": "the exercise has no rule for what the trainer names",
    "not_observed": "what the trainer names cannot be observed in this video",
    "within_bounds": "what the trainer names was measured within its bounds",
    "not_sure": "what the trainer names may be so, but the measurement is not sure enough",
    "contradicts": "the measurement says the opposite of the trainer",
}


@dataclass(frozen=True)
class Choice:
    """The cues to say (each one finding, or both sides of one rule), or the reason why there is none.

    closest  id of the judged rule that the trainer's words fit best, where no cue is said; "" for none
    """

    cues: tuple[tuple[Finding, ...], ...]
    reason: str = ""
    cycle: int | None = None
    closest: str = ""


def cycles_before(cycles: Sequence[CycleRow], time_s: float, max_age_s: float) -> list[CycleRow]:
    """Repetitions that the trainer may have reacted to, the likeliest first.

    The running one, or the next, of which only the rest before it has been seen; then the last ended.
    """
    running = [c for c in cycles if c.start_s < time_s < c.end_s]
    ended = [c for c in cycles if c.end_s <= time_s and time_s - c.end_s <= max_age_s]
    ahead = [] if running or not ended else [c for c in cycles if time_s <= c.start_s <= time_s + max_age_s]
    last = sorted(ended, key=lambda c: c.end_s)[-1:]
    return sorted(running, key=lambda c: c.start_s)[-1:] + sorted(ahead, key=lambda c: c.start_s)[:1] + last


def choose(
    asked: Wish,
    time_s: float,
    cycles: Sequence[CycleRow],
    judged: Callable[[int], Sequence[Finding]],
    options: RewriteOptions,
) -> Choice:
    """Pick at most `max_cues` cues that agree with the trainer's words, or say why none does.

    `judged` gives what was judged in a repetition, by its number.
    """
    recent = cycles_before(cycles, time_s, options.max_age_s)
    if not recent:
        return Choice((), "no_cycle")
    for cycle in recent:
        found = judged(cycle.cycle)
        if options.policy == "evidence":
            seen = _by_then(_borne_out(asked, found, cycle, cycles, judged, options), cycle, time_s)
        else:
            seen = _by_then([f for f in found if f.verdict.violated], cycle, time_s)
        if options.policy == "supported":
            seen = _but_denied(asked, seen, found)
        ranked = rank(asked, seen, options.policy)
        if ranked:
            return Choice(tuple(group_sides(ranked, options.max_cues)), cycle=cycle.cycle)
    rules = [f for cycle in recent for f in judged(cycle.cycle) if cycle.start_s < time_s or _of_the_rest(f, cycle)]
    why = _why(asked, rules)
    if options.policy == "paper" and why != "contradicts" and not options.paper_skip:
        last = recent[-1]
        passed = [f for f in judged(last.cycle) if f.verdict.verdict == PASS and f.verdict.salient]
        passed = [f for f in _by_then(passed, last, time_s) if not _score(asked, f).contradicts]
        best = sorted(
            passed, key=lambda f: (-_score(asked, f).score, -f.verdict.severity, f.verdict.rule, f.verdict.side)
        )
        if best:
            return Choice(tuple(group_sides(best, 1)), cycle=last.cycle)
    return Choice((), why, closest=_closest(asked, rules))


def _borne_out(
    asked: Wish,
    found: Sequence[Finding],
    cycle: CycleRow,
    cycles: Sequence[CycleRow],
    judged: Callable[[int], Sequence[Finding]],
    options: RewriteOptions,
) -> list[Finding]:
    """Form errors of which the trainer's words and the measurement together make a fault."""
    borne = []
    for finding in found:
        verdict = finding.verdict
        if verdict.kind not in SPOKEN or not math.isfinite(verdict.probability):
            continue
        if not _supports(asked, finding, _score(asked, finding)):
            continue
        # Vague words name no fault, so they are no evidence for this one.
        known = support(verdict, 0.5 if asked.vague else options.prior)
        if known.posterior < (0.9 if asked.vague else options.posterior):
            continue
        others = [f.verdict for c in cycles if c.cycle != cycle.cycle for f in judged(c.cycle)]
        good = [v.value for v in others if (v.rule, v.side, v.verdict) == (verdict.rule, verdict.side, PASS)]
        if on_faulty_side(verdict, good):
            borne.append(replace(finding, support=known))
    return borne


def _by_then(findings: Sequence[Finding], cycle: CycleRow, time_s: float) -> list[Finding]:
    """What had been measured when the trainer spoke; a rest is seen while it lasts."""
    return [f for f in findings if cycle.end_s <= time_s or f.verdict.at_s <= time_s or _of_the_rest(f, cycle)]


def _of_the_rest(finding: Finding, cycle: CycleRow) -> bool:
    """Whether it was measured between the repetition before and this one."""
    return finding.verdict.at_s < cycle.start_s


def _but_denied(asked: Wish, findings: Sequence[Finding], rules: Sequence[Finding]) -> list[Finding]:
    """Leave out plain targets where a form error says just what the trainer said and was measured within bounds.

    "Lift your knees higher" is about the height of the knees; where that was kept, a knee that bends too much is not
    what the trainer meant.
    """
    exact = [_score(asked, r) for r in rules if r.verdict.kind in SPOKEN and r.verdict.verdict == PASS]
    denied = any(found.part and found.direction for found in exact)
    return [f for f in findings if f.verdict.kind in SPOKEN or not denied]


def rank(asked: Wish, findings: Sequence[Finding], policy: str) -> list[Finding]:
    """Violations worth saying, best first: agreement with the trainer, then severity and persistence."""
    scored = [(finding, _score(asked, finding)) for finding in findings]
    if policy == "supported":
        scored = [(f, m) for f, m in scored if _supports(asked, f, m)]
    elif policy != "evidence":
        scored = [(f, m) for f, m in scored if f.verdict.salient and (f.verdict.alarm != "soft" or m.score > 0)]
        scored = [(f, m) for f, m in scored if not m.contradicts]
    ordered = sorted(scored, key=lambda p: (-p[1].score, -_weight(p[0].verdict), *_order(p[0].verdict)))
    return [replace(finding, agrees=found.score) for finding, found in ordered]


def group_sides(ranked: Sequence[Finding], most: int) -> list[tuple[Finding, ...]]:
    """Join the two sides of one rule; one cue a quantity, so that two cues do not say the same thing."""
    cues: list[tuple[Finding, ...]] = []
    for finding in ranked:
        home = next((i for i, cue in enumerate(cues) if cue[0].verdict.rule == finding.verdict.rule), None)
        if home is not None:
            if len(cues[home]) == 1 and _are_sides(cues[home][0].verdict, finding.verdict):
                cues[home] = tuple(sorted((cues[home][0], finding), key=lambda f: f.verdict.side, reverse=True))
        elif len(cues) < most and not any(cue[0].verdict.quantity == finding.verdict.quantity for cue in cues):
            cues.append((finding,))
    return cues


def _are_sides(one: Verdict, other: Verdict) -> bool:
    """Whether two verdicts of a rule can be said in one sentence: right and left, towards the same goal."""
    same_way = one.more == other.more
    alike = one.goal == other.goal and speaks_negative(one) == speaks_negative(other)
    return {one.side, other.side} == {"r", "l"} and not (one.limb or other.limb) and same_way and alike


def _weight(verdict: Verdict) -> float:
    return verdict.severity * (1.0 + 0.1 * min(verdict.persistence, 5))


def _order(verdict: Verdict) -> tuple[bool, str, str]:
    return verdict.kind not in SPOKEN, verdict.rule, verdict.side


def _score(asked: Wish, finding: Finding) -> Match:
    words = finding.words
    return match(asked, words.parts, words.directions, finding.verdict.side, words.says)


def _supports(asked: Wish, finding: Finding, found: Match) -> bool:
    if found.contradicts:
        return False
    if found.said:
        return True
    if asked.vague:
        return finding.verdict.salient and finding.verdict.alarm != "soft"
    if asked.wanted or asked.faulty:
        # "Lower your body more": a direction must be met, and the part named with it, if there is one.
        return found.direction and (found.part or not asked.parts)
    return found.part


def _closest(asked: Wish, rules: Sequence[Finding]) -> str:
    """Id of the form error that was measured and fits the words best; of equal ones the likeliest."""
    scored = [
        (_score(asked, r).score, r.verdict.probability, r.verdict.id)
        for r in rules
        if r.verdict.kind in SPOKEN and math.isfinite(r.verdict.probability)
    ]
    best = max(scored, default=(0.0, 0.0, ""))
    return best[2] if best[0] > 0.0 else ""


def _why(asked: Wish, rules: Sequence[Finding]) -> str:
    """Why no violation supports the words: the first of the reasons that holds for rules about what was named."""
    about = [(r.verdict, _score(asked, r)) for r in rules]
    named = [(r, m) for r, m in about if asked.vague or m.said or (m.part if asked.parts else m.direction)]
    if any(r.violated and m.contradicts for r, m in about):
        return "contradicts"
    close = [r for r, m in named if m.direction or asked.vague or not (asked.wanted or asked.faulty)] or [
        r for r, _ in named
    ]
    if not close:
        return "no_rule"
    if any(r.verdict == NOT_SURE for r in close):
        return "not_sure"
    return "within_bounds" if any(r.verdict == PASS for r in close) else "not_observed"
