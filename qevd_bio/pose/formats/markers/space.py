"""From a file's axes and unit to metres in a level frame, checked against the size of a body."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.formats.markers.sets import MarkerSet, places_of
from qevd_bio.store.errors import UserError

Float = NDArray[np.float64]

METRES = {
    **dict.fromkeys(("m", "meters", "metres", "meter", "metre"), 1.0),
    **dict.fromkeys(("mm", "millimeters", "millimetres"), 1e-3),
    "cm": 1e-2,
    "dm": 0.1,
    "in": 0.0254,
}
STANDING, SHARE = 0.8, 0.8
_SHANK = (("knee_r", "ankle_r"), ("knee_l", "ankle_l"))
FARTHEST_M = 4.0
_SHANK_M = (0.15, 0.75)  # children to giants


def metres(
    values: Float, unit: str, stated_by: str, chosen: MarkerSet, names: Sequence[str], where: Path
) -> tuple[Float, str, str]:
    """Values (T, M, 3) in metres; their unit and who stated it.

    A unit that makes no body is refused; where none is stated (`unit` empty) the body's size tells metres, centimetres
    and millimetres apart, which are too far from each other to be mistaken.
    """
    trust = np.ones(values.shape[:2])
    values = np.where(np.abs(values) < 1e9, values, np.nan)  # a comparison with NaN is false
    found = places_of(chosen, names, values, trust).values
    lengths = [
        float(np.nanmedian(np.linalg.norm(found[a] - found[b], axis=1)))
        for a, b in _SHANK
        if a in found and b in found and np.isfinite(found[a] - found[b]).all(axis=1).any()
    ]
    shank = float(np.median(lengths)) if lengths else None
    low, high = _SHANK_M
    if not unit:
        if shank is None:
            raise UserError("does not state its unit, and shows no shank", where=where, expected="Units m or mm")
        fitting = [name for name in ("m", "cm", "mm") if low < shank * METRES[name] < high]
        if len(fitting) != 1:
            raise UserError(
                f"its shanks are {shank:.4g} long in no known unit", where=where, expected="positions in m or mm"
            )
        return values * METRES[fitting[0]], fitting[0], "the size of the body"
    key = unit.strip().lower()
    if key not in METRES:
        raise UserError(f"its unit is {unit!r}", where=where, expected="m, cm or mm")
    if shank is not None and not low < shank * METRES[key] < high:
        raise UserError(
            f"its shanks would be {shank * METRES[key]:.4g} m long in {unit}",
            where=where,
            expected=f"positions in the unit that {stated_by} states",
            fix="correct the unit in the file",
        )
    return values * METRES[key], key, stated_by


def _near(values: Float) -> tuple[Float, tuple[dict[str, Any], ...]]:
    """Values without the markers that no body has: farther from the middle of their frame than a body reaches."""
    values = np.where(np.isfinite(values).all(axis=2, keepdims=True), values, np.nan)  # whole, or missing
    with np.errstate(invalid="ignore", over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames without a marker have no middle
        apart = np.abs(values - np.nanmedian(values, axis=1, keepdims=True)).max(axis=2)
        far = np.asarray(apart > FARTHEST_M)
    if not far.any():
        return values, ()
    text = f"{int(far.sum())} of {far.size} marker positions are more than {FARTHEST_M:.0f} m from their frame's middle"
    flag = {"kind": "impossible_places", "detail": text + "; they are left out"}
    return np.where(far[..., None], np.nan, values), (flag,)


def level(
    values: Float, up: str, chosen: MarkerSet, names: Sequence[str]
) -> tuple[Float, str, tuple[dict[str, Any], ...]]:
    """Values (T, M, 3) with y up, from axes whose upward one is `up` (y or z) by the format's habit.

    A body that stands along the other axis nearly all the time overrules the habit, which is flagged, as are markers
    left out because they lie farther from the others than a body reaches.
    """
    values, flags = _near(values)
    found = places_of(chosen, names, values, np.ones(values.shape[:2])).values
    top = next((found[f"shoulder_{s}"] for s in "rl" if f"shoulder_{s}" in found), None)
    low = next((found[f"ankle_{s}"] for s in "rl" if f"ankle_{s}" in found), None)
    if top is not None and low is not None:
        line = top - low
        whole = np.isfinite(line).all(axis=1)
        if whole.any():
            line = line[whole] / np.maximum(np.linalg.norm(line[whole], axis=1, keepdims=True), 1e-9)
            stands = {axis: float(np.mean(line[:, k] > STANDING)) for k, axis in ((1, "y"), (2, "z"))}
            other = "z" if up == "y" else "y"
            if stands[other] >= SHARE and stands[up] < 1.0 - SHARE:
                text = f"the body stands along {other}, so {other} is taken as up, against the format's habit"
                flags, up = (*flags, {"kind": "up_axis", "detail": text}), other
    turned = values[..., [0, 2, 1]] * (1.0, 1.0, -1.0) if up == "z" else values[..., [2, 1, 0]] * (-1.0, 1.0, 1.0)
    return turned, f"{up} up in the file", flags
