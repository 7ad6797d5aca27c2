"""`refs check`: do rules, tables and references agree with one another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qevd_bio.anatomy.dofs import DOF_NAMES, LIMITS, FloatArray
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.measure import faults
from qevd_bio.exercise.reference import Trajectory, has_reference, load_reference, rules_origin
from qevd_bio.exercise.roles import roles_csv, stability_limits
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import sources
from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path

SEAM_STEP = 1.5
"""The step across the seam may be this many times the largest step next to it (a moving seam is no fault) …"""
SEAM_DEG = 3.0
"""… or this many degrees."""


class ReviewFinding(NamedTuple):
    """One thing that does not hold: of which exercise, of what kind, in words."""

    exercise: str
    kind: str
    detail: str


def review(catalogue: dict[str, Exercise], user_refs: Path | None = None) -> list[ReviewFinding]:
    """Everything wrong with the references of a catalogue; empty where all is well.

    An exercise of the user's own may be without one.
    """
    found: list[ReviewFinding] = []
    for exercise in catalogue.values():
        own = not refs_path("exercises", f"{exercise.id}.yaml").is_file()
        if own and not has_reference(exercise, user_refs):
            continue
        try:
            trajectory = load_reference(exercise, user_refs)
        except UserError as error:
            found.append(ReviewFinding(exercise.id, "reference", str(error).replace("\n", "; ")))
            continue
        found += [ReviewFinding(exercise.id, kind, detail) for kind, detail in check_reference(exercise, trajectory)]
    if user_refs is None:
        found += _role_table(catalogue)
    return found


def check_reference(exercise: Exercise, trajectory: Trajectory) -> Iterator[tuple[str, str]]:
    """(kind, detail) of everything a reference violates: its limits, its seam, its own exercise's rules."""
    angles = trajectory.angles
    if trajectory.origin.startswith("rules ") and trajectory.origin != rules_origin(exercise):
        yield "stale", f"{trajectory.path} was made from other rules; run `qevd-bio refs build`"
    yield from _limits(angles)
    yield from _seam(angles)
    for rule, reading in faults(exercise, Curves(angles), len(angles), trajectory.duration_s):
        side = f" {reading.side}" if reading.side else ""
        yield "fault", f"{rule.id}{side}: {rule.quantity} {rule.stat} is {reading.value:.1f}"
    for dof, limit in stability_limits(exercise).items():
        spread = float(np.rad2deg(angles[:, DOF_NAMES.index(dof)].std()))
        if spread >= limit:
            yield "static", f"{dof} varies by {spread:.1f} deg, limit {limit:g}"


def _limits(angles: FloatArray) -> Iterator[tuple[str, str]]:
    slack = 1e-4  # float32
    for i, name in enumerate(DOF_NAMES):
        low, high = angles[:, i].min(), angles[:, i].max()
        if low < LIMITS[i, 0] - slack or high > LIMITS[i, 1] + slack:
            span, allowed = np.rad2deg([low, high]), np.rad2deg(LIMITS[i])
            yield "limits", f"{name} {span[0]:.0f}..{span[1]:.0f} deg, allowed {allowed[0]:.0f}..{allowed[1]:.0f}"


def _seam(angles: FloatArray) -> Iterator[tuple[str, str]]:
    """The step from the last frame to the first must look like the steps around it."""
    jump = np.abs(angles[0] - angles[-1])
    around = np.maximum(np.abs(angles[1] - angles[0]), np.abs(angles[-2] - angles[-3]))
    for i in np.flatnonzero((jump > SEAM_STEP * around) & (jump > np.deg2rad(SEAM_DEG))):
        yield "seam", f"{DOF_NAMES[i]} jumps by {np.rad2deg(jump[i]):.1f} deg from the last frame to the first"
    turn = np.abs((angles[1] - angles[0]) - (angles[-1] - angles[-2]))
    usual = np.abs(np.diff(angles[:-1], n=2, axis=0)).max(axis=0)
    for i in np.flatnonzero((turn > SEAM_STEP * usual) & (turn > np.deg2rad(SEAM_DEG))):
        yield "seam", f"{DOF_NAMES[i]} changes speed by {np.rad2deg(turn[i]):.1f} deg a frame across the seam"


def _role_table(catalogue: dict[str, Exercise]) -> list[ReviewFinding]:
    path = refs_path("roles.csv")
    if not path.is_file() or path.read_text(encoding="utf-8") != roles_csv(catalogue.values()):
        return [
            ReviewFinding("all", "roles", f"{path} does not agree with the exercise files; run `qevd-bio refs build`")
        ]
    return []


def unverified(exercise: Exercise) -> list[str]:
    """Sources of the exercise's numbers that were not seen themselves, conventions left out."""
    blocks = (exercise.cycle, *exercise.roles.exceptions, *exercise.targets, *exercise.errors)
    keys = dict.fromkeys(block.source for block in blocks)
    return [key for key in keys if not sources()[key].verified and sources()[key].kind != "convention"]
