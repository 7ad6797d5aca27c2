"""Forward kinematics: 46 angles and a skeleton to joint positions and bone rotations, whole clips at once.

Rp = Rot(qn an) ... Rot(q1 a1): the first degree of freedom of a joint acts first on the bone, the reverse
of OpenSim. Positions add SKEL's two extra translations: spine joints ride on a circular arc of their own
section (it changes trunk lean), scapulae slide on the rib cage (without it a shrug would move nothing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qevd_bio.anatomy.axes import WORLD_AXES
from qevd_bio.anatomy.dofs import DOF_NAMES, JOINT_DOFS, JOINT_INDEX, JOINT_NAMES, PARENTS, FloatArray
from qevd_bio.anatomy.rotations import about_axis
from qevd_bio.anatomy.skeleton import POINT_INDEX, POINT_JOINT, Skeleton
from qevd_bio.anatomy.slides import SLIDING, slide, slide_gradient


@dataclass(frozen=True)
class Pose:
    """Joint positions (..., 24, 3) in metres and bone rotations (..., 24, 3, 3) in the level world frame.

    Rotations are relative to the T-pose, so the zero pose has identities. `skeleton` is the one posed.
    """

    positions: FloatArray
    rotations: FloatArray
    skeleton: Skeleton

    def places(self, names: Sequence[str]) -> FloatArray:
        """(..., len(names), 3) of joints and extra points by name."""
        return np.stack([self.place(name) for name in names], axis=-2)

    def place(self, name: str) -> FloatArray:
        """(..., 3) of one joint or extra point."""
        joint, offset = carrier(name, self.skeleton)
        return np.asarray(self.positions[..., joint, :] + self.rotations[..., joint, :, :] @ offset)


def carrier(name: str, skeleton: Skeleton) -> tuple[int, FloatArray]:
    """The joint whose bone carries a named place, and the place's offset on that bone."""
    if name in JOINT_INDEX:
        return JOINT_INDEX[name], np.zeros(3)
    if name in POINT_INDEX:
        point = POINT_INDEX[name]
        return POINT_JOINT[point], skeleton.point_offsets[point]
    raise KeyError(f"no joint or point named {name!r}")


def _cross(axis: FloatArray) -> FloatArray:
    x, y, z = axis
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def forward_kinematics(angles: FloatArray, skeleton: Skeleton, root: FloatArray | None = None) -> Pose:
    """Pose of every frame.

    angles (..., 46) radians; root (..., 3) metres, the pelvis in the world (default: its standing place).
    NaN in an angle reaches only the bones that hang on it. ValueError where the last axes are not 46 and 3.
    """
    angles = _checked(angles)
    if angles.ndim == 2 and len(angles) >= _MANY:
        return _forward_many(angles, skeleton, root)
    rotations = np.empty((*angles.shape[:-1], 24, 3, 3))
    positions = np.empty((*angles.shape[:-1], 24, 3))
    positions[..., 0, :] = skeleton.offsets[0] if root is None else root
    turns = _single_turns(angles)
    for i, (name, parent) in enumerate(zip(JOINT_NAMES, PARENTS, strict=True)):
        local = _product(turns, name)
        if parent < 0:
            rotations[..., i, :, :] = local
            continue
        base = rotations[..., parent, :, :]
        np.matmul(base, local, out=rotations[..., i, :, :])
        offset = skeleton.offsets[i]
        if name in SLIDING:
            offset = offset + slide(name, angles, skeleton)
        moved = base @ offset if offset.ndim == 1 else np.einsum("...ij,...j->...i", base, offset)
        positions[..., i, :] = positions[..., parent, :] + moved
    return Pose(positions, rotations, skeleton)


_MANY, _CHUNK = 256, 1024
_CROSS = np.stack([_cross(axis) for axis in WORLD_AXES])
_CROSS_TWICE = np.stack([_cross(axis) @ _cross(axis) for axis in WORLD_AXES])


def _forward_many(angles: FloatArray, skeleton: Skeleton, root: FloatArray | None) -> Pose:
    """As `forward_kinematics` for (T, 46) of a long clip: frames stand last in memory, a chunk at a time."""
    frames = len(angles)
    rotations, positions = np.empty((24, 3, 3, frames)), np.empty((24, 3, frames))
    place = skeleton.offsets[0] if root is None else root
    positions[0] = np.broadcast_to(place, (frames, 3)).T
    for start in range(0, frames, _CHUNK):
        part = slice(start, start + _CHUNK)
        _forward_chunk(angles[part], skeleton, rotations[..., part], positions[..., part])
    return Pose(np.moveaxis(positions, -1, 0), np.moveaxis(rotations, -1, 0), skeleton)


