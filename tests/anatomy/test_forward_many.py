"""Long clips go another way through forward kinematics; the poses are the same."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import LIMITS
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton


@pytest.mark.parametrize("frames", [256, 1024, 1500])
def test_a_long_clip_has_the_poses_of_its_parts(frames: int) -> None:
    rng = np.random.default_rng(frames)
    angles = rng.uniform(LIMITS[:, 0], LIMITS[:, 1], size=(frames, 46))
    angles[10, 3] = np.nan
    root = rng.normal(size=(frames, 3))
    skeleton = Skeleton.from_stature(1.8)
    whole = forward_kinematics(angles, skeleton, root)
    assert whole.positions.shape == (frames, 24, 3) and whole.rotations.shape == (frames, 24, 3, 3)
    for start in range(0, frames, 100):
        part = forward_kinematics(angles[start : start + 100], skeleton, root[start : start + 100])
        np.testing.assert_allclose(whole.positions[start : start + 100], part.positions, atol=1e-12)
        np.testing.assert_allclose(whole.rotations[start : start + 100], part.rotations, atol=1e-12)
    standing = forward_kinematics(np.zeros((frames, 46)), skeleton)
    np.testing.assert_allclose(standing.positions[-1], forward_kinematics(np.zeros(46), skeleton).positions)
