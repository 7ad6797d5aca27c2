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
from .fit_rotations import Float, unit

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


def _balance() -> Float:
    """Weights (16,) of the markers: the middle of hips and shoulders against the middle of the ankles."""
    weights = np.zeros((8, 2))
    weights[HIPS], weights[SHOULDERS], weights[ANKLES] = 0.25, 0.25, -0.5
    return weights.ravel()


BALANCE: Float = _balance()
BALANCE_SD = 0.1


@dataclass(frozen=True)
class Scene:
    """What a clip's frames share besides the body.

    focal  pixels
    gain, bias (8,), metres  of the world landmarks' depth, by kind of bone
    floor  height of the floor in the level camera frame, metres
    """

    focal: float
    gain: Float
    bias: Float
    floor: float
    robust: float = 4.0  # spreads from which on a landmark is taken to be mistaken

    @classmethod
    def start(cls, focal: float, floor: float) -> Scene:
        return cls(focal, np.full(N_KINDS, DEPTH_GAIN), np.zeros(N_KINDS), floor)


DEPTH_GAIN, DEPTH_GAIN_SD, DEPTH_BIAS_SD = 1.0, 0.2, 0.02
# A standing foot keeps to the floor; one further away than a few of these is lifted and no longer bound.
FLOOR_SD = 0.01


@dataclass(frozen=True)
class Evidence:
    """Landmarks of T frames as the fit uses them, level camera frame.

    image (T, 8, 2, 2) pixels from the principal point, v upward; trust (T, 8, 2) 0..1; bones (T, 13, 3) metres.
    """

    image: Float
    trust: Float
    bones: Float
    bone_trust: Float
    flexion: Float  # (T, 2, 2) knees and elbows (right, left) as the world landmarks show them, radians


@dataclass(frozen=True)
class Rows:
    """Weighted residuals (T, N) and their derivatives (T, N, 29) by the variables."""

    residual: Float
    derivative: Float
    image_error: Float  # (T, 8, 2) pixels


def make_evidence(image: Float, world: Float, visibility: Float) -> Evidence:
    """From marker grids: image (T, 8, 2, 2), level world (T, 8, 2, 3), visibility (T, 8, 2)."""
    trust = LEAST_TRUST + (1.0 - LEAST_TRUST) * np.clip(visibility, 0.0, 1.0) ** 2
    bones = BONES @ world.reshape(len(world), 16, 3)
    ends = (BONES != 0.0).astype(float)
    bone_trust = np.exp(np.log(trust.reshape(len(trust), 16)) @ ends.T / ends.sum(1))
    front = bones[:, 0, 0] ** 2 / np.maximum(bones[:, 0, 0] ** 2 + bones[:, 0, 2] ** 2, 1e-9)
    bones[..., 2] *= 1.0 + (FRONT_GAIN[BONE_KIND] - 1.0) * front[:, None]
    flexion = np.stack([_bend(bones[:, 3:5], bones[:, 5:7]), _bend(bones[:, 9:11], bones[:, 11:13])], axis=1)
    return Evidence(image, trust, bones, bone_trust, flexion)


# World landmarks of limbs that point at the camera are too short in depth: frontal squats of 100 degrees read 67.
FRONT_GAIN = np.array([1.0, 1.0, 1.0, 1.5, 1.5, 1.0, 1.5, 1.5])
# Facing the camera the world landmarks let everybody lean forward by about 20 degrees, standing or not.
TRUNK_DEPTH = 3.0
LEAST_TRUST = 0.3  # hidden limbs are guessed by the model, mostly well


def _bend(first: Float, second: Float) -> Float:
    """Angle between consecutive bones (T, 2, 3), less what straight limbs read in world landmarks."""
    cosine = np.einsum("tsi,tsi->ts", unit(first), unit(second))
    return np.maximum(np.arccos(np.clip(cosine, -1.0, 1.0)) - STRAIGHT_READS, 0.0)


STRAIGHT_READS = np.deg2rad(10.0)


def project(markers: Float, focal: float) -> Float:
    """Pixels from the principal point, v upward, of points (..., 3) in the level camera frame."""
    return np.asarray(focal * markers[..., :2] / np.maximum(-markers[..., 2:], 0.1))


def evidence_rows(placed: Placed, derivative: Float, evidence: Evidence, scene: Scene, options: FitOptions) -> Rows:
    """Rows of the image landmarks (32 a frame), the world bones (39), the feet on the floor (2), balance (2)."""
    frames, columns = len(placed.markers), derivative.shape[-1]
    distance = np.maximum(-placed.root[:, 2], 0.3)
    away = np.maximum(-placed.markers[..., 2], 0.1)
    pixels = project(placed.markers, scene.focal)
    error = pixels - evidence.image
    to_sd = np.sqrt(evidence.trust) / (options.image_sd * _MARKER_SPREAD[:, None])
    metres = error * (distance / scene.focal)[:, None, None, None]
    to_sd = to_sd * _robust(np.linalg.norm(metres, axis=-1) * to_sd, scene.robust)
    scale = to_sd * distance[:, None, None] / away
    tangent = pixels / scene.focal
    image_rows = scale[..., None, None] * (derivative[..., :2, :] + tangent[..., None] * derivative[..., 2:3, :])
    bone_rows, bone_residual = _bone_rows(placed, derivative, evidence, scene, options)
    floor_rows, floor_residual = _floor_rows(placed, derivative, evidence, scene)
    balance_rows, balance_residual = _balance_rows(placed, derivative, evidence)
    return Rows(
        residual=np.concatenate(
            [(metres * to_sd[..., None]).reshape(frames, 32), bone_residual, floor_residual, balance_residual], axis=1
        ),
        derivative=np.concatenate([image_rows.reshape(frames, 32, columns), bone_rows, floor_rows, balance_rows], axis=1),
        image_error=np.linalg.norm(error, axis=-1),
    )


