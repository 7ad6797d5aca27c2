"""Errors of extracted angles against the true ones, by degree of freedom and view. Arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.derived import derive
from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.pose.formats.writers.export import skeleton_of
from qevd_bio.tables.kinematics import Kinematics

VIEWS = ("front", "oblique", "side", "floor")
"""By the body's heading to the camera: up to 25°, up to 60°, beyond; lying on hands and toes apart."""

DERIVED = ("trunk_lean_deg", "shoulder_elevation_r", "shoulder_elevation_l", "hip_abduction_r", "hip_abduction_l")
"""Judged beside the degrees of freedom: raw shoulder angles have several readings of one pose."""

SHOULDERS = frozenset(f"shoulder_{side}_{axis}" for side in "rl" for axis in "xyz")
_TURN = DOF_INDEX["pelvis_rotation"]
_TILT = DOF_INDEX["pelvis_tilt"]


@dataclass(frozen=True)
class AngleErrors:
    """Absolute errors in degrees: quantity -> view -> (n,), and how many true frames had a pose."""

    errors: Mapping[str, Mapping[str, NDArray[np.float64]]]
    frames: int
    posed: int

    def rows(self) -> list[dict[str, Any]]:
        """Quantity, view, frames, median and 90 % of the errors."""
        return [
            {
                "quantity": name,
                "view": view,
                "frames": len(values),
                "median_deg": round(float(np.median(values)), 2),
                "p90_deg": round(float(np.quantile(values, 0.9)), 2),
            }
            for name, views in self.errors.items()
            for view, values in views.items()
            if len(values)
        ]


def angle_errors(pairs: Sequence[tuple[Kinematics, Kinematics]]) -> AngleErrors:
    """Errors over all (true, extracted) videos, on observed degrees of freedom of frames with a pose of their own."""
    names = [name for name in DOF_NAMES if name not in SHOULDERS] + list(DERIVED)
    found: dict[str, dict[str, list[NDArray[np.float64]]]] = {n: {v: [] for v in VIEWS} for n in names}
    frames = posed = 0
    for true, seen in pairs:
        here, there = _same_frames(true, seen)
        frames += len(seen)
        posed += len(here)
        if not len(here):
            continue
        camera = float(true.meta.get("camera_heading_deg", 0.0))
        views = _views(true.angles[here], camera)
        for name, error, known in _errors(true, seen, here, there, camera):
            for view in VIEWS:
                found[name][view].append(error[known & (views == view)])
    errors = {name: {view: np.concatenate(parts) for view, parts in by.items() if parts} for name, by in found.items()}
    return AngleErrors(errors, frames, posed)


def _same_frames(true: Kinematics, seen: Kinematics) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of both that show the same frame, where a pose was found."""
    there = np.flatnonzero(seen.valid & (seen.frame < len(true)))
    return seen.frame[there].astype(np.int64), there


def _views(angles: NDArray[np.float32], camera_deg: float) -> NDArray[np.str_]:
    turn = np.abs((np.rad2deg(angles[:, _TURN]) - camera_deg + 180.0) % 360.0 - 180.0)
    views = np.where(turn <= 25.0, "front", np.where(turn <= 60.0, "oblique", "side"))
    straight = np.abs(angles[:, DOF_INDEX["hip_flexion_r"]]) + np.abs(angles[:, DOF_INDEX["hip_flexion_l"]])
    lying = (angles[:, _TILT] < np.deg2rad(-55.0)) & (straight < np.deg2rad(160.0))
    return np.asarray(np.where(lying, "floor", views))


def _errors(
    true: Kinematics, seen: Kinematics, here: NDArray[np.int64], there: NDArray[np.int64], camera_deg: float
) -> list[tuple[str, NDArray[np.float64], NDArray[np.bool_]]]:
    wanted = np.rad2deg(true.angles[here].astype(np.float64))
    wanted[:, _TURN] -= camera_deg
    got = np.rad2deg(seen.angles[there].astype(np.float64))
    observed = seen.observed[there]
    rows = []
    for name in DOF_NAMES:
        if name not in SHOULDERS:
            dof = DOF_INDEX[name]
            apart = np.abs((got[:, dof] - wanted[:, dof] + 180.0) % 360.0 - 180.0)
            rows.append((name, apart, observed[:, dof]))
    poses = [
        (angles, forward_kinematics(angles, skeleton_of(k)))
        for angles, k in ((np.deg2rad(wanted), true), (np.deg2rad(got), seen))
    ]
    for name in DERIVED:
        a, b = (np.asarray(derive(name, angles, pose)) for angles, pose in poses)
        apart = np.abs(a - b)
        rows.append((name, apart, np.isfinite(apart)))
    return rows
