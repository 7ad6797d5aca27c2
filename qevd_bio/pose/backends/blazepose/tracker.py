"""Follows one person through the frames of a video, as MediaPipe's `Pose` does without its filter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.blazepose import detection, heads
from qevd_bio.pose.backends.blazepose.crop import Cropper, letterbox
from qevd_bio.pose.backends.blazepose.detection import Person
from qevd_bio.pose.backends.blazepose.models import PoseModel
from qevd_bio.pose.backends.blazepose.region import Region, region_around, whole_picture
from qevd_bio.pose.backends.blazepose.runtime import Engine
from qevd_bio.pose.backends.blazepose.steady import SteadyPoints

Image = NDArray[np.uint8]
NOBODY: NDArray[np.float32] = np.full((heads.BODY, 7), np.nan, dtype=np.float32)
_DETECTOR_OUTPUTS = ((2254, 12), (2254, 1))
_LANDMARK_OUTPUTS = ((heads.POINTS * 5,), (1,), (64, 64, heads.POINTS), (heads.POINTS * 3,))


class PersonDetector:
    """Finds everybody in a picture. threshold: least score, 0..1."""

    def __init__(self, model: PoseModel, engine: Engine, threshold: float) -> None:
        self._network = engine.load(model.detector, _DETECTOR_OUTPUTS)
        self._threshold = threshold

    def __call__(self, image: Image) -> list[Person]:
        """People in an RGB image (H, W, 3), most certain first."""
        view = whole_picture(image.shape[1], image.shape[0])
        boxes, logits = self._network(2 * letterbox(image, view, detection.INPUT) - 1)
        return detection.decode(boxes, logits[:, 0], self._threshold, view)


class Tracker:
    """Landmarks of one person, frame by frame.

    The person is detected once; after that each frame's landmarks say where to look in the next. Where the model
    no longer sees a body there, the next frame is searched again. threshold: least presence of a body, 0..1.
    """

    def __init__(self, model: PoseModel, engine: Engine, detector: PersonDetector, threshold: float) -> None:
        self._network = engine.load(model.landmarks, _LANDMARK_OUTPUTS)
        self._detector = detector
        self._threshold = threshold
        self._crop = Cropper(heads.INPUT)
        self._steady = SteadyPoints()
        self._region: Region | None = None

    def reset(self) -> None:
        """Forget where the person was: the next frame is searched."""
        self._region = None

    def process(self, image: Image, time_s: float) -> NDArray[np.float32]:
        """(33, 7) of an RGB image (H, W, 3): image x, y in pixels, world x, y, z, visibility, presence; NaN if none.

        time_s: of the frame, later than that of the last one.
        """
        region, self._region = self._region, None
        if region is None:
            self._steady.reset()
            people = self._detector(image)
            if not people:
                return NOBODY
            region = people[0].region
        seen = self.inside(image, region)
        if seen is None:
            return NOBODY
        found, alignment = seen
        size = 2 * float(np.hypot(*(alignment[1] - alignment[0])))
        if 0 < size < np.inf:
            self._region = region_around(*self._steady(alignment, size, time_s))
        return found

    def inside(self, image: Image, region: Region) -> tuple[NDArray[np.float32], NDArray[np.float64]] | None:
        """Landmarks (33, 7) and alignment points (2, 2) of the body in a region; None where the model sees none."""
        points, presence, heatmap, world = self._network(self._crop(image, region))
        if not presence[0] >= self._threshold:
            return None
        raw = heads.RawLandmarks(points.reshape(-1, 5), heatmap, world.reshape(-1, 3))
        return heads.in_picture(raw, region)
