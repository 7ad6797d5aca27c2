"""Judging a cycle: targets, form errors and still joints, each passed, violated or not judged."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np

from qevd_bio.exercise.measure import Moment, Reading, key_frames, readings
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import resolve
from qevd_bio.motion.cycles.curves import Window
from qevd_bio.motion.judging.rule_verdict import Rule, RuleVerdict
from qevd_bio.motion.judging.stillness import Stillness
from qevd_bio.motion.judging.truncation import Cut
from qevd_bio.motion.judging.verdicts import PASS, VIOLATION, CameraView, Verdict, distance
from qevd_bio.motion.options import ConstraintOptions


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
        rules: tuple[Rule, ...] = (*exercise.errors, *exercise.targets)
        self._verdicts = [
            RuleVerdict(rule, exercise, self.salient, self.options, self.camera, self.reference) for rule in rules
        ]
        self._still = Stillness(exercise, self.salient, self.options, self.camera)

    def judge(
        self,
        window: Window,
        duration_s: float,
        pause_s: float = math.nan,
        confidence: float = 1.0,
        moments: Mapping[str, Moment] | None = None,
        cut: Cut | None = None,
    ) -> list[Verdict]:
        """Verdicts of one cycle.

        pause_s     seconds since the last cycle ended, NaN for the first
        confidence  of the kinematics in this cycle, 0..1
        moments     the cycle's key frames, if they are known already
        cut         what of the cycle the clip does not show
        """
        cut = cut or Cut()
        if moments is None:
            moments = key_frames(self.exercise, window.present, len(window)) if len(window) else {}
        verdicts = [
            *self._rules(window, duration_s, pause_s, cut.seen(self.exercise, moments), confidence, cut),
            *self._still.judge(window, confidence),
        ]
        return [self._remember(verdict) for verdict in verdicts]

    def _remember(self, verdict: Verdict) -> Verdict:
        key = (verdict.rule, verdict.side)
        if verdict.verdict == VIOLATION:
            self._lasting[key] = self._lasting.get(key, 0) + 1
            return verdict._replace(persistence=self._lasting[key])
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
        cut: Cut,
    ) -> Iterator[Verdict]:
        last = len(window) - 1
        for judged in self._verdicts:
            rule = judged.rule
            if last < 0:
                yield judged.verdict(_UNKNOWN, "no_frames", 0, 0, confidence)
                continue
            found = readings(rule, self.exercise, window, moments, duration_s)
            if not found:
                yield judged.verdict(_UNKNOWN, "no_key_frame", 0, last, confidence)
            for reading in _one_a_side(judged, found):
                if rule.quantity == "pause":
                    reading = replace(reading, value=pause_s)
                reason = "cut_off" if cut.hides(rule, reading.side) else self._unknown(rule, reading, window)
                yield judged.verdict(reading, reason, _frame(rule, reading, window), last, confidence)

    def _unknown(self, rule: Rule, reading: Reading, window: Window) -> str:
        """Why a reading cannot be judged, "" if it can."""
        if rule.quantity == "pause" and math.isnan(reading.value):
            return "first_cycle"
        if math.isnan(reading.value):
            return "not_observed"
        if rule.quantity in ("pause", "cycle_duration") or reading.frame is not None:
            return ""
        return "" if window.share(reading.names) >= self.options.min_observed else "not_observed"


_UNKNOWN = Reading(math.nan, "", None, ())


def _one_a_side(judged: RuleVerdict, found: list[Reading]) -> list[Reading]:
    """At most one reading a side: where both sides' key frames give one of the whole body, the worse one."""
    if len({reading.side for reading in found}) == len(found):
        return found
    low, high = judged.low, judged.high
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
