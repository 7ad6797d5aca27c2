"""Marker positions in `.trc` files, as OpenSim, OpenCap, Pose2Sim and Sports2D write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.formats.markers.sets import find_set
from qevd_bio.pose.formats.markers.space import level, metres
from qevd_bio.pose.formats.opencap import METADATA, session_of, session_person
from qevd_bio.pose.formats.recording import About, Markers
from qevd_bio.pose.formats.sheet import number_rows, read_text_bytes, text
from qevd_bio.store.errors import UserError

EXPECTED = "a .trc file: PathFileType, two lines of header, marker names, X1 Y1 Z1 …, rows of numbers"
_AXIS = re.compile(r"^[XYZ]\d+$")

Float = NDArray[np.float64]


def read_trc(path: Path) -> Markers:
    """Marker positions of one `.trc` file, in metres and level; blank cells are missing markers.

    Raises UserError with the line of what is wrong: names that do not match the columns, fewer frames than announced,
    markers of no known set, a unit that makes no body.
    """
    lines = text(read_text_bytes(path)).split("\n")
    header = _header(lines)
    at = next((i for i, line in enumerate(lines[:12]) if line.strip().lower().startswith("frame#")), None)
    if at is None:
        raise UserError("no line that begins with Frame#", where=path, expected=EXPECTED)
    first = at + 1
    while first < len(lines) and (not lines[first].strip() or _is_axes(lines[first])):
        first += 1
    names = _names(lines[at], lines[at + 1] if at + 1 < len(lines) else "", path, at + 1)
    rows = number_rows("\n".join(lines[first:]), 2 + 3 * len(names), first + 1, path)
    if not len(rows):
        raise UserError("has no frames", where=path, expected=EXPECTED)
    announced = header.get("numframes", "")
    if announced.isdigit() and int(announced) > len(rows):
        raise UserError(
            f"its header announces {announced} frames, there are {len(rows)}: the file is cut",
            where=path,
            expected="as many frames as the header says",
            fix="write it again, or correct NumFrames where the file is meant to be so short",
        )
    points = rows[:, 2 : 2 + 3 * len(names)].reshape(len(rows), len(names), 3)
    chosen = find_set(names, path)
    values, unit, by = metres(points, header.get("units", ""), "the header", chosen, names, path)
    values, frame, flags = level(values, "y", chosen, names)
    time_s, rate = _times(rows, header)
    about = About("trc", unit, by, frame, rate)
    session = session_of(path)
    person = session_person(session / METADATA) if session else {}
    details = {**about.details(), "markers": list(names), **({"person": person} if person else {})}
    trust = np.asarray(np.isfinite(values).all(axis=2), dtype=np.float64)
    if not trust.any():
        raise UserError("shows no marker in any frame", where=path, expected=EXPECTED)
    return Markers(tuple(names), values, trust, chosen.name, time_s, details, flags, person.get("height"))


def _header(lines: list[str]) -> dict[str, str]:
    """Keys of the second line with the values of the third, in lower case."""
    if len(lines) < 3:
        return {}
    keys, values = (line.split() for line in lines[1:3])
    return {key.strip().lower(): value.strip() for key, value in zip(keys, values, strict=False)}


def _is_axes(line: str) -> bool:
    cells = line.split()
    return bool(cells) and all(_AXIS.match(cell.upper()) for cell in cells)


def _names(line: str, axes: str, path: Path, number: int) -> list[str]:
    """Marker names in the order of their columns; `axes` is the line below (X1 Y1 Z1 …), if there is one."""
    cells = [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()
    names = [cell for cell in cells[2:] if cell and not cell.lower().startswith("x1")]
    announced = len([cell for cell in axes.split() if _AXIS.match(cell.upper())])
    if not names or (announced and announced != 3 * len(names)):
        raise UserError(
            f"{len(names)} marker names, but {announced} columns of positions",
            where=f"{path}, line {number}",
            expected="three columns a marker",
        )
    if len({name.lower() for name in names}) < len(names):
        twice = next(name for k, name in enumerate(names) if name.lower() in {n.lower() for n in names[:k]})
        raise UserError(f"two markers are named {twice!r}", where=f"{path}, line {number}", expected="each once")
    return names


def _times(rows: Float, header: Mapping[str, str]) -> tuple[Float, float | None]:
    """Times from the second column, or from the frame rate where that column is empty."""
    try:
        rate = float(header.get("datarate", "").replace(",", "."))
    except ValueError:
        rate = 0.0
    time_s = rows[:, 1]
    if not np.isfinite(time_s).any() and rate > 0:
        time_s = (rows[:, 0] - rows[0, 0]) / rate
    return time_s, rate if rate > 0 else None
