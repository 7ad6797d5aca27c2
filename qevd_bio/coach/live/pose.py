"""Joint angles while somebody moves: each quarter of a second the newest frames are fitted with those just before."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.continuity import continuous_angles
from qevd_bio.pose.assemble import MIN_FIT_FRAMES, smooth_options
from qevd_bio.pose.backends.blazepose.backend import BlazePoseBackend
from qevd_bio.pose.backends.follow import PersonTracker
from qevd_bio.pose.fit.clip import FitResult, fit_clip
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.smooth import follow_angles, smooth_angles
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.tables.kinematics import MISSING, OK

_EXTRACT = ExtractOptions()
_DOFS = 46

LiveRow = tuple[
    int, float, NDArray[Any], NDArray[np.bool_], float, int, NDArray[Any], NDArray[np.float64], NDArray[np.float64]
]
"""Frame, seconds, angles, observed, confidence, status, root, slow angles and sigma of one frame."""


@dataclass(frozen=True)
class LivePoses:
    """The poses of the newest frames, in order: rows as `MotionStream.push` takes them, and what the fit found.

    lengths: bones in metres; heading_deg: of the person, 0 facing the camera; both None until somebody is seen.
    """

    rows: list[LiveRow]
    lengths: dict[str, float] | None = None
    heading_deg: float | None = None


class LivePose:
    """Takes frames one at a time; `poses` then gives those of the frames since it was last asked.

    Fit, smoothing and sigma are those of `qevd-bio extract` over the last `window_s`; so a frame's pose knows what came
    before it and nothing later: at the window's end both filters look back alone. The tracker follows one person.
    """

    def __init__(self, tracker: PersonTracker, window_s: float, stature_m: float | None = None) -> None:
        self._tracker, self._window_s, self._stature_m = tracker, window_s, stature_m
        self._seen: deque[tuple[int, float, NDArray[np.float32]]] = deque()
        self._new = 0
        self._size = (0, 0)
        self._last: dict[str, NDArray[np.float64]] = {}

    def see(self, index: int, time_s: float, image: NDArray[np.uint8]) -> None:
        """Find the landmarks of one RGB frame."""
        self._seen.append((index, time_s, self._tracker.process(image, time_s)))
        self._size = (image.shape[1], image.shape[0])
        self._new += 1
        while len(self._seen) > self._new and self._seen[0][1] < time_s - self._window_s:
            self._seen.popleft()

    @property
    def landmarks(self) -> NDArray[np.float32] | None:
        """(33, 7) of the newest frame, pixels and metres as in the kinematics; None where nobody was found."""
        found = self._seen[-1][2] if self._seen else None
        return found if found is not None and bool(np.isfinite(found[0, 0])) else None

    def poses(self) -> LivePoses:
        """Poses of the frames since the last call; MISSING where nobody was found or the fit is not to be trusted."""
        new, self._new = list(self._seen)[-self._new :], 0
        values = np.stack([landmarks for *_, landmarks in self._seen])
        times = np.array([time for _, time, _ in self._seen])
        if int(np.isfinite(values[:, 0, 0]).sum()) < MIN_FIT_FRAMES:
            gone = np.full(_DOFS, np.nan)
            nowhere = gone, np.zeros(_DOFS, dtype=bool), 0.0, MISSING, np.full(3, np.nan), gone, gone
            return LivePoses([(index, time, *nowhere) for index, time, _ in new])
        fit = fit_clip(values, times, self._size, FitOptions(kind=_EXTRACT.fit), self._stature_m)
        trusted = np.isfinite(fit.raw).all(axis=1) & (fit.confidence >= _EXTRACT.min_pose_confidence)
        raw, smoothing = np.where(trusted[:, None], fit.raw, np.nan), smooth_options(_EXTRACT)
        slow = smooth_angles(raw, times, smoothing)
        angles = self._continued("angles", follow_angles(raw, slow, times, smoothing))
        slow = self._continued("slow", slow)
        sigma = np.where(trusted[:, None], fit.sigma, np.nan)
        rows: list[LiveRow] = []
        for place, (index, time, _) in enumerate(new, start=len(times) - len(new)):
            fine = bool(trusted[place])
            rows.append((index, time, angles[place], fit.observed[place] & fine, float(fit.confidence[place]),
                         OK if fine else MISSING, fit.root[place], slow[place], sigma[place]))  # fmt: skip
        return LivePoses(rows, fit.skeleton_lengths, _heading(fit))

    def _continued(self, name: str, smoothed: NDArray[np.float64]) -> NDArray[np.float64]:
        """Angles (T, 46) that go on from the last ones of this `name` without a jump of a full turn."""
        if name in self._last:
            smoothed = continuous_angles(np.vstack((self._last[name], smoothed)))[1:]
        known = np.flatnonzero(np.isfinite(smoothed).all(axis=1))
        if len(known):
            # The frame that the next window is sure to begin after.
            self._last[name] = smoothed[known[0]][None]
        return smoothed


def _heading(fit: FitResult) -> float | None:
    value = fit.view.get("heading_deg")
    return None if value is None else float(value)


def live_pose(window_s: float, stature_m: float | None = None) -> LivePose:
    """A `LivePose` on the default pose model. UserError where the model or its runtime is missing."""
    return LivePose(BlazePoseBackend(_EXTRACT).tracker(), window_s, stature_m)
