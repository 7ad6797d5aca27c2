"""How a measured value becomes the digits of a sentence, and back: the only place that rounds."""

from __future__ import annotations

import re
from typing import Protocol

_DECIMALS = {"deg": 0, "ratio": 2, "fraction": 0, "s": 1, "count": 0}
_SCALE = {"fraction": 100.0}
_NUMBER = re.compile(r"(?<![\w.])[-\N{MINUS SIGN}]?\d+(?:\.\d+)?")


class Measured(Protocol):
    """What the numbers of a sentence are derived from; a `Finding` is one, a row of the motion table another."""

    @property
    def value(self) -> float: ...
    @property
    def goal(self) -> float: ...
    @property
    def unit(self) -> str: ...
    @property
    def statistic(self) -> str: ...


def digits(value: float, unit: str) -> str:
    """The number as shown, without its unit: 85.4 deg -> "85"; 0.124 of stature -> "12"."""
    shown = round(value * _SCALE.get(unit, 1.0), _DECIMALS[unit])
    if shown == 0:
        shown = 0.0  # no "-0"
    return f"{shown:.{_DECIMALS[unit]}f}".replace("-", "\N{MINUS SIGN}")


def with_unit(number: str, unit: str) -> str:
    """ "85" -> "85°"."""
    if unit == "deg":
        return f"{number}°"
    if unit == "fraction":
        return f"{number} % of body height"
    if unit == "s":
        return f"{number} s"
    return number


def shown_numbers(measured: Measured) -> dict[str, str]:
    """Digits of the measured `value`, the `goal` and the `change` between them (taken between the digits shown)."""
    flip = -1.0 if speaks_negative(measured) else 1.0
    value, goal = digits(flip * measured.value, measured.unit), digits(flip * measured.goal, measured.unit)
    change = abs(_number(goal) - _number(value)) / _SCALE.get(measured.unit, 1.0)
    return {"value": value, "goal": goal, "change": digits(change, measured.unit)}


def speaks_negative(measured: Measured) -> bool:
    """Whether value and goal both lie below zero, so that the opposite movement is named instead of a minus."""
    return measured.statistic in ("value", "max", "min", "mean") and measured.value < 0 and measured.goal <= 0


def numbers_in(text: str) -> list[str]:
    """All numbers of a sentence, in order."""
    return [match.group() for match in _NUMBER.finditer(text)]


def _number(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-"))
