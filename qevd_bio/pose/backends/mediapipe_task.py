"""MediaPipe's newer model file (`pose_landmarker_*.task`), given by the user: follows several people at once."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.base import Clip, Landmarks
from qevd_bio.pose.backends.mediapipe import MediapipeBackend, landmark_box, landmark_rows, need_mediapipe
from qevd_bio.pose.backends.native_logs import quiet_native_logs
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.pose.people import Sighting, choose_subject
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.hashing import hash_file


class MediapipeTaskBackend:
    """Every candidate's landmarks are kept for the whole clip; then the subject is chosen."""

    name = "mediapipe"
    observes = MediapipeBackend.observes

    def __init__(self, options: ExtractOptions) -> None:
        assert options.pose_model is not None
        self._model = Path(options.pose_model)
        self._options = options
        if not self._model.is_file():
            raise UserError(
                "no such file", where=self._model, expected="a MediaPipe .task file", fix="check --pose-model"
            )
        need_mediapipe()

    def identity(self) -> dict[str, str]:
        """Name and hash of the `.task` file, and MediaPipe's version."""
        version = metadata.version("mediapipe")
        return {"model": self._model.name, "version": version, "model_hash": hash_file(self._model)}

    def estimate(self, clip: Clip) -> Landmarks:
        """Landmarks of the chosen person, of up to `max_people` that are followed at once."""
        assert clip.open is not None
        index: list[int] = []
        times: list[float] = []
        people: list[list[NDArray[np.float32]]] = []
        size = (0, 0)
        with self._landmarker() as landmarker, clip.open() as pictures:
            for picture in pictures:
                last = int(times[-1] * 1000) if times else -1
                people.append(_detect(landmarker, picture.image, max(int(picture.time_s * 1000), last + 1)))
                index.append(picture.index)
                times.append(picture.time_s)
                size = (picture.image.shape[1], picture.image.shape[0])
        if not any(people):
            raise ItemError("no_person" if people else "no_frames", f"nobody found in {len(people)} frames")
        return self._chosen(index, times, people, size)

    def _landmarker(self) -> Any:
        from mediapipe.tasks.python import BaseOptions, vision

        threshold = self._options.min_confidence
        settings = vision.PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(self._model)),
            running_mode=vision.RunningMode.VIDEO,
            num_poses=self._options.max_people,
            min_pose_detection_confidence=threshold,
            min_pose_presence_confidence=threshold,
            min_tracking_confidence=threshold,
        )
        try:
            with quiet_native_logs():
                return vision.PoseLandmarker.create_from_options(settings)
        except (RuntimeError, ValueError) as error:
            raise UserError(
                f"MediaPipe cannot use this model: {str(error).splitlines()[0]}",
                where=self._model,
                expected="a whole pose_landmarker .task file",
                fix="leave --pose-model out to use the model inside the wheel",
            ) from error

    def _chosen(
        self, index: list[int], times: list[float], people: list[list[NDArray[np.float32]]], size: tuple[int, int]
    ) -> Landmarks:
        steps = [
            [_sighting(values, time_s, step, row) for row, values in enumerate(found)]
            for step, (time_s, found) in enumerate(zip(times, people, strict=True))
        ]
        subject = choose_subject(steps)
        assert subject.track is not None
        values = np.full((len(times), 33, 7), np.nan, dtype=np.float32)
        for sighting in subject.track.sightings:
            values[sighting.step] = people[sighting.step][sighting.row]
        flags = ("several_people",) if subject.several else ()
        return Landmarks(np.array(index, dtype=np.int32), np.array(times), values, size, subject.record(), flags)


def _detect(landmarker: Any, image: NDArray[np.uint8], time_ms: int) -> list[NDArray[np.float32]]:
    import mediapipe

    picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image))
    result = landmarker.detect_for_video(picture, time_ms)
    pairs = zip(result.pose_landmarks, result.pose_world_landmarks, strict=True)
    return [landmark_rows(flat, world, image.shape) for flat, world in pairs]


def _sighting(values: NDArray[np.float32], time_s: float, step: int, row: int) -> Sighting:
    box = landmark_box(values)
    assert box is not None
    presence = values[:, 6] if np.isfinite(values[:, 6]).all() else values[:, 5]
    return Sighting(time_s, step, box, float(presence.mean()), row)
