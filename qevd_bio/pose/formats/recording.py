"""What a reader of another program's file gives: one declared result, before times of a video are put to it.

Three kinds: `Recording` (joint angles), `Markers` (positions in space) and `Keypoints` (positions in the image). Each
says in `about` what the file said of itself: format, unit and who stated it, frame of reference, person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, DOFS
from qevd_bio.store.errors import UserError

N_DOFS = len(DOF_NAMES)
BEYOND_JOINT, BEYOND_TURNS = np.deg2rad(200.0), 200.0 * np.pi
_BEYOND = np.array([BEYOND_TURNS if dof.wraps else BEYOND_JOINT for dof in DOFS])
MOST_IMPOSSIBLE = 0.2

Float = NDArray[np.float64]


@dataclass(frozen=True)
class About:
    """What a file says of itself. `unit` is the file's own; what is handed on is in radians, metres or pixels.

    unit_by says who stated the unit ("header inDegrees=yes", "--unit", "the format"). rate_hz is the stated or
    counted frame rate; None where there is none. person names whose data it is where the file has several.
    """

    format: str
    unit: str
    unit_by: str
    frame: str
    rate_hz: float | None = None
    person: str = ""

    def details(self) -> dict[str, Any]:
        """For the metadata of the kinematics table."""
        named = {"source_format": self.format, "source_unit": self.unit, "source_unit_stated_by": self.unit_by}
        more = {"source_frame": self.frame, "source_rate_hz": self.rate_hz, "source_person": self.person}
        return {**named, **{name: value for name, value in more.items() if value}}


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
    flags: tuple[str | Mapping[str, Any], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The degrees of freedom that the file holds."""
        missing = set(self.details.get("missing_dofs", ()))
        return tuple(name for name in DOF_NAMES if name not in missing)


@dataclass(frozen=True)
class Markers:
    """T frames of M named points of one person, level frame (y up).

    values (T, M, 3) metres, NaN where a point is missing; trust (T, M) 0..1; `set` names a table of refs/markers.
    """

    names: tuple[str, ...]
    values: Float
    trust: Float
    set: str
    time_s: Float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str | Mapping[str, Any], ...] = ()
    stature_m: float | None = None


@dataclass(frozen=True)
class Keypoints:
    """T frames of K named points of one person in the image. values (T, K, 3): x, y in pixels (y down), score 0..1.

    NaN where a point is missing. `set` names a table of refs/markers; size (width, height), None where the file and
    the video do not say it.
    """

    names: tuple[str, ...]
    values: Float
    set: str
    size: tuple[int, int] | None = None
    time_s: Float | None = None
    frame: NDArray[np.int32] | None = None
    subject: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str | Mapping[str, Any], ...] = ()


Read = Recording | Markers | Keypoints


def full_recording(
    columns: Mapping[str, Float], frames: int, *, where: Any = None, hold: bool = False, **more: Any
) -> Recording:
    """A recording from some of the 46 DoFs (name -> (T,) radians); the others are zero and marked unobserved.

    A frame with a NaN in a given DoF has no pose: all its angles become NaN and its confidence 0. With `hold` it
    keeps its pose where at least half of the given DoFs are there: the absent ones keep their last value, unobserved.
    Infinite angles, and angles that no joint reaches, are taken out the same way and flagged.
    Raises UserError where that is more than a fifth of the frames, or where no frame has a pose.
    """
    raw, observed = np.zeros((frames, N_DOFS)), np.zeros((frames, N_DOFS), dtype=bool)
    given = [DOF_INDEX[name] for name in columns]
    for name, values in columns.items():
        raw[:, DOF_INDEX[name]] = values
        observed[:, DOF_INDEX[name]] = True
    flags = [*more.pop("flags", ()), *take_out_impossible(raw, where)]
    if hold:
        _hold(raw, observed, given)
    lost = ~np.isfinite(raw).all(axis=1)
    if frames and lost.all():
        raise UserError("no frame has all of its angles", where=where, expected="numbers in at least one frame")
    raw[lost], observed[lost] = np.nan, False
    missing = [name for name in DOF_NAMES if name not in columns]
    details = {**more.pop("details", {}), "missing_dofs": missing}
    confidence = np.where(lost, 0.0, more.pop("confidence", np.ones(frames)))
    rest = {"root": np.full((frames, 3), np.nan), **more}
    return Recording(raw, observed, confidence, details=details, flags=tuple(flags), **rest)


def replace_lost(recording: Recording, lost: NDArray[np.bool_]) -> Recording:
    """The recording with the frames `lost` (T,) without a pose."""
    raw, observed = recording.raw.copy(), recording.observed.copy()
    raw[lost], observed[lost] = np.nan, False
    return replace(recording, raw=raw, observed=observed, confidence=np.where(lost, 0.0, recording.confidence))


def take_out_impossible(raw: Float, where: Any) -> list[dict[str, Any]]:
    """Angles that are infinite or that no joint reaches become NaN in `raw`; the flag that tells of them."""
    with np.errstate(invalid="ignore"):
        wrong = np.isinf(raw) | (np.abs(raw) > _BEYOND)
    if not wrong.any():
        return []
    rows = np.flatnonzero(wrong.any(axis=1))
    first = int(rows[0])
    dof = int(np.flatnonzero(wrong[first])[0])
    value = f"{np.rad2deg(raw[first, dof]):.6g}°"
    raw[wrong] = np.nan
    text = f"{len(rows)} of {len(raw)} frames have an angle that no joint reaches (first: frame {first}, "
    text += f"{DOF_NAMES[dof]} {value})"
    if len(rows) > MOST_IMPOSSIBLE * len(raw):
        raise UserError(
            text,
            where=where,
            expected="joint angles within their range in nearly all frames",
            fix="check the unit (--unit degrees or --unit radians) and the columns",
        )
    return [{"kind": "impossible_angles", "detail": text + "; they are left out"}]


def _hold(raw: Float, observed: NDArray[np.bool_], given: Sequence[int]) -> None:
    seen = np.isfinite(raw[:, given])
    enough = seen.mean(axis=1) >= 0.5
    rows = np.arange(len(raw))
    for k in given:
        own = np.isfinite(raw[:, k])
        if own.all() or not own.any():
            continue
        last = np.maximum.accumulate(np.where(own, rows, -1))
        last = np.where(last < 0, int(np.flatnonzero(own)[0]), last)
        filled = enough & ~own
        raw[filled, k] = raw[last[filled], k]
        observed[filled, k] = False
    empty = [k for k in given if not np.isfinite(raw[:, k]).any()]
    raw[:, empty], observed[:, empty] = 0.0, False
