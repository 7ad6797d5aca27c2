"""Tables of angles (`.csv`) with columns named like the 46 degrees of freedom."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.pose.formats.recording import About, Recording, full_recording, replace_lost
from qevd_bio.pose.formats.sheet import read_text_bytes, text
from qevd_bio.pose.formats.units import Unit, settle_unit
from qevd_bio.store.errors import UserError

TIMES = ("time_s", "time", "timestamp", "timestamps")
ROOT = ("root_x", "root_y", "root_z")
OTHERS = (*TIMES, *ROOT, "frame", "fps", "status", "confidence")
_OK, _LOST = ("ok", "held", ""), ("missing", "lost", "failed", "none", "nan")
_FRAME = "level, y up, heading 0 faces the camera"

Float = NDArray[np.float64]


@dataclass(frozen=True)
class _Table:
    names: tuple[str, ...]
    rows: list[list[str]]
    path: Path

    def column(self, name: str) -> Float:
        return _numbers(self, self.names.index(name), name)

    def texts(self, name: str) -> list[str]:
        k = self.names.index(name)
        return [row[k].strip().lower() for row in self.rows]


def read_csv(path: Path, unit: str = "auto") -> Recording:
    """A table with columns named like the DoFs, in radians or degrees, and optionally time_s, frame, fps,
    confidence, status (ok, missing), root_x, root_y, root_z.

    A name may end in `_deg` or `_rad`, which states the unit; without it `unit` must. Absent columns are unobserved;
    columns that are not known, or that stand twice, are refused. Raises UserError with line and column of a bad value.
    """
    table = _table(path)
    angles, units = _angles(table)
    plain = {dof: values for dof, values in angles.items() if not units[dof]}
    told = {dof: values * Unit(units[dof], "").factor for dof, values in angles.items() if units[dof]}
    by = "named in the columns"
    names = sorted({units[dof] for dof in told})
    if plain:
        found = settle_unit(plain, None, unit, path)
        told.update({dof: values * found.factor for dof, values in plain.items()})
        names, by = sorted({found.name, *names}), found.by if not names else f"{found.by} and the columns"
    for dof in (dof for dof in angles if units[dof]):
        _refuse_contradiction({dof: angles[dof]}, units[dof], path)
    confidence, lost, flags = _trust(table)
    time_s, rate = _times(table)
    about = About("csv", " and ".join(names), by, _FRAME, rate)
    more: dict[str, Any] = {"details": about.details(), "confidence": confidence, "flags": flags}
    if set(ROOT) <= set(table.names):
        more["root"] = np.column_stack([table.column(name) for name in ROOT])
    found_recording = full_recording(told, len(table.rows), where=path, time_s=time_s, **more)
    return replace_lost(found_recording, lost) if lost.any() else found_recording


def is_angle_csv(names: list[str]) -> bool:
    """Whether a header has at least one degree of freedom."""
    return any(_dof(name.strip())[0] for name in names)


def _angles(table: _Table) -> tuple[dict[str, Float], dict[str, str]]:
    angles: dict[str, Float] = {}
    units: dict[str, str] = {}
    written: dict[str, str] = {}
    where = f"{table.path}, line 1"
    for k, name in enumerate(table.names):
        if name in table.names[:k]:
            raise UserError(f"two columns are named {name!r}", where=where, expected="each column once")
        dof, stated = _dof(name)
        if dof is None and name not in OTHERS:
            raise UserError(
                f"column {name!r} is not known",
                where=where,
                expected=f"names such as {', '.join(DOF_NAMES[:3])}, …; also {', '.join(OTHERS)}",
            )
        if dof is None:
            continue
        if dof in angles:
            raise UserError(
                f"{written[dof]} and {name} are the same angle", where=where, expected="each angle once",
                fix="remove the wrong column",
            )  # fmt: skip
        angles[dof], units[dof], written[dof] = _numbers(table, k, name), stated, name
    if not angles:
        raise UserError("no column is a degree of freedom", where=where, expected="e.g. knee_angle_r")
    return angles, units


def _refuse_contradiction(angles: Mapping[str, Float], unit: str, path: Path) -> None:
    if unit == "radians":
        settle_unit(angles, Unit("radians", "the column's name"), "auto", path)


def _dof(name: str) -> tuple[str | None, str]:
    lower = name.lower()
    for suffix, unit in (("_deg", "degrees"), ("_rad", "radians"), ("", "")):
        base = lower.removesuffix(suffix) if suffix else lower
        if lower.endswith(suffix) and base in DOF_INDEX:
            return base, unit
    return None, ""


def _trust(table: _Table) -> tuple[Float, NDArray[np.bool_], list[dict[str, Any]]]:
    """Confidence (T,), frames without a pose (T,), flags."""
    confidence, lost = np.ones(len(table.rows)), np.zeros(len(table.rows), dtype=bool)
    flags: list[dict[str, Any]] = []
    if "confidence" in table.names:
        values = table.column("confidence")
        with np.errstate(invalid="ignore"):
            if (values < 0).any() or (values > 1).any():
                raise UserError(
                    f"confidence reaches {np.nanmax(np.abs(values)):g}", where=table.path, expected="values from 0 to 1"
                )
        confidence = np.nan_to_num(values)
    if "status" in table.names:
        for number, status in enumerate(table.texts("status")):
            if status not in (*_OK, *_LOST):
                raise UserError(
                    f"status {status[:30]!r} is not known",
                    where=f"{table.path}, line {number + 2}",
                    expected="ok, held or missing",
                )
            lost[number] = status in _LOST
    if lost.any():
        flags.append(
            {"kind": "marked_missing", "detail": f"{int(lost.sum())} frames are marked as missing in the file"}
        )
    return confidence, lost, flags


def _times(table: _Table) -> tuple[Float | None, float | None]:
    """Seconds (T,) and frame rate, each None where the table has none. Frame numbers with holes keep the holes."""
    stated = [name for name in TIMES if name in table.names]
    if len(stated) > 1:
        raise UserError(f"has {' and '.join(stated)}", where=table.path, expected="one column of times")
    rate = _rate(table)
    frames = table.column("frame") if "frame" in table.names else None
    if frames is not None and not (np.isfinite(frames).all() and (np.diff(frames) > 0).all()):
        raise UserError("frame numbers do not rise from row to row", where=table.path, expected="rising numbers")
    if stated:
        return table.column(stated[0]), rate
    if rate is not None:
        return (np.arange(len(table.rows)) if frames is None else frames - frames[0]) / rate, rate
    if frames is not None and (np.diff(frames) != 1).any():
        hole = int(np.flatnonzero(np.diff(frames) != 1)[0])
        raise UserError(
            f"frame numbers jump from {frames[hole]:g} to {frames[hole + 1]:g}, and no time is stated",
            where=f"{table.path}, line {hole + 3}",
            expected="a column time_s or fps beside frame numbers with holes",
        )
    return None, None


def _rate(table: _Table) -> float | None:
    if "fps" not in table.names:
        return None
    values = table.column("fps")
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    if known.min() <= 0 or np.ptp(known) > 1e-6 * known.max():
        raise UserError(f"fps is {known[0]:g} to {known.max():g}", where=table.path, expected="one rate above 0")
    return float(known[0])


def _table(path: Path) -> _Table:
    data = text(read_text_bytes(path))
    first = data.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        lines = [row for row in csv.reader(io.StringIO(data), delimiter=delimiter) if any(c.strip() for c in row)]
    except csv.Error as error:
        raise UserError(f"cannot be read as CSV: {error}", where=path, expected="UTF-8 CSV") from error
    if len(lines) < 2:
        raise UserError("has no rows", where=path, expected="a header of DoF names and one row a frame")
    header = [cell.strip() for cell in lines[0]]
    for number, row in enumerate(lines[1:], 2):
        if len(row) != len(header):
            raise UserError(f"{len(row)} values under {len(header)} names", where=f"{path}, line {number}")
    if delimiter != ",":
        lines = [[cell.replace(",", ".") for cell in row] for row in lines]
    return _Table(tuple(header), lines[1:], path)


def _numbers(table: _Table, k: int, name: str) -> Float:
    values = np.empty(len(table.rows))
    for number, row in enumerate(table.rows):
        cell = row[k].strip()
        try:
            if "_" in cell:
                raise ValueError
            values[number] = float(cell) if cell else np.nan
        except ValueError:
            where = f"{table.path}, line {number + 2}, column {name}"
            raise UserError(f"{cell[:40]!r} is not a number", where=where, expected="a number, or empty") from None
    return values
