"""The representative signal of a segment, and the reference laid over its repetitions. Arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.expression import parse
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.cycles.curves import skeleton_of
from qevd_bio.motion.cycles.signal_curve import candidates, shown_by
from qevd_bio.motion.judging.template import Template
from qevd_bio.reporting.content.views import Array, ReferenceBand
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import MISSING, Kinematics
from qevd_bio.tables.motion import CycleRow


def signal_course(kinematics: Kinematics, expression: str) -> Array:
    """(T,) degrees of an expression of angles; NaN in frames without a pose. UserError for an unknown quantity."""
    root = kinematics.root.astype(np.float64) if np.isfinite(kinematics.root).any() else None
    curves = Curves(kinematics.angles.astype(np.float64), skeleton_of(kinematics.skeleton_lengths, None), root)

    def series(name: str) -> Array:
        if name in DOF_INDEX:
            return np.asarray(np.rad2deg(curves.angles[:, DOF_INDEX[name]]))
        try:
            return curves(name)
        except KeyError as error:
            raise UserError(f"no quantity is called {name!r}", where=expression) from error

    values = np.array(parse(expression).evaluate(series), dtype=np.float64)
    values = np.broadcast_to(values, kinematics.time_s.shape).copy()
    values[kinematics.status == MISSING] = np.nan
    return values


class ReferenceCourse:
    """The course of one signal in an exercise's reference, cut as a repetition is."""

    def __init__(self, exercise: Exercise, expression: str, user_refs: Path | None) -> None:
        """UserError where the exercise has no reference; ValueError for an expression that is none of its signals."""
        reference = load_reference(exercise, user_refs)
        signals = candidates(exercise, reference.angles, reference.fps)
        found = next((signal for signal in signals if signal.expression.text == expression), None)
        if found is None:
            raise ValueError(f"{expression!r} is no signal of {exercise.id}")
        self._signal, self._exercise = found, shown_by(exercise, found)
        self._template = Template(self._exercise, reference.angles, reference.fps, found)

    def cycle(self, row: CycleRow) -> tuple[Array, float | None]:
        """(N,) degrees from the start to the end of a repetition, and the phase 0..1 of its extreme.

        The phase is None where the repetition has two extremes (two-sided signals) or is held.
        """
        side = row.side or ""
        two_sided = self._signal.two_sided
        angles = self._template.cut(side if two_sided else "", row.halves, "" if two_sided else side)
        course = np.asarray(self._signal.expression.evaluate(Curves(angles)), dtype=np.float64)
        course = np.broadcast_to(course, (len(angles),)).copy()
        if two_sided or self._exercise.category == "hold" or len(course) < 3:
            return course, None
        extreme = np.argmin(course) if self._exercise.signal.rest == "max" else np.argmax(course)
        return course, float(extreme) / (len(course) - 1)

    def band(self, row: CycleRow, half_width: float) -> ReferenceBand | None:
        """The reference over a repetition's time, its extreme at the repetition's; None for a cut-off one."""
        if row.partial in ("start", "end", "both"):
            return None
        course, extreme = self.cycle(row)
        start, end, key = row.start_s, row.end_s, row.key_s
        phase = np.linspace(0.0, 1.0, len(course))
        if extreme is None or not 0 < extreme < 1 or not start < key < end:
            return ReferenceBand(start + phase * (end - start), course, half_width)
        return ReferenceBand(np.interp(phase, [0.0, extreme, 1.0], [start, key, end]), course, half_width)


def normalised(time_s: Array, values: Array, row: CycleRow, extreme: float | None, points: int = 101) -> Array:
    """A repetition's values (points,) over 0..100 % of the cycle, its extreme where the reference has it."""
    start, end, key = row.start_s, row.end_s, row.key_s
    phase = np.linspace(0.0, 1.0, points)
    known = np.isfinite(values)
    if known.sum() < 2:
        return np.full(points, np.nan)
    if extreme is None or not 0 < extreme < 1 or not start < key < end:
        at = start + phase * (end - start)
    else:
        at = np.interp(phase, [0.0, extreme, 1.0], [start, key, end])
    return np.asarray(np.interp(at, time_s[known], values[known]))


def bands(course: ReferenceCourse | None, rows: Sequence[CycleRow], half_width: float) -> tuple[ReferenceBand, ...]:
    """The reference over each whole repetition."""
    if course is None:
        return ()
    found = (course.band(row, half_width) for row in rows)
    return tuple(band for band in found if band is not None and np.isfinite(band.values).all())
