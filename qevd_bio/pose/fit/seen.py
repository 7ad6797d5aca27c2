"""The frames of a clip in which somebody was found, cut to the landmarks that the fit uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.landmarks import HEAD_LANDMARKS, IMAGE, MARKER_LANDMARKS, VISIBILITY, WORLD, to_level
from qevd_bio.pose.fit.rotations import Float


@dataclass(frozen=True)
class SeenClip:
    """The detected frames of a clip, cut to what the fit needs."""

    rows: NDArray[np.intp]  # (K,) frames of the video
    time_s: NDArray[np.float64]
    image: Float  # (K, 8, 2, 2) pixels from the image centre, v upward
    world: Float  # (K, 8, 2, 3) level frame
    head: Float  # (K, 5, 3)
    visibility: Float  # (K, 8, 2)
    head_visibility: Float

    @classmethod
    def of(cls, landmarks: Float, time_s: NDArray[np.float64], size: tuple[int, int]) -> SeenClip:
        """From landmarks (T, 33, 7) of a picture of `size` (width, height) pixels."""
        rows = np.flatnonzero(np.isfinite(landmarks[..., :5]).all((1, 2)))
        own = landmarks[rows]
        centred = (own[..., IMAGE] - np.array(size) / 2.0) * [1.0, -1.0]
        world = to_level(own[..., WORLD])
        return cls(
            rows=rows,
            time_s=time_s[rows],
            image=centred[:, MARKER_LANDMARKS],
            world=world[:, MARKER_LANDMARKS],
            head=world[:, HEAD_LANDMARKS],
            visibility=own[:, MARKER_LANDMARKS, VISIBILITY],
            head_visibility=own[:, HEAD_LANDMARKS, VISIBILITY],
        )

    def take(self, index: NDArray[np.intp]) -> SeenClip:
        """The clip at chosen frames."""
        return SeenClip(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.rows)
