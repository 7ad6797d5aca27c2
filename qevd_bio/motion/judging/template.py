"""The reference trajectory cut as the user's cycle is: from rest, or from a change of sides, on the same grid."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.mirror import mirror_angles
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.measure import key_frames, readings
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.cycles.signal_curve import Signal, repeated_cycle
from qevd_bio.motion.judging.align import resample

Array = NDArray[np.float64]


class Template:
    """A reference cycle (N, 46) in radians, in the forms in which it is compared."""

    def __init__(self, exercise: Exercise, reference: Array, fps: float, signal: Signal) -> None:
        self.exercise, self.reference, self.fps, self.signal = exercise, reference, fps, signal
        # The last frame closes the cycle on the first: it is dropped before the cycle is turned.
        closed = bool(np.allclose(reference[0], reference[-1], atol=1e-6))
        self._open = reference[:-1] if closed else reference
        self._cuts: dict[tuple[str, int, str], Array] = {}

    def __len__(self) -> int:
        return len(self.reference)

    def cut(self, side: str, halves: int, own: str) -> Array:
        """(N, 46) as the user's cycle runs.

        side    first side of a two-sided cycle, "" for others
        halves  1 where only that side's half is compared
        own     side of the cycle's one-sided key frame: the reference is mirrored where it shows the other
        """
        key = (side, halves, own)
        if key not in self._cuts:
            self._cuts[key] = self._cut(*key)
        return self._cuts[key]

    def _cut(self, side: str, halves: int, own: str) -> Array:
        if side:
            return self._half(side) if halves == 1 else self._from(self._crossing(side))
        mirrored = bool(own) and bool(self.own_side) and own != self.own_side
        whole = self._rest_to_rest()
        return mirror_angles(whole) if mirrored else whole

    def _rest_to_rest(self) -> Array:
        found = None if self.exercise.category == "hold" else repeated_cycle(self.exercise, self.signal, self.fps)
        start, end = found or (0.0, float(len(self._open)))
        repeated = np.tile(self._open, (5, 1))
        frames = np.arange(len(repeated), dtype=np.float64)
        return resample(frames, repeated, start, end, len(self.reference))

    def _from(self, start: int) -> Array:
        turned = np.roll(self._open, -start, axis=0)
        return np.concatenate([turned, turned[:1]])[: len(self._open) + 1]

    def _half(self, side: str) -> Array:
        first, second = self._crossing(side), self._crossing("l" if side == "r" else "r")
        length = (second - first) % len(self._open)
        return self._from(first)[: max(length, 2) + 1]

    @cached_property
    def _course(self) -> Array:
        return np.asarray(self.signal.expression.evaluate(Curves(self._open)), dtype=np.float64)

    def _crossing(self, side: str) -> int:
        """Frame at which the signal passes the middle of its range toward this side's extreme."""
        sign = 1.0 if side == "r" else -1.0
        course = sign * self._course
        middle = 0.5 * (course.max() + course.min())
        above = course > middle
        rises = np.flatnonzero(above & ~np.roll(above, 1))
        return int(rises[0]) if rises.size else 0

    @cached_property
    def own_side(self) -> str:
        """Side of the reference's one-sided key frame, "" where it has none."""
        moments = key_frames(self.exercise, Curves(self.reference), len(self))
        sides = [moments[key.name].side for key in self.exercise.keys if key.sides == "one" and key.name in moments]
        return sides[0] if sides else ""

    @cached_property
    def values(self) -> dict[tuple[str, str], float]:
        """The measures of all rules on the reference, by (rule, side)."""
        exercise, curves = self.exercise, Curves(self.reference)
        moments = key_frames(exercise, curves, len(self))
        duration = (len(self) - 1) / self.fps
        found: dict[tuple[str, str], float] = {}
        for kind, rules in (("error", exercise.errors), ("target", exercise.targets)):
            for rule in rules:
                for reading in readings(rule, exercise, curves, moments, duration):
                    found.setdefault((f"{kind}:{rule.id}", reading.side), reading.value)
        return found
