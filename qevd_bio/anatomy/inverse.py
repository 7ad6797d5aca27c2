"""From bone rotations back to the 46 angles: the exact inverse of forward kinematics for rotations."""

from __future__ import annotations

import numpy as np

from qevd_bio.anatomy.axes import BONE_TO_WORLD, WORLD_AXES
from qevd_bio.anatomy.dofs import DOFS, JOINT_DOFS, JOINT_NAMES, JOINTS, PARENTS, FloatArray
from qevd_bio.anatomy.rotations import about_axis, triple_of, twist_about


def joint_angles(name: str, local: FloatArray) -> FloatArray:
    """Angles (..., n) of one joint from the turn `local` (..., 3, 3) of its bone against the parent bone.

    In the joint's own order of degrees of freedom, with its signs. Triples have their middle angle within
    90 degrees; in gimbal lock the first-acting angle is 0. Hinges give the twist about their axis, the wrist
    its two angles: what a rotation holds beyond the joint's freedom is left out.
    """
    dofs = JOINT_DOFS[name]
    order = JOINTS[JOINT_NAMES.index(name)].euler
    if order == "hinge":
        return np.asarray(twist_about(local, WORLD_AXES[dofs[0]])[..., None])
    frame = BONE_TO_WORLD[name]
    return angles_in_bone(name, frame.T @ local @ frame)


def angles_in_bone(name: str, turn: FloatArray) -> FloatArray:
    """As `joint_angles`, of a ball joint or wrist whose turn (..., 3, 3) is given in the bone's own axes."""
    dofs = JOINT_DOFS[name]
    order = JOINTS[JOINT_NAMES.index(name)].euler
    # the wrist is a ZYX triple whose middle angle does not exist
    product = triple_of(turn, "ZYX" if order == "wrist" else order)
    acting = product[..., ::-1] if order != "wrist" else product[..., [2, 0]]
    signs = np.array([round(sum(DOFS[k].axis)) for k in dofs], dtype=np.float64)
    return np.asarray(acting * signs)


def joint_matrix(name: str, *turns: tuple[str, FloatArray]) -> FloatArray:
    """The turn (..., 3, 3) in world axes of a product of turns about single bone axes of a joint.

    `turns` are (letter, angle (...)) in the order of the matrix product, in the bone's own axes (x forward,
    y up, z right for legs and trunk): for other conventions' angles, as of OpenSim files.
    """
    frame = BONE_TO_WORLD[name]
    matrix: FloatArray = np.eye(3)
    for letter, angle in turns:
        matrix = matrix @ about_axis(np.eye(3)["XYZ".index(letter)], np.asarray(angle, dtype=np.float64))
    return np.asarray(frame @ matrix @ frame.T)


def angles_from_rotations(rotations: FloatArray) -> FloatArray:
    """Angles (..., 46) of world bone rotations (..., 24, 3, 3), as `forward_kinematics` gives them."""
    angles = np.empty((*rotations.shape[:-3], len(DOFS)))
    for i, (name, parent) in enumerate(zip(JOINT_NAMES, PARENTS, strict=True)):
        local = rotations[..., i, :, :]
        if parent >= 0:
            local = np.swapaxes(rotations[..., parent, :, :], -1, -2) @ local
        angles[..., JOINT_DOFS[name]] = joint_angles(name, local)
    return angles
