"""The pose that a context shows: the main angle of each salient joint, in whole degrees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qevd_bio.exercise.expression import Expression, Series, parse
from qevd_bio.exercise.vocabulary import resolve, vocabulary
from qevd_bio.motion.context import PoseValue, pose_values

KEEP_S = 0.5
"""The last valid pose is shown this long, with a warning; then the pose is not known."""


class PoseState:
    """Turns curves into the pose values of contexts, for the salient joints in their order."""

    def __init__(self, salient: Sequence[str]) -> None:
        words = vocabulary().joints
        self.joints: list[tuple[str, str]] = []
        self._expressions: list[Expression] = []
        for joint in salient:
            side = joint[-1] if joint.endswith(("_r", "_l")) else ""
            word = words[joint.removesuffix(f"_{side}") if side else joint]
            known = word.primary in vocabulary().quantities
            name = resolve(word.primary, side) if known else _plain(word.primary, side)
            self.joints.append((side, word.name))
            self._expressions.append(name)

    def table(self, series: Series, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(len(rows), joints) degrees at the given frames of `series`; NaN where not known."""
        if not self._expressions:
            return np.empty((len(rows), 0))
        return np.column_stack([expression.evaluate(series)[rows] for expression in self._expressions])

    def values(self, row: Sequence[float]) -> tuple[PoseValue, ...]:
        return pose_values(self.joints, row)


def _plain(name: str, side: str) -> Expression:
    return parse(f"{name}_{side}" if side else name)


def latest_pose(
    times_s: NDArray[np.float64], ok: NDArray[np.bool_], steps: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """For each step's frame: the newest frame with a pose of its own, and whether that is an older one.

    −1 where there is none within KEEP_S.
    """
    newest = np.maximum.accumulate(np.where(ok, np.arange(len(ok)), -1))[steps]
    recent = (newest >= 0) & (times_s[steps] - times_s[np.maximum(newest, 0)] <= KEEP_S)
    return np.where(recent, newest, -1), np.asarray(newest != steps)
