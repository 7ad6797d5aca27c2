"""What the landmarks say about a pose, as weighted rows of a least-squares problem.

Image landmarks bind where each marker projects: with bones of constant length, foreshortening carries the depth.
World landmarks bind the bones' directions; across the image plane they are trusted less, after a gain and a bias per
kind of bone that the clip itself calibrates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .fit_chain import ANKLES, ELBOWS, HEELS, HIPS, KNEES, SHOULDERS, TOES, WRISTS, Chain, Placed, length_jacobian
from .fit_options import FitOptions
from .fit_rotations import Float

# Spread of each image marker relative to `image_sd`: where the model's idea of a joint is soft.
_MARKER_SPREAD = np.array([1.3, 1.0, 1.0, 1.6, 1.0, 1.0, 1.5, 1.5])
_PAIRS = (
    (KNEES, HIPS),
    (ANKLES, KNEES),
    (TOES, HEELS),
    (ELBOWS, SHOULDERS),
    (WRISTS, ELBOWS),
)


def _bone_matrix() -> Float:
    """Bones as differences of the 16 markers: hip line, shoulder line, trunk, then both sides of _PAIRS."""
    rows = np.zeros((3 + 2 * len(_PAIRS), 8, 2))
    rows[0, HIPS] = rows[1, SHOULDERS] = (-1.0, 1.0)
    rows[2, SHOULDERS], rows[2, HIPS] = 0.5, -0.5
    for i, (end, start) in enumerate(_PAIRS):
        for side in range(2):
            rows[3 + 2 * i + side, end, side] = 1.0
            rows[3 + 2 * i + side, start, side] = -1.0
    return rows.reshape(len(rows), 16)


BONES: Float = _bone_matrix()
BONE_KIND: NDArray[np.intp] = np.array([0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7])
N_KINDS = 8


@dataclass(frozen=True)
class Depth:
    """Gain (8,) and bias (8,) in metres of the world landmarks' depth, by kind of bone."""

    gain: Float
    bias: Float

    @classmethod
    def unknown(cls) -> Depth:
        return cls(np.full(N_KINDS, DEPTH_GAIN), np.zeros(N_KINDS))


DEPTH_GAIN, DEPTH_GAIN_SD, DEPTH_BIAS_SD = 1.2, 0.3, 0.06


@dataclass(frozen=True)
class Evidence:
    """Landmarks of T frames as the fit uses them, level camera frame.

    image (T, 8, 2, 2) pixels from the principal point, v upward; trust (T, 8, 2) 0..1; bones (T, 13, 3) metres.
    """

    image: Float
    trust: Float
    bones: Float
    bone_trust: Float

    def take(self, index: NDArray[np.intp] | slice) -> Evidence:
        return Evidence(self.image[index], self.trust[index], self.bones[index], self.bone_trust[index])


@dataclass(frozen=True)
class Rows:
    """Weighted residuals (T, N) and their derivatives (T, N, 29) by the variables."""

    residual: Float
    derivative: Float
    image_error: Float  # (T, 8, 2) pixels


def make_evidence(image: Float, world: Float, visibility: Float) -> Evidence:
    """From marker grids: image (T, 8, 2, 2), level world (T, 8, 2, 3), visibility (T, 8, 2)."""
    trust = 0.05 + 0.95 * np.clip(visibility, 0.0, 1.0) ** 2
    bones = BONES @ world.reshape(len(world), 16, 3)
    ends = (BONES != 0.0).astype(float)
    bone_trust = np.exp(np.log(trust.reshape(len(trust), 16)) @ ends.T / ends.sum(1))
    return Evidence(image, trust, bones, bone_trust)


def project(markers: Float, focal: float) -> Float:
    """Pixels from the principal point, v upward, of points (..., 3) in the level camera frame."""
    return np.asarray(focal * markers[..., :2] / np.maximum(-markers[..., 2:], 0.1))


