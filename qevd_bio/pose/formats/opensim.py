"""OpenSim motions and states (`.mot`, `.sto`) as the 46 degrees of freedom.

OpenSim multiplies its rotations in the other order, so every ball joint goes through its matrix; hinges carry
over. What OpenSim's full-body models do not have (head, scapulae, wrists) stays unobserved.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_NAMES
from qevd_bio.pose.formats.recording import About, Recording, full_recording
from qevd_bio.pose.formats.sheet import Sheet, read_sheet
from qevd_bio.pose.formats.turns import Turn, angles_of_turn, back, joint_turn, shares_of, times, turn_product
from qevd_bio.pose.formats.units import Unit, settle_unit
from qevd_bio.store.errors import UserError

LUMBAR_SHARE = 0.6
FARTHEST_M = 1000.0
CHUNK = 2048  # frames whose matrices stay in a processor's cache
_FULL_BODY = "coordinates of the Rajagopal2016 or LaiUhlrich2022 full-body models"
_FRAME = "OpenSim ground: x forward, y up, z to the right"
# OpenSim's name, ours, and what is added: OpenSim's forearm is at zero in full supination, SKEL's halfway
HINGES = (
    *((name, name, 0.0) for name in ("knee_angle", "ankle_angle", "subtalar_angle", "mtp_angle")),
    ("elbow_flex", "elbow_flexion", 0.0),
    ("pro_sup", "pro_sup", -np.pi / 2),
    ("wrist_flex", "wrist_flexion", 0.0),
    ("wrist_dev", "wrist_deviation", 0.0),
)
OWN_DOFS = tuple(name for name in DOF_NAMES if name.startswith(("thorax_", "head_", "scapula_")))
"""Degrees of freedom that OpenSim's models lack: columns of these names are ours, in the sheet's unit."""
_TRANSLATIONS = ("pelvis_tx", "pelvis_ty", "pelvis_tz")
_SPINE = ("lumbar_extension", "lumbar_bending", "lumbar_rotation")
_STATE = re.compile(r"^(?:.*/)?([^/]+)/(value|speed)$")
# Names of other models for the same coordinates (Pose2Sim, older OpenSim models).
_OTHER_NAMES = {
    "elbow_flexion": "elbow_flex",
    "wrist_flexion": "wrist_flex",
    "wrist_deviation": "wrist_dev",
    "arm_flexion": "arm_flex",
    "arm_adduction": "arm_add",
    "arm_rotation": "arm_rot",
    "knee_flexion": "knee_angle",
    "ankle_flexion": "ankle_angle",
}
# Pose2Sim's spine: joints between vertebrae that together make the lumbar turn.
_VERTEBRAE = re.compile(r"^[lt]\d+_[lst]\d+_(flex_ext|lat_bending|axial_rotation)$")
_VERTEBRA_TURNS = dict(zip(("flex_ext", "lat_bending", "axial_rotation"), _SPINE, strict=True))

Float = NDArray[np.float64]


def read_mot(path: Path, spine: str = "split", unit: str = "auto") -> Recording:
    """One `.mot` or `.sto` file. spine "split" divides OpenSim's single spine joint 60:40 over lumbar and thorax;
    "lumbar" leaves the thorax at zero, unobserved. `unit` (degrees, radians) overrules the header.

    Raises UserError for a damaged file, one that does not state its unit or whose values contradict it, and for
    models whose shoulder is another one.
    """
    return coordinates_recording(read_sheet(path), path, spine, unit)


def coordinates_recording(sheet: Sheet, path: Path, spine: str, unit: str) -> Recording:
    """A sheet whose columns are an OpenSim model's coordinates, as a recording."""
    columns, states = _coordinates(sheet, path)
    foreign = sorted(name for name in columns if name.startswith("sh_"))
    if foreign:
        raise UserError(
            f"its shoulders are those of LaiUhlrich2022_shoulder ({', '.join(foreign[:3])}, …), another joint",
            where=path,
            expected=_FULL_BODY + " (arm_flex, arm_add, arm_rot)",
            fix="run OpenSim's inverse kinematics with LaiUhlrich2022 instead",
        )
    time_s = columns.pop("time")
    known = [name for name in columns if _is_angle(name)]
    if not known:
        raise UserError("none of its columns is a joint angle that is known", where=path, expected=_FULL_BODY)
    angles = {name: columns[name] for name in known}
    stated = stated_unit(sheet.header, states)
    found = settle_unit(angles, stated, unit, path, sure=sheet.header.get("angle_unit") == "degrees")  # said twice
    own = {name: columns[name] * found.factor for name in OWN_DOFS if name in columns}
    own = own if len(own) == len(OWN_DOFS) else {}
    dofs = map_coordinates({name: values * found.factor for name, values in angles.items()}, spine, own)
    if not dofs:
        raise UserError("has no joint with all of its angles", where=path, expected=_FULL_BODY)
    root, flags = _root(columns)
    step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
    rate = round(1 / step, 3) if step > 0 else None
    about = About("opensim_sto" if states else "opensim_mot", found.name, found.by, _FRAME, rate)
    unused = [name for name in columns if name not in (*known, *own, *_TRANSLATIONS) and not name.endswith("_beta")]
    details = {**about.details(), "spine": spine, "columns_not_used": unused}
    recording = full_recording(
        dofs, len(time_s), where=path, root=root, time_s=time_s, details=details, flags=[*sheet.flags, *flags]
    )
    # the two parts of a divided spine are a rule, not a measurement; lumbar carries the mark for the whole
    hidden = {*sheet.header.get("not_observed", "").split(",")}
    hidden |= set() if own else {"thorax_bending", "thorax_extension", "thorax_twist"}
    recording.observed[:, [k for k, name in enumerate(DOF_NAMES) if name in hidden]] = False
    return recording


