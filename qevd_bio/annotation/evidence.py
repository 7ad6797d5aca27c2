"""Which joints the kinematics of a segment draw attention to beyond the exercise's standard set, and from when on.

Two kinds of evidence, without counting repetitions: a form error of the exercise whose threshold is passed, and a joint
that should be still and moves. Each second the seconds before it are looked at, so that what is found at a time rests
on nothing later. Only observed degrees of freedom count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.derived import QUANTITIES, derive
from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, JOINT_DOFS
from qevd_bio.anatomy.forward import Pose, forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.expression import Expression, parse
from qevd_bio.exercise.roles import stability_limits
from qevd_bio.exercise.rules import PAUSE, Exercise, FormError
from qevd_bio.exercise.vocabulary import NOT_CURVES, joint_names, resolve, vocabulary
from qevd_bio.tables.kinematics import Kinematics

Array = NDArray[np.float64]

MIN_FRAMES = 30
OBSERVED_SHARE = 0.8
LOOK_S, EVERY_S = 8.0, 1.0
"""How far back is looked, and how often: two of the slowest repetitions lie within."""
WINDOW_S = 2.0
# Percentiles stand for extremes, so that one bad frame is no finding.
LOW, HIGH = 5.0, 95.0


@dataclass(frozen=True)
class Seen:
    """Why a joint matters, and when that was first seen, in seconds from the video's first frame."""

    reason: str
    since_s: float


class SeenSegment:
    """Curves of one segment's valid frames, computed when first asked for."""

    def __init__(self, kinematics: Kinematics) -> None:
        keep = kinematics.valid
        self.frames = int(keep.sum())
        self.time_s = kinematics.time_s[keep]
        self._angles = np.asarray(kinematics.angles[keep], dtype=np.float64)
        self._observed = kinematics.observed[keep]
        self._root = np.asarray(kinematics.root[keep], dtype=np.float64)
        self._lengths = dict(kinematics.skeleton_lengths)
        self._pose: Pose | None = None
        self._curves: dict[str, Array] = {}

    def curve(self, name: str) -> Array:
        """One quantity in degrees or as a ratio, in all frames."""
        found = self._curves.get(name)
        if found is None:
            if self._pose is None:
                skeleton = Skeleton.from_stature()
                known = {key: value for key, value in self._lengths.items() if math.isfinite(value)}
                chosen = skeleton.with_lengths(known) if known else skeleton
                self._pose = forward_kinematics(self._angles, chosen, self._root)
            found = self._curves[name] = derive(name, self._angles, self._pose)
        return found

    def part(self, start_s: float, end_s: float) -> SeenPart:
        """The frames of start_s < time <= end_s."""
        first, last = np.searchsorted(self.time_s, [start_s, end_s + 1e-9])
        return SeenPart(self, slice(int(first), int(last)))

    def observed(self, part: slice) -> NDArray[np.bool_]:
        """(46,) which degrees of freedom are observed in enough of these frames."""
        found: NDArray[np.bool_] = self._observed[part].mean(axis=0) >= OBSERVED_SHARE
        return found

    def degrees(self, dof: str, part: slice) -> Array:
        """The angle of one degree of freedom in these frames."""
        return np.degrees(self._angles[part, DOF_INDEX[dof]])


