"""What the landmarks say about a pose, as weighted rows of a least-squares problem.

Image landmarks bind where each marker projects: with bones of constant length, foreshortening carries the depth.
World landmarks bind the bones' directions, more loosely, and less across the image plane.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.pose.backends.landmarks import level_rotation
from qevd_bio.pose.fit.chain import Chain, Placed, length_jacobian
from qevd_bio.pose.fit.lifted_prior import PosePrior
from qevd_bio.pose.fit.lifter import Lifted
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.rotations import Float
from qevd_bio.pose.fit.stance import stance_rows
from qevd_bio.pose.fit.world import BONES, N_KINDS, TRUNK, bone_trust, calibrated, facing, flexion_of, world_bones

# Spread of each image marker relative to `image_sd`: larger where the pose model's idea of a joint is soft.
_MARKER_SPREAD = np.array([1.3, 1.0, 1.0, 1.6, 1.0, 1.0, 1.5, 1.5])
TRUNK_DEPTH = 2.0  # spread of the trunk's depth relative to the other bones'
LEAST_TRUST = 0.3  # hidden limbs are guessed by the pose model, mostly well
ROBUST_SPREADS = 4.0  # from here on a landmark is taken to be mistaken
N_IMAGE, N_BONES = 32, 39
# Nearly straight limbs hardly foreshorten: there the world landmarks' own flexion decides.
KNEE_SD, ELBOW_SD = np.deg2rad(26.0), np.deg2rad(34.0)
FLEXION_SD = np.array([[KNEE_SD], [ELBOW_SD]])
HINGES = np.array([[DOF_INDEX[f"{name}_{side}"] for side in "rl"] for name in ("knee_angle", "elbow_flexion")])


@dataclass(frozen=True)
class Scene:
    """What a clip's frames share besides the body.

    focal        pixels
    gain, bias   (8,), (8,) metres: of the world landmarks' depth, by kind of bone
    floor        height of the floor in the level camera frame, metres
    tilt         (2,) radians: how far the camera looks down, and its roll, clockwise as its owner sees it
    robust       spreads beyond which a landmark counts less and less
    """

    focal: float
    gain: Float
    bias: Float
    floor: float
    tilt: Float
    robust: float = ROBUST_SPREADS

    @classmethod
    def start(cls, focal: float, floor: float, tilt: Float) -> Scene:
        """Nothing known of the depth's errors yet."""
        return cls(focal, np.ones(N_KINDS), np.zeros(N_KINDS), floor, tilt)

    @property
    def level(self) -> Float:
        """(3, 3): the level frame's axes as rows, in camera axes (x right, y up, z to the camera)."""
        return level_rotation(*self.tilt)


@dataclass(frozen=True)
class Evidence:
    """Landmarks of T frames as the fit uses them, in camera axes (x right, y up, z to the camera).

    image (T, 8, 2, 2) pixels from the principal point, v upward; trust (T, 8, 2) 0..1; bones (T, 13, 3) metres and
    their trust (T, 13); flexion (T, 2, 2) of knees and elbows in the bones, radians, and its spread. bone_sd
    (T, 13, 3): spread of the bones where each has its own, as the lifter's have; None: as the options say. pose: what
    the lifter expects of ball joints.
    """

    image: Float
    trust: Float
    bones: Float
    bone_trust: Float
    flexion: Float
    flexion_sd: Float
    bone_sd: Float | None = None
    pose: PosePrior | None = None

    def doubted(self, times: float) -> Evidence:
        """The same with the depth of bones that have a spread of their own trusted less."""
        if self.bone_sd is None:
            return self
        return replace(self, bone_sd=self.bone_sd * [1.0, 1.0, times])


@dataclass(frozen=True)
class Rows:
    """Weighted residuals (T, N) and their derivatives (T, N, n)."""

    residual: Float
    derivative: Float


def make_evidence(image: Float, world: Float, visibility: Float) -> Evidence:
    """From marker grids: image (T, 8, 2, 2), level world (T, 8, 2, 3), visibility (T, 8, 2)."""
    trust = LEAST_TRUST + (1.0 - LEAST_TRUST) * np.clip(visibility, 0.0, 1.0) ** 2
    bones = world_bones(world)
    return Evidence(image, trust, bones, bone_trust(trust), flexion_of(bones), FLEXION_SD)


