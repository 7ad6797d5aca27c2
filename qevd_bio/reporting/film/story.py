"""What an annotated video shows at each moment, from the kinematics and what the analysis found."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.uncertainty import curve_sigma
from qevd_bio.coach.baselines.rules import RulesCoach
from qevd_bio.drawing.key_angle import KeyAngle, key_angle
from qevd_bio.drawing.scene import Dial, Scene, State, marks_of
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.cycles.curves import SeenCurves, skeleton_of
from qevd_bio.motion.frames import frames_of
from qevd_bio.pose.backends.landmarks import JOINT_LANDMARKS, LANDMARK_INDEX, VISIBILITY
from qevd_bio.tables.kinematics import MISSING, OK, Kinematics
from qevd_bio.tables.motion import CycleRow, MotionSegment
from qevd_bio.tables.verdicts import NOT_SURE, Verdict

SHOWN_S = 4.0
"""A sentence stays at least so long; it leaves when the next one comes."""
REST_S = 3.0
"""From so long after a repetition on nobody is counting."""
UNSURE_DEG = 12.0
"""Standard deviation of an angle from which its value is not sure."""
_MOST_GAP_S = 0.5
_SWITCH_DEG = 12.0
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """One segment of a video: its rows, and the exercise (None where it is not known)."""

    segment: MotionSegment
    exercise: Exercise | None
    cycles: Sequence[CycleRow]
    verdicts: Sequence[Verdict]


class Story:
    """The scenes of one video. `parts` are its segments in order of time."""

    def __init__(self, kinematics: Kinematics, parts: Sequence[Part]) -> None:
        self._kinematics = kinematics
        frames = frames_of(kinematics)
        skeleton = skeleton_of(kinematics.skeleton_lengths, None)
        self._curves = SeenCurves(frames.angles, frames.observed, frames.ok, skeleton, frames.root, frames.sigma)
        self._parts = [_Told(part, self._curves, kinematics) for part in parts]

    def scene(self, time_s: float) -> Scene:
        """What is shown at a time, seconds from the video's first frame."""
        landmarks, row = self._landmarks(time_s)
        sure = row is not None and self._kinematics.status[row] == OK
        scene = Scene(landmarks=landmarks, sure=bool(sure))
        told = next((part for part in self._parts if part.covers(time_s)), None)
        return scene if told is None else told.add(scene, time_s, row)

    def repetition(self, time_s: float) -> tuple[Part, CycleRow | None] | None:
        """The segment at a time and the repetition that is being done; None outside all segments."""
        told = next((part for part in self._parts if part.covers(time_s)), None)
        return None if told is None else (told.part, told.within(time_s))

    def _landmarks(self, time_s: float) -> tuple[NDArray[np.float32] | None, int | None]:
        """Landmarks between the two analysed frames around a time, and the nearer one's row."""
        times, found = self._kinematics.time_s, self._kinematics.landmarks
        if found is None or not len(times):
            return None, None
        after = min(bisect_right(times, time_s + 1e-6), len(times) - 1)
        before = max(after - 1, 0) if times[after] > time_s + 1e-6 else after
        near = before if time_s - times[before] <= times[after] - time_s else after
        if self._kinematics.status[near] == MISSING or abs(times[near] - time_s) > _MOST_GAP_S:
            return None, None
        gap = times[after] - times[before]
        share = np.float32((time_s - times[before]) / gap) if gap > 0 else np.float32(0)
        between: NDArray[np.float32] = found[before] + share * (found[after] - found[before])
        return (between if np.isfinite(between[:, :2]).all() else found[near]), int(near)


