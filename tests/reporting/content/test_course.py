"""The reference over a repetition: somebody who moves as the reference does stays on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qevd_bio.exercise.catalogue import load
from qevd_bio.reporting.content.course import ReferenceCourse, bands, normalised, signal_course
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import MISSING, OK
from qevd_bio.tables.motion import CYCLES, CycleRow
from tests.made_rows import cycle_row
from tests.reporting.build import SPLIT, kinematics, squats
from tests.reporting.conftest import Made

SIGNAL = load()["squats"].signal.expression


def rows_of(made: Made, video: str) -> list[CycleRow]:
    rows = CYCLES.load(made.workspace.cycles)
    return [row for row in rows if (row.split, row.video) == (SPLIT, video)]


@pytest.mark.parametrize(("video", "depth", "inside"), [("0200", 1.0, True), ("0201", 0.6, False)])
def test_the_band_holds_who_moves_as_the_reference(shared_made: Made, video: str, depth: float, inside: bool) -> None:
    person = kinematics(video, squats(5, depth))
    values = signal_course(person, SIGNAL)
    rows = rows_of(shared_made, video)
    assert len(rows) == 5
    course = ReferenceCourse(load()["squats"], SIGNAL, None)
    found = bands(course, rows, 10.0)
    assert len(found) == 5
    away = [np.abs(np.interp(b.time_s, person.time_s, values) - b.values).max() for b in found]
    # The last one borders on the pause after the set: its end is an estimate, a tenth of a second late here.
    assert (max(away[:-1]) < 10.0 and away[-1] < 20.0) == inside
    for band, row in zip(found, rows, strict=True):
        assert (band.time_s[0], band.time_s[-1]) == pytest.approx((row.start_s, row.end_s))
        assert band.time_s[int(np.argmax(band.values))] == pytest.approx(row.key_s, abs=0.05)


def test_a_repetition_that_is_cut_off_has_no_band(shared_made: Made) -> None:
    row = rows_of(shared_made, "0200")[0]
    course = ReferenceCourse(load()["squats"], SIGNAL, None)
    assert [course.band(replace(row, partial=p), 10.0) is None for p in ("", "start", "end", "both")] == [
        False, True, True, True
    ]  # fmt: skip
    assert bands(None, [row], 10.0) == ()


@pytest.mark.parametrize("name", sorted(load()))
def test_every_exercise_has_a_course(name: str) -> None:
    exercise = load()[name]
    course = ReferenceCourse(exercise, exercise.signal.expression, None)
    for side, halves in (("r", 2), ("l", 2), ("r", 1)):
        row = cycle_row(side=side, halves=halves, start_s=1.0, end_s=3.0, key_s=2.2)
        band = course.band(row, 10.0)
        assert band is not None
        assert np.isfinite(band.values).all() and (np.diff(band.time_s) >= 0).all()


def test_frames_without_a_pose_are_unknown() -> None:
    person = kinematics("v", squats(1, 1.0))
    person.status[10:13] = MISSING
    values = signal_course(person, SIGNAL)
    assert np.flatnonzero(np.isnan(values)).tolist() == [10, 11, 12]
    assert (person.status == OK).sum() == np.isfinite(values).sum()


def test_faults_are_named() -> None:
    with pytest.raises(UserError, match="no quantity is called 'knee_of_glass'"):
        signal_course(kinematics("v", squats(1, 1.0)), "knee_of_glass")
    with pytest.raises(ValueError, match="is no signal of squats"):
        ReferenceCourse(load()["squats"], "trunk_lean_deg", None)


def test_a_cycle_is_stretched_so_that_its_extreme_meets_the_references() -> None:
    time_s = np.linspace(0.0, 10.0, 1001)
    values = np.where(time_s < 4.0, time_s - 2.0, 2.0 - (time_s - 4.0))
    row = cycle_row(start_s=2.0, end_s=6.0, key_s=4.0)
    even = normalised(time_s, values, row, None)
    assert np.argmax(even) == 50
    assert np.argmax(normalised(time_s, values, row, 0.25)) == 25
    assert np.isnan(normalised(time_s, np.full(1001, np.nan), row, None)).all()
