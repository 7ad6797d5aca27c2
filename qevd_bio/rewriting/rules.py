"""What a judged rule is called by trainers: body parts, directions, how to mend it and why."""

from __future__ import annotations

from dataclasses import dataclass

from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.tables.verdicts import DYNAMIC, STILL

# Direction words for "more" and "less" of a quantity, where a target (not a form error) is missed.
_TOWARD: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "knee_angle": (("deeper", "lower", "down", "bend"), ("straighter",)),
    "hip_flexion": (("deeper", "lower", "down"), ("straighter",)),
    "trunk_lean_deg": (("forward", "lower"), ("up", "back", "straighter", "higher")),
    "elbow_flexion": (("bend", "lower", "deeper", "down"), ("straighter", "further")),
    "shoulder_elevation": (("higher", "up"), ("lower", "down")),
    "upper_arm_trunk_angle": (("out", "wider"), ("in", "closer")),
    "hip_abduction": (("wider", "out"), ("narrower", "in", "closer")),
    "knee_ankle_width_ratio": (("out", "wider"), ("in", "narrower", "closer")),
    "ankle_hip_width_ratio": (("wider", "out"), ("narrower", "in", "closer")),
    "body_line_deg": (("down", "lower"), ("up", "higher")),
    "horizontal_adduction": (("closer", "in", "further"), ("out",)),
    "hand_floor_gap": (("up", "higher"), ("down", "lower", "further", "deeper")),
    "cycle_duration": (("slower",), ("faster",)),
    "pause": ((), ("move", "faster")),
    "ankle_angle": (("forward", "bend"), ("up", "higher")),
    "hip_split": (("wider", "further", "bigger"), ("narrower", "smaller", "closer")),
}
_STILL = ("still", "straighter", "level")


@dataclass(frozen=True)
class RuleWords:
    """How a rule is spoken of. `joints` without side; see `FormError` for the rest."""

    joints: tuple[str, ...]
    parts: tuple[str, ...]
    directions: tuple[str, ...]
    fix: str = ""
    rationale: str = ""
    says: tuple[str, ...] = ()


def words_of(exercise: Exercise, rule: str, joint: str, quantity: str, more: bool) -> RuleWords:
    """Words of a verdict's rule, as the column `rule` names it; `more`: the goal lies above the value.

    Raises KeyError for a rule that the exercise does not have.
    """
    kind, _, name = rule.partition(":")
    if kind == "error":
        error = {e.id: e for e in exercise.errors}[name]
        return RuleWords(error.joints, error.parts, error.directions, error.fix, error.rationale, error.says)
    plain = _without_side(joint)
    wording = vocabulary().joints.get(plain)
    parts = wording.parts if wording else ()
    if kind in STILL:
        return RuleWords((plain,), parts, _STILL)
    if kind != DYNAMIC and name not in {t.id for t in exercise.targets}:
        raise KeyError(rule)
    return RuleWords(
        (plain,) if plain else (), (*parts, *_BODY.get(quantity, ())), _TOWARD.get(quantity, ((), ()))[0 if more else 1]
    )


# A trainer who says "body" or "chest" may mean these.
_BODY = {
    "trunk_lean_deg": ("chest", "body", "back"),
    "knee_angle": ("body",),
    "hip_flexion": ("body",),
    "body_line_deg": ("hips", "body", "core"),
    "cycle_duration": ("body",),
}


def _without_side(joint: str) -> str:
    return joint[:-2] if joint.endswith(("_r", "_l")) else joint
