"""SKEL sequences: `.npz` with `poses` (T, 46) and `trans`, as SKEL, HSMR's tools and SKEL-CF's fitter write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_NAMES
from qevd_bio.pose.formats.numpy_file import read_npz
from qevd_bio.pose.formats.recording import N_DOFS, About, Recording, full_recording
from qevd_bio.pose.formats.units import Unit, contradiction
from qevd_bio.store.errors import UserError

POSES = ("poses", "pose", "skel_poses", "q")
_TRANS = ("trans", "transl", "translation", "skel_trans")
_BETAS = ("betas", "skel_betas")
TAU_S = 3.0
"""The paper's window: twelve steps at 4 Hz (BioCoach, Sec. 3.8)."""
_RATES = ("fps", "mocap_frame_rate", "mocap_framerate", "frame_rate")

Float = NDArray[np.float64]


def read_skel(path: Path, unit: str = "auto") -> Recording:
    """A SKEL sequence: `poses` (T, 46) in the order of the DoFs, `trans` (T, 3) metres, fps if stated.

    Radians, as SKEL writes them, unless `unit` says degrees. Its world is taken to be level (y up), as SKEL's own
    sequences are. Raises UserError for another layout.
    """
    return skel_recording(read_npz(path), path, unit)


def skel_recording(arrays: dict[str, Any], path: Path, unit: str = "auto") -> Recording:
    """The arrays of a SKEL sequence as a recording; see `read_skel`."""
    name = next((name for name in POSES if name in arrays), None)
    expected = f"an array named {' or '.join(POSES)} of shape (frames, {N_DOFS})"
    if name is None:
        raise UserError(f"holds {', '.join(sorted(arrays)) or 'nothing'}", where=path, expected=expected)
    poses = numbers(arrays[name], path, name)
    if poses.ndim != 2 or poses.shape[1] != N_DOFS or not len(poses):
        raise UserError(f"{name} has shape {poses.shape}", where=path, expected=expected)
    frames = len(poses)
    columns = {dof: poses[:, k] for k, dof in enumerate(DOF_NAMES)}
    stated = Unit("radians", "the format") if unit == "auto" else Unit(unit, "--unit")
    if reason := contradiction(columns, stated, sure=True):
        raise UserError(reason, where=path, expected="SKEL's poses in radians", fix="--unit degrees if it is degrees")
    root = np.full((frames, 3), np.nan)
    for candidate in _TRANS:
        if candidate in arrays and np.shape(arrays[candidate]) == (frames, 3):
            root = numbers(arrays[candidate], path, candidate)
    rate = frame_rate(arrays, path)
    about = About("skel_npz", stated.name, stated.by, "level world of the sequence, y up", rate)
    details: dict[str, Any] = about.details()
    for candidate in _BETAS:
        if candidate in arrays:
            betas = numbers(arrays[candidate], path, candidate)
            details |= {"betas": mean_betas(betas), "betas_by_window": window_betas(betas, rate)}
    time_s = None if rate is None else np.arange(frames) / rate
    scaled = {dof: values * stated.factor for dof, values in columns.items()}
    return full_recording(scaled, frames, where=path, root=root, time_s=time_s, details=details)


def frame_rate(arrays: dict[str, Any], path: Path) -> float | None:
    """The frame rate that an archive states; None where it states none. Raises UserError for a rate of 0 or less."""
    for name in _RATES:
        if name not in arrays:
            continue
        values = numbers(arrays[name], path, name).reshape(-1)
        if len(values) == 0:
            return None
        rate = float(values[0])
        if not (np.isfinite(rate) and rate > 0):
            raise UserError(
                f"{name} is {rate:g}", where=path, expected="frames a second", fix="mend or remove it, or --source-fps"
            )
        return rate
    return None


def mean_betas(betas: Float) -> list[float]:
    """Mean shape over all frames that have one, as numbers for the metadata; empty for another layout."""
    rows = np.atleast_2d(betas)
    if rows.ndim != 2:
        return []
    rows = rows[np.isfinite(rows).all(axis=1)]
    return [round(float(v), 6) for v in rows.mean(axis=0)] if len(rows) else []


def window_betas(betas: Float, rate: float | None) -> list[list[float]]:
    """Mean shape of each stretch of TAU_S that has one, as the paper averages betas over its window τ.

    betas (T, n), NaN where a frame has none; `rate` frames per second, None for 30. Empty for a single shape.
    """
    if betas.ndim != 2 or len(betas) < 2:
        return []
    length = max(1, round(TAU_S * (rate or 30.0)))
    parts = [betas[start : start + length] for start in range(0, len(betas), length)]
    return [mean for part in parts if (mean := mean_betas(part))]


def numbers(value: Any, path: Path, name: str) -> Float:
    """`value` as an array of floats. Raises UserError for anything else."""
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.array([], dtype=object)
    if array.dtype.kind not in "fiub":
        raise UserError(f"{name} does not hold numbers", where=path, expected="an array of floats")
    return array.astype(np.float64)
