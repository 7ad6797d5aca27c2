"""Curves of named quantities from angles: degrees of freedom and derived quantities alike, in degrees and ratios."""

from __future__ import annotations

import numpy as np

from qevd_bio.anatomy.derived import derive
from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.anatomy.forward import Pose, forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton


class Curves:
    """A `Series` over frames: `curves(name)` is (T,); each curve and the forward kinematics are computed once."""

    def __init__(self, angles: FloatArray, skeleton: Skeleton | None = None, root: FloatArray | None = None) -> None:
        self.angles = np.asarray(angles, dtype=np.float64)
        self._skeleton, self._root = skeleton, root
        self._pose: Pose | None = None
        self._found: dict[str, FloatArray] = {}

    @property
    def pose(self) -> Pose:
        """Forward kinematics of all frames."""
        if self._pose is None:
            self._pose = forward_kinematics(self.angles, self._skeleton or Skeleton.from_stature(), self._root)
        return self._pose

    def __call__(self, name: str) -> FloatArray:
        """The curve of one quantity of `anatomy.derived`; KeyError for an unknown name."""
        if name not in self._found:
            self._found[name] = np.asarray(derive(name, self.angles, self.pose), dtype=np.float64)
        return self._found[name]
