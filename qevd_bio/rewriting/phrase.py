"""From a finding to a coaching sentence: measured value, target, correction and phase (Supp. 6.2).

There are several phrasings, chosen by a seed, so that a model cannot win by learning one template. A phrasing
never adds a number: every number comes from `numbers.shown_numbers`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from qevd_bio.exercise.vocabulary import JointWording, Wording, vocabulary
from qevd_bio.rewriting.finding import Finding
from qevd_bio.rewriting.numbers import numbers_in, shown_numbers, speaks_negative, with_unit

SIDES = {"r": "right", "l": "left"}


@dataclass(frozen=True)
class Number:
    """One number of a sentence: its digits and the field of the violation it was derived from."""

    digits: str
    violation_id: str
    field: str


@dataclass(frozen=True)
class Phrase:
    """A sentence and where each of its numbers comes from, in order of appearance."""

    text: str
    numbers: tuple[Number, ...]


@dataclass(frozen=True)
class _Words:
    """The parts a phrasing is put together from."""

    subject: str
    value: str
    bound: str
    change: str
    action: str
    phase: str
    fix: str


def phrase(cue: tuple[Finding, ...], seed: str, *, rationale: bool = True, variant: int = 0) -> Phrase:
    """Say one cue: one finding, or the same rule on both sides. `variant` steps to the next phrasing.

    Raises ValueError for an empty cue.
    """
    if not cue:
        raise ValueError("a cue needs a finding")
    number = int(hashlib.sha256(f"{seed}/{cue[0].rule}".encode()).hexdigest()[:8], 16) + variant
    words = _words(cue)
    forms = _forms(cue[0])
    text = _tidy(_fill(forms[number % len(forms)], words))
    if rationale and cue[0].rationale and cue[0].verdict != "pass":
        text = f"{text} {_sentence(cue[0].rationale)}"
    return Phrase(text, _numbers_of(text, cue))


def _forms(finding: Finding) -> tuple[str, ...]:
    if finding.verdict == "pass":
        return _PASS
    if finding.kind == "static":
        return _STILL
    forms = _TIMES if finding.unit == "s" else _FORMS
    return forms if finding.fix else tuple(form for form in forms if "{Fix}" not in form)


def _numbers_of(text: str, cue: tuple[Finding, ...]) -> tuple[Number, ...]:
    """Assign each number of the text to the field of a finding that shows these digits."""
    sources = [Number(shown, f.violation_id, field) for f in cue for field, shown in shown_numbers(f).items()]
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


def _words(cue: tuple[Finding, ...]) -> _Words:
    first = cue[0]
    shown = [shown_numbers(finding) for finding in cue]
    unit = first.unit
    both = len(cue) == 2
    values = [with_unit(numbers["value"], unit) for numbers in shown]
    changes = list(dict.fromkeys(with_unit(numbers["change"], unit) for numbers in shown))
    more = first.goal > first.value
    goal = with_unit(shown[0]["goal"], unit)
    if first.kind == "static":
        wording, joint = None, vocabulary().joints[_without_side(first.joints[0])]
    else:
        wording, joint = vocabulary().quantities[first.quantity], None
    return _Words(
        subject=_subject(first, wording, joint, both),
        value=_by_side(values, cue) if both else values[0],
        bound=f"under {goal}" if first.kind == "static" else goal,
        change=_by_side(changes, cue) if len(changes) == 2 else changes[0],
        action=_limbs(_action(first, wording, joint, more), first.side, both),
        phase=first.phase,
        fix=first.fix,
    )


def _by_side(shown: list[str], cue: tuple[Finding, ...]) -> str:
    return f"{shown[0]} {SIDES[cue[0].side]} and {shown[1]} {SIDES[cue[1].side]}"


def _without_side(joint: str) -> str:
    return joint[:-2] if joint.endswith(("_r", "_l")) else joint


def _subject(finding: Finding, wording: Wording | None, joint: JointWording | None, both: bool) -> str:
    if joint is not None:
        side = f"{SIDES[finding.side]} " if finding.side and not both else ""
        return f"{side}{joint.name} variation"
    assert wording is not None
    name = wording.name
    if speaks_negative(finding) and wording.negative_name:
        name = wording.negative_name
    limb = f"{finding.limb} " if finding.limb else ""
    side = f"{SIDES[finding.side]} " if finding.side and not both and not finding.limb else ""
    return _STATISTIC.get(finding.statistic, "{}").format(f"{side}{limb}{name}")


_STATISTIC = {
    "mean": "average {}",
    "range": "range of {}",
    "std": "variation of {}",
    "rise": "gain in {}",
    "drop": "loss of {}",
    "symmetry": "left to right ratio of {}",
    "within": "time in range of {}",
}


def _action(finding: Finding, wording: Wording | None, joint: JointWording | None, more: bool) -> str:
    """Imperative without a number: "increase knee flexion"."""
    if joint is not None:
        return joint.still
    assert wording is not None
    name = wording.name
    if finding.statistic == "range":
        return f"{'widen' if more else 'narrow'} the range of {name}"
    if finding.statistic == "std":
        return f"steady the {name}"
    if finding.statistic in ("rise", "drop"):
        return f"{'allow more change of' if more else 'keep more of'} the {name}"
    if finding.statistic == "symmetry":
        return f"even out the {name} between the sides"
    if speaks_negative(finding) and wording.negative_name:
        return (wording.negative_increase if more else wording.negative_decrease) or wording.decrease
    return wording.increase if more else wording.decrease


_LIMB = re.compile(r"\bthe (arm|elbow|heel|knee|thigh|foot|hand|leg)\b")
_PLURAL = {"foot": "feet"}


def _limbs(action: str, side: str, both: bool) -> str:
    """ "raise the arm" -> "raise the right arm" or "raise both arms"."""
    if both:
        return _LIMB.sub(lambda m: f"both {_PLURAL.get(m[1], m[1] + 's')}", action)
    return _LIMB.sub(lambda m: f"the {SIDES[side]} {m[1]}", action) if side else action


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


def _fill(form: str, words: _Words) -> str:
    return form.format(
        subject=words.subject,
        Subject=_sentence_start(words.subject),
        action=words.action,
        Action=_sentence_start(words.action),
        value=words.value,
        bound=words.bound,
        change=words.change,
        phase=words.phase,
        Phase=_sentence_start(words.phase or "over the repetition"),
        Fix=_sentence(words.fix),
    )


def _sentence_start(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(text: str) -> str:
    return _sentence_start(text).rstrip(".") + "."


def _tidy(text: str) -> str:
    """Close the gaps that an empty phase leaves."""
    text = " ".join(text.split())
    for mark in ".,;:":
        text = text.replace(f" {mark}", mark)
    return text.strip()
