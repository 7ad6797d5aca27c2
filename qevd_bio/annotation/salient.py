"""Salient joints of one segment: the question to a vision-language model and how its reply is read.

Protocol: BioCoach supplement, Sec. 8 (a standard set for the exercise, expanded by what the execution shows).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from qevd_bio.anatomy.dofs import JOINT_INDEX, JOINT_NAMES
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import joint_names
from qevd_bio.language.prompts import Prompt, load_prompt
from qevd_bio.language.reading import Unreadable, read_object
from qevd_bio.store.resources import prompts_path

MAX_REASON = 200
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["joints", "reasons"],
    "properties": {
        "joints": {"type": "array", "items": {"type": "string", "enum": list(JOINT_NAMES)}},
        "reasons": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["joint", "reason"],
                "properties": {
                    "joint": {"type": "string", "enum": list(JOINT_NAMES)},
                    "reason": {"type": "string"},
                },
            },
        },
    },
}


@dataclass(frozen=True)
class Salient:
    """Salient joints in the canonical order, with a reason for each beyond the standard set."""

    joints: tuple[str, ...]
    expansions: Mapping[str, str]

    def vector(self) -> list[int]:
        """24 zeros and ones in the order of JOINT_NAMES."""
        return vector_of(self.joints)


def vector_of(joints: Sequence[str]) -> list[int]:
    """24 zeros and ones: 1 where the joint is among `joints`."""
    chosen = set(joints)
    return [int(joint in chosen) for joint in JOINT_NAMES]


def in_order(joints: Sequence[str]) -> tuple[str, ...]:
    """Joints once each, in the canonical order."""
    return tuple(sorted(set(joints), key=JOINT_INDEX.__getitem__))


def standard_set(exercise: Exercise) -> tuple[str, ...]:
    """The exercise's standard salient joints, in the canonical order."""
    return in_order(tuple(joint_names(exercise.salient)))


@cache
def prompt() -> Prompt:
    """The shipped prompt for salient joints."""
    return load_prompt(prompts_path("salient_joints.md"))


def prompt_values(exercise: Exercise, side: str | None, count: int, seconds: float) -> dict[str, str]:
    """What the prompt is filled with."""
    name = f"{exercise.name} ({side} side)" if side else exercise.name
    return {
        "exercise": name,
        "description": exercise.description,
        "joints": ", ".join(JOINT_NAMES),
        "standard": ", ".join(standard_set(exercise)),
        "count": str(count),
        "seconds": f"{seconds:.1f}",
    }


def read_salient(text: str, standard: Sequence[str]) -> Salient:
    """Read a reply. Raises `Unreadable` for other keys' types, joints that do not exist, none, or a missing reason."""
    answer = read_object(text)
    joints = answer.get("joints")
    if not isinstance(joints, (list, tuple)) or not all(isinstance(joint, str) for joint in joints):
        raise Unreadable("wrong_types", "joints is not a list of names")
    names = in_order([name for joint in joints for name in plain_joint(joint)])
    if not names:
        raise Unreadable("no_joints", "the list of joints is empty")
    reasons = _reasons(answer.get("reasons", {}))
    expansions = {joint: reasons.get(joint, "") for joint in names if joint not in standard}
    missing = [joint for joint, reason in expansions.items() if not reason]
    if missing:
        raise Unreadable("missing_reason", f"no reason for {', '.join(missing)}")
    return Salient(names, expansions)


def _reasons(given: Any) -> dict[str, str]:
    """Reasons by joint, from a dictionary or a list of {joint, reason}."""
    if isinstance(given, dict):
        pairs = list(given.items())
    elif isinstance(given, (list, tuple)) and all(isinstance(entry, dict) for entry in given):
        pairs = [(entry.get("joint"), entry.get("reason")) for entry in given]
    else:
        raise Unreadable("wrong_types", "reasons is neither a dictionary nor a list of joint and reason")
    if not all(isinstance(joint, str) and isinstance(reason, str) for joint, reason in pairs):
        raise Unreadable("wrong_types", "a joint or reason is not text")
    return {name: reason.strip()[:MAX_REASON] for joint, reason in pairs for name in plain_joint(joint)}


def plain_joint(name: str) -> tuple[str, ...]:
    """Joints meant by a name: "knee_r", "Right knee", "knees" (both sides). Raises `Unreadable` for no such joint."""
    words = re.sub(r"[^a-z]+", " ", name.lower()).split()
    side = "r" if {"right", "r"} & set(words) else "l" if {"left", "l"} & set(words) else ""
    stem = "_".join(word for word in words if word not in ("right", "left", "r", "l", "joint"))
    for base in (stem, stem.removesuffix("s")):
        if not side and base in JOINT_INDEX:
            return (base,)
        both = tuple(f"{base}_{s}" for s in (side or "rl") if f"{base}_{s}" in JOINT_INDEX)
        if both:
            return both
    raise Unreadable("unknown_joints", f"there is no joint {name[:60]!r}")
