"""The curve that shows an exercise's repetitions, and what the cycle detector has to know of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_INDEX, LIMITS
from qevd_bio.anatomy.mirror import mirror_angles
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.expression import Expression, Series, parse
from qevd_bio.exercise.measure import key_frames
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.cycles.builders import CycleRule
from qevd_bio.motion.cycles.curves import needs
from qevd_bio.motion.cycles.detection import CycleDetector, detect
from qevd_bio.motion.cycles.holds import HoldDetector
from qevd_bio.motion.options import CycleOptions

Array = NDArray[np.float64]

CHOOSE_S = 1.0
"""The signal is chosen from the first second with a pose, in streams and in batch alike."""

HOLD_SHARE = 0.5
"""A hold's signal must be beyond this share of the reference's: a stretch held badly is still held."""

UNKNOWN_RANGE_DEG = 60.0
"""Range that is expected of a signal where the exercise has no reference."""


@dataclass(frozen=True)
class Signal:
    """One candidate: its expression and the degrees of freedom it needs (columns).

    reference (N,) is its course in the reference in degrees, None without reference. pause_share, rest_ratio: see
    CycleRule.
    """

    expression: Expression
    columns: tuple[int, ...]
    two_sided: bool
    reference: Array | None
    pause_share: float = 0.0
    rest_ratio: float = 0.0

    def values(self, series: Series) -> Array:
        """(T,) radians, NaN where not known.

        Rounded to 1e-9: forward kinematics of a clip and of a few frames differ in the last digits, cycles must not.
        """
        return np.asarray(np.round(np.deg2rad(self.expression.evaluate(series)), 9), dtype=np.float64)


_ALWAYS_AT_REST = 0.7
"""A reference that rests longer than this share of a cycle is no movement whose pauses tell anything."""
_MIRROR_ERROR = 0.02
"""Right minus left turns its sign in the mirror up to this share; derived angles are not exact in mirror images."""


def candidates(
    exercise: Exercise, reference: Array | None, fps: float = 30.0, paper: bool = False
) -> tuple[Signal, ...]:
    """The exercise's signal and its alternatives, or the `paper`'s alone; `reference` (N, 46) radians at `fps`."""
    curves = None if reference is None else Curves(reference)
    facts = exercise.signal
    found = []
    for text in (facts.paper,) if paper and facts.paper else (facts.expression, *facts.alternatives):
        expression = parse(text)
        dofs = dict.fromkeys(dof for name in expression.names for dof in needs(name))
        course = None if curves is None else np.asarray(expression.evaluate(curves))
        columns = tuple(DOF_INDEX[dof] for dof in dofs)
        signal = Signal(expression, columns, is_two_sided(expression), course)
        share = _pause_share(exercise, signal, curves, fps) if curves is not None else 0.0
        ratio = 0.0 if share else _rest_ratio(exercise, signal)
        found.append(replace(signal, pause_share=share, rest_ratio=ratio))
    return tuple(found)


def repeated_cycle(exercise: Exercise, signal: Signal, fps: float) -> tuple[float, float] | None:
    """Start and end, in frames of the endlessly repeated reference, of its second cycle as the detector finds it."""
    course = signal.reference
    if course is None or not np.isfinite(course).all():
        return None
    frames = len(course) - 1
    values = np.deg2rad(np.tile(course[:-1], 4))
    cycles = detect((np.arange(4 * frames) / fps).tolist(), values.tolist(), cycle_rule(exercise, signal))
    whole = [cycle for cycle in cycles if not cycle.partial and cycle.start_s * fps >= frames / 2]
    return (whole[0].start_s * fps, whole[0].end_s * fps) if whole else None


def _pause_share(exercise: Exercise, signal: Signal, reference: Curves, fps: float) -> float:
    """Share of the reference in which the signal rests, if key frames of other quantities lie in that rest."""
    if signal.two_sided or exercise.category == "hold":
        return 0.0
    found = repeated_cycle(exercise, signal, fps)
    if found is None:
        return 0.0
    frames = len(reference.angles) - 1
    moments = key_frames(exercise, reference, frames + 1)
    others = [key.name for key in exercise.keys if key.of != "signal"]
    phases = [moment.frame for name, moment in moments.items() if name.removesuffix("_r").removesuffix("_l") in others]
    start, length = found[0] % frames, found[1] - found[0]
    outside = any((phase - start) % frames > length for phase in phases)
    return max(0.0, 1.0 - length / frames) if outside else 0.0


def _rest_ratio(exercise: Exercise, signal: Signal) -> float:
    """Seconds at rest for one second of movement in the reference; 0 where that is not known."""
    course = signal.reference
    if course is None or signal.two_sided or exercise.category == "hold" or not np.isfinite(course).all():
        return 0.0
    away = course.max() - course if exercise.signal.rest == "max" else course - course.min()
    resting = float(np.mean(away[:-1] <= CycleOptions.rest_share * away.max()))
    return resting / (1.0 - resting) if resting < _ALWAYS_AT_REST else 0.0


def is_two_sided(expression: Expression) -> bool:
    """Whether the expression is right minus left: in the mirror image of any pose its sign is turned."""
    poses = np.random.default_rng(0).uniform(LIMITS[:, 0], LIMITS[:, 1], size=(16, 46))
    poses[:, :3] = 0.0
    plain = np.asarray(expression.evaluate(Curves(poses)))
    turned = np.asarray(expression.evaluate(Curves(mirror_angles(poses))))
    known = np.isfinite(plain) & np.isfinite(turned)
    size = float(np.abs(plain[known]).max(initial=0.0))
    return size > 0 and bool(np.abs(plain + turned)[known].max() < _MIRROR_ERROR * size)


def turns_alike(expression: Expression) -> bool:
    """Whether the expression is the same in the mirror image of any pose: it cannot tell the sides' turns apart."""
    poses = np.random.default_rng(0).uniform(LIMITS[:, 0], LIMITS[:, 1], size=(16, 46))
    plain = np.asarray(expression.evaluate(Curves(poses)))
    turned = np.asarray(expression.evaluate(Curves(mirror_angles(poses))))
    return bool(np.allclose(plain, turned, rtol=_MIRROR_ERROR, atol=1e-6, equal_nan=True))


