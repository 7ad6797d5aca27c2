"""What a file says of a body's shape: a mesh, SHAPY's measurements, or betas of an SMPL-type model."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.pose.body.mesh import is_mesh, measure, read_mesh
from qevd_bio.pose.body.model import measured, read_body_model
from qevd_bio.pose.formats.numpy_file import read_npz
from qevd_bio.pose.formats.skel_file import numbers, window_betas
from qevd_bio.store.errors import UserError

NAMES = ("height", "mass", "chest", "waist", "hips")
SUFFIXES = (".npz", ".obj", ".json", ".txt")
_SAID = re.compile(rf"\b({'|'.join(NAMES)}): *([0-9.]+) *(?:m|kg)\b")
_EXPECTED = (
    "a mesh (vertices or v_shaped, and faces), measurements (height, mass, chest, waist, hips in m and kg), or betas"
)


@dataclass(frozen=True)
class Shape:
    """Measures (m, kg) with their standard deviation, None where not known; how and from what they came."""

    measures: Mapping[str, tuple[float, float | None]]
    method: str
    source: str


def read_shape(path: Path, body_model: Path | None) -> Shape:
    """The body that a file describes. Raises UserError for other content, and for betas without a body model."""
    suffix = path.suffix.lower()
    if suffix == ".obj":
        return _from_mesh(path)
    if suffix == ".txt":
        return _stated(dict(_SAID.findall(_text(path))), path)
    if suffix == ".json":
        return _from_json(path)
    arrays = read_npz(path)
    if is_mesh(arrays):
        return _from_mesh(path)
    if any(name in arrays for name in NAMES):
        return _stated(arrays, path)
    if "betas" not in arrays:
        raise UserError(f"holds {', '.join(sorted(arrays)) or 'nothing'}", where=path, expected=_EXPECTED)
    if body_model is None:
        raise UserError(
            "holds betas, which have no metres without their model", where=path, fix="--body-model FILE (your own)"
        )
    betas = np.atleast_2d(numbers(arrays["betas"], path, "betas"))
    return from_betas(window_betas(betas, None) or [betas[0].tolist()], body_model, path.name)


def from_betas(windows: list[list[float]], body_model: Path, source: str) -> Shape:
    """Measures of averaged betas on the user's body model; the spread between windows is their sd."""
    model = read_body_model(body_model)
    times = f" of {len(windows)} windows" if len(windows) > 1 else ""
    return Shape(measured(model, windows), "betas", f"mean betas{times} of {source}, on {body_model.name}")


def _from_mesh(path: Path) -> Shape:
    mesh = read_mesh(path)
    note = "its own landmarks" if mesh.levels_given else "landmark heights as fractions of stature (ANSUR II)"
    return Shape({name: (value, None) for name, value in measure(mesh).items()}, "shapy_mesh", f"{path.name}, {note}")


def _from_json(path: Path) -> Shape:
    try:
        found = json.loads(_text(path))
    except ValueError as error:
        raise UserError(f"is no JSON: {error}", where=path, expected=_EXPECTED) from error
    inner = found.get("measurements", found) if isinstance(found, dict) else None
    if not isinstance(inner, dict):
        raise UserError("is no JSON object", where=path, expected=_EXPECTED)
    return _stated(inner, path)


def _stated(values: Mapping[str, Any], path: Path) -> Shape:
    """Measurements by name: numbers, arrays of one, or objects with a `value` or `tensor`."""
    found: dict[str, tuple[float, float | None]] = {}
    for name in NAMES:
        if name not in values:
            continue
        held = values[name]
        inner = held.get("value", held.get("tensor")) if isinstance(held, dict) else held
        try:
            number = float(np.asarray(inner, dtype=np.float64).reshape(()))
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number) or number <= 0:
            raise UserError(f"{name} is {str(inner)[:40]!r}", where=path, expected="a number above 0 (m or kg)")
        found[name] = (number, None)
    if not found:
        raise UserError("no measurement in it", where=path, expected=_EXPECTED)
    return Shape(found, "shapy", path.name)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read: {error}", where=path, expected=_EXPECTED) from error
