"""A recording: angles read from somebody else's file, before times of a video are put to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.store.errors import UserError

N_DOFS = len(DOF_NAMES)
_DEGREES_FROM = 2.0 * np.pi + 0.5

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Recording:
    """T frames of 46 angles. raw (T, 46) radians, level; observed (T, 46); confidence (T,); root (T, 3) metres.

    time_s (T,) seconds, or None where the file states neither times nor a frame rate.
    """

    raw: Float
    observed: NDArray[np.bool_]
    confidence: Float
    root: Float
    time_s: Float | None = None
    subject: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


def full_recording(columns: Mapping[str, Float], frames: int, **more: Any) -> Recording:
    """A recording from some of the 46 DoFs (name -> (T,) radians); the others are zero and marked unobserved.

    A frame with a NaN in a given DoF has no pose: all its angles become NaN and its confidence 0.
    """
    raw, observed = np.zeros((frames, N_DOFS)), np.zeros((frames, N_DOFS), dtype=bool)
    for name, values in columns.items():
        raw[:, DOF_INDEX[name]] = values
        observed[:, DOF_INDEX[name]] = True
    lost = ~np.isfinite(raw).all(axis=1)
    raw[lost], observed[lost] = np.nan, False
    missing = [name for name in DOF_NAMES if name not in columns]
    details = {**more.pop("details", {}), "missing_dofs": missing}
    confidence = more.pop("confidence", np.where(lost, 0.0, 1.0))
    return Recording(raw, observed, confidence, details=details, **{"root": np.full((frames, 3), np.nan), **more})


def to_radians(values: Float, unit: str, where: Any) -> tuple[Float, str]:
    """Angles in radians and the unit they were in. `unit` auto: degrees if any value is beyond a whole turn.

    Raises UserError where angles that are said to be radians go round more than twice.
    """
    largest = float(np.nanmax(np.abs(values))) if values.size and not np.isnan(values).all() else 0.0
    if unit == "auto":
        unit = "degrees" if largest > _DEGREES_FROM else "radians"
    elif unit == "radians" and largest > 4 * np.pi:
        raise UserError(
            f"angles up to {largest:.0f} cannot be radians", where=where, expected="radians", fix="--unit degrees"
        )
    return (np.deg2rad(values) if unit == "degrees" else values), unit
