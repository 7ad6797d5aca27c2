"""The paper's constraints as printed (BioCoach, Sec. 3.4.2, Supp. 9): salient joints against a reference, or still.

A dynamic joint's main angle is compared with the reference's at the key frames of the reference, on the grid to which
the cycle is time-normalised (Eq. 5); a static joint's main angle may vary no more than a limit. Both are decided by the
measured value alone, and every violation is said at once.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.expression import Expression
from qevd_bio.exercise.measure import Moment, key_frames
from qevd_bio.exercise.roles import roles
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.severity import RULE_CONFIDENCE, TARGET_WEIGHT, severity
from qevd_bio.exercise.vocabulary import resolve, vocabulary
from qevd_bio.motion.cycles.builders import Cycle
from qevd_bio.motion.cycles.curves import Window
from qevd_bio.motion.judging.align import resample
from qevd_bio.motion.judging.occasion import Occasion
from qevd_bio.motion.judging.template import Template
from qevd_bio.motion.judging.truncation import Cut
from qevd_bio.motion.options import ConstraintOptions
from qevd_bio.tables.verdicts import DYNAMIC, NOT_JUDGED, PASS, STABLE, VIOLATION, Verdict

Array = NDArray[np.float64]

TOLERANCE_DEG = (5.0, 10.0)
"""Sec. 3.8: exercise-specific, from 5° to 10°. The catalogue's tolerance for the joint counts, else the larger."""
STATIC_VARIANCE_DEG2 = 5.0
"""Sec. 3.8: "static-joint variance < 5°"; a variance is in square degrees, so this allows a deviation of 2.24°."""
STATIC_STD_DEG = 5.0
"""The same limit read as a standard deviation, which the paper's unit and its examples (8°, 12°) suggest."""


@dataclass(frozen=True)
class _Joint:
    """A salient joint: its name without side, its main angle, and how far that may be from the reference."""

    name: str
    plain: str
    side: str
    quantity: str
    angle: Expression
    tolerance: float


