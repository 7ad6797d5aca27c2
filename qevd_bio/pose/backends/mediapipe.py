"""MediaPipe's pose model from its own wheel: 33 landmarks a frame, on the CPU, nothing to download."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.base import Clip, Landmarks, Picture
from qevd_bio.pose.backends.detector import BLACK, PersonDetector
from qevd_bio.pose.backends.native_logs import quiet_native_logs
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.pose.people import Sighting, Subject, choose_subject, iou
from qevd_bio.store import extras
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.hashing import hash_bytes

_MODELS = ("modules/pose_landmark/pose_landmark_full.tflite", "modules/pose_detection/pose_detection.tflite")
_EMPTY: NDArray[np.float32] = np.full((33, 7), np.nan, dtype=np.float32)
SURVEY_S = 2.0
MIN_SURVEYS = 5
MASK_MARGIN = 0.35
LOST_IOU = 0.05


def need_mediapipe() -> Path:
    """Folder of the installed mediapipe. Raises UserError where it is missing or too new to carry its model."""
    extras.need("mediapipe", what="the pose model")
    try:
        import mediapipe
        from mediapipe.python.solutions import pose  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"the mediapipe backend cannot be loaded: {error}",
            expected="mediapipe 0.10.21, which carries its pose model",
            fix="pip install 'qevd-bio[mediapipe]', or use --backend files",
        ) from error
    return Path(mediapipe.__file__).parent


class MediapipeBackend:
    """Follows one person with `solutions.pose` and looks every two seconds who else is in the picture.

    The model's own landmark filter is off: it is causal (up to a frame late) and assumes 30 frames a second.
    Smoothing is done later, without delay, on the angles.
    """

    name = "mediapipe"
    observes = (
        "pelvis, hips, knees, ankles, trunk as one, shoulders, elbows; not toes, subtalar joints, scapulae, "
        "wrists, forearm rotation, or how the trunk's bend divides between lumbar and thorax"
    )

    def __init__(self, options: ExtractOptions) -> None:
        self._folder = need_mediapipe()
        self._confidence = options.min_confidence

    def identity(self) -> dict[str, str]:
        """MediaPipe's version and the hash of the models inside its wheel."""
        content = b"".join((self._folder / name).read_bytes() for name in _MODELS)
        return {
            "model": "pose_landmark_full",
            "version": metadata.version("mediapipe"),
            "model_hash": hash_bytes(content),
        }

    def estimate(self, clip: Clip) -> Landmarks:
        """Landmarks of one person in every frame. Raises ItemError where the clip cannot be read."""
        with self.tracker() as track, PersonDetector() as detector:
            pass_one = _follow(clip, track, detector)
        subject = choose_subject(pass_one.steps)
        flags: list[str] = []
        if subject.several:
            flags.append("several_people")
            if not pass_one.followed(subject):
                flags.append("subject_followed_in_second_pass")
                with self.tracker() as track:
                    pass_one.values = _follow(clip, track, None, subject).values
        record = {**subject.record(), "looked_every_s": round(pass_one.survey_s, 3)}
        return pass_one.landmarks(record, flags)

    @contextmanager
    def tracker(self) -> Iterator[Any]:
        """MediaPipe's `Pose`, set up as extraction uses it, and closed: unclosed, each would keep about 100 MB."""
        from mediapipe.python.solutions.pose import Pose

        with quiet_native_logs():
            pose = Pose(
                model_complexity=1,
                smooth_landmarks=False,
                min_detection_confidence=self._confidence,
                min_tracking_confidence=self._confidence,
            )
            pose.process(BLACK)
        try:
            yield pose
        finally:
            pose.close()


class _Pass:
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


def _follow(clip: Clip, pose: Any, detector: PersonDetector | None, subject: Subject | None = None) -> _Pass:
    """Run the tracker over the clip; with `detector`, note everyone in sampled frames; with `subject`, see only it."""
    assert clip.open is not None
    survey_s = SURVEY_S if clip.duration_s is None else min(SURVEY_S, max(clip.duration_s / MIN_SURVEYS, 0.1))
    found, due, seen = _Pass(survey_s), 0.0, False
    with clip.open() as pictures:
        for picture in pictures:
            image, box = picture.image, None
            if subject is not None and subject.track is not None:
                box = subject.track.box_at(picture.time_s)
                image = only_inside(image, box)
            with quiet_native_logs() if not seen else nullcontext():
                landmarks = read_landmarks(pose.process(image), image.shape)
            seen = seen or landmarks is not _EMPTY
            if box is not None and _left(landmarks, box):
                pose.reset()
                landmarks = _EMPTY
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


def _survey(detector: PersonDetector, picture: Picture, step: int) -> list[Sighting]:
    return [Sighting(picture.time_s, step, box, score, row) for row, (box, score) in enumerate(detector(picture.image))]


def _left(landmarks: NDArray[np.float32], box: NDArray[np.float64]) -> bool:
    own = landmark_box(landmarks)
    return own is not None and iou(own, box) < LOST_IOU


def read_landmarks(result: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """(33, 7) of one result of MediaPipe: image x, y in pixels, world x, y, z, visibility, presence; NaN if none."""
    if result.pose_landmarks is None or result.pose_world_landmarks is None:
        return _EMPTY
    return landmark_rows(result.pose_landmarks.landmark, result.pose_world_landmarks.landmark, shape)


def landmark_rows(image: Any, world: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """(33, 7) from MediaPipe's lists of normalised image landmarks and world landmarks."""
    rows = [(a.x, a.y, b.x, b.y, b.z, a.visibility, a.presence) for a, b in zip(image, world, strict=True)]
    values = np.array(rows, dtype=np.float32)
    values[:, :2] *= (shape[1], shape[0])
    if not values[:, 6].any():  # the model inside the wheel states no presence
        values[:, 6] = np.nan
    return values


def landmark_box(landmarks: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Box around the image landmarks (33, 7), None where there are none."""
    if np.isnan(landmarks[0, 0]):
        return None
    corners = landmarks[:, :2].min(0), landmarks[:, :2].max(0)
    return np.concatenate(corners, dtype=np.float64)


def only_inside(image: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A copy of the image that is black outside the box, grown by MASK_MARGIN on each side."""
    grow = MASK_MARGIN * np.array([box[2] - box[0], box[3] - box[1]])
    low = np.maximum(box[:2] - grow, 0).astype(int)
    high = np.ceil(box[2:] + grow).astype(int)
    masked = np.zeros_like(image)
    inside = (slice(low[1], high[1]), slice(low[0], high[0]))
    masked[inside] = image[inside]
    return masked
