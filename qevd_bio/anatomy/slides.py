"""The two joints of SKEL whose origin moves with the angles: spine arcs and scapular slide, and gradients.

A spine section of length l that bends by b to the side and e backward is an arc of constant curvature: its
end moves l(1-cos b)/b to the right, l(1-cos e)/e back and l(sin b/b + sin e/e - 2) up. The scapula slides
on an ellipse around the rib cage: w/4 (cos(v-45) cos p, 0, sin p) and h/2 sin(v-45), with protraction p,
elevation v, w the width between the scapular origins and h the thorax height: about 4 cm at SKEL's limits.
"""

from __future__ import annotations

import numpy as np

from qevd_bio.anatomy.dofs import DOF_INDEX, JOINT_INDEX, FloatArray
from qevd_bio.anatomy.skeleton import Skeleton

_SPINE = ("lumbar", "thorax", "head")
SLIDING = frozenset({*_SPINE, "scapula_r", "scapula_l"})
"""Joints whose origin moves against the parent bone."""

_LEAN = np.pi / 4


def slide(name: str, angles: FloatArray, skeleton: Skeleton) -> FloatArray:
    """Displacement (..., 3) in metres of a sliding joint, in the zero-pose axes of its parent bone."""
    if name in _SPINE:
        return _arc(name, angles, skeleton)
    side, elevation, protraction = _scapula(name, angles)
    width, height = _rib_cage(skeleton)
    outward = width * (np.cos(elevation - _LEAN) * np.cos(protraction) - np.cos(_LEAN))
    up = height * (np.sin(elevation - _LEAN) + np.sin(_LEAN))
    return np.stack([side * outward, up, width * np.sin(protraction)], axis=-1)


def slide_gradient(name: str, dof: int, angles: FloatArray, skeleton: Skeleton) -> FloatArray:
    """Derivative (..., 3) of `slide` with respect to one of the joint's own angles, metres per radian."""
    if name in _SPINE:
        return _arc_gradient(name, dof, angles, skeleton)
    side, elevation, protraction = _scapula(name, angles)
    width, height = _rib_cage(skeleton)
    zero = np.zeros_like(elevation)
    if dof == DOF_INDEX[f"scapula_abduction_{name[-1]}"]:
        outward = -width * np.cos(elevation - _LEAN) * np.sin(protraction)
        return np.stack([-outward, zero, -side * width * np.cos(protraction)], axis=-1)
    if dof == DOF_INDEX[f"scapula_elevation_{name[-1]}"]:
        outward = -width * np.sin(elevation - _LEAN) * np.cos(protraction)
        return np.stack([outward, side * height * np.cos(elevation - _LEAN), zero], axis=-1)
    return np.zeros((*elevation.shape, 3))


def _scapula(name: str, angles: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Side (+1 left), elevation and protraction: the raw signs are mirrored between the sides."""
    side = 1.0 if name.endswith("_l") else -1.0
    elevation = side * angles[..., DOF_INDEX[f"scapula_elevation_{name[-1]}"]]
    protraction = -side * angles[..., DOF_INDEX[f"scapula_abduction_{name[-1]}"]]
    return side, elevation, protraction


def _rib_cage(skeleton: Skeleton) -> tuple[float, float]:
    """A quarter of the width between the scapular origins and half of the thorax height, in metres."""
    offsets = skeleton.offsets
    width = abs(offsets[JOINT_INDEX["scapula_l"], 0] - offsets[JOINT_INDEX["scapula_r"], 0])
    return float(width / 4), float(offsets[JOINT_INDEX["head"], 1] / 2)


def _arc(name: str, angles: FloatArray, skeleton: Skeleton) -> FloatArray:
    length = skeleton.offsets[JOINT_INDEX[name], 1]
    bend = angles[..., DOF_INDEX[f"{name}_bending"]]
    extend = angles[..., DOF_INDEX[f"{name}_extension"]]
    up = _sinc(bend) + _sinc(extend) - 2.0
    return np.stack([-length * _versine(bend), length * up, -length * _versine(extend)], axis=-1)


def _arc_gradient(name: str, dof: int, angles: FloatArray, skeleton: Skeleton) -> FloatArray:
    length = skeleton.offsets[JOINT_INDEX[name], 1]
    gradient = np.zeros((*angles.shape[:-1], 3))
    for axis, kind in ((0, "bending"), (2, "extension")):
        if dof == DOF_INDEX[f"{name}_{kind}"]:
            gradient[..., axis] = -length * _versine_slope(angles[..., dof])
            gradient[..., 1] = length * _sinc_slope(angles[..., dof])
    return gradient


# Near zero the quotients lose their digits: two terms of the series are exact there to 1e-15.
_SMALL = 1e-3


def _sinc(x: FloatArray) -> FloatArray:
    return np.asarray(np.sinc(x / np.pi))


def _versine(x: FloatArray) -> FloatArray:
    """(1 - cos x) / x."""
    return np.asarray(np.sin(x / 2) * _sinc(x / 2))


def _sinc_slope(x: FloatArray) -> FloatArray:
    safe = np.where(np.abs(x) < _SMALL, 1.0, x)
    exact = (np.cos(safe) - np.sin(safe) / safe) / safe
    return np.where(np.abs(x) < _SMALL, -x / 3 + x**3 / 30, exact)


def _versine_slope(x: FloatArray) -> FloatArray:
    return np.asarray(np.cos(x / 2) * _sinc(x / 2) / 2 + np.sin(x / 2) * _sinc_slope(x / 2) / 2)