def choose(signals: Sequence[Signal], angles: Array, observed: NDArray[np.bool_]) -> int:
    """Index of the first signal that is estimated at all in the given frames, angles (T, 46) radians.

    A degree of freedom that a recording lacks stands still to the last bit and is observed nowhere; one that is
    merely hidden moves. Timing needs no more than that. 0 where no signal is.
    """
    if len(observed) == 0:
        return 0
    estimated = observed.any(axis=0) | (np.ptp(np.where(np.isfinite(angles), angles, 0.0), axis=0) > 1e-9)
    return next((i for i, signal in enumerate(signals) if estimated[list(signal.columns)].all()), 0)


def shown_by(exercise: Exercise, signal: Signal) -> Exercise:
    """The exercise with `signal` as the one that shows its repetitions, which key frames then follow."""
    text = signal.expression.text
    if text == exercise.signal.expression:
        return exercise
    return replace(exercise, signal=replace(exercise.signal, expression=text))


def cycle_rule(exercise: Exercise, signal: Signal) -> CycleRule:
    """What the detector has to know, from the catalogue and the reference."""
    low, high = exercise.cycle.bounds_s
    course = signal.reference
    known = course is not None and bool(np.isfinite(course).any())
    reach = float(np.nanmax(course) - np.nanmin(course)) if known and course is not None else UNKNOWN_RANGE_DEG
    shortest = [error.bounds[0] for error in exercise.errors if error.quantity == "cycle_duration"]
    return CycleRule(
        two_sided=signal.two_sided,
        bounds_s=(low, math.inf if high is None else high),
        typical_s=exercise.cycle.typical_s,
        range_rad=math.radians(reach),
        rest_high=exercise.signal.rest == "max",
        pause_share=signal.pause_share,
        rest_ratio=signal.rest_ratio,
        fast_s=min(filter(math.isfinite, shortest), default=math.inf),
    )


def detector(exercise: Exercise, signal: Signal, options: CycleOptions) -> CycleDetector | HoldDetector:
    """The streaming detector of the exercise's cycles or holds."""
    rule = cycle_rule(exercise, signal)
    if exercise.category != "hold":
        return CycleDetector(rule, options)
    course = signal.reference
    held = UNKNOWN_RANGE_DEG if course is None else float(np.nanmedian(course))
    return HoldDetector(rule, math.radians(HOLD_SHARE * held), options)
