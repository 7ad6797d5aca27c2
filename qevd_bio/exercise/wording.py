"""How a measurement is said: the only place that rounds, and that makes words of sides, units and directions.

>>> with_unit(77.6, "deg"), with_unit(0.124, "fraction"), with_unit(2.13, "s")
('78°', '12 % of body height', '2.1 s')
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qevd_bio.exercise.vocabulary import JointWording, Wording, vocabulary
from qevd_bio.tables.verdicts import STILL, Verdict

SIDES = {"r": "right", "l": "left"}
_DECIMALS = {"deg": 0, "fraction": 2, "ratio": 2, "s": 1, "count": 0}
_UNITS = {"deg": "°", "fraction": " % of body height", "s": " s"}
_COMPACT = {"deg": "°", "fraction": "%", "s": "s"}
_NUMBER = re.compile(r"(?<![\w.])[-\N{MINUS SIGN}]?\d+(?:\.\d+)?")
_MINUS = "\N{MINUS SIGN}"

# Statistics that are themselves values of the quantity, so that its sign has a meaning.
_PLAIN = ("value", "max", "min", "mean")
_STATISTIC = {
    "mean": "average {}",
    "range": "range of {}",
    "std": "variation of {}",
    "rise": "gain in {}",
    "drop": "loss of {}",
    "symmetry": "left to right ratio of {}",
    "within": "time in range of {}",
}


@dataclass(frozen=True)
class Said:
    """One verdict in words, without capital letters and full stops.

    subject  what was measured, with its side: "right knee flexion", "range of hip flexion"
    value, goal, change  with their units; change is taken between the digits shown
    action   imperative without a number: "increase knee flexion"
    """

    subject: str
    value: str
    goal: str
    change: str
    action: str


def rounded(value: float, unit: str) -> float:
    """`value` as it is shown, in its own unit: whole degrees and percent, hundredths, tenths of a second; no -0."""
    return round(value, _DECIMALS[unit]) + 0.0


def digits(value: float, unit: str) -> str:
    """The number as shown, without its unit: 85.4 deg -> "85"; 0.124 of stature -> "12"; a real minus sign."""
    return _digits(value, unit).replace("-", _MINUS)


def with_unit(value: float, unit: str) -> str:
    """The number with its unit, as sentences and pages say it: "85°", "12 % of body height", "2.1 s", "0.93"."""
    return f"{digits(value, unit)}{_UNITS.get(unit, '')}"


def compact(value: float, unit: str) -> str:
    """The same digits as contexts write them, which programs read back: "85°", "12%", "2.1s"; ASCII minus."""
    return f"{_digits(value, unit)}{_COMPACT.get(unit, '')}"


def compact_value(text: str) -> tuple[float, str]:
    """Value and unit of what `compact` wrote; ValueError for other text."""
    unit = next((unit for unit, sign in _COMPACT.items() if text.endswith(sign)), "ratio")
    value = float(text.removesuffix(_COMPACT.get(unit, "")))
    return rounded(value / 100.0 if unit == "fraction" else value, unit), unit


def _digits(value: float, unit: str) -> str:
    shown = rounded(value, unit)
    return f"{round(shown * 100)}" if unit == "fraction" else f"{shown:.{_DECIMALS[unit]}f}"


def numbers_in(text: str) -> list[str]:
    """All numbers of a sentence, in order."""
    return [match.group() for match in _NUMBER.finditer(text)]


def shown_numbers(verdict: Verdict) -> dict[str, str]:
    """Digits of a verdict's `value` and `goal`, and of the `change` between the digits shown."""
    flip = -1.0 if speaks_negative(verdict) else 1.0
    value, goal = rounded(flip * verdict.value, verdict.unit), rounded(flip * verdict.goal, verdict.unit)
    shown = {"value": value, "goal": goal, "change": abs(goal - value)}
    return {name: digits(number, verdict.unit) for name, number in shown.items()}


def speaks_negative(verdict: Verdict) -> bool:
    """Whether value and goal lie below zero and the opposite has a name of its own, said instead of a minus."""
    wording = vocabulary().quantities.get(verdict.quantity)
    below = verdict.stat in _PLAIN and verdict.value < 0 and verdict.goal <= 0
    return below and wording is not None and bool(wording.negative_name)


def sided(name: str, side: str) -> str:
    """ "knee flexion", "r" -> "right knee flexion"."""
    return f"{SIDES[side]} {name}" if side in SIDES else name


def measured_name(verdict: Verdict) -> str:
    """Name of what was measured, without side and statistic: "knee flexion"; for a still joint the joint's."""
    joint = _joint(verdict)
    return joint.name if joint is not None else _quantity(verdict).name


def say(verdict: Verdict, both_sides: bool = False) -> Said:
    """A measured verdict in words; `both_sides` leaves out its side, for a sentence about both.

    Raises KeyError for a quantity or joint that the vocabulary does not have.
    """
    shown = {name: f"{number}{_UNITS.get(verdict.unit, '')}" for name, number in shown_numbers(verdict).items()}
    action = _limbs(_action(verdict), verdict.side, both_sides)
    return Said(_subject(verdict, both_sides), shown["value"], shown["goal"], shown["change"], action)


def capital(text: str) -> str:
    """The text as a sentence begins."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """The text as a sentence: a capital letter and one full stop; "" stays empty."""
    return f"{capital(text).rstrip('.')}." if text else ""


def _joint(verdict: Verdict) -> JointWording | None:
    if verdict.kind not in STILL:
        return None
    return vocabulary().joints[verdict.joint.removesuffix("_r").removesuffix("_l")]


def _quantity(verdict: Verdict) -> Wording:
    return vocabulary().quantities[verdict.quantity]


def _subject(verdict: Verdict, both_sides: bool) -> str:
    joint = _joint(verdict)
    side = "" if both_sides else verdict.side
    if joint is not None:
        return f"{sided(joint.name, side)} variation"
    wording = _quantity(verdict)
    name = wording.negative_name if speaks_negative(verdict) else wording.name
    # The exercise's own word for the side ("front") says more than the side.
    named = f"{verdict.limb} {name}" if verdict.limb else sided(name, side)
    return _STATISTIC.get(verdict.stat, "{}").format(named)


def _action(verdict: Verdict) -> str:
    joint = _joint(verdict)
    if joint is not None:
        return joint.still
    wording, more = _quantity(verdict), verdict.more
    if verdict.stat == "range":
        return f"{'widen' if more else 'narrow'} the range of {wording.name}"
    if verdict.stat == "std":
        return f"steady the {wording.name}"
    if verdict.stat in ("rise", "drop"):
        return f"{'allow more change of' if more else 'keep more of'} the {wording.name}"
    if verdict.stat == "symmetry":
        return f"even out the {wording.name} between the sides"
    if speaks_negative(verdict):
        return (wording.negative_increase if more else wording.negative_decrease) or wording.decrease
    return wording.increase if more else wording.decrease


_LIMB = re.compile(r"\bthe (arm|elbow|heel|knee|thigh|foot|hand|leg)\b")
_PLURAL = {"foot": "feet"}


def _limbs(action: str, side: str, both: bool) -> str:
    """ "raise the arm" -> "raise the right arm" or "raise both arms"."""
    if both:
        return _LIMB.sub(lambda m: f"both {_PLURAL.get(m[1], m[1] + 's')}", action)
    return _LIMB.sub(lambda m: f"the {SIDES[side]} {m[1]}", action) if side else action
