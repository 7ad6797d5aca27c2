"""Marker positions in `.c3d` files of motion-capture systems, through ezc3d."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.pose.formats.markers.sets import find_set
from qevd_bio.pose.formats.markers.space import level, metres
from qevd_bio.pose.formats.recording import About, Markers
from qevd_bio.store import extras
from qevd_bio.store.errors import UserError

EXPECTED = "a whole .c3d file with marker positions"


def read_c3d(path: Path) -> Markers:
    """Markers of one `.c3d` file in metres and level (z up unless the file says otherwise).

    A residual below 0 marks a missing marker. Raises UserError without ezc3d, and for damaged files.
    """
    extras.need("ezc3d", what="reading .c3d files")
    import ezc3d

    try:
        content: Any = ezc3d.c3d(str(path))
        points = content["data"]["points"]
        parameters = content["parameters"]["POINT"]
        names = [str(name) for name in _value(parameters, "LABELS")][: points.shape[1]]
        residuals = content["data"]["meta_points"]["residuals"][0]
        rate = float(np.ravel(_value(parameters, "RATE"))[0])
    except (RuntimeError, OSError, ValueError, KeyError, IndexError, TypeError, MemoryError, OverflowError) as error:
        text = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"cannot be read as C3D: {text[:160]}", where=path, expected=EXPECTED) from error
    frames = points.shape[2]
    if not frames or not names or not (np.isfinite(rate) and rate > 0):
        raise UserError(f"has {frames} frames of {len(names)} markers at {rate:g} Hz", where=path, expected=EXPECTED)
    values = np.ascontiguousarray(np.moveaxis(points[:3, : len(names)], -1, 0).transpose(0, 2, 1))
    missing = (residuals[: len(names)].T < 0) | (values == 0).all(axis=2)
    values[missing] = np.nan
    chosen = find_set(names, path)
    unit = str(next(iter(_value(parameters, "UNITS")), ""))
    values, unit, by = metres(values, unit, "POINT:UNITS", chosen, names, path)
    up = str(next(iter(_value(parameters, "Y_SCREEN")), "+Z")).strip("+- ").lower()
    values, frame, flags = level(values, up if up in ("y", "z") else "z", chosen, names)
    about = About("c3d", unit, by, frame, rate)
    trust = np.isfinite(values).all(axis=2).astype(np.float64)
    time_s = np.arange(frames) / rate
    return Markers(tuple(names), values, trust, chosen.name, time_s, {**about.details(), "markers": names}, flags)


def _value(parameters: Any, name: str) -> Any:
    return parameters[name]["value"] if name in parameters else []