class _Told:
    """One segment as it is told."""

    def __init__(self, part: Part, curves: SeenCurves, kinematics: Kinematics) -> None:
        self.part = part
        self._cycles = sorted(part.cycles, key=lambda row: row.start_s)
        by_cycle: dict[int, list[Verdict]] = {}
        for verdict in part.verdicts:
            by_cycle.setdefault(verdict.cycle, []).append(verdict)
        self._marks = {number: marks_of(own) for number, own in by_cycle.items()}
        self._said = _sentences(part.exercise, self._cycles, by_cycle) if part.exercise else []
        self._angle = key_angle(part.exercise) if part.exercise else None
        self._dials = _dials(self._angle, curves, kinematics, by_cycle, self._cycles) if self._angle else {}

    def covers(self, time_s: float) -> bool:
        return self.part.segment.start_s - 1e-6 <= time_s <= self.part.segment.end_s + 1e-6

    def add(self, scene: Scene, time_s: float, row: int | None) -> Scene:
        exercise = self.part.exercise
        if exercise is None:
            return scene
        done = [cycle for cycle in self._cycles if cycle.end_s <= time_s + 1e-6]
        within = self.within(time_s)
        counted = float(sum(cycle.units for cycle in done))
        count = exercise.cycle.count
        state: State = "counting"
        if within is None and (not done or time_s - done[-1].end_s > REST_S):
            state = "resting" if done else "waiting"
        return replace(
            scene,
            marks=self._marks.get(within.cycle, {}) if within is not None else {},
            dial=self._dials.get(row) if row is not None else None,
            count=counted,
            unit=count.unit if counted == 1 else count.plural,
            state=state,
            sentence=next((text for at, text in reversed(self._said) if at <= time_s <= at + SHOWN_S), ""),
        )

    def within(self, time_s: float) -> CycleRow | None:
        """The repetition that is being done at a time."""
        return next((row for row in self._cycles if row.start_s <= time_s < row.end_s), None)


def _sentences(
    exercise: Exercise, cycles: Sequence[CycleRow], by_cycle: Mapping[int, Sequence[Verdict]]
) -> list[tuple[float, str]]:
    """What is said, and when: as a live coach would, where it would know; at the repetition's end elsewhere."""
    coach, said = RulesCoach(exercise), []
    known = sorted((row.reported_s if math.isfinite(row.reported_s) else row.end_s, row.cycle) for row in cycles)
    for at, number in known:
        text = coach.hear(at, [verdict for verdict in by_cycle.get(number, ()) if verdict.is_fault])
        if text:
            said.append((at, text))
    return said


def _dials(
    angle: KeyAngle,
    curves: SeenCurves,
    kinematics: Kinematics,
    by_cycle: Mapping[int, Sequence[Verdict]],
    cycles: Sequence[CycleRow],
) -> dict[int, Dial]:
    """The key angle by row of the kinematics: of the side that works, where both work alike of the one better seen."""
    values = {side: _values(curves, f"{angle.quantity}_{side}") for side in "rl"}
    seen = {side: _visibility(kinematics, side) for side in "rl"}
    sides = _working_side(values, max(seen, key=lambda side: seen[side]))
    doubted = np.zeros(len(kinematics), dtype=bool)
    for row in cycles:
        own = [v for v in by_cycle.get(row.cycle, ()) if v.quantity == angle.quantity]
        if own and all(v.verdict == NOT_SURE for v in own):
            doubted |= (kinematics.time_s >= row.start_s) & (kinematics.time_s <= row.end_s)
    found = {}
    for row_index, side in enumerate(sides):
        value, sigma = float(values[side][0][row_index]), float(values[side][1][row_index])
        if math.isfinite(value):
            sure = not (sigma > UNSURE_DEG or doubted[row_index])
            found[row_index] = Dial(f"{angle.quantity}_{side}", value, angle.band, angle.name, sure)
    return found


def _values(curves: SeenCurves, name: str) -> tuple[Array, Array]:
    """Degrees of a quantity and their standard deviation; infinite where it was not observed."""
    values = np.asarray(curves.present(name), dtype=np.float64)
    sigma = np.zeros(len(values))
    if curves.sigma is not None:
        sigma = np.nan_to_num(curve_sigma(name, curves.angles, curves.sigma, root=curves.root), nan=np.inf)
    return values, np.where(np.isfinite(curves(name)), sigma, np.inf)


def _visibility(kinematics: Kinematics, side: str) -> float:
    if kinematics.landmarks is None:
        return 0.0
    columns = [LANDMARK_INDEX[name] for joint, name in JOINT_LANDMARKS.items() if joint.endswith(f"_{side}")]
    shown = kinematics.landmarks[:, columns, VISIBILITY]
    return float(np.nanmean(shown)) if np.isfinite(shown).any() else 0.0


def _working_side(values: Mapping[str, tuple[Array, Array]], better: str) -> list[str]:
    """The side of each frame: it changes only where the other one is bent clearly further."""
    gap = np.nan_to_num(values["r"][0] - values["l"][0])
    apart = float(np.percentile(np.abs(gap), 80)) if len(gap) else 0.0
    if apart < 3 * _SWITCH_DEG:
        return [better] * len(gap)
    side, sides = better, []
    for difference in gap.tolist():
        if difference > _SWITCH_DEG:
            side = "r"
        elif difference < -_SWITCH_DEG:
            side = "l"
        sides.append(side)
    return sides