def stated_unit(header: Mapping[str, str], states: bool = False) -> Unit | None:
    """What a sheet says about its angles: inDegrees, the old "units deg", or a state file, which is in radians."""
    said = header.get("indegrees", "").strip().lower()
    if said in ("yes", "no", "true", "false", "1", "0"):
        degrees = said in ("yes", "true", "1")
        return Unit("degrees" if degrees else "radians", f"header inDegrees={'yes' if degrees else 'no'}")
    units = header.get("units", "").strip().lower()
    for name in ("degrees", "radians"):
        if units.startswith(name[:3]):
            return Unit(name, f"header units {units}")
    return Unit("radians", "a file of model states") if states else None


def _coordinates(sheet: Sheet, path: Path) -> tuple[dict[str, Float], bool]:
    """Columns by coordinate name in lower case, speeds and muscle states left out; whether it is a state file."""
    found: dict[str, Float] = {}
    states = False
    vertebrae: dict[str, list[str]] = {}
    for k, written in enumerate(sheet.names):
        name = written.strip().lower()
        if match := _STATE.match(name):
            states = True
            name = match[1] if match[2] == "value" else ""
        elif "/" in name or name.endswith(("_u", ".activation", ".fiber_length")):
            name = ""
        if not name:
            continue
        if turn := _VERTEBRAE.match(name):
            vertebrae.setdefault(turn[1], []).append(name)
        name = _usual(name)
        if name in found:
            raise UserError(
                f"two columns mean {name}, the second is {written!r}",
                where=path,
                expected="each coordinate once",
                fix="remove or rename the wrong one",
            )
        found[name] = sheet.columns[k]
    for turn_name, parts in vertebrae.items():
        if _VERTEBRA_TURNS[turn_name] not in found:
            found[_VERTEBRA_TURNS[turn_name]] = np.sum([found.pop(part) for part in parts], axis=0)
    if "time" not in found:
        raise UserError("no column named time", where=path, expected="a table that begins with time")
    return found, states


def _usual(name: str) -> str:
    base, side = (name[:-2], name[-2:]) if name.endswith(("_r", "_l")) else (name, "")
    return _OTHER_NAMES.get(base, base) + side if side else name


def _is_angle(name: str) -> bool:
    if name in _SPINE or name in ("pelvis_tilt", "pelvis_list", "pelvis_rotation"):
        return True
    base = name[:-2] if name.endswith(("_r", "_l")) else ""
    return base in _ANGLES


_ANGLES = {
    *(theirs for theirs, _, _ in HINGES),
    *(f"hip_{motion}" for motion in ("flexion", "adduction", "rotation")),
    *(f"arm_{motion}" for motion in ("flex", "add", "rot")),
}


