"""Static joints: how much each degree of freedom varies over a cycle."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.derived import QUANTITIES
from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, JOINT_DOFS
from qevd_bio.exercise.catalogue import roles
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.severity import RULE_CONFIDENCE, SPREAD, TARGET_WEIGHT, Bounds, severity
from qevd_bio.exercise.vocabulary import joint_names
from qevd_bio.motion.cycles.curves import Window
from qevd_bio.motion.judging.belief import outcome, reading_sigma
from qevd_bio.motion.judging.occasion import CameraView, Occasion
from qevd_bio.motion.options import ConstraintOptions
from qevd_bio.tables.verdicts import NOT_JUDGED, STATIC, VIOLATION, Verdict


def static_limits(exercise: Exercise, strict: bool) -> dict[str, dict[int, float]]:
    """Joint -> {column of a degree of freedom: allowed standard deviation in degrees}.

    `strict` is the paper's rule: every joint that is not dynamic is static, without exceptions.
    """
    still = ("static", "free") if strict else ("static",)
    limits: dict[str, dict[int, float]] = {}
    for joint, role in roles(exercise).items():
        if role not in still:
            continue
        allowed: dict[int, float | None] = dict.fromkeys(JOINT_DOFS[joint], exercise.roles.limit_deg)
        for exception in () if strict else exercise.roles.exceptions:
            if joint not in joint_names(exception.joints):
                continue
            chosen = [DOF_INDEX[name] for name in exception.dofs] or list(allowed)
            allowed.update({dof: exception.limit_deg for dof in chosen if dof in allowed})
        judged = {dof: limit for dof, limit in allowed.items() if limit is not None}
        if judged:
            limits[joint] = judged
    return limits


def variation(window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard deviation in degrees and share of observed frames, (46,) each."""
    angles = np.rad2deg(window.angles)
    seen = window.observed & np.isfinite(angles)
    count = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, angles, 0.0).sum(axis=0) / count
    spread = np.where(seen, angles - mean, 0.0)
    return np.sqrt((spread * spread).sum(axis=0) / count), seen.mean(axis=0)


class Stillness:
    """Judges the static joints of an exercise; a joint's worst degree of freedom speaks for it."""

    def __init__(
        self, exercise: Exercise, salient: Collection[str], options: ConstraintOptions, camera: CameraView
    ) -> None:
        self.exercise, self.salient, self.options, self.camera = exercise, salient, options, camera
        self.limits = static_limits(exercise, options.strict_paper)
        self._allowed = {
            dof: limit * self._factor(camera, dof) for limits in self.limits.values() for dof, limit in limits.items()
        }

    def _factor(self, camera: CameraView, dof: int) -> float:
        badly = camera.sees_badly(QUANTITIES[DOF_NAMES[dof]].plane, self.options.bad_view_deg)
        return self.options.bad_view_factor if badly else 1.0

    def judge(self, occasion: Occasion, window: Window, confidence: float) -> Iterator[Verdict]:
        """One verdict a static joint; unobserved degrees of freedom do not count, for or against."""
        if len(window) == 0:
            return
        deviation, share = variation(window)
        for joint, limits in self.limits.items():
            judged = [dof for dof in limits if share[dof] >= self.options.min_observed]
            yield self._verdict(occasion, window, joint, limits, judged, deviation.tolist(), confidence)

    def _verdict(
        self,
        occasion: Occasion,
        window: Window,
        joint: str,
        limits: Mapping[int, float],
        judged: list[int],
        deviation: list[float],
        confidence: float,
    ) -> Verdict:
        allowed = self._allowed
        worst = max(judged, key=lambda dof: deviation[dof] / allowed[dof]) if judged else next(iter(limits))
        value, limit = deviation[worst] if judged else float("nan"), limits[worst]
        tolerance = allowed[worst] - limit
        side = joint[-1] if joint.endswith(("_r", "_l")) else ""
        sigma = math.nan
        if judged:
            plain = _without_side(DOF_NAMES[worst], side)
            sigma = reading_sigma(window, plain, (DOF_NAMES[worst],), "std", 0, "deg", self.camera)
        bounds = Bounds(-math.inf, limit, tolerance, SPREAD[self.exercise.roles.confidence] * limit)
        probability = bounds.probability(value, sigma) if judged else math.nan
        found = outcome(probability, self.options) if judged else NOT_JUDGED
        violated = found == VIOLATION
        name, config = DOF_NAMES[worst], self.exercise.roles
        middle = (len(occasion.frames) - 1) // 2
        soft = bool(self.exercise.uncertain) or config.confidence == "low"
        return Verdict(
            **occasion.columns(f"{STATIC}:{joint.removesuffix(f'_{side}') if side else joint}", side, middle),
            kind=STATIC,
            verdict=found,
            reason=None if judged else "not_observed",
            joint=joint,
            quantity=_without_side(name, side),
            limb="",
            stat="std",
            key="",
            value=value,
            low=0.0,
            high=limit,
            deviation=max(value - limit, 0.0) if judged else value,
            goal=limit,
            unit="deg",
            tolerance=tolerance,
            tolerance_widened=tolerance > 0,
            sigma=sigma,
            probability=probability,
            severity=severity(TARGET_WEIGHT, value - limit - tolerance, limit) if violated else 0.0,
            confidence=confidence * RULE_CONFIDENCE[config.confidence],
            alarm="soft" if soft else "hard",
            salient=joint in self.salient,
            source=config.source,
            rule_confidence=config.confidence,
        )


def _without_side(name: str, side: str) -> str:
    """`knee_angle_r` -> `knee_angle`, `shoulder_r_x` -> `shoulder_x`."""
    return name.replace(f"_{side}_", "_").removesuffix(f"_{side}") if side else name
