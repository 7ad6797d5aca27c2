"""Files that other programs read, as text: OpenSim's sheets, .trc, CSV and BVH. Numbers keep every digit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_NAMES, JOINT_NAMES, PARENTS
from qevd_bio.anatomy.forward import forward_kinematics, joint_rotation
from qevd_bio.anatomy.rotations import triple_of
from qevd_bio.anatomy.skeleton import POINT_JOINT, POINT_NAMES, Skeleton
from qevd_bio.pose.formats.writers.opensim import coordinates, own_columns, state_path

Float = NDArray[np.float64]
_LENGTHS = ("pelvis_tx", "pelvis_ty", "pelvis_tz")
_CM = 100.0


def mot(name: str, time_s: Float, angles: Float, root: Float, not_observed: Sequence[str]) -> str:
    """An OpenSim motion in degrees. angles (T, 46) radians, root (T, 3) metres; frames without a pose hold nan."""
    columns = {**coordinates(angles, root), **own_columns(angles)}
    degrees = {key: values if key in _LENGTHS else np.rad2deg(values) for key, values in columns.items()}
    header = ["inDegrees=yes", "angle_unit=degrees", f"not_observed={','.join(not_observed)}"]
    return _sheet(name, header, {"time": time_s, **degrees})


def sto(name: str, time_s: Float, angles: Float, root: Float, not_observed: Sequence[str]) -> str:
    """A file of Rajagopal2016's states, in radians: the coordinates' values by path."""
    states = {state_path(key): values for key, values in coordinates(angles, root).items()}
    header = ["inDegrees=no", "angle_unit=radians", f"not_observed={','.join(not_observed)}"]
    return _sheet(name, header, {"time": time_s, **states})


def _sheet(name: str, header: Sequence[str], columns: Mapping[str, Float]) -> str:
    rows = len(next(iter(columns.values())))
    lines = [name, "version=1", f"nRows={rows}", f"nColumns={len(columns)}", *header, "endheader", "\t".join(columns)]
    lines += ("\t".join(map(number, row)) for row in zip(*(v.tolist() for v in columns.values()), strict=True))
    return "\n".join(lines) + "\n"


def trc(name: str, time_s: Float, angles: Float, root: Float, skeleton: Skeleton, fps: float) -> str:
    """Joint centres and points of the body in metres, OpenSim's axes (x forward, y up, z right)."""
    names = [*JOINT_NAMES, *POINT_NAMES]
    places = forward_kinematics(angles, skeleton, _standing(root, skeleton)).places(names)
    own = np.stack([places[..., 2], places[..., 1], -places[..., 0]], axis=-1)
    rate = number(fps)
    keys = "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
    values = [rate, rate, str(len(own)), str(len(names)), "m", rate, "1", str(len(own))]
    axes = "\t".join(f"{axis}{k + 1}" for k in range(len(names)) for axis in "XYZ")
    lines = [f"PathFileType\t4\t(X/Y/Z)\t{name}.trc", keys, "\t".join(values)]
    lines += ["Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t", "\t\t" + axes, ""]
    for k, (time, row) in enumerate(zip(time_s.tolist(), own.reshape(len(own), -1).tolist(), strict=True)):
        cells = ["" if math.isnan(value) else number(value) for value in row]
        lines.append("\t".join([str(k + 1), number(time), *cells]))
    return "\n".join(lines) + "\n"


def csv(
    time_s: Float, frame: NDArray[np.int32], angles: Float, root: Float, confidence: Float, observed: Sequence[str]
) -> str:
    """A table with degrees in columns such as knee_angle_r_deg, of the observed degrees of freedom alone."""
    place = np.isfinite(root).all(axis=1).any()
    names = ["time_s", "frame", "confidence", *(f"{name}_deg" for name in observed)]
    names += ["root_x", "root_y", "root_z"] if place else []
    chosen = np.rad2deg(angles[:, [DOF_NAMES.index(name) for name in observed]])
    lines = [",".join(names)]
    for k in range(len(time_s)):
        row = [number(float(time_s[k])), str(int(frame[k])), number(float(confidence[k]))]
        row += ["" if math.isnan(v) else number(v) for v in chosen[k].tolist()]
        row += ["" if math.isnan(v) else number(v) for v in root[k].tolist()] if place else []
        lines.append(",".join(row))
    return "\n".join(lines) + "\n"


def bvh(angles: Float, root: Float, skeleton: Skeleton, fps: float) -> str:
    """Motion capture for animation programs: centimetres, degrees, y up, each joint Rz Rx Ry against the T-pose.

    Spine joints and scapulae keep their place on the parent bone: BVH has no sliding. Frames without a pose repeat the
    last one.
    """
    children: dict[int, list[int]] = {k: [] for k in range(-1, len(JOINT_NAMES))}
    for k, parent in enumerate(PARENTS):
        children[parent].append(k)
    order: list[int] = []
    lines = ["HIERARCHY"]

    def write(joint: int, depth: int) -> None:
        pad = "  " * depth
        order.append(joint)
        offset = np.zeros(3) if PARENTS[joint] < 0 else skeleton.offsets[joint]
        lines.append(f"{pad}{'ROOT' if PARENTS[joint] < 0 else 'JOINT'} {JOINT_NAMES[joint]}")
        lines.extend([pad + "{", f"{pad}  OFFSET {_three(offset)}"])
        moves = "6 Xposition Yposition Zposition" if PARENTS[joint] < 0 else "3"
        lines.append(f"{pad}  CHANNELS {moves} Zrotation Xrotation Yrotation")
        for child in children[joint]:
            write(child, depth + 1)
        if not children[joint]:
            lines.extend(
                [f"{pad}  End Site", pad + "  {", f"{pad}    OFFSET {_three(_tip(joint, skeleton))}", pad + "  }"]
            )
        lines.append(pad + "}")

    write(0, 0)
    whole = _without_gaps(angles)
    place = _without_gaps(_standing(root, skeleton)) * _CM
    turns = [np.rad2deg(triple_of(joint_rotation(JOINT_NAMES[k], whole), "ZXY")) for k in order]
    table = np.concatenate([place, *turns], axis=1)
    lines += ["MOTION", f"Frames: {len(table)}", f"Frame Time: {number(1.0 / fps)}"]
    lines += (" ".join(map(number, row)) for row in table.tolist())
    return "\n".join(lines) + "\n"


def _three(values: Float) -> str:
    return " ".join(number(float(v) * _CM) for v in values)


def _tip(joint: int, skeleton: Skeleton) -> Float:
    points = [k for k, owner in enumerate(POINT_JOINT) if owner == joint]
    lengths = [float(np.linalg.norm(skeleton.point_offsets[k])) for k in points]
    return np.asarray(skeleton.point_offsets[points[int(np.argmax(lengths))]]) if points else np.array([0.0, 0.05, 0.0])


def _standing(root: Float, skeleton: Skeleton) -> Float:
    """The root, or its standing place in frames where it is not known."""
    return np.where(np.isfinite(root).all(axis=1, keepdims=True), root, skeleton.offsets[0])


def _without_gaps(values: Float) -> Float:
    """Rows (T, n) with those that are not finite replaced by the last that is (the first, before it); else zero."""
    whole = np.isfinite(values).all(axis=1)
    if not whole.any():
        return np.zeros_like(values)
    last = np.maximum.accumulate(np.where(whole, np.arange(len(values)), -1))
    return np.asarray(values[np.where(last < 0, int(np.flatnonzero(whole)[0]), last)])


def number(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(float(value))
