"""From the fitted rotations to the 46 angles, in the order and signs of the anatomy room."""

from __future__ import annotations

import numpy as np

from qevd_bio.anatomy.dofs import DOF_INDEX, JOINT_DOFS
from qevd_bio.anatomy.inverse import joint_angles
from qevd_bio.anatomy.skeleton import POINT_INDEX, Skeleton
from qevd_bio.pose.fit.chain import LUMBAR_SHARE, State
from qevd_bio.pose.fit.rotations import Float, exp_rotation, frame_yx, unit

N_DOFS = 46


def angles_of(state: State, head: Float) -> Float:
    """Angles (T, 46) in radians; scapulae, toes, forearm turn and wrists, which the fit does not see, are 0.

    `head` (T, 3, 3) is the head's rotation in the thorax. The spine's turn is shared 60:40 by lumbar and thorax.
    """
    out = np.zeros((len(state), N_DOFS))
    balls = {
        "pelvis": state.pelvis,
        "lumbar": exp_rotation(LUMBAR_SHARE * state.spine),
        "thorax": exp_rotation((1.0 - LUMBAR_SHARE) * state.spine),
        "head": head,
    }
    hinges = {
        "knee_angle": state.knee,
        "ankle_angle": state.ankle,
        "subtalar_angle": state.subtalar,
        "elbow_flexion": state.elbow,
    }
    for i, side in enumerate("rl"):
        balls[f"hip_{side}"] = state.hip[:, i]
        balls[f"shoulder_{side}"] = state.shoulder[:, i]
        for name, angle in hinges.items():
            out[:, DOF_INDEX[f"{name}_{side}"]] = angle[:, i]
    for joint, rotation in balls.items():
        out[:, list(JOINT_DOFS[joint])] = joint_angles(joint, rotation)
    return out


def head_rotation(skeleton: Skeleton, state: State, world: Float) -> Float:
    """Rotation (T, 3, 3) of the head in the thorax from world landmarks (T, 5, 3): nose, eyes, ears (right last).

    Landmark order: nose, left eye, right eye, left ear, right ear, level frame.
    """
    rest = np.stack(
        [skeleton.point_offsets[POINT_INDEX[name]] for name in ("nose", "eye_l", "eye_r", "ear_l", "ear_r")]
    )
    seen, own = _head_frame(world), _head_frame(rest[None])
    chest = state.pelvis @ exp_rotation(state.spine)
    return np.asarray(np.swapaxes(chest, -1, -2) @ seen @ np.swapaxes(own, -1, -2))


def _head_frame(points: Float) -> Float:
    """A frame from the lines through ears and eyes and from the ears to the face."""
    nose, eye_l, eye_r, ear_l, ear_r = np.moveaxis(points, 1, 0)
    side = unit(ear_l - ear_r) + unit(eye_l - eye_r)
    front = (nose + eye_l + eye_r) / 3.0 - 0.5 * (ear_l + ear_r)
    return frame_yx(np.cross(front, side), side)
