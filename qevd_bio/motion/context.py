"""C_morph and C_motion: the coach's structured sentences, written and read back (BioCoach, Sec. 3.4, Supp. 12.2).

    User body: height 1.78m, mass 73kg (estimated), chest 1.0m (estimated); legs 49%, arms 32%, shoulders 21% of height.
    Current pose: right knee 85°, left knee 88°.
    Cycle: 3 completed, last 2.1s, score 0.87.
    Form issues: Right knee flexion insufficient (85° detected, 90° required).

Units, order and sides are fixed; whatever changes here changes FORMAT. `parse_morph` and `parse_motion` give
back exactly the values that were written (already rounded: whole degrees, hundredths, tenths of a second).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, NamedTuple

from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.exercise.wording import SIDES, capital, compact, compact_value, rounded, sided

FORMAT = "qevd-bio-context-2"
BODY = (("height", "m"), ("mass", "kg"), ("chest", "m"), ("waist", "m"), ("hips", "m"))
BUILD = ("legs", "arms", "shoulders")
"""Proportions of the fitted skeleton: what tells people apart where nothing says how tall they are."""
WARNING = "Warning: pose confidence is low, the last valid pose is kept. "
MEASURED = ("entered", "simulated", "shapy_mesh", "shapy", "betas")
"""Ways to a body measurement that is no estimate of ours."""
_REQUIRED = {"insufficient": "", "excessive": "at most ", "unstable": "at most "}


@dataclass(frozen=True)
class BodyValue:
    """One body measurement, rounded as it is shown: two decimals, or two digits where it is estimated."""

    name: str
    value: float
    unit: str
    estimated: bool


@dataclass(frozen=True)
class Morph:
    """C_morph: the body, whether the pose is one kept from earlier, and the build, each part in % of the height."""

    body: tuple[BodyValue, ...] = ()
    warning: bool = False
    build: tuple[tuple[str, int], ...] = ()


class PoseValue(NamedTuple):
    """The angle of one joint in whole degrees: "right knee 85°"."""

    side: str
    joint: str
    degrees: int


@dataclass(frozen=True)
class Issue:
    """One form issue: `fault` is insufficient, excessive or unstable; values are rounded for their unit."""

    side: str
    name: str
    fault: str
    detected: float
    required: float
    unit: str


@dataclass(frozen=True)
class Motion:
    """C_motion. `score` and `last_s` are NaN before the first cycle; `issues` are ordered, the gravest first."""

    pose: tuple[PoseValue, ...] = ()
    cycles: int = 0
    last_s: float = math.nan
    score: float = math.nan
    issues: tuple[Issue, ...] = ()

    def same(self, other: Motion) -> bool:
        """Equality in which NaN equals NaN."""
        return repr(self) == repr(other)


def body_value(name: str, entry: Mapping[str, Any], unit: str) -> BodyValue:
    """A measurement of the kinematics' `body` as it is shown."""
    value, estimated = float(entry["value"]), str(entry.get("method", "")) not in MEASURED
    digits = max(0, 1 - math.floor(math.log10(value))) if estimated and value > 0 else 2
    return BodyValue(name, round(value, digits), unit, estimated)


def morph_of(
    body: Mapping[str, Mapping[str, Any]], warning: bool = False, build: Mapping[str, float] | None = None
) -> Morph:
    """C_morph of a kinematics file's `body` and of the build (`Skeleton.build`); what is not there is left out."""
    values = [
        body_value(name, body[name], unit)
        for name, unit in BODY
        if name in body and body[name].get("value") is not None and math.isfinite(float(body[name]["value"]))
    ]
    known = build or {}
    return Morph(tuple(values), warning, tuple((name, round(100 * known[name])) for name in BUILD if name in known))


def write_morph(morph: Morph) -> str:
    """C_morph as text."""
    parts = []
    for entry in morph.body:
        digits = max(0, 1 - math.floor(math.log10(entry.value))) if entry.estimated and entry.value > 0 else 2
        parts.append(f"{entry.name} {entry.value:.{digits}f}{entry.unit}{' (estimated)' if entry.estimated else ''}")
    build = ", ".join(f"{name} {percent}%" for name, percent in morph.build)
    known = "; ".join(filter(None, (", ".join(parts), build and f"{build}{_OF_HEIGHT}")))
    return f"{WARNING if morph.warning else ''}User body: {known or 'not known'}."


_OF_HEIGHT = " of height (estimated)"
_BUILD_VALUE = re.compile(r"(\w+) (\d+)%")
_BODY_VALUE = re.compile(r"(\w+) (\d+(?:\.\d+)?)(m|kg)( \(estimated\))?")


def parse_morph(text: str) -> Morph:
    """C_morph from its text; ValueError for text that `write_morph` does not write."""
    warning = text.startswith(WARNING)
    body = _inside(text.removeprefix(WARNING), "User body: ")
    if body == "not known":
        return Morph((), warning)
    measured, _, build = body.rpartition("; ") if body.endswith(_OF_HEIGHT) else (body, "", "")
    values = []
    for part in filter(None, measured.split(", ")):
        match = _match(_BODY_VALUE, part)
        values.append(BodyValue(match[1], float(match[2]), match[3], bool(match[4])))
    shares = [_match(_BUILD_VALUE, part) for part in filter(None, build.removesuffix(_OF_HEIGHT).split(", "))]
    return Morph(tuple(values), warning, tuple((match[1], int(match[2])) for match in shares))


def write_motion(motion: Motion) -> str:
    """C_motion as text, three lines."""
    return f"{write_pose(motion.pose)}\n{write_rest(motion)}"


