"""The frames of one segment, as motion looks at them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevd_bio.tables.kinematics import OK, Kinematics
from qevd_bio.video.sampling import indices_at_rate

CNN_HZ = 16.0
FRAMES_A_FEATURE = 4


@dataclass(frozen=True)
class Frames:
    """T frames: numbers, seconds, angles (T, 46) radians, what was observed, confidence 0..1, status codes.

    `observed` is False throughout a frame without a pose of its own, and where the angle is not finite: a pose
    that was merely kept is not a measurement. `confidence` is 0 there.
    """

    frame: NDArray[np.int32]
    time_s: NDArray[np.float64]
    angles: NDArray[np.float64]
    observed: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    status: NDArray[np.uint8]
    root: NDArray[np.float64]
    sigma: NDArray[np.float64] | None = None
    """(T, 46) radians, the standard deviation of each angle's error, NaN where not known; None where nowhere."""
    slow: NDArray[np.float64] | None = None
    """(T, 46) the angles that cycles are found on; None where these are `angles`."""

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def cycle_angles(self) -> NDArray[np.float64]:
        """(T, 46) the angles that cycles are found on."""
        return self.angles if self.slow is None else self.slow

    @property
    def ok(self) -> NDArray[np.bool_]:
        """(T,) whether the frame has a pose of its own."""
        return np.asarray(self.status == OK)

    def part(self, first: int, last: int) -> Frames:
        """Frames first..last, both included."""
        keep = slice(first, last + 1)
        return Frames(
            self.frame[keep],
            self.time_s[keep],
            self.angles[keep],
            self.observed[keep],
            self.confidence[keep],
            self.status[keep],
            self.root[keep],
            None if self.sigma is None else self.sigma[keep],
            None if self.slow is None else self.slow[keep],
        )


def frames_of(kinematics: Kinematics) -> Frames:
    """The frames of a kinematics file."""
    angles = np.asarray(kinematics.angles, dtype=np.float64)
    observed = kinematics.observed
    root = np.asarray(kinematics.root, dtype=np.float64)
    ok = kinematics.status == OK
    confidence = np.nan_to_num(np.asarray(kinematics.confidence, dtype=np.float64), nan=0.0)
    return Frames(
        kinematics.frame,
        kinematics.time_s,
        angles,
        observed & ok[:, None] & np.isfinite(angles),
        np.where(ok, confidence, 0.0),
        kinematics.status,
        root,
        None if kinematics.sigma is None else np.asarray(kinematics.sigma, dtype=np.float64),
        None if kinematics.slow is None else np.asarray(kinematics.slow, dtype=np.float64),
    )


def feature_frames(times_s: ArrayLike) -> NDArray[np.int64]:
    """Indices of the frames at which a 4 Hz feature is complete.

    The feature extractor takes 16 frames a second by time and makes one feature of each four; a context belongs
    to the newest of the four, so it knows nothing that the feature has not seen.
    """
    taken = indices_at_rate(times_s, CNN_HZ)
    return taken[FRAMES_A_FEATURE - 1 :: FRAMES_A_FEATURE]
