"""One reading of a clip with a tracker that follows one person, and a look now and then at who else is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.base import Clip, Landmarks, Picture
from qevd_bio.pose.people import Sighting, Subject, iou
from qevd_bio.store.errors import ItemError

SURVEY_S = 2.0
MIN_SURVEYS = 5
MASK_MARGIN = 0.35
LOST_IOU = 0.05

Image = NDArray[np.uint8]
Detector = Callable[[Image], list[tuple[NDArray[np.float64], float]]]
"""Box (x0, y0, x1, y1) in pixels and score 0..1 of everybody in a picture."""


class PersonTracker(Protocol):
    """Follows one person from frame to frame."""

    def process(self, image: Image, time_s: float) -> NDArray[np.float32]:
        """(33, 7) landmarks as in `Landmarks.values`, NaN where nobody is found."""

    def reset(self) -> None:
        """Forget where the person was."""


class Pass:
    """What one reading of the clip gave, as compact arrays."""

    def __init__(self, survey_s: float) -> None:
        self.survey_s = survey_s
        self.index: list[int] = []
        self.time_s: list[float] = []
        self.values: list[NDArray[np.float32]] = []
        self.steps: list[list[Sighting]] = []
        self.tracked: list[NDArray[np.float32]] = []
        self.size = (0, 0)

    def followed(self, subject: Subject) -> bool:
        """Whether the tracked person is the subject wherever both were seen."""
        assert subject.track is not None
        own = {s.step: s for s in subject.track.sightings}
        for number, (sightings, landmarks) in enumerate(zip(self.steps, self.tracked, strict=True)):
            box = landmark_box(landmarks)
            if box is None or number not in own:
                continue
            best = max(sightings, key=lambda s: iou(s.box, box))
            if best.row != own[number].row:
                return False
        return True

    def landmarks(self, record: dict[str, Any], flags: list[str]) -> Landmarks:
        """Raises ItemError where nobody was found."""
        values = np.stack(self.values)
        if np.isnan(values[:, 0, 0]).all():
            raise ItemError("no_person", f"no person found in {len(values)} frames; try --rotate, or check the video")
        return Landmarks(
            frame=np.array(self.index, dtype=np.int32),
            time_s=np.array(self.time_s),
            values=values,
            image_size=self.size,
            subject=record,
            flags=tuple(flags),
        )


def follow(clip: Clip, tracker: PersonTracker, detector: Detector | None, subject: Subject | None = None) -> Pass:
    """Run the tracker over the clip; with `detector`, note everyone in sampled frames; with `subject`, see only it."""
    assert clip.open is not None
    survey_s = SURVEY_S if clip.duration_s is None else min(SURVEY_S, max(clip.duration_s / MIN_SURVEYS, 0.1))
    found, due = Pass(survey_s), 0.0
    with clip.open() as pictures:
        for picture in pictures:
            image, box = picture.image, None
            if subject is not None and subject.track is not None:
                box = subject.track.box_at(picture.time_s)
                image = only_inside(image, box)
            landmarks = tracker.process(image, picture.time_s)
            if box is not None and _left(landmarks, box):
                tracker.reset()
                landmarks = np.full_like(landmarks, np.nan)
            found.index.append(picture.index)
            found.time_s.append(picture.time_s)
            found.values.append(landmarks)
            if detector is not None and picture.time_s >= due:
                due = picture.time_s + survey_s
                found.steps.append(_survey(detector, picture, len(found.steps)))
                found.tracked.append(landmarks)
            found.size = (image.shape[1], image.shape[0])
    if not found.values:
        raise ItemError("no_frames", "the video has no frame that can be decoded")
    return found


def _survey(detector: Detector, picture: Picture, step: int) -> list[Sighting]:
    return [Sighting(picture.time_s, step, box, score, row) for row, (box, score) in enumerate(detector(picture.image))]


def _left(landmarks: NDArray[np.float32], box: NDArray[np.float64]) -> bool:
    own = landmark_box(landmarks)
    return own is not None and iou(own, box) < LOST_IOU


def landmark_box(landmarks: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Box around the image landmarks (33, 7), None where there are none."""
    if np.isnan(landmarks[0, 0]):
        return None
    corners = landmarks[:, :2].min(0), landmarks[:, :2].max(0)
    return np.concatenate(corners, dtype=np.float64)


def only_inside(image: Image, box: NDArray[np.float64]) -> Image:
    """A copy of the image that is black outside the box, grown by MASK_MARGIN on each side."""
    grow = MASK_MARGIN * np.array([box[2] - box[0], box[3] - box[1]])
    low = np.maximum(box[:2] - grow, 0).astype(int)
    high = np.ceil(box[2:] + grow).astype(int)
    masked = np.zeros_like(image)
    inside = (slice(low[1], high[1]), slice(low[0], high[0]))
    masked[inside] = image[inside]
    return masked
