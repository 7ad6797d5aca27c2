"""From named places to what the fit binds: joint centres in pairs, the head's points, the pelvis's rotation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import JOINT_INDEX, JOINTS
from qevd_bio.pose.formats.markers.sets import MarkerSet, Places

Float = NDArray[np.float64]

GRID = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "toe")
HEAD = ("nose", "eye_l", "eye_r", "ear_l", "ear_r")
_PELVIS = ("asis_r", "asis_l", "psis_r", "psis_l")


@dataclass(frozen=True)
class Sites:
    """grid (T, 8, 2, 3) of GRID, (right, left), with trust (T, 8, 2), 0 where missing; head (T, 5, 3) and head_trust
    (T, 5); pelvis (T, 3, 3), its axes left, up, forward as columns, NaN where not shown, or None."""

    grid: Float
    trust: Float
    head: Float
    head_trust: Float
    pelvis: Float | None


def joint_centres(chosen: MarkerSet, places: Places) -> Sites:
    """Joint centres of a set's places. Hips come from their own points, else from the four pelvis markers."""
    frames = len(next(iter(places.values.values())))
    grid, trust = np.full((frames, 8, 2, 3), np.nan), np.zeros((frames, 8, 2))
    for k, name in enumerate(GRID):
        for side, letter in enumerate("rl"):
            place = f"{name}_{letter}"
            if place in places.values:
                grid[:, k, side], trust[:, k, side] = places.values[place], places.trust[place]
    pelvis = _pelvis(places) if set(_PELVIS) <= set(places.values) else _pelvis_joint(places)
    if pelvis is not None and chosen.hips == "pelvis":
        _hips(places, pelvis, grid, trust)
    _move_inward(chosen, places, pelvis, grid)
    head, head_trust = np.full((frames, 5, 3), np.nan), np.zeros((frames, 5))
    for k, name in enumerate(HEAD):
        if name in places.values:
            head[:, k], head_trust[:, k] = places.values[name], places.trust[name]
    trust[~np.isfinite(grid).all(axis=3)] = 0.0
    return Sites(grid, trust, head, head_trust, pelvis)


def _pelvis_joint(places: Places) -> Float | None:
    """The pelvis's axes from its own origin and both hip centres, as a skeleton's joints give them."""
    if not {"pelvis", "hip_r", "hip_l"} <= set(places.values):
        return None
    origin, hip_r, hip_l = (places.values[name] for name in ("pelvis", "hip_r", "hip_l"))
    offset = np.array(JOINTS[JOINT_INDEX["hip_r"]].offset) + np.array(JOINTS[JOINT_INDEX["hip_l"]].offset)
    own = _axes(np.array([[1.0, 0.0, 0.0]]), offset[None] / 2)[0]
    return np.asarray(_axes(hip_l - hip_r, (hip_r + hip_l) / 2 - origin) @ own.T)


def _axes(first: Float, second: Float) -> Float:
    """Frames (T, 3, 3) with `first` (T, 3) as x axis and `second` (T, 3) in the plane of x and y."""
    with np.errstate(invalid="ignore", divide="ignore"):
        x = first / np.linalg.norm(first, axis=1, keepdims=True)
        z = np.cross(x, second)
        z = z / np.linalg.norm(z, axis=1, keepdims=True)
    return np.stack([x, np.cross(z, x), z], axis=-1)


def _pelvis(places: Places) -> Float:
    """Left, up, forward axes (T, 3, 3) as columns: the front hip bones give left, the plane of all four is level."""
    asis_r, asis_l, psis_r, psis_l = (places.values[name] for name in _PELVIS)
    frame = _axes(asis_l - asis_r, (asis_r + asis_l) / 2 - (psis_r + psis_l) / 2)  # left, forward, down
    return np.stack([frame[..., 0], -frame[..., 2], frame[..., 1]], axis=-1)


def _hips(places: Places, pelvis: Float, grid: Float, trust: Float) -> None:
    """Hip centres by the regression of Harrington et al. 2007 (adults and children, magnetic resonance), in place."""
    asis_r, asis_l, psis_r, psis_l = (places.values[name] for name in _PELVIS)
    middle = (asis_r + asis_l) / 2
    width = np.linalg.norm(asis_l - asis_r, axis=1)
    depth = np.linalg.norm(middle - (psis_r + psis_l) / 2, axis=1)
    ahead, up, out = -0.24 * depth - 0.0099, -0.30 * width - 0.0109, 0.33 * width + 0.0073
    sure = np.minimum.reduce([places.trust[name] for name in _PELVIS])
    k = GRID.index("hip")
    for side, sign in enumerate((-1.0, 1.0)):
        own = np.stack([sign * out, up, ahead], axis=1)
        centre = middle + np.einsum("tij,tj->ti", pelvis, own)
        absent = trust[:, k, side] <= 0
        grid[absent, k, side], trust[absent, k, side] = centre[absent], sure[absent]


def _move_inward(chosen: MarkerSet, places: Places, pelvis: Float | None, grid: Float) -> None:
    """Single markers on the outer side of a joint, moved to its centre along the pelvis's side axis, in place."""
    for name, inward in chosen.inward_m.items():
        k = GRID.index(name)
        line = grid[:, GRID.index("hip"), 1] - grid[:, GRID.index("hip"), 0] if pelvis is None else pelvis[:, :, 0]
        with np.errstate(invalid="ignore", divide="ignore"):
            side_axis = line / np.linalg.norm(line, axis=1, keepdims=True)
        for side, sign in enumerate((1.0, -1.0)):
            if f"{name}_{'rl'[side]}" in places.single:
                grid[:, k, side] += sign * inward * np.nan_to_num(side_axis)


def complete(grid: Float, trust: Float) -> Float:
    """The grid (T, 8, 2, 3) with a place for every missing point, for starting the fit from: in between in time where
    the point is seen at other times, else beside its neighbour as on a standing body. Such points have no trust.
    """
    out = grid.copy()
    frames = np.arange(len(grid))
    for k in range(8):
        for side in range(2):
            seen = trust[:, k, side] > 0
            if seen.any() and not seen.all():
                for axis in range(3):
                    out[~seen, k, side, axis] = np.interp(frames[~seen], frames[seen], grid[seen, k, side, axis])
            elif not seen.any():
                out[:, k, side] = np.nan
    hips = out[:, GRID.index("hip")]
    left = hips[:, 1] - hips[:, 0]
    up = np.array([0.0, 1.0, 0.0])
    ahead = np.cross(left / np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-9), up)
    steps = {
        "shoulder": ("hip", 0.50 * up, 0.0),
        "elbow": ("shoulder", -0.30 * up, 0.0),
        "wrist": ("elbow", -0.25 * up, 0.0),
        "knee": ("hip", -0.42 * up, 0.0),
        "ankle": ("knee", -0.42 * up, 0.0),
        "heel": ("ankle", -0.06 * up, -0.04),
        "toe": ("ankle", -0.06 * up, 0.16),
    }
    for name, (start, step, forward) in steps.items():
        for side in range(2):
            own = out[:, GRID.index(name), side]
            gone = ~np.isfinite(own).all(axis=1)
            own[gone] = (out[:, GRID.index(start), side] + step + forward * ahead)[gone]
    return out
