"""Which joints should be still and which should move: roles of the 24 joints and limits of stability."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from qevd_bio.anatomy.dofs import DOF_NAMES, JOINT_DOFS, JOINT_NAMES
from qevd_bio.exercise.rules import Exercise, Role
from qevd_bio.exercise.vocabulary import joint_names


def roles(exercise: Exercise) -> dict[str, Role]:
    """Role of each of the 24 joints, in the canonical order; joints named nowhere are static."""
    dynamic, free = joint_names(exercise.roles.dynamic), joint_names(exercise.roles.free)
    return {joint: "dynamic" if joint in dynamic else "free" if joint in free else "static" for joint in JOINT_NAMES}


def stability_limits(exercise: Exercise, strict: bool = False) -> dict[str, float]:
    """Largest standard deviation in degrees, by name, of every DoF that should be still over a cycle.

    DoFs that an exception leaves unjudged are missing; `strict` ignores the exceptions, as the paper does.
    """
    limits = {
        DOF_NAMES[dof]: exercise.roles.limit_deg
        for joint, role in roles(exercise).items()
        if role == "static"
        for dof in JOINT_DOFS[joint]
    }
    for rule in () if strict else exercise.roles.exceptions:
        named = rule.dofs or tuple(DOF_NAMES[dof] for joint in joint_names(rule.joints) for dof in JOINT_DOFS[joint])
        for dof in named:
            if rule.limit_deg is None:
                limits.pop(dof, None)
            elif dof in limits:
                limits[dof] = rule.limit_deg
    return limits


def roles_csv(exercises: Iterable[Exercise]) -> str:
    """The table exercise × 24 joints as CSV text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["exercise", *JOINT_NAMES])
    for exercise in exercises:
        writer.writerow([exercise.id, *roles(exercise).values()])
    return out.getvalue()