def _root(columns: Mapping[str, Float]) -> tuple[Float, list[dict[str, Any]]]:
    """Pelvis place (T, 3) in the level frame, NaN where it is absent or no place on earth, with a flag for that."""
    frames = len(next(iter(columns.values())))
    if not set(_TRANSLATIONS) <= set(columns):
        return np.full((frames, 3), np.nan), []
    x, y, z = (columns[name] for name in _TRANSLATIONS)
    root = np.column_stack([-z, y, x])
    with np.errstate(invalid="ignore"):
        wrong = (np.abs(root) > FARTHEST_M).any(axis=1) | np.isinf(root).any(axis=1)
    if not wrong.any():
        return root, []
    root[wrong] = np.nan
    detail = f"{int(wrong.sum())} of {frames} places of the pelvis are beyond {FARTHEST_M:.0f} m; they are left out"
    return root, [{"kind": "impossible_place", "detail": detail}]


def map_coordinates(q: Mapping[str, Float], spine: str, own: Mapping[str, Float] | None = None) -> dict[str, Float]:
    """OpenSim coordinates (name -> (T,) radians) as DoFs by name; incomplete triples are left out.

    own: the DoFs of our own files that OpenSim's models lack (`OWN_DOFS`); spine and arms are then the whole turns
    less what thorax and scapulae have of them.
    """
    frames = max((len(values) for values in q.values()), default=0)
    parts = [slice(start, start + CHUNK) for start in range(0, frames, CHUNK)]

    def few(part: slice) -> dict[str, Float]:
        return _map_few({k: v[part] for k, v in q.items()}, spine, {k: v[part] for k, v in (own or {}).items()})

    if len(parts) < 2:
        return few(slice(None))
    found: dict[str, Float] = {}
    with ThreadPoolExecutor(min(len(parts), os.cpu_count() or 1, 4)) as pool:
        for part, angles in zip(parts, pool.map(few, parts), strict=True):
            for name, values in angles.items():
                found.setdefault(name, np.empty(frames))[part] = values
    return found


def _map_few(q: Mapping[str, Float], spine: str, own: Mapping[str, Float]) -> dict[str, Float]:
    out = dict(own)
    if turn := _turn(q, 1.0, "pelvis_tilt", "pelvis_list", "pelvis_rotation"):
        out.update(angles_of_turn("pelvis", turn_product(turn)))
    if turn := _turn(q, 1.0, *_SPINE):
        whole = turn_product(turn)
        if own:
            out.update(angles_of_turn("lumbar", times(whole, back(joint_turn("thorax", own)))))
        else:
            out.update(_spine(whole, spine))
    for side, sign in (("r", 1.0), ("l", -1.0)):
        if turn := _turn(q, sign, *(f"hip_{motion}_{side}" for motion in ("flexion", "adduction", "rotation"))):
            out.update(angles_of_turn(f"hip_{side}", turn_product(turn)))
        if turn := _turn(q, sign, *(f"arm_{motion}_{side}" for motion in ("flex", "add", "rot"))):
            # OpenSim's zero is the arm hanging, SKEL's the T-pose: a quarter turn about the forward axis apart
            arm = turn_product((*turn, ("X", np.array(sign * np.pi / 2))))
            if own:
                arm = times(back(joint_turn(f"scapula_{side}", own)), arm)
            out.update(angles_of_turn(f"shoulder_{side}", arm))
        for theirs, ours, zero in HINGES:
            if f"{theirs}_{side}" in q:
                out[f"{ours}_{side}"] = q[f"{theirs}_{side}"] + zero
    return out


def _turn(q: Mapping[str, Float], sign: float, z: str, x: str, y: str) -> Turn:
    """OpenSim's product Rz Rx Ry of three coordinates; empty where one is absent. Left limbs mirror x and y."""
    return (("Z", q[z]), ("X", sign * q[x]), ("Y", sign * q[y])) if {z, x, y} <= set(q) else ()


def _spine(matrix: Float, spine: str) -> dict[str, Float]:
    """OpenSim's single spine joint (3, 3, T), in world axes, as lumbar and thorax."""
    if spine == "lumbar":
        return angles_of_turn("lumbar", matrix)
    lumbar, thorax = shares_of(matrix, (LUMBAR_SHARE, 1.0 - LUMBAR_SHARE))
    return {**angles_of_turn("lumbar", lumbar), **angles_of_turn("thorax", thorax)}
