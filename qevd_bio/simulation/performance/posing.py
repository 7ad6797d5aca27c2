"""Building blocks of motions: setting angles, arms by direction, level soles, and a root that stays on the floor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qevd_bio.anatomy.axes import WORLD_AXES
from qevd_bio.anatomy.continuity import continuous_triple
from qevd_bio.anatomy.dofs import DOF_INDEX, JOINT_DOFS, LIMITS, FloatArray
from qevd_bio.anatomy.forward import forward_kinematics, joint_rotation
from qevd_bio.anatomy.inverse import joint_angles
from qevd_bio.anatomy.skeleton import Skeleton

_SOLES = ("heel_r", "ball_r", "toe_tip_r", "heel_l", "ball_l", "toe_tip_l")

Anchor = Callable[[FloatArray, Skeleton], FloatArray]
"""Finds the root (T, 3) of a clip of angles; may complete the angles while doing so."""


class BodyClip:
    """Angles of a clip under construction; setters take degrees, one value or one a frame."""

    def __init__(self, frames: int) -> None:
        self.angles = np.zeros((frames, len(DOF_INDEX)))

    def set(self, name: str, degrees: FloatArray | float) -> None:
        """Set one degree of freedom; a name with "*" sets both sides."""
        for side in "rl" if "*" in name else " ":
            self.angles[:, DOF_INDEX[name.replace("*", side)]] = np.deg2rad(degrees)

    def arm(self, side: str, direction: FloatArray, bend: FloatArray) -> None:
        """Point the upper arm along `direction` (T, 3) with the elbow's hollow towards `bend` (T, 3).

        Both in the thorax: (outward to the arm's own side, up, forward).
        """
        outward = np.array([1.0 if side == "l" else -1.0, 1.0, 1.0])
        upper = _unit(direction * outward)
        hollow = bend * outward
        hollow = _unit(hollow - (hollow * upper).sum(axis=-1, keepdims=True) * upper)
        now = np.stack([upper, hollow, np.cross(upper, hollow)], axis=-1)
        hinge = WORLD_AXES[DOF_INDEX[f"elbow_flexion_{side}"]]
        upper_zero = np.array([1.0 if side == "l" else -1.0, 0.0, 0.0])
        hinge_zero = _unit(hinge - (hinge @ upper_zero) * upper_zero)
        zero = np.stack([upper_zero, np.cross(hinge_zero, upper_zero), hinge_zero], axis=-1)
        track = continuous_triple(joint_angles(f"shoulder_{side}", now @ zero.T))
        self.angles[:, JOINT_DOFS[f"shoulder_{side}"]] = track

    def flatten_foot(self, side: str, share: FloatArray | float = 1.0) -> None:
        """Turn ankle and subtalar joint so that the sole is level; `share` 0..1 keeps part of what was set."""
        dofs = [DOF_INDEX[f"ankle_angle_{side}"], DOF_INDEX[f"subtalar_angle_{side}"]]
        set_before = self.angles[:, dofs].copy()
        for _ in range(6):
            tilt = self._sole_tilt(side)
            gradient = np.empty((*tilt.shape, 2))
            for column, dof in enumerate(dofs):
                self.angles[:, dof] += 1e-4
                gradient[..., column] = (self._sole_tilt(side) - tilt) / 1e-4
                self.angles[:, dof] -= 1e-4
            self.angles[:, dofs] -= np.linalg.solve(gradient, tilt[..., None])[..., 0]
        low, high = LIMITS[dofs].T
        level = np.clip(self.angles[:, dofs], low, high)
        self.angles[:, dofs] = set_before + np.reshape(share, (-1, 1)) * (level - set_before)

    def _sole_tilt(self, side: str) -> FloatArray:
        """(T, 2): level parts of the rear foot's upward direction, 0 where the sole is level."""
        chain = ("pelvis", f"hip_{side}", f"knee_{side}", f"ankle_{side}", f"subtalar_{side}")
        up = np.array([0.0, 1.0, 0.0])
        for name in reversed(chain):
            up = (joint_rotation(name, self.angles) @ up[..., None])[..., 0]
        return np.asarray(up[..., [0, 2]])


def directions(outward: FloatArray, up: FloatArray, forward: FloatArray) -> FloatArray:
    """Directions (T, 3) in the thorax: outward, up, forward; not normalised."""
    return np.asarray(np.stack(np.broadcast_arrays(outward, up, forward), axis=-1), dtype=np.float64)


def raised(degrees: FloatArray, azimuth_deg: float) -> FloatArray:
    """Direction of an arm raised by `degrees` from down towards an azimuth (0 outward, 90 forward)."""
    lift, turn = np.deg2rad(degrees), np.deg2rad(azimuth_deg)
    return directions(np.sin(lift) * np.cos(turn), -np.cos(lift), np.sin(lift) * np.sin(turn))


def standing(hop: FloatArray | float = 0.0, steps: FloatArray | None = None) -> Anchor:
    """Keep the lowest sole point on the floor (plus `hop` metres) and the middle of the feet in place.

    steps (T,): which foot stays: 0 both, towards +1 the left one, towards -1 the right one.
    """

    def place(angles: FloatArray, skeleton: Skeleton) -> FloatArray:
        pose = forward_kinematics(angles, skeleton, np.zeros(3))
        root = np.zeros((len(angles), 3))
        root[:, 1] = hop - pose.places(_SOLES)[..., 1].min(axis=-1)
        left, right = pose.place("ball_l"), pose.place("ball_r")
        share = 0.5 + 0.5 * (np.zeros(len(angles)) if steps is None else steps)
        middle = share[:, None] * left + (1 - share[:, None]) * right
        root[:, [0, 2]] = (middle[0] - middle)[:, [0, 2]] - middle[0, [0, 2]]
        return root

    return place


def prone() -> Anchor:
    """Turn the body so that hands and toes are on the floor together, the toes staying in place."""

    def lowest(pose_angles: FloatArray, skeleton: Skeleton) -> tuple[FloatArray, FloatArray, FloatArray]:
        pose = forward_kinematics(pose_angles, skeleton, np.zeros(3))
        hands = pose.places(("hand_tip_r", "hand_tip_l", "wrist_r", "wrist_l"))[..., 1].min(axis=-1)
        feet = pose.places(_SOLES)
        return hands, feet[..., 1].min(axis=-1), pose.places(("toe_tip_r", "toe_tip_l")).mean(axis=-2)

    def place(angles: FloatArray, skeleton: Skeleton) -> FloatArray:
        tilt = DOF_INDEX["pelvis_tilt"]
        low, high = np.full(len(angles), np.deg2rad(-105.0)), np.full(len(angles), np.deg2rad(-30.0))
        for _ in range(30):
            angles[:, tilt] = (low + high) / 2
            hands, feet, _toes = lowest(angles, skeleton)
            leaning_too_far = hands < feet
            low = np.where(leaning_too_far, angles[:, tilt], low)
            high = np.where(leaning_too_far, high, angles[:, tilt])
        _hands, feet, toes = lowest(angles, skeleton)
        root = -toes
        root[:, 1] = -feet
        heading = angles[0, DOF_INDEX["pelvis_rotation"]]
        middle = 0.5 * skeleton.stature * np.array([np.sin(heading), 0.0, np.cos(heading)])
        return np.asarray(root - middle)

    return place


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector, axis=-1, keepdims=True))