class PaperJudge:
    """Judges the cycles of one segment in order, the salient joints alone; no exception, widening or uncertainty.

    template  the reference, None for an exercise without one: then no dynamic joint can be judged
    """

    def __init__(
        self, exercise: Exercise, salient: Collection[str], options: ConstraintOptions, template: Template | None
    ) -> None:
        self.exercise, self.options, self.template = exercise, options, template
        role = roles(exercise)
        joints = [_joint(name, exercise) for name in JOINT_NAMES if name in salient]
        self._dynamic = [joint for joint in joints if role[joint.name] == "dynamic"]
        self._static = [joint for joint in joints if role[joint.name] != "dynamic"]
        self._references: dict[tuple[str, int, str], tuple[Array, Mapping[str, Moment]]] = {}
        self._lasting: dict[tuple[str, str], int] = {}
        variance = options.method == "paper"
        self._limit = math.sqrt(STATIC_VARIANCE_DEG2) if variance else STATIC_STD_DEG

    def judge(
        self, occasion: Occasion, window: Window, cycle: Cycle, own: str, confidence: float, cut: Cut
    ) -> list[Verdict]:
        """Verdicts of one cycle, of which `window` holds the frames; `own`: side of its one-sided key frame."""
        found = [*self._moving(occasion, window, cycle, own, cut), *self._still(occasion, window)]
        return [self._remember(replace(verdict, confidence=verdict.confidence * confidence)) for verdict in found]

    def _remember(self, verdict: Verdict) -> Verdict:
        if verdict.verdict == NOT_JUDGED:
            return verdict
        key = (verdict.rule, verdict.side)
        self._lasting[key] = self._lasting.get(key, 0) + 1 if verdict.violated else 0
        return replace(verdict, persistence=self._lasting[key], raised=verdict.violated)

    def _moving(self, occasion: Occasion, window: Window, cycle: Cycle, own: str, cut: Cut) -> Iterator[Verdict]:
        """δ_dynamic of every dynamic joint at every key frame of its own side."""
        if not self._dynamic:
            return
        if self.template is None or len(window) == 0:
            reason = "no_reference" if self.template is None else "no_frames"
            for joint in self._dynamic:
                yield self._verdict(occasion, joint, DYNAMIC, "", reason=reason)
            return
        reference, moments = self._reference(cycle, own)
        angles = np.column_stack([joint.angle.evaluate(window) for joint in self._dynamic])
        user = resample(occasion.times, angles, occasion.start_s, occasion.end_s, len(reference))
        seen = cut.seen(self.exercise, moments)
        for column, joint in enumerate(self._dynamic):
            for name, moment in moments.items():
                if moment.side and joint.side and moment.side != joint.side and self._both(name):
                    continue
                at = occasion.start_s + moment.frame / max(len(reference) - 1, 1) * occasion.duration_s
                value, goal = float(user[moment.frame, column]), float(reference[moment.frame, column])
                reason = "cut_off" if name not in seen else "" if math.isfinite(value - goal) else "not_observed"
                yield self._verdict(
                    occasion, joint, DYNAMIC, self._key(name, joint), value, goal,
                    joint.tolerance, int(np.argmin(np.abs(occasion.times - at))), self._phrase(name), reason,
                )  # fmt: skip

    def _still(self, occasion: Occasion, window: Window) -> Iterator[Verdict]:
        """δ_static of every other joint, as the standard deviation in degrees of its main angle over the cycle."""
        middle = max(len(window) - 1, 0) // 2
        for joint in self._static:
            if len(window) == 0:
                yield self._verdict(occasion, joint, STABLE, "", reason="no_frames")
                continue
            angle = np.asarray(joint.angle.evaluate(window))
            enough = np.isfinite(angle).mean() >= self.options.min_observed
            value = float(np.nanstd(angle)) if enough else math.nan
            reason = "" if enough else "not_observed"
            yield self._verdict(occasion, joint, STABLE, "", value, self._limit, 0.0, middle, reason=reason)

    def _reference(self, cycle: Cycle, own: str) -> tuple[Array, Mapping[str, Moment]]:
        """The dynamic joints' main angles (N, joints) on the reference cut as the cycle is, and its key frames."""
        assert self.template is not None
        key = (cycle.side, cycle.halves, own)
        if key not in self._references:
            curves = Curves(self.template.cut(*key))
            angles = np.column_stack([joint.angle.evaluate(curves) for joint in self._dynamic])
            self._references[key] = (angles, key_frames(self.exercise, curves, len(angles)))
        return self._references[key]

    def _both(self, moment: str) -> bool:
        """Whether each side has a moment of this name."""
        return any(moment in (f"{key.name}_r", f"{key.name}_l") for key in self.exercise.keys if key.sides == "both")

    def _key(self, moment: str, joint: _Joint) -> str:
        """The moment as a rule names it: a sided joint has it on its own side alone."""
        return moment[:-2] if joint.side and self._both(moment) else moment

    def _phrase(self, moment: str) -> str:
        phrases = {key.name: key.phrase for key in self.exercise.keys}
        return phrases.get(moment) or phrases.get(moment[:-2], "")

    def _verdict(
        self,
        occasion: Occasion,
        joint: _Joint,
        kind: str,
        key: str,
        value: float = math.nan,
        goal: float = math.nan,
        tolerance: float = 0.0,
        at: int = 0,
        phrase: str = "",
        reason: str = "",
    ) -> Verdict:
        dynamic = kind == DYNAMIC
        value = math.nan if reason else value
        deviation = value - goal if dynamic else max(value - goal, 0.0) if value == value else math.nan
        broken = not reason and abs(deviation) - tolerance > 1e-9
        name = f"{kind}:{joint.plain}@{key}" if key else f"{kind}:{joint.plain}"
        facts = self.exercise.roles
        return Verdict(
            **occasion.columns(name, joint.side, at),
            kind=kind,
            verdict=NOT_JUDGED if reason else VIOLATION if broken else PASS,
            reason=reason or None,
            joint=joint.name,
            quantity=joint.quantity,
            limb="",
            stat="value" if dynamic else "std",
            key=phrase,
            value=value,
            low=goal if dynamic else 0.0,
            high=goal,
            deviation=deviation,
            goal=goal,
            reference=goal if dynamic else math.nan,
            unit="deg",
            tolerance=tolerance,
            sigma=math.nan if reason else 0.0,
            probability=math.nan if reason else float(broken),
            severity=severity(TARGET_WEIGHT, abs(deviation) - tolerance, TOLERANCE_DEG[1]) if broken else 0.0,
            confidence=RULE_CONFIDENCE[facts.confidence],
            alarm="hard",
            salient=True,
            source=facts.source,
            rule_confidence=facts.confidence,
        )


def _joint(name: str, exercise: Exercise) -> _Joint:
    side = name[-1] if name.endswith(("_r", "_l")) else ""
    plain = name.removesuffix(f"_{side}") if side else name
    quantity = vocabulary().joints[plain].primary
    own = [target.tolerance for target in exercise.targets if target.quantity == quantity]
    tolerance = min(max(max(own, default=TOLERANCE_DEG[1]), TOLERANCE_DEG[0]), TOLERANCE_DEG[1])
    return _Joint(name, plain, side, quantity, resolve(quantity, side), tolerance)
