"""Live poses from known landmarks: peaks keep their height, cycles get the slow signal, every angle its sigma."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.coach.live.pose import LivePose, LiveRow
from qevd_bio.pose.backends.landmarks import LANDMARKS
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.performance.exact_motion import FPS, Plan, make_motion
from qevd_bio.simulation.sensing.exact import look
from qevd_bio.tables.kinematics import MISSING, OK

KNEES = [DOF_INDEX["knee_angle_r"], DOF_INDEX["knee_angle_l"]]
IMAGE = np.zeros((504, 360, 3), np.uint8)


class KnownLandmarks:
    """A tracker that finds the landmarks of a known body; nobody is there for the first `empty` frames."""

    def __init__(self, values: np.ndarray, empty: int) -> None:
        self._rows = iter([*np.full((empty, len(LANDMARKS), 7), np.nan), *values])

    def process(self, image: np.ndarray, time_s: float) -> np.ndarray:
        return next(self._rows)


@pytest.fixture(scope="module")
def rows() -> tuple[list[LiveRow], np.ndarray]:
    """Rows of high knees, twice a second, seen from the side, and the true angles of the frames with a person."""
    body = Skeleton.from_stature(1.7)
    motion = make_motion("high_knees", body, Plan(seconds=5.0, cycle_s=0.8, rest_s=0.5))
    camera = Camera.looking_at((0.0, 0.9, 0.0), 90.0, 3.5)
    sight = look(motion.angles, motion.root, body, camera)
    values = np.ones((len(motion.angles), len(LANDMARKS), 7))
    values[..., :2] = sight.pixels
    values[..., 2:5] = sight.inside - sight.inside[:, 23:25].mean(1, keepdims=True)
    live, found = LivePose(KnownLandmarks(values, 8), 2.0), []  # type: ignore[arg-type]
    for index in range(len(values) + 8):
        live.see(index, index / FPS, IMAGE)
        if index % 8 == 7:
            found += live.poses().rows
    return found, motion.angles


def test_frames_without_a_person_have_no_angles_and_no_sigma(rows: tuple[list[LiveRow], np.ndarray]) -> None:
    for row in rows[0][:8]:
        assert row[5] == MISSING
        assert np.isnan(row[2]).all() and np.isnan(row[7]).all() and np.isnan(row[8]).all()


def test_every_angle_has_a_sigma(rows: tuple[list[LiveRow], np.ndarray]) -> None:
    sigma = np.stack([row[8] for row in rows[0] if row[5] == OK])
    assert len(sigma) > 100
    assert (sigma > 0.0).all() and np.isfinite(sigma).all()


def test_fast_peaks_are_kept_and_the_slow_signal_loses_them(rows: tuple[list[LiveRow], np.ndarray]) -> None:
    found, truth = rows
    after = [row for row in found if row[1] > 2.5]
    angles, slow = (np.rad2deg(np.stack([row[k] for row in after]))[:, KNEES].max() for k in (2, 7))
    true = np.rad2deg(truth[:, KNEES].max())
    assert abs(angles - true) < 15.0
    assert angles - slow > 5.0
