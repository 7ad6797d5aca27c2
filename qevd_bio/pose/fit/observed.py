"""Which of the 46 degrees of freedom the landmarks show in each frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.pose.fit.chain import ANKLES, ELBOWS, HEELS, HIPS, KNEES, SHOULDERS, TOES, WRISTS
from qevd_bio.pose.fit.rotations import Float

BENT = np.deg2rad(20.0)
# degree of freedom (without side) -> markers that must be seen
_NEEDS = {
    "hip_flexion": (SHOULDERS, HIPS, KNEES),
    "hip_adduction": (HIPS, KNEES),
    "hip_rotation": (HIPS, KNEES, ANKLES),
    "knee_angle": (HIPS, KNEES, ANKLES),
    "ankle_angle": (KNEES, ANKLES, HEELS, TOES),
    "elbow_flexion": (SHOULDERS, ELBOWS, WRISTS),
}
_WHOLE = {
    "pelvis_tilt": (HIPS, SHOULDERS),
    "pelvis_list": (HIPS, SHOULDERS),
    "pelvis_rotation": (HIPS, SHOULDERS),
    "lumbar_bending": (HIPS, SHOULDERS),
    "lumbar_twist": (HIPS, SHOULDERS),
}


def observed_dofs(angles: Float, visibility: Float, head_visibility: Float, least: float) -> NDArray[np.bool_]:
    """Mask (T, 46) from angles (T, 46), marker visibility (T, 8, 2) and the head landmarks' (T, 5).

    A degree of freedom is observed where every landmark it is read from is seen with at least `least`. The thigh's
    turn about itself shows while the knee is bent by 20 degrees, or in a visible foot. The upper arm's direction shows
    whenever the arm is seen, and takes all three shoulder angles to say; its turn about itself, which a straight elbow
    hides, is then filled by rule. Of the spine the bend to the side and the twist from hips to shoulders are seen as a
    whole: the lumbar angles carry the mark, the thorax's share is a rule. Flexion of the spine cannot be told from the
    pelvis' tilt. It, scapulae, subtalar joint, toes, forearm turn and wrists are never observed: the fit fills them.
    """
    seen = np.nan_to_num(visibility) >= least
    out = np.zeros((len(angles), 46), dtype=bool)
    for i, side in enumerate("rl"):
        for name, markers in _NEEDS.items():
            out[:, DOF_INDEX[f"{name}_{side}"]] = seen[:, list(markers), i].all(1)
        bent = np.nan_to_num(angles[:, DOF_INDEX[f"knee_angle_{side}"]]) > BENT
        out[:, DOF_INDEX[f"hip_rotation_{side}"]] &= bent | seen[:, [HEELS, TOES], i].all(1)
        arm = seen[:, [SHOULDERS, ELBOWS], i].all(1)
        for axis in "xyz":
            out[:, DOF_INDEX[f"shoulder_{side}_{axis}"]] = arm
    for name, markers in _WHOLE.items():
        out[:, DOF_INDEX[name]] = seen[:, list(markers)].all((1, 2))
    head = (np.nan_to_num(head_visibility) >= least).all(1) & seen[:, SHOULDERS].all(1)
    for name in ("head_bending", "head_extension", "head_twist"):
        out[:, DOF_INDEX[name]] = head
    out[~np.isfinite(angles[:, 0])] = False
    return out
