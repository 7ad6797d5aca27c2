"""The default backend: BlazePose's person detector and landmark model, run directly, without MediaPipe or OpenCV."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.base import Clip, Landmarks
from qevd_bio.pose.backends.blazepose.models import PoseModel, model_paths, open_model
from qevd_bio.pose.backends.blazepose.runtime import Engine
from qevd_bio.pose.backends.blazepose.tracker import PersonDetector, Tracker
from qevd_bio.pose.backends.follow import follow
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.pose.people import choose_subject


class BlazePoseBackend:
    """Follows one person, and looks every two seconds who else is in the picture.

    threads: of inference, None for a few of the cores; results do not depend on it. Landmarks are not smoothed
    here: that is done later, without delay, on the angles. Raises UserError where a model or the runtime is missing.
    """

    name = "blazepose"
    observes = (
        "pelvis, hips, knees, ankles, trunk as one, shoulders, elbows; not toes, subtalar joints, scapulae, "
        "wrists, forearm rotation, or how the trunk's bend divides between lumbar and thorax"
    )

    def __init__(self, options: ExtractOptions, threads: int | None = None) -> None:
        self._engine = Engine(options.runtime, options.device, threads)
        self._engine.need()
        model_paths(options.pose_model)
        self._choice = options.pose_model
        self._confidence = options.min_confidence

    @cached_property
    def model(self) -> PoseModel:
        """The model files that are used."""
        return open_model(self._choice)

    @cached_property
    def _detector(self) -> PersonDetector:
        return PersonDetector(self.model, self._engine, self._confidence)

    @cached_property
    def _tracker(self) -> Tracker:
        return Tracker(self.model, self._engine, self._detector, self._confidence)

    def identity(self) -> dict[str, str]:
        return {
            "model": self.model.name,
            "version": self._engine.version(),
            "device": self._engine.device,
            "model_hash": self.model.landmarks.sha256,
            "detector_hash": self.model.detector.sha256,
        }

    def estimate(self, clip: Clip) -> Landmarks:
        found = follow(clip, self.tracker(), self._everybody)
        subject = choose_subject(found.steps)
        flags: list[str] = []
        if subject.several:
            flags.append("several_people")
            if not found.followed(subject):
                flags.append("subject_followed_in_second_pass")
                found.values = follow(clip, self.tracker(), None, subject).values
        record = {**subject.record(), "looked_every_s": round(found.survey_s, 3)}
        return found.landmarks(record, flags)

    def tracker(self) -> Tracker:
        """The tracker that extraction uses, ready for another video. There is one: its models are loaded once."""
        self._tracker.reset()
        return self._tracker

    def _everybody(self, image: NDArray[np.uint8]) -> list[tuple[NDArray[np.float64], float]]:
        height, width = image.shape[:2]
        return [(person.box(width, height), person.score) for person in self._detector(image)]
