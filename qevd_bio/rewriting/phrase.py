"""From a finding to a coaching sentence: measured value, target, correction and phase (Supp. 6.2).

There are several phrasings, chosen by a seed, so that a model cannot win by learning one template. A phrasing
never adds a number: every number comes from `exercise.wording`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from qevd_bio.exercise.wording import SIDES, capital, numbers_in, say, sentence, shown_numbers
from qevd_bio.rewriting.evidence import Finding
from qevd_bio.tables.rewritten import SaidNumber
from qevd_bio.tables.verdicts import PASS, STILL


@dataclass(frozen=True)
class Phrase:
    """A sentence and where each of its numbers comes from, in order of appearance."""

    text: str
    numbers: tuple[SaidNumber, ...]


def phrase(cue: tuple[Finding, ...], seed: str, *, rationale: bool = True, variant: int = 0) -> Phrase:
    """Say one cue: one finding, or the same rule on both sides. `variant` steps to the next phrasing.

    Raises ValueError for an empty cue.
    """
    if not cue:
        raise ValueError("a cue needs a finding")
    number = int(hashlib.sha256(f"{seed}/{cue[0].verdict.rule}".encode()).hexdigest()[:8], 16) + variant
    forms = _forms(cue[0])
    text = _tidy(forms[number % len(forms)].format(**_parts(cue)))
    if rationale and cue[0].words.rationale and cue[0].verdict.verdict != PASS:
        text = f"{text} {sentence(cue[0].words.rationale)}"
    return Phrase(text, _numbers_of(text, cue))


def _forms(finding: Finding) -> tuple[str, ...]:
    verdict = finding.verdict
    if verdict.verdict == PASS:
        return _PASS
    if verdict.kind in STILL:
        return _STILL
    forms = _TIMES if verdict.unit == "s" else _FORMS
    return forms if finding.words.fix else tuple(form for form in forms if "{Fix}" not in form)


def _numbers_of(text: str, cue: tuple[Finding, ...]) -> tuple[SaidNumber, ...]:
    """Assign each number of the text to the field of a finding that shows these digits."""
    sources = [SaidNumber(shown, f.verdict.id, field) for f in cue for field, shown in shown_numbers(f.verdict).items()]
    unused = list(sources)
    found = []
    for shown in numbers_in(text):
        match = next((n for n in unused + sources if n.digits == shown), None)
        if match is None:
            raise ValueError(f"{shown} in {text!r} was not measured")
        if match in unused:
            unused.remove(match)
        found.append(match)
    return tuple(found)


def _parts(cue: tuple[Finding, ...]) -> dict[str, str]:
    """What the forms below are filled with; a capital name starts a sentence, `Fix` is one."""
    first, both = cue[0], len(cue) == 2
    all_said = [say(finding.verdict, both_sides=both) for finding in cue]
    subject, action, phase = all_said[0].subject, all_said[0].action, first.phase
    values = [one.value for one in all_said]
    changes = list(dict.fromkeys(one.change for one in all_said))
    goal = all_said[0].goal
    return {
        "subject": subject,
        "Subject": capital(subject),
        "action": action,
        "Action": capital(action),
        "value": _by_side(values, cue) if both else values[0],
        "bound": f"under {goal}" if first.verdict.kind in STILL else goal,
        "change": _by_side(changes, cue) if len(changes) == 2 else changes[0],
        "phase": phase,
        "Phase": capital(phase or "over the repetition"),
        "Fix": sentence(first.words.fix),
    }


def _by_side(shown: list[str], cue: tuple[Finding, ...]) -> str:
    sides = [SIDES[finding.verdict.side] for finding in cue]
    return f"{shown[0]} {sides[0]} and {shown[1]} {sides[1]}"


# Faults: measured value, target, correction, phase. A capital name starts a sentence; `{Fix}` is one.
_FORMS = (
    "{Subject} {value} (target: {bound}). {Action} by {change} {phase}.",
    "{Subject} is {value} {phase}; the target is {bound}. {Action} by {change}.",
    "{Phase}, {subject} measures {value} against a target of {bound}. {Action} by {change}.",
    "{Action} by {change} {phase}: {subject} is {value}, the target {bound}.",
    "{Fix} {Subject} {value} {phase} (target: {bound}), so {action} by {change}.",
    "{Subject} reads {value} {phase}, {change} from the target of {bound}. {Fix}",
    "{Action} by {change} {phase}: bring {subject} from {value} to {bound}.",
    "Off by {change} {phase}: {subject} {value}, target {bound}. {Fix}",
)
# Durations have no moment in the repetition, and so the change stands apart from the action.
_TIMES = (
    "{Subject} {value} (target: {bound}). {Action}: {change} off.",
    "{Subject} is {value}; the target is {bound}. {Action}, by {change} a repetition.",
    "{Action}: {subject} is {value}, {change} off the target of {bound}.",
    "Off by {change}: {subject} {value}, target {bound}. {Fix}",
)
# Joints that should be still.
_STILL = (
    "{Subject} {value} (target: {bound}). {Action}; reduce the variation by {change}.",
    "{Subject} is {value} over the repetition; bring it {bound}, {change} less. {Action}.",
    "{Action}: {subject} {value}, target {bound}, a reduction of {change}.",
    "{Subject} of {value} exceeds the target of {bound} by {change}. {Action}.",
)
# Nothing to correct: only the `paper` policy says so.
_PASS = (
    "{Subject} {value} {phase}, within bounds.",
    "{Phase}, {subject} measures {value}, within bounds.",
)


def _tidy(text: str) -> str:
    """Close the gaps that an empty phase leaves."""
    text = " ".join(text.split())
    for mark in ".,;:":
        text = text.replace(f" {mark}", mark)
    return text.strip()
