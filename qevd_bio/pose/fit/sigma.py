"""How far off each angle may be: the posterior's spread, made honest on bodies whose angles are known.

The posterior knows how tightly the landmarks bind a pose, not how wrong landmarks are together. So the standard
deviation of an angle's error is log-linear in the posterior and in what else tells a bad frame from a good one;
coefficients by kind of fit and degree of freedom stand in refs/pose/sigma.csv (made by
tests/benchmarks/calibrate_sigma.py).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_NAMES, DOFS, read_rows
from qevd_bio.pose.fit.chain import ANKLES, ELBOWS, HEELS, HIPS, KNEES, SHOULDERS, TOES, WRISTS, Placed
from qevd_bio.pose.fit.rotations import Float, unit
from qevd_bio.pose.fit.stance import uprightness
from qevd_bio.store.resources import refs_path

FEATURES = ("one", "log_posterior", "hidden", "log_residual", "front", "lying", "log_speed", "end_on")
LEAST, MOST = np.deg2rad(0.5), np.deg2rad(120.0)
_RESIDUAL_UNIT = 0.03  # of the body's size in the image
_SLOW, _AROUND_S = 0.3, 0.15  # rad/s and seconds: the speed of an angle counts where it is faster nearby

# joint of a degree of freedom -> markers that show it, and bones (from, to) that must not point at the camera
_SHOWN = {
    "hip": (SHOULDERS, HIPS, KNEES),
    "knee": (HIPS, KNEES, ANKLES),
    "ankle": (KNEES, ANKLES, HEELS, TOES),
    "subtalar": (ANKLES, HEELS, TOES),
    "mtp": (ANKLES, HEELS, TOES),
    "scapula": (SHOULDERS,),
    "shoulder": (SHOULDERS, ELBOWS),
    "elbow": (SHOULDERS, ELBOWS, WRISTS),
    "radioulnar": (ELBOWS, WRISTS),
    "wrist": (ELBOWS, WRISTS),
}
_MIDDLE = (SHOULDERS, HIPS)
_BONES = {
    "hip": ((HIPS, KNEES),),
    "knee": ((HIPS, KNEES), (KNEES, ANKLES)),
    "ankle": ((KNEES, ANKLES), (HEELS, TOES)),
    "subtalar": ((HEELS, TOES),),
    "mtp": ((HEELS, TOES),),
    "scapula": ((SHOULDERS, ELBOWS),),
    "shoulder": ((SHOULDERS, ELBOWS),),
    "elbow": ((SHOULDERS, ELBOWS), (ELBOWS, WRISTS)),
    "radioulnar": ((ELBOWS, WRISTS),),
    "wrist": ((ELBOWS, WRISTS),),
}


def group_of(index: int) -> str:
    """Name shared by both sides' degrees of freedom: `knee_angle` of `knee_angle_r`."""
    dof = DOFS[index]
    if dof.joint.startswith("shoulder"):
        return f"shoulder_{dof.name[-1]}"
    return dof.name[:-2] if dof.name.endswith(("_r", "_l")) else dof.name


GROUPS: tuple[str, ...] = tuple(dict.fromkeys(group_of(k) for k in range(len(DOF_NAMES))))


def view_features(placed: Placed, level: Float) -> Float:
    """(T, 48): for each degree of freedom how far its bones point at the camera (0..1), then how far the pelvis
    faces it or turns its back (0..1), and how far the body lies (0..1)."""
    markers = placed.markers
    sight = unit(markers)
    out = np.zeros((len(markers), len(DOF_NAMES) + 2))
    middle = unit(markers[:, SHOULDERS].mean(1) - markers[:, HIPS].mean(1))
    trunk = np.abs(np.einsum("ti,ti->t", middle, unit(placed.root)))
    for k, dof in enumerate(DOFS):
        joint, _, side = dof.joint.rpartition("_")
        if joint not in _BONES:
            out[:, k] = trunk
            continue
        s = "rl".index(side)
        for start, end in _BONES[joint]:
            bone = unit(markers[:, end, s] - markers[:, start, s])
            out[:, k] = np.maximum(out[:, k], np.abs(np.einsum("ti,ti->t", bone, sight[:, end, s])))
    out[:, -2] = np.einsum("ti,ti->t", placed.pelvis[:, :, 2], unit(placed.root)) ** 2
    out[:, -1] = 1.0 - uprightness(placed, level)
    return out


def features(
    posterior: Float, view: Float, angles: Float, time_s: NDArray[np.float64], visibility: Float, residual: Float
) -> Float:
    """(T, 46, F) in the order of FEATURES; rows without a pose are NaN.

    posterior (T, 46) radians, NaN where the fit has no such variable; view (T, 48) of `view_features`; angles (T, 46);
    visibility (T, 8, 2) of the markers; residual (T,) of the image markers, in body heights.
    """
    out = np.empty((*angles.shape, len(FEATURES)))
    out[..., 0] = 1.0
    out[..., 1] = np.where(np.isfinite(posterior), np.log(np.maximum(posterior, 1e-4)), 0.0)
    for k, dof in enumerate(DOFS):
        joint, _, side = dof.joint.rpartition("_")
        seen = visibility[:, _SHOWN[joint], "rl".index(side)] if joint in _SHOWN else visibility[:, _MIDDLE].mean(2)
        out[:, k, 2] = 1.0 - np.clip(seen.min(1), 0.0, 1.0)
    out[..., 3] = np.log1p(residual / _RESIDUAL_UNIT)[:, None]
    out[..., 4], out[..., 5] = view[:, -2, None], view[:, -1, None]
    out[..., 6] = np.log(_SLOW + _speed(angles, time_s))
    out[..., 7] = view[:, : len(DOF_NAMES)] ** 2
    return out


def _speed(angles: Float, time_s: NDArray[np.float64]) -> Float:
    """Largest speed (T, 46) of each angle within _AROUND_S, rad/s."""
    known = np.isfinite(angles).all(1)
    out = np.zeros_like(angles)
    if known.sum() < 2:
        return out
    rate = np.abs(np.gradient(angles[known], time_s[known], axis=0))
    reach = int(np.clip(round(_AROUND_S / max(float(np.median(np.diff(time_s[known]))), 1e-3)), 1, len(rate) - 1))
    most = rate.copy()
    for k in range(1, reach + 1):
        most[k:] = np.maximum(most[k:], rate[:-k])
        most[:-k] = np.maximum(most[:-k], rate[k:])
    out[known] = most
    return out


@cache
def coefficients(kind: str) -> Float:
    """(46, F) of the geometric or the combined fit, from refs/pose/sigma.csv."""
    table = [row for row in read_rows(refs_path("pose", "sigma.csv")) if row["fit"] == kind]
    rows = {row["dof"]: [float(row[name]) for name in FEATURES] for row in table}
    return np.array([rows[group_of(k)] for k in range(len(DOF_NAMES))])


def sigma_of(found: Float, weights: Float) -> Float:
    """Standard deviation (T, 46) of each angle's error, radians, from `features` (T, 46, F) and `coefficients`."""
    log = np.einsum("tdf,df->td", found, weights)
    sigma: Float = np.clip(np.exp(log), LEAST, MOST)
    return sigma


def held_sigma(sigma: Float, speed: Float, age_s: NDArray[np.float64]) -> Float:
    """Sigma (T, 46) of poses that are kept for `age_s` (T,) seconds while the body may go on at `speed` (46,) rad/s."""
    return np.asarray(np.minimum(np.hypot(sigma, speed * age_s[:, None]), MOST))