def write_pose(pose: Sequence[PoseValue]) -> str:
    """The first line of C_motion."""
    values = ", ".join(f"{sided(v.joint, v.side)} {compact(v.degrees, 'deg')}" for v in pose)
    return f"Current pose: {values or 'not known'}."


def write_rest(motion: Motion) -> str:
    """The lines of C_motion that change only from cycle to cycle."""
    if motion.cycles:
        score = "" if math.isnan(motion.score) else f", score {compact(motion.score, 'ratio')}"
        cycle = f"{motion.cycles} completed, last {compact(motion.last_s, 's')}{score}"
    else:
        cycle = "none completed"
    issues = "; ".join(_issue_text(issue) for issue in motion.issues) or "none"
    return f"Cycle: {cycle}.\nForm issues: {issues}."


def _issue_text(issue: Issue) -> str:
    return (
        f"{capital(sided(issue.name, issue.side))} {issue.fault} ({compact(issue.detected, issue.unit)} detected, "
        f"{_REQUIRED[issue.fault]}{compact(issue.required, issue.unit)} required)"
    )


_POSE = re.compile(r"(right |left |)(.+) (-?\d+)°")
_CYCLE = re.compile(r"(\d+) completed, last (\d+\.\d)s(?:, score (\d\.\d\d))?")
_ISSUE = re.compile(
    r"(.+) (insufficient|excessive|unstable) "
    r"\((-?[\d.]+(?:°|%|s|)) detected, (?:at most )?(-?[\d.]+(?:°|%|s|)) required\)"
)


def parse_motion(text: str) -> Motion:
    """C_motion from its text; ValueError for text that `write_motion` does not write."""
    lines = text.split("\n")
    if len(lines) != 3:
        raise ValueError(f"{len(lines)} lines, expected 3 ({FORMAT})")
    pose, cycle, issues = (_inside(line, lead) for line, lead in zip(lines, _LEADS, strict=True))
    values = [] if pose == "not known" else [_match(_POSE, part) for part in pose.split(", ")]
    motion = Motion(
        pose=tuple(PoseValue(*_sided(m[1] + m[2], _joint_names()), int(m[3])) for m in values),
        issues=() if issues == "none" else tuple(_parse_issue(part) for part in issues.split("; ")),
    )
    if cycle == "none completed":
        return motion
    match = _match(_CYCLE, cycle)
    score = float(match[3]) if match[3] else math.nan
    return replace(motion, cycles=int(match[1]), last_s=float(match[2]), score=score)


_LEADS = ("Current pose: ", "Cycle: ", "Form issues: ")


def _parse_issue(text: str) -> Issue:
    match = _match(_ISSUE, text)
    name = match[1][0].lower() + match[1][1:]
    detected, unit = compact_value(match[3])
    required, _ = compact_value(match[4])
    return Issue(*_sided(name, _quantity_names()), match[2], detected, required, unit)


def _sided(name: str, whole_body: frozenset[str]) -> tuple[str, str]:
    """Side and name; a name that itself begins with a side ("right pelvic tilt") has none."""
    if name in whole_body:
        return "", name
    for side, word in SIDES.items():
        if name.startswith(f"{word} "):
            return side, name.removeprefix(f"{word} ")
    return "", name


@cache
def _quantity_names() -> frozenset[str]:
    return frozenset(w.name for w in vocabulary().quantities.values() if not w.sided)


@cache
def _joint_names() -> frozenset[str]:
    return frozenset(w.name for w in vocabulary().joints.values() if not w.sided)


def _inside(line: str, lead: str) -> str:
    if not (line.startswith(lead) and line.endswith(".")):
        raise ValueError(f"{line[:60]!r} does not read {lead!r} … '.' ({FORMAT})")
    return line[len(lead) : -1]


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:80]!r} cannot be read ({FORMAT})")
    return match


_PIECE = re.compile(r"[A-Za-z]+|\d|[^\sA-Za-z\d]")


def estimate_tokens(text: str) -> int:
    """Upper estimate of a LLaMA-like tokenizer's count: digits and signs one each ("°" two), four letters a token."""
    return sum(map(_piece_tokens, _PIECE.findall(text))) + text.count("\n")


@lru_cache(maxsize=4096)
def _piece_tokens(piece: str) -> int:
    return (len(piece) + 3) // 4 if piece.isascii() else 2


def fit(motion: Motion, budget: int, count: Callable[[str], int] = estimate_tokens) -> tuple[str, int]:
    """C_motion within `budget` tokens, and its count.

    Cut in this order: the least grave issues but the first, the last joints of the pose, then the first issue.
    What is left when all is cut may still be longer than a tiny budget.
    """
    while True:
        text = write_motion(motion)
        tokens = count(text)
        if tokens <= budget:
            return text, tokens
        shorter = _shorten(motion)
        if shorter is None:
            return text, tokens
        motion = shorter


def _shorten(motion: Motion) -> Motion | None:
    if len(motion.issues) > 1:
        return replace(motion, issues=motion.issues[:-1])
    if motion.pose:
        return replace(motion, pose=motion.pose[:-1])
    return replace(motion, issues=()) if motion.issues else None


def pose_values(joints: Sequence[tuple[str, str]], degrees: Sequence[float]) -> tuple[PoseValue, ...]:
    """Pose of (side, joint name) with their angles; unknown (NaN) ones are left out."""
    return tuple(
        PoseValue(side, name, int(rounded(value, "deg")))
        for (side, name), value in zip(joints, degrees, strict=True)
        if value == value
    )