def _forward_chunk(angles: FloatArray, skeleton: Skeleton, rotations: FloatArray, positions: FloatArray) -> None:
    """Fill rotations (24, 3, 3, n) and positions (24, 3, n); the pelvis's position is there already."""
    sine, versine = np.sin(angles.T), 1.0 - np.cos(angles.T)
    for i, (name, parent) in enumerate(zip(JOINT_NAMES, PARENTS, strict=True)):
        first, *later = (
            np.eye(3)[..., None] + sine[k] * _CROSS[k][..., None] + versine[k] * _CROSS_TWICE[k][..., None]
            for k in JOINT_DOFS[name]
        )
        local = first
        for turn in later:
            local = _times(turn, local)
        if parent < 0:
            rotations[i] = local
            continue
        base = rotations[parent]
        rotations[i] = _times(base, local)
        offset = skeleton.offsets[i][:, None]
        if name in SLIDING:
            offset = offset + slide(name, angles, skeleton).T
        positions[i] = positions[parent] + base[:, 0] * offset[0] + base[:, 1] * offset[1] + base[:, 2] * offset[2]


def _times(a: FloatArray, b: FloatArray) -> FloatArray:
    """Matrix products of (3, 3, n) with (3, 3, n)."""
    return np.asarray(a[:, 0, None] * b[None, 0] + a[:, 1, None] * b[None, 1] + a[:, 2, None] * b[None, 2])


def _single_turns(angles: FloatArray) -> FloatArray:
    """(..., 46, 3, 3): the turn about each degree of freedom's own axis (Rodrigues), all at once."""
    sine, versine = np.sin(angles)[..., None, None], 1.0 - np.cos(angles)[..., None, None]
    return np.asarray(np.eye(3) + sine * _CROSS + versine * _CROSS_TWICE)


def _product(turns: FloatArray, name: str) -> FloatArray:
    first, *later = JOINT_DOFS[name]
    local = turns[..., first, :, :]
    for k in later:
        local = turns[..., k, :, :] @ local
    return np.asarray(local)


def joint_rotation(name: str, angles: FloatArray) -> FloatArray:
    """(..., 3, 3) turn of one joint's bone against its parent bone."""
    first, *later = JOINT_DOFS[name]
    local = about_axis(WORLD_AXES[first], angles[..., first])
    for k in later:
        local = about_axis(WORLD_AXES[k], angles[..., k]) @ local
    return local


def jacobian(angles: FloatArray, skeleton: Skeleton, places: Sequence[str], pose: Pose | None = None) -> FloatArray:
    """d(position) / d(angle): (..., P, 3, 46) metres per radian of the named joints and extra points.

    Exact, the spine arcs and scapular slides included. The root's own Jacobian is the identity for every
    place and is not part of it. `pose`, when given, must be that of the same angles.
    """
    angles = _checked(angles)
    pose = pose or forward_kinematics(angles, skeleton)
    targets = pose.places(places)
    joints = [carrier(name, skeleton)[0] for name in places]
    result = np.zeros((*targets.shape, len(DOF_NAMES)))
    for j, name in enumerate(JOINT_NAMES):
        hung = [p for p, joint in enumerate(joints) if j in _CHAIN[joint]]
        if not hung:
            continue
        arms = targets[..., hung, :] - pose.positions[..., None, j, :]
        for k, axis in zip(JOINT_DOFS[name], _axes_now(j, angles, pose), strict=True):
            moved = arms @ _turning(axis)
            if name in SLIDING:
                shift = slide_gradient(name, k, angles, skeleton)
                base = pose.rotations[..., PARENTS[j], :, :]
                moved = moved + np.einsum("...ij,...j->...i", base, shift)[..., None, :]
            result[..., k][..., hung, :] = moved
    return result


def _axes_now(joint: int, angles: FloatArray, pose: Pose) -> list[FloatArray]:
    """World axes (..., 3) of a joint's degrees of freedom: later ones of the triple turn the earlier ones."""
    dofs = JOINT_DOFS[JOINT_NAMES[joint]]
    parent = PARENTS[joint]
    frame = pose.rotations[..., parent, :, :] if parent >= 0 else np.broadcast_to(np.eye(3), (*angles.shape[:-1], 3, 3))
    axes: list[FloatArray] = []
    for k in reversed(dofs):
        axes.insert(0, frame @ WORLD_AXES[k])
        if k != dofs[0]:
            frame = frame @ about_axis(WORLD_AXES[k], angles[..., k])
    return axes


def _turning(axis: FloatArray) -> FloatArray:
    """(..., 3, 3) with row vector r @ matrix = axis x r: one product for all places of a frame."""
    matrix = np.zeros((*axis.shape, 3))
    x, y, z = axis[..., 0], axis[..., 1], axis[..., 2]
    matrix[..., 0, 1], matrix[..., 0, 2], matrix[..., 1, 2] = z, -y, x
    matrix[..., 1, 0], matrix[..., 2, 0], matrix[..., 2, 1] = -z, y, -x
    return matrix


def _checked(angles: FloatArray) -> FloatArray:
    angles = np.asarray(angles, dtype=np.float64)
    if angles.ndim < 1 or angles.shape[-1] != len(DOF_NAMES):
        raise ValueError(f"angles have shape {angles.shape}, expected (..., {len(DOF_NAMES)})")
    return angles


def _chains() -> list[frozenset[int]]:
    chains: list[frozenset[int]] = []
    for i, parent in enumerate(PARENTS):
        chains.append(frozenset({i}) | (chains[parent] if parent >= 0 else frozenset()))
    return chains


_CHAIN = _chains()
