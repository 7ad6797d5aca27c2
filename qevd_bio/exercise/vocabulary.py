"""How quantities and joints are named to people: refs/quantities.yaml as typed data.

A quantity is a degree of freedom or a derived quantity of `anatomy`, without its side; or a composite
(`expression`) of those; or one of those of the cycle as a whole (NOT_CURVES).
"""

from __future__ import annotations

from dataclasses import dataclass as plain
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from qevd_bio.anatomy.derived import QUANTITIES
from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.exercise.expression import Expression, parse
from qevd_bio.exercise.schema import read_model
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import refs_path

TIMES = ("cycle_duration", "pause")
"""Seconds of the cycle, seconds since the last cycle ended."""
SHARES = ("duration_share", "range_share")
"""The cycle's duration, and the range of the representative signal, over this person's median so far."""
NOT_CURVES = (*TIMES, *SHARES)
"""Quantities of a cycle as a whole."""

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class Wording:
    """Words for one quantity; `negative*` are used with the absolute value where the value is below zero.

    name      singular, without side: "knee flexion"; a sided form is "right " + name
    increase, decrease   imperative, without side: "increase knee flexion"
    why       what the quantity matters for, said where a rule gives no reason of its own
    """

    name: str
    unit: Literal["deg", "ratio", "fraction", "s"] = "deg"
    of: str = ""
    sided: bool = True
    plane: Literal["sagittal", "frontal", "transverse", "mixed", "none"] = "sagittal"
    increase: str
    decrease: str
    negative_name: str = ""
    negative_increase: str = ""
    negative_decrease: str = ""
    why: str
    expression: str = ""


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class JointWording:
    """Words for one joint: display name, its main quantity, what to say when it should be still."""

    name: str
    sided: bool
    primary: str
    still: str
    parts: tuple[str, ...]


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class Vocabulary:
    """All words of refs/quantities.yaml."""

    quantities: dict[str, Wording]
    joints: dict[str, JointWording]
    parts: tuple[str, ...]
    directions: tuple[str, ...]


@plain(frozen=True)
class RuleSource:
    """One entry of refs/sources.yaml; `verified` says whether the value was seen in the source itself."""

    key: str
    ref: str
    where: str
    kind: Literal["paper", "measurement", "literature", "convention"]
    verified: bool
    note: str = ""


@cache
def vocabulary() -> Vocabulary:
    """The shipped vocabulary; every quantity in it can be computed."""
    path = refs_path("quantities.yaml")
    words = read_model(Vocabulary, read_yaml(path), path)
    for name in words.quantities:
        for known in resolve(name, "r", words).names:
            if name not in NOT_CURVES and known not in QUANTITIES:
                raise UserError(f"quantity {known!r} cannot be computed", where=f"{path}: {name}")
    return words


@cache
def sources() -> dict[str, RuleSource]:
    """The shipped list of sources, by key."""
    return read_sources(refs_path("sources.yaml"))


def read_sources(path: Path) -> dict[str, RuleSource]:
    """Read a list of sources; UserError names a missing or unknown key."""
    entries = read_model(dict[str, dict[str, str | bool]], read_yaml(path), path)
    return {key: read_model(RuleSource, {"key": key, **entry}, path, place=key) for key, entry in entries.items()}


def resolve(quantity: str, side: str, words: Vocabulary | None = None) -> Expression:
    """The computable expression of a quantity: `knee_angle`, "r" -> `knee_angle_r`.

    `side` is `r`, `l` or "" for quantities of the whole body.
    """
    wording = (words or vocabulary()).quantities[quantity]
    if not wording.expression:
        return parse(f"{quantity}_{side}" if wording.sided else quantity)
    expression = parse(wording.expression)
    return expression.sided(side) if side else expression


def joint_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Anatomical joint names in the canonical order; a name without side stands for both sides."""
    wanted: set[str] = set()
    for name in names:
        found = [joint for joint in JOINT_NAMES if joint in (name, f"{name}_r", f"{name}_l")]
        if not found:
            raise KeyError(name)
        wanted.update(found)
    return tuple(joint for joint in JOINT_NAMES if joint in wanted)
