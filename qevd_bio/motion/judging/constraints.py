"""Judging a cycle: targets, form errors and still joints, each passed, violated or not judged."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np

from qevd_bio.anatomy.derived import QUANTITIES
from qevd_bio.exercise.measure import Measurement, Moment, key_frames, pause_readings, readings
from qevd_bio.exercise.rules import PAUSE, Exercise, FormError, Target
from qevd_bio.exercise.severity import RULE_CONFIDENCE, Rule, bounds_of, goal_of, severity_of
from qevd_bio.exercise.vocabulary import NOT_CURVES, SHARES, joint_names, resolve, vocabulary
from qevd_bio.motion.cycles.curves import Window
from qevd_bio.motion.judging.belief import outcome, reading_sigma, share_sigma
from qevd_bio.motion.judging.occasion import CameraView, Occasion, Rest
from qevd_bio.motion.judging.own_course import OwnCourse
from qevd_bio.motion.judging.recurrence import Recurrence
from qevd_bio.motion.judging.stillness import Stillness
from qevd_bio.motion.judging.truncation import Cut
from qevd_bio.motion.options import ConstraintOptions
from qevd_bio.tables.verdicts import ERROR, NOT_JUDGED, NOT_SURE, PASS, TARGET, VIOLATION, Verdict, distance


class JudgedRule:
    """A target or form error with everything about its verdict that does not change from cycle to cycle."""

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
        self.kind = ERROR if isinstance(rule, FormError) else TARGET
        self.name = f"{self.kind}:{rule.id}"
        self.unit, self.options = quantity.unit, options
        self.widened = camera.sees_badly(quantity.plane, options.bad_view_deg)
        self.bounds = bounds_of(rule, options.bad_view_factor if self.widened else 1.0)
        self.trust = RULE_CONFIDENCE[rule.confidence]
        self.phrase = phrase_of(rule, exercise)
        soft = bool(exercise.uncertain) or rule.confidence == "low" or isinstance(rule, Target)
        self.alarm = "soft" if soft else rule.alarm if isinstance(rule, FormError) else "soft"
        self._salient, self._reference = salient, reference
        self._joints: dict[str, tuple[str, bool]] = {}

    def verdict(
        self, occasion: Occasion, reading: Measurement, reason: str, at: int, confidence: float, sigma: float = 0.0
    ) -> Verdict:
        """The verdict on one reading with an error of `sigma`; `reason` says why it cannot be judged, "" if it can."""
        rule, bounds = self.rule, self.bounds
        value = math.nan if reason else reading.value
        deviation = math.nan if reason else bounds.deviation(value)
        probability = math.nan if reason else bounds.probability(value, sigma)
        found = NOT_JUDGED if reason else outcome(probability, self.options)
        violated = found == VIOLATION
        joint, salient = self._about(reading)
        return Verdict(
            **occasion.columns(self.name, reading.side, at),
            kind=self.kind,
            verdict=found,
            reason=reason or None,
            joint=joint,
            quantity=rule.quantity,
            limb=rule.limb,
            stat=rule.stat,
            key=self.phrase,
            value=value,
            low=bounds.low,
            high=bounds.high,
            deviation=deviation,
            goal=goal_of(rule, deviation),
            reference=self._reference.get((self.name, reading.side), math.nan),
            unit=self.unit,
            tolerance=bounds.tolerance,
            tolerance_widened=self.widened,
            sigma=math.nan if reason else sigma,
            probability=probability,
            severity=severity_of(rule, bounds, deviation) if violated else 0.0,
            confidence=confidence * self.trust,
            alarm=self.alarm,
            salient=salient,
            source=rule.source,
            rule_confidence=rule.confidence,
        )

    def _about(self, reading: Measurement) -> tuple[str, bool]:
        """First joint that the verdict concerns, and whether any of its joints is salient."""
        known = self._joints.get(reading.side)
        if known is None or not known[0]:
            joints = _joints(self.rule, reading)
            known = (joints[0] if joints else "", bool(set(joints).intersection(self._salient)))
            self._joints[reading.side] = known
        return known


def phrase_of(rule: Rule, exercise: Exercise) -> str:
    """The moment of a rule in words, "" for the whole cycle."""
    if rule.at == PAUSE:
        return "between the repetitions"
    return next((key.phrase for key in exercise.keys if key.name == rule.at), "")


class CycleJudge:
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
        rules: tuple[Rule, ...] = (*exercise.errors, *exercise.targets)
        self._verdicts = [
            JudgedRule(rule, exercise, self.salient, self.options, self.camera, self.reference) for rule in rules
        ]
        self._by_name = {judged.name: judged for judged in self._verdicts}
        self._courses: dict[tuple[str, str], Recurrence] = {}
        self._own = OwnCourse(exercise)
        self._still = Stillness(exercise, self.salient, self.options, self.camera)

    def judge(
        self,
        occasion: Occasion,
        window: Window,
        pause_s: float = math.nan,
        confidence: float = 1.0,
        moments: Mapping[str, Moment] | None = None,
        cut: Cut | None = None,
        rest: Rest | None = None,
    ) -> list[Verdict]:
        """Verdicts of one cycle, of which `window` holds the frames.

        pause_s     seconds since the last cycle ended, NaN for the first
        confidence  of the kinematics in this cycle, 0..1
        moments     the cycle's key frames, if they are known already
        cut         what of the cycle the clip does not show
        rest        the frames since the last cycle, None where there was no rest
        """
        cut = cut or Cut()
        if moments is None:
            moments = key_frames(self.exercise, window.present, len(window)) if len(window) else {}
        verdicts = [
            *self._rules(occasion, window, pause_s, cut.seen(self.exercise, moments), confidence, cut),
            *self._rests(occasion, rest, confidence),
            *self._still.judge(occasion, window, confidence),
        ]
        if len(window) and not cut.partial:
            self._own.remember(window, occasion.duration_s)
        return [self._remember(verdict) for verdict in verdicts]

    def _remember(self, verdict: Verdict) -> Verdict:
        key = (verdict.rule, verdict.side)
        if verdict.kind == ERROR and verdict.verdict != NOT_JUDGED:
            verdict = self._with_others(verdict)
        if verdict.verdict == VIOLATION:
            lasting = self._lasting[key] = self._lasting.get(key, 0) + 1
            grave = lasting >= self.options.recur or verdict.severity >= self.options.grave
            return replace(verdict, persistence=lasting, raised=verdict.kind == ERROR and grave)
        if verdict.verdict == PASS:
            self._lasting[key] = 0
        return verdict

    def _with_others(self, verdict: Verdict) -> Verdict:
        """The verdict on a form error in the light of the repetitions before: a fault that surely recurs is one."""
        judged = self._by_name[verdict.rule]
        course = self._courses.setdefault((verdict.rule, verdict.side), Recurrence())
        course.add(verdict.value, verdict.sigma)
        recurs = course.probability(judged.bounds)
        verdict = replace(verdict, recurrence=recurs)
        enough = course.number >= self.options.recur and recurs >= self.options.recur_p
        if verdict.verdict == NOT_SURE and enough and verdict.probability >= 0.5:
            grave = severity_of(judged.rule, judged.bounds, verdict.deviation)
            return replace(verdict, verdict=VIOLATION, severity=grave)
        return verdict

    def _rules(
        self,
        occasion: Occasion,
        window: Window,
        pause_s: float,
        moments: Mapping[str, Moment],
        confidence: float,
        cut: Cut,
    ) -> Iterator[Verdict]:
        shares = self._own.shares(window, occasion.duration_s) if len(window) else {}
        for judged in self._verdicts:
            rule = judged.rule
            if rule.at == PAUSE:
                continue
            if not len(window):
                yield judged.verdict(occasion, _UNKNOWN, "no_frames", 0, confidence)
                continue
            found = readings(rule, self.exercise, window, moments, occasion.duration_s)
            if not found:
                yield judged.verdict(occasion, _UNKNOWN, "no_key_frame", 0, confidence)
            for reading in _one_a_side(judged, found):
                if rule.quantity == "pause":
                    reading = replace(reading, value=pause_s)
                elif rule.quantity in SHARES:
                    reading = replace(reading, value=shares[rule.quantity])
                reason = "cut_off" if cut.hides(rule, reading.side) else self._unknown(rule, reading, window)
                at = _frame(rule, reading, window)
                sigma = 0.0 if reason else self._sigma(judged, reading, window, at)
                yield judged.verdict(occasion, reading, reason, at, confidence, sigma)

    def _rests(self, occasion: Occasion, rest: Rest | None, confidence: float) -> Iterator[Verdict]:
        """Verdicts of the rules about the pause; not judged where there was none."""
        for judged in self._verdicts:
            rule = judged.rule
            if rule.at != PAUSE:
                continue
            if rest is None:
                yield judged.verdict(occasion, _UNKNOWN, "no_pause", 0, confidence)
                continue
            within = replace(occasion, times=rest.times, frames=rest.frames)
            for reading in pause_readings(rule, rest.window):
                reason = self._unknown(rule, reading, rest.window)
                at = _frame(rule, reading, rest.window)
                sigma = 0.0 if reason else self._sigma(judged, reading, rest.window, at)
                yield judged.verdict(within, reading, reason, at, confidence, sigma)

    def _sigma(self, judged: JudgedRule, reading: Measurement, window: Window, at: int) -> float:
        if judged.rule.quantity in SHARES:
            return share_sigma(judged.rule.quantity, self._own, window, self.camera)
        rule = judged.rule
        return reading_sigma(window, rule.quantity, reading.names, rule.stat, at, judged.unit, self.camera)

    def _unknown(self, rule: Rule, reading: Measurement, window: Window) -> str:
        """Why a reading cannot be judged, "" if it can."""
        if math.isnan(reading.value):
            early = rule.quantity == "pause" or (rule.quantity in SHARES and math.isnan(self._own.usual_duration_s))
            return "first_cycle" if early else "not_observed"
        if rule.quantity in NOT_CURVES or reading.frame is not None:
            return ""
        return "" if window.share(reading.names) >= self.options.min_observed else "not_observed"


def _joints(rule: Rule, reading: Measurement) -> tuple[str, ...]:
    """Joints that a verdict concerns: the error's own list or those of the quantity, on the reading's side."""
    names: tuple[str, ...]
    if isinstance(rule, FormError):
        names = joint_names(rule.joints)
    else:
        names = tuple(joint for name in reading.names if name in QUANTITIES for joint in QUANTITIES[name].joints)
    side = reading.side
    sided = [name for name in names if not side or name[-2:] not in ("_r", "_l") or name.endswith(f"_{side}")]
    return tuple(dict.fromkeys(sided))


_UNKNOWN = Measurement(math.nan, "", None, ())


def _one_a_side(judged: JudgedRule, found: list[Measurement]) -> list[Measurement]:
    """At most one reading a side: where both sides' key frames give one of the whole body, the worse one."""
    if len({reading.side for reading in found}) == len(found):
        return found
    low, high = judged.bounds.low, judged.bounds.high
    best: dict[str, Measurement] = {}
    for reading in found:
        known = best.get(reading.side)
        worse = known is None or not abs(distance(reading.value, low, high)) <= abs(distance(known.value, low, high))
        if worse or math.isnan(best[reading.side].value):
            best[reading.side] = reading
    return list(best.values())


def _frame(rule: Rule, reading: Measurement, window: Window) -> int:
    """The frame that a reading was taken at: its key frame, the extreme, else the middle."""
    last = len(window) - 1
    if reading.frame is not None:
        return reading.frame
    if rule.quantity in NOT_CURVES or math.isnan(reading.value):
        return last
    if rule.stat in ("max", "rise", "min", "drop"):
        curve = resolve(rule.quantity, reading.side).evaluate(window)
        if np.isfinite(curve).any():
            return int(np.nanargmax(curve) if rule.stat in ("max", "rise") else np.nanargmin(curve))
    return last // 2
