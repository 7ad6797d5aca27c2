"""OpenSim motions (`.mot`) as the 46 degrees of freedom.

OpenSim multiplies its rotations in the other order, so every ball joint goes through its matrix; hinges carry
over. What OpenSim's full-body models do not have (head, scapulae, wrists) stays unobserved.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_NAMES, JOINT_DOFS
from qevd_bio.anatomy.inverse import joint_angles, joint_matrix
from qevd_bio.pose.formats.recording import Recording, full_recording
from qevd_bio.store.errors import UserError

LUMBAR_SHARE = 0.6
_FULL_BODY = "coordinates of the Rajagopal2016 or LaiUhlrich2022 full-body models"
# OpenSim's name, ours, and what is added: OpenSim's forearm is at zero in full supination, SKEL's halfway
_HINGES = (
    *((name, name, 0.0) for name in ("knee_angle", "ankle_angle", "subtalar_angle", "mtp_angle")),
    ("elbow_flex", "elbow_flexion", 0.0),
    ("pro_sup", "pro_sup", -np.pi / 2),
)

Float = NDArray[np.float64]


def read_mot(path: Path, spine: str = "split") -> Recording:
    """One `.mot` file. spine "split" divides OpenSim's single spine joint 60:40 over lumbar and thorax;
    "lumbar" leaves the thorax at zero, unobserved.

    Raises UserError for a damaged file, and for models whose shoulder is another one.
    """
    degrees, columns = _table(path)
    foreign = sorted(name for name in columns if name.startswith("sh_"))
    if foreign:
        raise UserError(
            f"its shoulders are those of LaiUhlrich2022_shoulder ({', '.join(foreign[:3])}, …), another joint",
            where=path,
            expected=_FULL_BODY + " (arm_flex, arm_add, arm_rot)",
            fix="run OpenSim's inverse kinematics with LaiUhlrich2022 instead",
        )
    # knee_angle_*_beta stays in radians even in files of degrees; it follows from knee_angle and is not read
    turn = np.pi / 180.0 if degrees else 1.0
    lengths = ("pelvis_tx", "pelvis_ty", "pelvis_tz", "time")
    angles = {k: v * turn for k, v in columns.items() if k not in lengths and not k.endswith("_beta")}
    dofs = map_coordinates(angles, spine)
    if not dofs:
        raise UserError("none of its columns is a joint angle that is known", where=path, expected=_FULL_BODY)
    time_s = columns["time"]
    root = np.full((len(time_s), 3), np.nan)
    if {"pelvis_tx", "pelvis_ty", "pelvis_tz"} <= set(columns):
        root = np.column_stack([-columns["pelvis_tz"], columns["pelvis_ty"], columns["pelvis_tx"]])
    details = {"source_format": "opensim_mot", "source_unit": "degrees" if degrees else "radians", "spine": spine}
    found = full_recording(dofs, len(time_s), root=root, time_s=time_s, details=details)
    # the two parts of a divided spine are a rule, not a measurement; lumbar carries the mark for the whole
    found.observed[:, [DOF_NAMES.index(f"thorax_{motion}") for motion in ("bending", "extension", "twist")]] = False
    return found


def map_coordinates(q: Mapping[str, Float], spine: str) -> dict[str, Float]:
    """OpenSim coordinates (name -> (T,) radians) as DoFs by name; incomplete triples are left out."""
    out: dict[str, Float] = {}
    if turn := _turn(q, 1.0, "pelvis_tilt", "pelvis_list", "pelvis_rotation"):
        out.update(_dofs("pelvis", turn))
    if turn := _turn(q, 1.0, "lumbar_extension", "lumbar_bending", "lumbar_rotation"):
        out.update(_spine(joint_matrix("pelvis", *turn), spine))
    for side, sign in (("r", 1.0), ("l", -1.0)):
        if turn := _turn(q, sign, *(f"hip_{motion}_{side}" for motion in ("flexion", "adduction", "rotation"))):
            out.update(_dofs(f"hip_{side}", turn))
        if turn := _turn(q, sign, *(f"arm_{motion}_{side}" for motion in ("flex", "add", "rot"))):
            # OpenSim's zero is the arm hanging, SKEL's the T-pose: a quarter turn about the forward axis apart
            out.update(_dofs(f"shoulder_{side}", (*turn, ("X", np.array(sign * np.pi / 2)))))
        for theirs, ours, zero in _HINGES:
            if f"{theirs}_{side}" in q:
                out[f"{ours}_{side}"] = q[f"{theirs}_{side}"] + zero
    return out


Turn = tuple[tuple[str, Float], ...]


def _turn(q: Mapping[str, Float], sign: float, z: str, x: str, y: str) -> Turn:
    """OpenSim's product Rz Rx Ry of three coordinates; empty where one is absent. Left limbs mirror x and y."""
    return (("Z", q[z]), ("X", sign * q[x]), ("Y", sign * q[y])) if {z, x, y} <= set(q) else ()


def _dofs(joint: str, turn: Turn | Float) -> dict[str, Float]:
    # All of OpenSim's ball joints here are given in the axes of the body, which are those of the pelvis
    matrix = joint_matrix("pelvis", *turn) if isinstance(turn, tuple) else turn
    angles = joint_angles(joint, matrix)
    return {DOF_NAMES[dof]: angles[..., k] for k, dof in enumerate(JOINT_DOFS[joint])}


def _spine(matrix: Float, spine: str) -> dict[str, Float]:
    """OpenSim's single spine joint, in world axes, as lumbar and thorax."""
    if spine == "lumbar":
        return _dofs("lumbar", matrix)
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_matrix(matrix).as_rotvec()
    share = np.asarray(Rotation.from_rotvec(LUMBAR_SHARE * turn).as_matrix())
    return {**_dofs("lumbar", share), **_dofs("thorax", np.swapaxes(share, -1, -2) @ matrix)}


def _table(path: Path) -> tuple[bool, dict[str, Float]]:
    """Whether angles are in degrees, and the columns by name."""
    expected = "an OpenSim motion: header with inDegrees=yes|no, endheader, then a table that begins with time"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read as text: {error}", where=path, expected=expected) from error
    end = next((i for i, line in enumerate(lines) if line.strip().lower() == "endheader"), None)
    if end is None or end + 1 >= len(lines):
        raise UserError("no endheader line, or nothing after it", where=path, expected=expected)
    header = {k.strip().lower(): v.strip().lower() for k, _, v in (line.partition("=") for line in lines[:end])}
    if header.get("indegrees") not in ("yes", "no"):
        raise UserError("its header does not say inDegrees=yes or no", where=path, expected=expected)
    names = lines[end + 1].split()
    rows = [(number, line.split()) for number, line in enumerate(lines[end + 2 :], end + 3) if line.strip()]
    for number, row in rows:
        if len(row) != len(names):
            raise UserError(
                f"line {number} has {len(row)} values, the table has {len(names)} columns",
                where=path,
                expected=expected,
            )
    try:
        values = np.array([row for _, row in rows], dtype=np.float64).reshape(len(rows), len(names))
    except ValueError as error:
        raise UserError(f"a value is not a number: {error}", where=path, expected=expected) from error
    if "time" not in names or not len(rows):
        raise UserError("no column named time, or no rows", where=path, expected=expected)
    return header["indegrees"] == "yes", dict(zip(names, values.T, strict=True))
