"""The 46 degrees of freedom and 24 joints of the SKEL parametrisation, as data read from refs/anatomy/.

Angles are in radians everywhere in the package. Directions of the reference files are in body axes
(x forward, y up, z to the subject's right); `MIRROR_*` is the left/right swap of a pose.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qevd_bio.store.resources import refs_path

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Dof:
    """One degree of freedom; `positive` and `negative` say in words where the angle leads.

    axis        unit vector in body axes of the bone frame, sign included: +angle turns right-handed about it
    limits_deg  plausibility limits of this toolkit; `limit_source` says where they come from
    skel_deg, hsmr_deg        published limits where there are any
    daily_deg, exercise_deg   usual ranges, no limits
    wraps       True where the angle may run on past a half turn
    confidence  how well axis and sign of the parametrisation are known ("verified", "unverified", ...)
    """

    index: int
    name: str
    joint: str
    side: str
    plane: str
    positive: str
    negative: str
    axis: tuple[float, float, float]
    mirror: str
    mirror_sign: int
    limits_deg: tuple[float, float]
    limit_source: str
    skel_deg: tuple[float, float] | None
    hsmr_deg: tuple[float, float] | None
    daily_deg: tuple[float, float]
    exercise_deg: tuple[float, float]
    wraps: bool
    confidence: str
    note: str


@dataclass(frozen=True)
class Joint:
    """One joint: its bone, parent, Euler order of its triple and T-pose offset in fractions of stature.

    euler      order of R as a matrix product ("YXZ" is Ry Rx Rz), "hinge", or "wrist" (two axes)
    bone_turn  "" where bone and body axes agree at the T-pose, else "humerus" or "forearm"
    offset     from the parent joint, x to the subject's left, y up, z forward
    """

    index: int
    name: str
    skel_body: str
    parent: str
    euler: str
    bone_turn: str
    offset: tuple[float, float, float]
    meaning: str
    source: str


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of one of the reference tables."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def triple(row: dict[str, str], prefix: str) -> tuple[float, float, float]:
    """The columns `<prefix>_x`, `_y`, `_z` as numbers."""
    return float(row[f"{prefix}_x"]), float(row[f"{prefix}_y"]), float(row[f"{prefix}_z"])


def _pair(row: dict[str, str], prefix: str) -> tuple[float, float]:
    return float(row[f"{prefix}_lo_deg"]), float(row[f"{prefix}_hi_deg"])


def _published(row: dict[str, str], prefix: str) -> tuple[float, float] | None:
    return _pair(row, prefix) if row[f"{prefix}_lo_deg"] else None


def _dof(row: dict[str, str]) -> Dof:
    return Dof(
        index=int(row["index"]),
        name=row["name"],
        joint=row["joint"],
        side=row["side"],
        plane=row["plane"],
        positive=row["positive"],
        negative=row["negative"],
        axis=triple(row, "axis"),
        mirror=row["mirror"],
        mirror_sign=int(row["mirror_sign"]),
        limits_deg=_pair(row, "limit"),
        limit_source=row["limit_source"],
        skel_deg=_published(row, "skel"),
        hsmr_deg=_published(row, "hsmr"),
        daily_deg=_pair(row, "daily"),
        exercise_deg=_pair(row, "exercise"),
        wraps=row["wraps"] == "yes",
        confidence=row["confidence"],
        note=row["note"],
    )


def _joint(row: dict[str, str]) -> Joint:
    names = ("name", "skel_body", "parent", "euler", "bone_turn", "meaning", "source")
    return Joint(index=int(row["index"]), offset=triple(row, "offset"), **{name: row[name] for name in names})


DOFS: tuple[Dof, ...] = tuple(map(_dof, read_rows(refs_path("anatomy", "dofs.csv"))))
JOINTS: tuple[Joint, ...] = tuple(map(_joint, read_rows(refs_path("anatomy", "joints.csv"))))

DOF_NAMES: tuple[str, ...] = tuple(dof.name for dof in DOFS)
DOF_INDEX: dict[str, int] = {name: i for i, name in enumerate(DOF_NAMES)}
JOINT_NAMES: tuple[str, ...] = tuple(joint.name for joint in JOINTS)
JOINT_INDEX: dict[str, int] = {name: i for i, name in enumerate(JOINT_NAMES)}

PARENTS: tuple[int, ...] = tuple(JOINT_INDEX[joint.parent] if joint.parent else -1 for joint in JOINTS)
"""Index of each joint's parent; -1 for the pelvis. A parent always comes before its children."""

JOINT_DOFS: dict[str, tuple[int, ...]] = {
    name: tuple(dof.index for dof in DOFS if dof.joint == name) for name in JOINT_NAMES
}
"""Indices of a joint's degrees of freedom, in the order in which they act on the bone."""

LIMITS: FloatArray = np.deg2rad(np.array([dof.limits_deg for dof in DOFS]))
"""(46, 2) radians: plausibility limits, low and high."""

MIRROR_INDEX: IntArray = np.array([DOF_INDEX[dof.mirror] for dof in DOFS])
MIRROR_SIGN: FloatArray = np.array([float(dof.mirror_sign) for dof in DOFS])
"""A mirrored pose is `MIRROR_SIGN * angles[..., MIRROR_INDEX]`."""
