"""Judging a cycle: targets, form errors and still joints, each passed, violated or not judged."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np

from qevd_bio.anatomy.derived import QUANTITIES
from qevd_bio.exercise.measure import Moment, Reading, key_frames, readings
from qevd_bio.exercise.rules import Exercise, FormError, Target
from qevd_bio.exercise.vocabulary import joint_names, resolve, vocabulary
from qevd_bio.motion.curves import Window
from qevd_bio.motion.options import ConstraintOptions
from qevd_bio.motion.stillness import Stillness
from qevd_bio.motion.verdicts import (
    NOT_JUDGED,
    PASS,
    RULE_CONFIDENCE,
    VIOLATION,
    CameraView,
    Verdict,
    distance,
    severity,
)

_LEAST_SCALE = {"deg": 10.0, "s": 0.5, "ratio": 0.1, "fraction": 0.1}
_TARGET_WEIGHT = 0.5

Rule = FormError | Target


class Judge:
    """Judges the cycles of one segment in order; it remembers how long a fault has lasted.

    salient: names of the joints in J*. All rules are judged; `Verdict.salient` tells those that concern J*.
    """

    def __init__(
        self,
        exercise: Exercise,
        salient: Collection[str],
        options: ConstraintOptions | None = None,
        camera: CameraView | None = None,
        reference: Mapping[tuple[str, str], float] | None = None,
    ) -> None:
        self.exercise, self.salient = exercise, frozenset(salient)
        self.options = options or ConstraintOptions()
        self.camera = camera or CameraView()
        self.reference = reference or {}
        self._lasting: dict[tuple[str, str], int] = {}
        self._still = Stillness(exercise, self.salient, self.options, self.camera)

    def judge(
        self,
        window: Window,
        duration_s: float,
        pause_s: float = math.nan,
        confidence: float = 1.0,
        moments: Mapping[str, Moment] | None = None,
    ) -> list[Verdict]:
        """Verdicts of one cycle.

        pause_s     seconds since the last cycle ended, NaN for the first
        confidence  of the kinematics in this cycle, 0..1
        moments     the cycle's key frames, if they are known already
        """
        if moments is None:
            moments = key_frames(self.exercise, window.present, len(window)) if len(window) else {}
        verdicts = [
            *self._rules(window, duration_s, pause_s, moments, confidence),
            *self._still.judge(window, confidence),
        ]
        return [self._remember(verdict) for verdict in verdicts]

    def _remember(self, verdict: Verdict) -> Verdict:
        key = (verdict.rule, verdict.side)
        if verdict.verdict == VIOLATION:
            self._lasting[key] = self._lasting.get(key, 0) + 1
            return replace(verdict, persistence=self._lasting[key])
        if verdict.verdict == PASS:
            self._lasting[key] = 0
        return verdict

    def _rules(
        self,
        window: Window,
        duration_s: float,
        pause_s: float,
        moments: Mapping[str, Moment],
        confidence: float,
    ) -> Iterator[Verdict]:
        rules: tuple[Rule, ...] = (*self.exercise.errors, *self.exercise.targets)
        for rule in rules:
            if len(window) == 0:
                yield self._verdict(rule, _UNKNOWN, "no_frames", 0, 0, confidence)
                continue
            found = readings(rule, self.exercise, window, moments, duration_s)
            if not found:
                yield self._verdict(rule, _UNKNOWN, "no_key_frame", 0, len(window) - 1, confidence)
            for reading in _one_a_side(rule, found):
                if rule.quantity == "pause":
                    reading = replace(reading, value=pause_s)
                reason = self._unknown(rule, reading, window)
                at = _frame(rule, reading, window)
                yield self._verdict(rule, reading, reason, at, len(window) - 1, confidence)

    def _unknown(self, rule: Rule, reading: Reading, window: Window) -> str:
        """Why a reading cannot be judged, "" if it can."""
        if rule.quantity == "pause" and math.isnan(reading.value):
            return "first_cycle"
        if math.isnan(reading.value):
            return "not_observed"
        if rule.quantity in ("pause", "cycle_duration") or reading.frame is not None:
            return ""
        seen = np.logical_and.reduce([np.isfinite(window(name)) for name in reading.names])
        return "" if seen.mean() >= self.options.min_observed else "not_observed"

    def _verdict(self, rule: Rule, reading: Reading, reason: str, at: int, last: int, confidence: float) -> Verdict:
        error = rule if isinstance(rule, FormError) else None
        kind = "error" if error else "target"
        quantity = vocabulary().quantities[rule.quantity]
        low, high = rule.bounds if isinstance(rule, FormError) else rule.range
        badly = self.camera.sees_badly(quantity.plane, self.options.bad_view_deg)
        tolerance = self._tolerance(rule, badly)
        value = math.nan if reason else reading.value
        deviation = distance(value, low, high) if not reason else math.nan
        beyond = abs(deviation) - tolerance
        violated = not reason and deviation != 0 and beyond > 1e-9
        edge = low if deviation < 0 else high
        goal = error.goal if error else edge if math.isfinite(edge) else low
        scale = max(abs(goal - edge) if math.isfinite(edge) else 0.0, _LEAST_SCALE[quantity.unit])
        joints = _joints(rule, reading)
        name = f"{kind}:{rule.id}"
        return Verdict(
            rule=name,
            kind=kind,
            verdict=NOT_JUDGED if reason else VIOLATION if violated else PASS,
            reason=reason,
            joint=joints[0] if joints else "",
            quantity=rule.quantity,
            side=reading.side,
            limb=rule.limb,
            stat=rule.stat,
            key=next((key.phrase for key in self.exercise.keys if key.name == rule.at), ""),
            value=value,
            low=low,
            high=high,
            deviation=deviation,
            goal=goal,
            reference=self.reference.get((name, reading.side), math.nan),
            unit=quantity.unit,
            tolerance=tolerance,
            widened=badly,
            first=0,
            last=last,
            at=at,
            severity=severity(error.weight if error else _TARGET_WEIGHT, beyond, scale) if violated else 0.0,
            persistence=0,
            confidence=confidence * RULE_CONFIDENCE[rule.confidence],
            alarm=self._alarm(rule),
            salient=bool(self.salient.intersection(joints)),
            source=rule.source,
            rule_confidence=rule.confidence,
        )

    def _tolerance(self, rule: Rule, badly: bool) -> float:
        """A target's own tolerance; an error's threshold holds its tolerance already, a bad view adds to it."""
        factor = self.options.bad_view_factor if badly else 1.0
        if isinstance(rule, Target):
            return rule.tolerance * factor
        nearest = min(abs(rule.goal - bound) for bound in rule.bounds if math.isfinite(bound))
        return (factor - 1.0) * nearest

    def _alarm(self, rule: Rule) -> str:
        if self.exercise.uncertain or rule.confidence == "low":
            return "soft"
        return rule.alarm if isinstance(rule, FormError) else "soft"


_UNKNOWN = Reading(math.nan, "", None, ())


def _one_a_side(rule: Rule, found: list[Reading]) -> list[Reading]:
    """At most one reading a side: where both sides' key frames give one of the whole body, the worse one."""
    if len({reading.side for reading in found}) == len(found):
        return found
    low, high = rule.bounds if isinstance(rule, FormError) else rule.range
    best: dict[str, Reading] = {}
    for reading in found:
        known = best.get(reading.side)
        worse = known is None or not abs(distance(reading.value, low, high)) <= abs(distance(known.value, low, high))
        if worse or math.isnan(best[reading.side].value):
            best[reading.side] = reading
    return list(best.values())


def _frame(rule: Rule, reading: Reading, window: Window) -> int:
    """The frame that a reading was taken at: its key frame, the extreme, else the middle."""
    last = len(window) - 1
    if reading.frame is not None:
        return reading.frame
    if rule.quantity in ("cycle_duration", "pause") or math.isnan(reading.value):
        return last
    if rule.stat in ("max", "rise", "min", "drop"):
        curve = resolve(rule.quantity, reading.side).evaluate(window)
        if np.isfinite(curve).any():
            return int(np.nanargmax(curve) if rule.stat in ("max", "rise") else np.nanargmin(curve))
    return last // 2


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
