"""Sports2D's angles (`.mot`, one file a person): planar joint angles in degrees, columns such as "Right knee"."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_NAMES
from qevd_bio.pose.formats.opensim import map_coordinates, stated_unit
from qevd_bio.pose.formats.recording import About, Recording, full_recording
from qevd_bio.pose.formats.sheet import Sheet
from qevd_bio.pose.formats.units import settle_unit
from qevd_bio.store.errors import UserError

Float = NDArray[np.float64]

_DOFS = {
    "ankle": "ankle_angle",
    "knee": "knee_angle",
    "hip": "hip_flexion",
    "elbow": "elbow_flexion",
    "wrist": "wrist_flexion",
}
_COLUMN = re.compile(r"^(right|left)[ _](ankle|knee|hip|shoulder|elbow|wrist)$")
_PERSON = re.compile(r"_person_?(\d+)", re.IGNORECASE)
_FRAME = "planar angles in the picture's plane; right for a body seen from its side"


def is_sports2d(sheet: Sheet) -> bool:
    """Whether the columns are Sports2D's."""
    return any(_COLUMN.match(name.strip().lower()) for name in sheet.names)


def sports2d_recording(sheet: Sheet, path: Path, unit: str) -> Recording:
    """Ankles, knees, hips, elbows and wrists of Sports2D.

    Its shoulder angle does not say whether the arm moves forward or sideways: it is taken as forward, and marked
    unobserved. Angles of segments against the horizontal (trunk, pelvis, thigh, …) are not read.
    Raises UserError where a column stands twice or the unit is not stated.
    """
    columns: dict[str, Float] = {}
    for k, written in enumerate(sheet.names):
        name = written.strip().lower()
        if name in columns:
            raise UserError(f"two columns are named {written!r}", where=path, expected="each column once")
        columns[name] = sheet.columns[k]
    if "time" not in columns:
        raise UserError("no column named time", where=path, expected="Sports2D's angles: time, then angles")
    time_s = columns.pop("time")
    angles = {name: values for name, values in columns.items() if _COLUMN.match(name)}
    found = settle_unit(angles, stated_unit(sheet.header), unit, path)
    dofs: dict[str, Float] = {}
    for name, values in angles.items():
        side, joint = _COLUMN.match(name).groups()  # type: ignore[union-attr]
        if joint == "shoulder":
            zero = np.zeros(len(values))
            arm = {f"arm_{motion}_{side[0]}": zero for motion in ("add", "rot")}
            dofs.update(map_coordinates({f"arm_flex_{side[0]}": values * found.factor, **arm}, "lumbar"))
        else:
            dofs[f"{_DOFS[joint]}_{side[0]}"] = values * found.factor
    person = _PERSON.search(path.stem)
    about = About("sports2d_mot", found.name, found.by, _FRAME, person=person[1] if person else "")
    unused = sorted(set(columns) - set(angles))
    details = {**about.details(), "columns_not_used": unused}
    recording = full_recording(
        dofs, len(time_s), where=path, hold=True, time_s=time_s, details=details, flags=list(sheet.flags)
    )
    recording.observed[:, [k for k, name in enumerate(DOF_NAMES) if name.startswith("shoulder_")]] = False
    return recording
