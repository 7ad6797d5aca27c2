"""Where the axes of the parametrisation point at the zero pose.

The zero pose is a T-pose, palms down. World axes: x to the subject's left, y up, z forward. The reference
table gives each axis in body axes (x forward, y up, z right) of a bone frame. A joint turns its bone by
R = C Rp C^T, and C Rot(a, q) C^T = Rot(C a, q): so one turned axis per degree of freedom says everything.
"""

from __future__ import annotations

import numpy as np

from qevd_bio.anatomy.dofs import DOFS, JOINTS, FloatArray, Joint
from qevd_bio.anatomy.rotations import about_axis

SHOULDER_ALPHA_DEG = 45.0
"""Turn of the humerus bone frame about the forward axis between SKEL's T-pose and the pose of its BSM model.

UNVERIFIED: the value stands in a licensed file. 45 follows the A-pose reported for that model and is the
choice with the smallest worst case; it moves only the raw shoulder y and z, never a derived arm angle.
"""

BODY_TO_WORLD: FloatArray = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
"""Takes body axes (x forward, y up, z right) to world axes (x left, y up, z forward)."""

_TURN_DEG = {"": 0.0, "forearm": -90.0, "humerus": -90.0 + SHOULDER_ALPHA_DEG}


def bone_turn(joint: Joint) -> FloatArray:
    """C of the joint: (3, 3), in body axes; the right arm's turn is mirrored on the left."""
    side = -1.0 if joint.name.endswith("_l") else 1.0
    return about_axis(np.array([1.0, 0.0, 0.0]), np.array(np.deg2rad(side * _TURN_DEG[joint.bone_turn])))


BONE_TO_WORLD: dict[str, FloatArray] = {joint.name: BODY_TO_WORLD @ bone_turn(joint) for joint in JOINTS}
"""Takes each bone's own axes to world axes at the zero pose."""


def _world_axes() -> FloatArray:
    axes = np.array([BONE_TO_WORLD[dof.joint] @ np.array(dof.axis) for dof in DOFS])
    return np.asarray(axes / np.linalg.norm(axes, axis=1, keepdims=True))


WORLD_AXES: FloatArray = _world_axes()
"""(46, 3) unit axes at the zero pose, in world axes, sign included."""
