"""The lifter's angles as a prior of the fit: each ball joint near the rotation that the network expects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevd_bio.anatomy.dofs import JOINT_DOFS, JOINT_INDEX
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.fit.chain import HIP, PELVIS, SHOULDER, State
from qevd_bio.pose.fit.lifter import Lifted
from qevd_bio.pose.fit.rotations import Float, log_rotation

LEAST_SD = np.deg2rad(4.0)


@dataclass(frozen=True)
class PosePrior:
    """Rotations that are expected in T frames, and their spread in radians; pairs are (right, left).

    pelvis (T, 3, 3) in camera axes; hip (T, 2, 3, 3) thigh in the pelvis; shoulder (T, 2, 3, 3) upper arm in the
    thorax; the spreads (T,), (T, 2) and (T, 2).
    """

    pelvis: Float
    pelvis_sd: Float
    hip: Float
    hip_sd: Float
    shoulder: Float
    shoulder_sd: Float


def pose_prior(lifted: Lifted, skeleton: Skeleton, level: Float, doubt: float) -> PosePrior:
    """The prior of the lifter's angles, whose level frame has the rows of `level` in camera axes."""
    turned = forward_kinematics(lifted.angles, skeleton).rotations

    def local(child: str, parent: str) -> Float:
        return np.asarray(np.swapaxes(turned[:, JOINT_INDEX[parent]], -1, -2) @ turned[:, JOINT_INDEX[child]])

    def spread(*joints: str) -> Float:
        dofs = [k for joint in joints for k in JOINT_DOFS[joint]]
        return np.asarray(doubt * np.maximum(np.sqrt((lifted.angles_sd[:, dofs] ** 2).mean(1)), LEAST_SD))

    return PosePrior(
        pelvis=level.T @ turned[:, JOINT_INDEX["pelvis"]],
        pelvis_sd=spread("pelvis"),
        hip=np.stack([local(f"hip_{side}", "pelvis") for side in "rl"], axis=1),
        hip_sd=np.stack([spread(f"hip_{side}") for side in "rl"], axis=1),
        shoulder=np.stack([local(f"shoulder_{side}", "thorax") for side in "rl"], axis=1),
        shoulder_sd=np.stack([spread(f"shoulder_{side}") for side in "rl"], axis=1),
    )


def add_pose_prior(prior: PosePrior, state: State, normal: Float, gradient: Float) -> None:
    """Add the prior's information to the normal matrices (T, 29, 29) and gradients (T, 29), in place."""
    blocks = [(PELVIS, prior.pelvis, state.pelvis, prior.pelvis_sd)]
    for side in range(2):
        blocks.append((HIP[side], prior.hip[:, side], state.hip[:, side], prior.hip_sd[:, side]))
        blocks.append((SHOULDER[side], prior.shoulder[:, side], state.shoulder[:, side], prior.shoulder_sd[:, side]))
    for block, expected, now, spread in blocks:
        off = log_rotation(np.swapaxes(expected, -1, -2) @ now)
        # far off, the turn counts less and less: the network may have taken another pose for this one
        weight = (spread**-2.0 / (1.0 + (off**2).sum(-1) / (3.0 * spread) ** 2))[:, None]
        columns = range(block.start, block.stop)
        normal[:, columns, columns] += weight
        gradient[:, block] += weight * off