def evidence_rows(
    placed: Placed, derivative: Float, evidence: Evidence, focal: float, depth: Depth, options: FitOptions
) -> Rows:
    """Rows of the image landmarks (32 a frame) and of the world bones (39 a frame)."""
    frames, columns = len(placed.markers), derivative.shape[-1]
    distance = np.maximum(-placed.root[:, 2], 0.3)
    away = np.maximum(-placed.markers[..., 2], 0.1)
    pixels = project(placed.markers, focal)
    error = pixels - evidence.image
    to_sd = np.sqrt(evidence.trust) / (options.image_sd * _MARKER_SPREAD[:, None])
    metres = error * (distance / focal)[:, None, None, None]
    size = np.linalg.norm(metres, axis=-1) * to_sd
    to_sd = to_sd / np.sqrt(1.0 + (size / ROBUST_SD) ** 2)
    scale = to_sd * distance[:, None, None] / away
    tangent = pixels / focal
    image_rows = scale[..., None, None] * (derivative[..., :2, :] + tangent[..., None] * derivative[..., 2:3, :])
    bone_rows, bone_residual = _bone_rows(placed, derivative, evidence, depth, options)
    return Rows(
        residual=np.concatenate([(metres * to_sd[..., None]).reshape(frames, 32), bone_residual], axis=1),
        derivative=np.concatenate([image_rows.reshape(frames, 32, columns), bone_rows], axis=1),
        image_error=np.linalg.norm(error, axis=-1),
    )


ROBUST_SD = 4.0


def _bone_rows(
    placed: Placed, derivative: Float, evidence: Evidence, depth: Depth, options: FitOptions
) -> tuple[Float, Float]:
    frames, columns = len(placed.markers), derivative.shape[-1]
    model = BONES @ placed.markers.reshape(frames, 16, 3)
    slopes = (BONES @ derivative.reshape(frames, 16, 3 * columns)).reshape(frames, 13, 3, columns)
    error = model - corrected_bones(evidence, depth, facing(placed))
    weight = np.sqrt(evidence.bone_trust)[..., None] / np.array([options.plane_sd, options.plane_sd, options.depth_sd])
    size = np.linalg.norm(error * weight, axis=-1, keepdims=True)
    weight = weight / np.sqrt(1.0 + (size / ROBUST_SD) ** 2)
    rows = (slopes * weight[..., None]).reshape(frames, 39, columns)
    return rows, (error * weight).reshape(frames, 39)


def facing(placed: Placed) -> Float:
    """Cosine (T,) between the pelvis' forward axis and the direction to the camera."""
    return placed.pelvis[:, 2, 2]


def corrected_bones(evidence: Evidence, depth: Depth, towards: Float) -> Float:
    """World bones with gain and bias of their depth applied."""
    bones = evidence.bones.copy()
    bones[..., 2] = depth.gain[BONE_KIND] * bones[..., 2] + depth.bias[BONE_KIND] * towards[:, None]
    return bones


def calibrate_depth(placed: Placed, evidence: Evidence) -> Depth:
    """Gain and bias by kind of bone that carry the world landmarks' depth to the fitted bones' (ridge)."""
    model = (BONES @ placed.markers.reshape(len(placed.markers), 16, 3))[..., 2]
    towards = facing(placed)[:, None] * np.ones(13)
    gain, bias = np.empty(N_KINDS), np.empty(N_KINDS)
    for kind in range(N_KINDS):
        own = kind == BONE_KIND
        weight = evidence.bone_trust[:, own].ravel()
        columns = np.stack([evidence.bones[:, own, 2].ravel(), towards[:, own].ravel()], axis=1)
        # at most thirty frames' worth of evidence: neighbouring frames share their errors
        weight = weight * min(1.0, 30.0 / max(weight.sum(), 1e-9)) / DEPTH_NOISE**2
        normal = columns.T @ (weight[:, None] * columns) + np.diag([DEPTH_GAIN_SD**-2, DEPTH_BIAS_SD**-2])
        right = columns.T @ (weight * model[:, own].ravel()) + [DEPTH_GAIN / DEPTH_GAIN_SD**2, 0.0]
        gain[kind], bias[kind] = np.linalg.solve(normal, right)
    return Depth(np.clip(gain, 0.7, 2.5), bias)


DEPTH_NOISE = 0.06


def global_rows(
    chain: Chain, placed: Placed, evidence: Evidence, focal: float, depth: Depth, options: FitOptions
) -> Float:
    """Derivatives (T, 71, 9) of the same rows by the log lengths (8) and the log focal length."""
    slopes = length_jacobian(chain, placed)
    rows = evidence_rows(placed, slopes, evidence, focal, depth, options)
    distance = np.maximum(-placed.root[:, 2], 0.3)
    pixels = project(placed.markers, focal)
    to_sd = np.sqrt(evidence.trust) / (options.image_sd * _MARKER_SPREAD[:, None])
    zoom = pixels * (distance / focal)[:, None, None, None] * to_sd[..., None]
    last = np.zeros((len(distance), 71, 1))
    last[:, :32, 0] = zoom.reshape(len(distance), 32)
    return np.concatenate([rows.derivative, last], axis=2)
