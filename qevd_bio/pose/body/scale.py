"""Metres for a body that one camera saw: from the camera's own height above the floor, or from points in space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.body.measures import Measured
from qevd_bio.pose.options import Sex

CAMERA_SD = 0.2
"""Standard deviation of a stature from the camera's height, as a share of it: measured on simulated people
(docs/extract.md, "Body")."""
POPULATION: dict[Sex, tuple[float, float]] = {
    "unknown": (1.69, 0.092),
    "male": (1.756, 0.069),
    "female": (1.628, 0.064),
}
"""Mean and standard deviation of the stature in metres (ANSUR II), which are surer than the camera's height."""
POINTS_SD_M = 0.04
"""Of a stature from points in space: head and soles are seldom marked. Assumed, not measured."""
LEAST_DROP_M = 0.1
STATURES_M = (1.0, 2.3)
"""A stature outside is a wrong floor or a wrong camera height, not a body."""


def fitted_stature(lengths: Mapping[str, float], floor_m: float, camera_height_m: float) -> float | None:
    """Stature in metres of a skeleton fitted without one; None where floor and camera's height do not go together.

    lengths  of the fitted skeleton, floor_m  height of the floor in the frame whose origin is the camera, both in the
    scale of the fit: the camera stands that far above the floor, and so the scale is known.
    """
    if not lengths or -floor_m < LEAST_DROP_M:
        return None
    stature = Skeleton.from_stature().with_lengths(lengths).stature * camera_height_m / -floor_m
    return stature if STATURES_M[0] <= stature <= STATURES_M[1] else None


def by_camera(
    lengths: Mapping[str, float], view: Mapping[str, Any], camera_height_m: float, sex: Sex = "unknown"
) -> Measured | None:
    """The stature that the camera's height and the population's statures say together, weighted by their variances.

    view  of the fit, with `floor_m`
    """
    stature = fitted_stature(lengths, float(view.get("floor_m", 0.0)), camera_height_m)
    if stature is None:
        return None
    mean, spread = POPULATION[sex]
    own, usual = (CAMERA_SD * stature) ** -2.0, spread**-2.0
    value = (own * stature + usual * mean) / (own + usual)
    seen = f"{stature:.2f} m from the fitted bones and the floor {camera_height_m:g} m below the camera"
    source = f"{seen}, weighed with the population's {mean:g} m"
    return Measured(value, (own + usual) ** -0.5, "camera_height", source)


def by_points(lengths: Mapping[str, float]) -> Measured | None:
    """Stature of a skeleton whose bones were measured on points in metres; None where none were, or for no body."""
    if not lengths:
        return None
    stature = Skeleton.from_stature().with_lengths(lengths).stature
    if not STATURES_M[0] <= stature <= STATURES_M[1]:
        return None
    return Measured(stature, POINTS_SD_M, "points", "bones between points in metres")