ROBUST_SD = 4.0


def _robust(size: Float, spreads: float) -> Float:
    """Factor that lets residuals of several spreads count less and less (Cauchy)."""
    return np.asarray(1.0 / np.sqrt(1.0 + (size / spreads) ** 2))


def _floor_rows(placed: Placed, derivative: Float, evidence: Evidence, scene: Scene) -> tuple[Float, Float]:
    """The lower end of each foot against the floor: it keeps the body from moving towards the camera unseen."""
    frames = np.arange(len(placed.markers))[:, None]
    sides = np.arange(2)
    low = HEELS + placed.markers[:, HEELS:, :, 1].argmin(1)
    height = placed.markers[frames, low, sides, 1] - scene.floor
    weight = np.sqrt(evidence.trust[frames, low, sides]) / FLOOR_SD
    weight = weight * _robust(height * weight, ROBUST_SD)
    return derivative[frames, low, sides, 1] * weight[..., None], height * weight


def _balance_rows(placed: Placed, derivative: Float, evidence: Evidence) -> tuple[Float, Float]:
    """An upright body stands above its feet and does not lean back: of two depths that look the same, the likely one.

    Two rows: the trunk's middle above the ankles along the camera's axis, and the trunk's lean forward of the pelvis.
    """
    frames, columns = len(placed.markers), derivative.shape[-1]
    points = placed.markers.reshape(frames, 16, 3)
    slopes = derivative.reshape(frames, 16, 3, columns)
    upright = np.clip(placed.pelvis[:, 1, 1], 0.0, 1.0) ** 2
    offset = points[..., 2] @ BALANCE
    weight = upright * np.sqrt(evidence.trust[:, ANKLES].mean(1)) / BALANCE_SD
    forward = unit(placed.pelvis[:, :, 2] * [1.0, 0.0, 1.0])
    lean = np.einsum("i,tij,tj->t", BONES[2], points, forward)
    over = np.minimum(lean - LEAN_BACK, 0.0)
    wall = np.where(over < 0.0, upright / LEAN_SD, 0.0)
    rows = np.stack(
        [
            np.einsum("i,tic->tc", BALANCE, slopes[:, :, 2]) * weight[:, None],
            np.einsum("i,tijc,tj->tc", BONES[2], slopes, forward) * wall[:, None],
        ],
        axis=1,
    )
    return rows, np.stack([offset * weight, over * wall], axis=1)


# An upright trunk's top is hardly ever more than this behind its foot, metres.
LEAN_BACK, LEAN_SD = -0.03, 0.02


def floor_height(placed: Placed, evidence: Evidence) -> float:
    """Height of the floor: the median of the lower foot's, over the frames in which feet are seen."""
    low = placed.markers[:, HEELS:, :, 1].min((1, 2))
    trust = evidence.trust[:, HEELS:].mean((1, 2))
    order = np.argsort(low)
    share = np.cumsum(trust[order]) / trust.sum()
    return float(low[order][np.searchsorted(share, 0.4)])


def _bone_rows(
    placed: Placed, derivative: Float, evidence: Evidence, scene: Scene, options: FitOptions
) -> tuple[Float, Float]:
    frames, columns = len(placed.markers), derivative.shape[-1]
    model = BONES @ placed.markers.reshape(frames, 16, 3)
    slopes = (BONES @ derivative.reshape(frames, 16, 3 * columns)).reshape(frames, 13, 3, columns)
    error = model - corrected_bones(evidence, scene, facing(placed))
    spread = np.array([options.plane_sd, options.plane_sd, options.depth_sd]) * np.ones((13, 1))
    spread[2, 2] *= TRUNK_DEPTH
    weight = np.sqrt(evidence.bone_trust)[..., None] / spread
    weight = weight * _robust(np.linalg.norm(error * weight, axis=-1, keepdims=True), scene.robust)
    rows = (slopes * weight[..., None]).reshape(frames, 39, columns)
    return rows, (error * weight).reshape(frames, 39)


def facing(placed: Placed) -> Float:
    """Cosine (T,) between the pelvis' forward axis and the direction to the camera."""
    return placed.pelvis[:, 2, 2]


def corrected_bones(evidence: Evidence, scene: Scene, towards: Float) -> Float:
    """World bones with gain and bias of their depth applied."""
    bones = evidence.bones.copy()
    bones[..., 2] = scene.gain[BONE_KIND] * bones[..., 2] + scene.bias[BONE_KIND] * towards[:, None]
    return bones


def calibrate_depth(placed: Placed, evidence: Evidence) -> tuple[Float, Float]:
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
    return np.clip(gain, 0.7, 2.5), bias


DEPTH_NOISE = 0.06


def global_rows(chain: Chain, placed: Placed, evidence: Evidence, scene: Scene, options: FitOptions) -> Float:
    """Derivatives (T, 75, 9) of the same rows by the log lengths (8) and the log focal length."""
    slopes = length_jacobian(chain, placed)
    rows = evidence_rows(placed, slopes, evidence, scene, options)
    distance = np.maximum(-placed.root[:, 2], 0.3)
    pixels = project(placed.markers, scene.focal)
    to_sd = np.sqrt(evidence.trust) / (options.image_sd * _MARKER_SPREAD[:, None])
    zoom = pixels * (distance / scene.focal)[:, None, None, None] * to_sd[..., None]
    last = np.zeros((*rows.residual.shape, 1))
    last[:, :32, 0] = zoom.reshape(len(distance), 32)
    return np.concatenate([rows.derivative, last], axis=2)
