"""The reference performing beside the user: its pictures, and which one belongs to a moment of a repetition."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.geometry import lowest_sole
from qevd_bio.anatomy.mirror import mirror_angles
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.drawing.picture import Layout, fitted
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.cycles.signal_curve import Signal, candidates, repeated_cycle
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.drawing.render import render_clip
from qevd_bio.tables.motion import CycleRow

PICTURES = 40
"""Of one repetition: at two seconds each lasts a twentieth of a second."""
_DRAWN_HEIGHT = 400
_OBLIQUE_DEG = 35.0


class ReferenceFigure:
    """Pictures of an exercise's reference, seen from where the camera sees the user.

    signal: the expression by which the user's repetitions were found; heading_deg: the user's, 0 facing the camera.
    """

    def __init__(self, exercise: Exercise, user_refs: Path, signal: str, heading_deg: float, layout: Layout) -> None:
        self._layout = layout
        self._heading = heading_deg if math.isfinite(heading_deg) else _OBLIQUE_DEG
        reference = load_reference(exercise, user_refs)
        self._angles = reference.angles
        found = candidates(exercise, reference.angles, reference.fps)
        chosen = next((one for one in found if one.expression.text == signal), found[0])
        self._two_sided = chosen.two_sided
        last = float(len(reference.angles) - 1)
        self._cut = repeated_cycle(exercise, chosen, reference.fps) or (0.0, last)
        self._key = _key_share(chosen, self._cut, exercise.signal.rest == "max" and not chosen.two_sided)
        self._pictures: dict[str, list[NDArray[np.uint8]]] = {}

    def at(self, cycle: CycleRow | None, time_s: float) -> NDArray[np.uint8]:
        """The picture (H, W, 3) for a moment of a repetition: start, key frame and end coincide; at rest without."""
        side = "" if cycle is None or self._two_sided else cycle.side or ""
        pictures = self._drawn("l" if side == "l" else "")
        share = 0.0 if cycle is None else self.share(cycle, time_s)
        return pictures[round(share * len(pictures)) % len(pictures)]

    def share(self, cycle: CycleRow, time_s: float) -> float:
        """Share 0..1 of the reference's repetition that is done at a time of the user's."""
        known = (cycle.start_s, cycle.key_s, cycle.end_s)
        if not all(map(math.isfinite, known)) or not known[0] < known[1] < known[2]:
            known = (cycle.start_s, cycle.start_s + self._key * (cycle.end_s - cycle.start_s), cycle.end_s)
        return float(np.interp(time_s, known, (0.0, self._key, 1.0)))

    def _drawn(self, side: str) -> list[NDArray[np.uint8]]:
        if side not in self._pictures:
            angles = mirror_angles(self._angles) if side == "l" else self._angles
            period = len(angles) - 1
            at = np.linspace(*self._cut, PICTURES, endpoint=False) % period
            moments = np.stack([np.interp(at, np.arange(len(angles)), column) for column in angles.T], axis=1)
            self._pictures[side] = [fitted(image, self._layout) for image in self._render(moments)]
        return self._pictures[side]

    def _render(self, angles: NDArray[np.float64]) -> list[NDArray[np.uint8]]:
        skeleton = Skeleton.from_stature()
        root = np.zeros((len(angles), 3))
        pose = forward_kinematics(angles, skeleton, root)
        hands = pose.places(("hand_tip_r", "hand_tip_l"))[..., 1].min(axis=-1)
        root[:, 1] = -np.minimum(lowest_sole(pose), hands)
        width = round(_DRAWN_HEIGHT * self._layout.beside / self._layout.height)
        span = pose.positions + root[:, None]
        low, high = span.min(axis=(0, 1)), span.max(axis=(0, 1))
        middle = (low + high) / 2
        broad = float(np.hypot(*(high - low)[[0, 2]])) + 0.3
        extent = max(float(high[1] - low[1]) + 0.25, broad * _DRAWN_HEIGHT / width)
        focal = 1.6 * _DRAWN_HEIGHT
        distance = focal * extent / _DRAWN_HEIGHT + 0.4
        camera = Camera.looking_at(
            (float(middle[0]), float(middle[1]), float(middle[2])), -self._heading, distance,
            float(middle[1]) + 0.3, focal, width, _DRAWN_HEIGHT,
        )  # fmt: skip
        return list(render_clip(angles, skeleton, root, camera))


def _key_share(signal: Signal, cut: tuple[float, float], lowest: bool) -> float:
    """Where in the reference's repetition its key extreme lies, 0..1."""
    course = signal.reference
    if course is None or not np.isfinite(course).all():
        return 0.5
    at = np.linspace(*cut, 101)
    values = np.interp(at % (len(course) - 1), np.arange(len(course)), course)
    best = int(np.argmin(values) if lowest else np.argmax(values))
    return float(np.clip(best / 100, 0.05, 0.95))
