"""What is shown of the motion in a live session: repetitions, judged joints, the key angle, what the person does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.drawing.key_angle import key_angle
from qevd_bio.drawing.scene import Dial, Mark, Scene, State, marks_of
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.judging.evaluate import JudgedCycle
from qevd_bio.motion.rows import units_of
from qevd_bio.tables.kinematics import OK

REST_S = 3.0
"""From so long after a repetition on nobody is counting."""
_SWITCH_DEG = 12.0


class LiveView:
    """Told of every pose and repetition, it says what the picture shows."""

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise
        self._angle = key_angle(exercise)
        self._side = "r"
        self.clear()

    def clear(self) -> None:
        """Nothing has been seen yet."""
        self.count, self._last_s = 0.0, -math.inf
        self._marks: dict[str, Mark] = {}
        self._angles: NDArray[np.float64] | None = None

    def posed(self, rows: Sequence[Any]) -> None:
        """The newest poses, rows as `MotionStream.push` takes them."""
        _, _, angles, _, _, status, *_ = rows[-1]
        self._angles = np.asarray(angles, dtype=np.float64) if status == OK else None

    def repeated(self, cycles: Sequence[JudgedCycle], now: float) -> None:
        """Repetitions that are known from `now` on, seconds."""
        for judged in cycles:
            self.count += units_of(judged, self._exercise)
            self._marks, self._last_s = marks_of(judged.verdicts), now

    def scene(self, now: float, landmarks: NDArray[np.float32] | None) -> Scene:
        """The picture's contents at a time of the session, without words."""
        state: State = "counting"
        if now - self._last_s > REST_S:
            state = "resting" if self.count else "waiting"
        count = self._exercise.cycle.count
        return Scene(
            landmarks=landmarks,
            marks=self._marks,
            dial=self._dial(),
            count=self.count,
            unit=count.unit if self.count == 1 else count.plural,
            state=state,
        )

    def _dial(self) -> Dial | None:
        if self._angle is None or self._angles is None:
            return None
        curves = Curves(self._angles[None])
        values = {side: float(curves(f"{self._angle.quantity}_{side}")[0]) for side in "rl"}
        gap = values["r"] - values["l"]
        if abs(gap) > _SWITCH_DEG:
            self._side = "r" if gap > 0 else "l"
        value = values[self._side]
        if not math.isfinite(value):
            return None
        return Dial(f"{self._angle.quantity}_{self._side}", value, self._angle.band, self._angle.name)