def lifted_evidence(
    image: Float, visibility: Float, lifted: Lifted, pose: PosePrior | None, options: FitOptions
) -> Evidence:
    """From marker grids and what the lifter makes of them; its bones in statures."""
    trust = LEAST_TRUST + (1.0 - LEAST_TRUST) * np.clip(visibility, 0.0, 1.0) ** 2
    ones = np.ones(lifted.bones.shape[:2])
    doubt = options.lifter_doubt
    flexion, spread = (a[:, HINGES] for a in (lifted.angles, lifted.angles_sd))
    return Evidence(image, trust, lifted.bones, ones, flexion, doubt * spread, doubt * lifted.bones_sd, pose)


def project(markers: Float, focal: float) -> Float:
    """Pixels from the principal point, v upward, of points (..., 3) in camera axes."""
    return np.asarray(focal * markers[..., :2] / np.maximum(-markers[..., 2:], 0.1))


def evidence_rows(placed: Placed, derivative: Float, evidence: Evidence, scene: Scene, options: FitOptions) -> Rows:
    """Rows of the image landmarks (32 a frame), world bones (39), and of the stance (5).

    `derivative` (T, 8, 2, 3, n) is that of the markers, by the n variables wanted.
    """
    parts = [
        _image_rows(placed, derivative, evidence, scene, options),
        _bone_rows(placed, derivative, evidence, scene, options),
        stance_rows(placed, derivative, evidence.trust, scene.floor, scene.level),
    ]
    return Rows(
        residual=np.concatenate([residual for _, residual in parts], axis=1),
        derivative=np.concatenate([rows for rows, _ in parts], axis=1),
    )


def length_rows(chain: Chain, placed: Placed, evidence: Evidence, scene: Scene, options: FitOptions) -> Float:
    """Derivatives (T, N, 8) of the same rows by the logarithms of the chain's lengths."""
    return evidence_rows(placed, length_jacobian(chain, placed), evidence, scene, options).derivative


def _image_rows(
    placed: Placed, derivative: Float, evidence: Evidence, scene: Scene, options: FitOptions
) -> tuple[Float, Float]:
    """Reprojection errors in metres at the pelvis' distance, so that near and far subjects weigh the same."""
    frames = len(placed.markers)
    distance = np.maximum(-placed.root[:, 2], 0.3)
    away = np.maximum(-placed.markers[..., 2], 0.1)
    pixels = project(placed.markers, scene.focal)
    metres = (pixels - evidence.image) * (distance / scene.focal)[:, None, None, None]
    weight = np.sqrt(evidence.trust) / (options.image_sd * _MARKER_SPREAD[:, None])
    weight = weight * _robust(np.linalg.norm(metres, axis=-1) * weight, scene.robust)
    scale = weight * distance[:, None, None] / away
    tangent = pixels / scene.focal
    rows = scale[..., None, None] * (derivative[..., :2, :] + tangent[..., None] * derivative[..., 2:3, :])
    return rows.reshape(frames, N_IMAGE, -1), (metres * weight[..., None]).reshape(frames, N_IMAGE)


def _bone_rows(
    placed: Placed, derivative: Float, evidence: Evidence, scene: Scene, options: FitOptions
) -> tuple[Float, Float]:
    frames, columns = len(placed.markers), derivative.shape[-1]
    model = BONES @ placed.markers.reshape(frames, 16, 3)
    slopes = (BONES @ derivative.reshape(frames, 16, 3 * columns)).reshape(frames, len(BONES), 3, columns)
    error = model - calibrated(evidence.bones, scene.gain, scene.bias, facing(placed))
    spread = evidence.bone_sd
    if spread is None:
        spread = np.array([options.plane_sd, options.plane_sd, options.depth_sd]) * np.ones((len(BONES), 1))
        spread[TRUNK, 2] *= TRUNK_DEPTH
    weight = np.sqrt(evidence.bone_trust)[..., None] / spread
    weight = weight * _robust(np.linalg.norm(error * weight, axis=-1, keepdims=True), scene.robust)
    rows = (slopes * weight[..., None]).reshape(frames, N_BONES, columns)
    return rows, (error * weight).reshape(frames, N_BONES)


def _robust(size: Float, spreads: float) -> Float:
    """Factor that lets residuals of several spreads count less and less (Cauchy)."""
    return np.asarray(1.0 / np.sqrt(1.0 + (size / spreads) ** 2))