class SeenPart:
    """Consecutive frames of a segment, as if there were no others."""

    def __init__(self, whole: SeenSegment, part: slice) -> None:
        self._whole, self._part = whole, part
        self.frames = part.stop - part.start
        self._observed = whole.observed(part) if self.frames else np.zeros(len(DOF_NAMES), bool)

    def observes(self, names: tuple[str, ...]) -> bool:
        return all(self._observed[DOF_INDEX[name]] for name in names)

    def curve(self, name: str) -> Array:
        """One quantity, NaN where it rests on what was not observed."""
        if not self.observes(QUANTITIES[name].dofs):
            return np.full(self.frames, np.nan)
        return self._whole.curve(name)[self._part]

    def evaluate(self, expression: Expression) -> Array:
        return np.broadcast_to(expression.evaluate(self.curve), (self.frames,)).astype(np.float64)

    def wobble_deg(self, dof: str) -> float:
        """Median over windows of the standard deviation, in degrees; NaN where not observed."""
        if not self.observes((dof,)):
            return math.nan
        times = self._whole.time_s[self._part]
        series = self._whole.degrees(dof, self._part)
        window = np.floor((times - times[0]) / WINDOW_S)
        parts = np.split(series, np.flatnonzero(np.diff(window)) + 1)
        spreads = [float(part.std()) for part in parts if len(part) >= MIN_FRAMES // 2]
        return float(np.median(spreads)) if spreads else math.nan


def expand(exercise: Exercise, kinematics: Kinematics) -> dict[str, Seen]:
    """Each joint that the segment draws attention to, why and since when; {} with fewer than 30 valid frames."""
    segment = SeenSegment(kinematics)
    if segment.frames < MIN_FRAMES:
        return {}
    found: dict[str, Seen] = {}
    start, end = float(segment.time_s[0]), float(segment.time_s[-1])
    moments = [*np.arange(start + EVERY_S, end, EVERY_S).tolist(), end]
    for moment in moments:
        part = segment.part(moment - LOOK_S, moment)
        if part.frames < MIN_FRAMES:
            continue
        shown = _restless(exercise, part)
        for error in exercise.errors:
            reason = _shown(error, exercise, part)
            if reason:
                shown = {**shown, **dict.fromkeys(joint_names(error.joints), reason)}
        for joint, reason in shown.items():
            found.setdefault(joint, Seen(reason, round(moment, 3)))
    return found


def _shown(error: FormError, exercise: Exercise, segment: SeenPart) -> str:
    """Why the error is seen in these frames, or ""."""
    if error.quantity in NOT_CURVES or error.at == PAUSE or error.stat in ("rise", "drop", "symmetry"):
        return ""
    wording = vocabulary().quantities[error.quantity]
    for side in ("r", "l") if wording.sided else ("",):
        expression = resolve(error.quantity, side)
        if expression.has_sides:
            continue
        curve = segment.evaluate(expression)
        value = _statistic(error, exercise, segment, curve)
        if math.isfinite(value) and error.violated(value):
            low, high = error.bounds
            bound = f"under {low:g}" if value < low else f"over {high:g}"
            unit = "°" if wording.unit == "deg" else ""
            name = f"{ {'r': 'right ', 'l': 'left '}.get(side, '') }{wording.name}"
            return f"{name} {value:.3g}{unit} ({bound}{unit}): {error.says[0]}"
    return ""


def _statistic(error: FormError, exercise: Exercise, segment: SeenPart, curve: Array) -> float:
    there = np.isfinite(curve)
    if there.sum() < MIN_FRAMES:
        return math.nan
    if error.stat == "value" and error.at != "cycle":
        key = exercise.key(error.at)
        if key.sides != "none" or key.at == "middle" or key.of != "signal":
            return math.nan
        signal = segment.evaluate(parse(exercise.signal.expression))
        usable = there & np.isfinite(signal)
        if usable.sum() < MIN_FRAMES:
            return math.nan
        cut = np.percentile(signal[usable], 90 if key.at == "max" else 10)
        near = usable & (signal >= cut if key.at == "max" else signal <= cut)
        return float(np.median(curve[near]))
    low, high = np.percentile(curve[there], [LOW, HIGH])
    values = {
        "max": high,
        "min": low,
        "range": high - low,
        "mean": curve[there].mean(),
        "value": np.median(curve[there]),
        "std": curve[there].std(),
    }
    return float(values.get(error.stat, math.nan))


def _restless(exercise: Exercise, segment: SeenPart) -> dict[str, str]:
    """Joints whose role is static and that move more than the exercise allows."""
    limits = stability_limits(exercise)
    found: dict[str, str] = {}
    for joint, dofs in JOINT_DOFS.items():
        for dof in dofs:
            name = DOF_NAMES[dof]
            spread = segment.wobble_deg(name) if name in limits else math.nan
            if spread > limits.get(name, math.inf) and joint not in found:
                found[joint] = f"moves by {spread:.1f}° ({name}, under {limits[name]:g}° expected)"
    return found
