"""SKEL sequences (`.npz` with `poses` and `trans`) and tables of angles (`.csv`)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.pose.formats.numpy_file import read_npz
from qevd_bio.pose.formats.recording import N_DOFS, Recording, full_recording, to_radians
from qevd_bio.store.errors import UserError

_POSES = ("poses", "pose", "skel_poses", "q")
_TRANS = ("trans", "transl", "translation")
_RATES = ("fps", "mocap_frame_rate", "mocap_framerate", "frame_rate")
_TIMES = ("time_s", "time", "timestamps")

Float = NDArray[np.float64]


def read_skel(path: Path) -> Recording:
    """A SKEL sequence: `poses` (T, 46) radians in the order of the DoFs, `trans` (T, 3) metres, fps if stated.

    Its world is taken to be level (y up), as SKEL's own sequences are. Raises UserError for another layout.
    """
    arrays = read_npz(path)
    name = next((name for name in _POSES if name in arrays), None)
    expected = f"an array named {' or '.join(_POSES)} of shape (frames, {N_DOFS})"
    if name is None:
        raise UserError(f"holds {', '.join(sorted(arrays)) or 'nothing'}", where=path, expected=expected)
    poses = _numbers(arrays[name], path, name)
    if poses.ndim != 2 or poses.shape[1] != N_DOFS or not len(poses):
        raise UserError(f"{name} has shape {poses.shape}", where=path, expected=expected)
    frames = len(poses)
    root = np.full((frames, 3), np.nan)
    for candidate in _TRANS:
        if candidate in arrays and np.shape(arrays[candidate]) == (frames, 3):
            root = _numbers(arrays[candidate], path, candidate)
    rate = next((float(_numbers(arrays[n], path, n).reshape(-1)[0]) for n in _RATES if n in arrays), None)
    details: dict[str, Any] = {"source_format": "skel_npz", "source_unit": "radians"}
    if "betas" in arrays:
        details["betas"] = mean_betas(_numbers(arrays["betas"], path, "betas"))
    time_s = None if not rate or rate <= 0 else np.arange(frames) / rate
    poses, _ = to_radians(poses, "radians", path)
    columns = {dof: poses[:, k] for k, dof in enumerate(DOF_NAMES)}
    return full_recording(columns, frames, root=root, time_s=time_s, details=details)


def mean_betas(betas: Float) -> list[float]:
    """Mean shape over all frames that have one, as numbers for the metadata."""
    rows = np.atleast_2d(betas)
    rows = rows[np.isfinite(rows).all(axis=1)]
    return [round(float(v), 6) for v in rows.mean(axis=0)] if len(rows) else []


def read_csv(path: Path, unit: str = "auto") -> Recording:
    """A table with columns named like the DoFs, in radians or degrees, and optionally `time_s` or `fps`.

    A name may end in `_deg` or `_rad`, which beats `unit`. Columns that are absent are unobserved, columns that
    are not known are refused. Raises UserError with line and column of a bad value.
    """
    header, rows = _rows(path)
    columns: dict[str, Float] = {}
    units: dict[str, str] = {}
    time_s: Float | None = None
    root: dict[str, Float] = {}
    for k, name in enumerate(header):
        values = _column(rows, k, name, path)
        dof, stated = _dof(name)
        if name in _TIMES:
            time_s = values
        elif name in ("root_x", "root_y", "root_z"):
            root[name] = values
        elif dof is not None:
            columns[dof], units[dof] = values, stated
        elif name not in ("frame", "fps", "status", "confidence"):
            raise UserError(
                f"column {name!r} is not known",
                where=f"{path}, line 1",
                expected=f"names such as {', '.join(DOF_NAMES[:3])}, …; also time_s, frame, fps, root_x, _y, _z",
            )
    if not columns:
        raise UserError("no column is a degree of freedom", where=f"{path}, line 1", expected="e.g. knee_angle_r")
    plain = [dof for dof in columns if not units[dof]]
    told = {dof: to_radians(columns[dof], units[dof], path)[0] for dof in columns if units[dof]}
    used = ""
    if plain:
        block, used = to_radians(np.column_stack([columns[dof] for dof in plain]), unit, path)
        told.update({dof: block[:, k] for k, dof in enumerate(plain)})
    if time_s is None and "fps" in header:
        time_s = np.arange(len(rows)) / _column(rows, header.index("fps"), "fps", path)[0]
    more: dict[str, Any] = {"details": {"source_format": "csv", "source_unit": used or "named in the columns"}}
    if len(root) == 3:
        more["root"] = np.column_stack([root[f"root_{axis}"] for axis in "xyz"])
    return full_recording(told, len(rows), time_s=time_s, **more)


def _dof(name: str) -> tuple[str | None, str]:
    for suffix, unit in (("_deg", "degrees"), ("_rad", "radians"), ("", "")):
        base = name.removesuffix(suffix) if suffix else name
        if name.endswith(suffix) and base in DOF_INDEX:
            return base, unit
    return None, ""


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = [row for row in csv.reader(stream) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot be read as CSV: {error}", where=path, expected="UTF-8 CSV") from error
    if len(table) < 2:
        raise UserError("has no rows", where=path, expected="a header of DoF names and one row a frame")
    header = [cell.strip() for cell in table[0]]
    for number, row in enumerate(table[1:], 2):
        if len(row) != len(header):
            raise UserError(f"{len(row)} values under {len(header)} names", where=f"{path}, line {number}")
    return header, table[1:]


def _column(rows: list[list[str]], k: int, name: str, path: Path) -> Float:
    if name == "status":
        return np.zeros(len(rows))
    values = np.empty(len(rows))
    for number, row in enumerate(rows):
        text = row[k].strip()
        try:
            values[number] = float(text) if text else np.nan
        except ValueError:
            where = f"{path}, line {number + 2}, column {name}"
            raise UserError(f"{text[:40]!r} is not a number", where=where, expected="a number, or empty") from None
    return values


def _numbers(value: Any, path: Path, name: str) -> Float:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise UserError(f"{name} does not hold numbers", where=path, expected="an array of floats")
    return array.astype(np.float64)
