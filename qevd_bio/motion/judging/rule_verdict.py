"""A target or form error with everything about its verdict that does not change from cycle to cycle."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from qevd_bio.anatomy.derived import QUANTITIES
from qevd_bio.exercise.measure import Reading
from qevd_bio.exercise.rules import Exercise, FormError, Target
from qevd_bio.exercise.vocabulary import joint_names, vocabulary
from qevd_bio.motion.judging.verdicts import (
    NOT_JUDGED,
    PASS,
    RULE_CONFIDENCE,
    VIOLATION,
    CameraView,
    Verdict,
    distance,
    severity,
)
from qevd_bio.motion.options import ConstraintOptions

_LEAST_SCALE = {"deg": 10.0, "s": 0.5, "ratio": 0.1, "fraction": 0.1}
_TARGET_WEIGHT = 0.5

Rule = FormError | Target


class RuleVerdict:
    """Turns readings of one rule into verdicts.

    A target is widened by its own tolerance; an error's threshold holds its tolerance already, and a bad view adds to
    it in proportion to the distance between threshold and goal.
    """

    def __init__(
        self,
        rule: Rule,
        exercise: Exercise,
        salient: Collection[str],
        options: ConstraintOptions,
        camera: CameraView,
        reference: Mapping[tuple[str, str], float],
    ) -> None:
        self.rule = rule
        quantity = vocabulary().quantities[rule.quantity]
        self.kind = "error" if isinstance(rule, FormError) else "target"
        self.name = f"{self.kind}:{rule.id}"
        self.unit = quantity.unit
        self.low, self.high = rule.bounds if isinstance(rule, FormError) else rule.range
        self.widened = camera.sees_badly(quantity.plane, options.bad_view_deg)
        self.tolerance = _tolerance(rule, options.bad_view_factor if self.widened else 1.0)
        self.weight = rule.weight if isinstance(rule, FormError) else _TARGET_WEIGHT
        self.trust = RULE_CONFIDENCE[rule.confidence]
        self.phrase = next((key.phrase for key in exercise.keys if key.name == rule.at), "")
        soft = bool(exercise.uncertain) or rule.confidence == "low" or isinstance(rule, Target)
        self.alarm = "soft" if soft else rule.alarm if isinstance(rule, FormError) else "soft"
        self._salient, self._reference = salient, reference
        self._joints: dict[str, tuple[str, bool]] = {}

    def verdict(self, reading: Reading, reason: str, at: int, last: int, confidence: float) -> Verdict:
        """The verdict on one reading; `reason` says why it cannot be judged, "" if it can."""
        rule, low, high = self.rule, self.low, self.high
        value = math.nan if reason else reading.value
        deviation = math.nan if reason else distance(value, low, high)
        beyond = abs(deviation) - self.tolerance
        violated = not reason and deviation != 0 and beyond > 1e-9
        edge = low if deviation < 0 else high
        goal = rule.goal if isinstance(rule, FormError) else edge if math.isfinite(edge) else low
        joint, salient = self._about(reading)
        return Verdict(
            rule=self.name,
            kind=self.kind,
            verdict=NOT_JUDGED if reason else VIOLATION if violated else PASS,
            reason=reason,
            joint=joint,
            quantity=rule.quantity,
            side=reading.side,
            limb=rule.limb,
            stat=rule.stat,
            key=self.phrase,
            value=value,
            low=low,
            high=high,
            deviation=deviation,
            goal=goal,
            reference=self._reference.get((self.name, reading.side), math.nan),
            unit=self.unit,
            tolerance=self.tolerance,
            widened=self.widened,
            first=0,
            last=last,
            at=at,
            severity=severity(self.weight, beyond, max(abs(goal - edge), _LEAST_SCALE[self.unit])) if violated else 0.0,
            persistence=0,
            confidence=confidence * self.trust,
            alarm=self.alarm,
            salient=salient,
            source=rule.source,
            rule_confidence=rule.confidence,
        )

    def _about(self, reading: Reading) -> tuple[str, bool]:
        """First joint that the verdict concerns, and whether any of its joints is salient."""
        known = self._joints.get(reading.side)
        if known is None or not known[0]:
            joints = _joints(self.rule, reading)
            known = (joints[0] if joints else "", bool(set(joints).intersection(self._salient)))
            self._joints[reading.side] = known
        return known


def _tolerance(rule: Rule, factor: float) -> float:
    if isinstance(rule, Target):
        return rule.tolerance * factor
    nearest = min(abs(rule.goal - bound) for bound in rule.bounds if math.isfinite(bound))
    return (factor - 1.0) * nearest


def _joints(rule: Rule, reading: Reading) -> tuple[str, ...]:
    """Joints that a verdict concerns: the error's own list or those of the quantity, on the reading's side."""
    names: tuple[str, ...]
    if isinstance(rule, FormError):
        names = joint_names(rule.joints)
    else:
        names = tuple(joint for name in reading.names if name in QUANTITIES for joint in QUANTITIES[name].joints)
    side = reading.side
    sided = [name for name in names if not side or name[-2:] not in ("_r", "_l") or name.endswith(f"_{side}")]
    return tuple(dict.fromkeys(sided))
