"""Cameras as people put them up, and landmarks with the errors of a pose model."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.backends.landmarks import LANDMARK_INDEX, MARKER_LANDMARKS
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.drawing.style import Style
from qevd_bio.simulation.drawing.views import DISTANCE_M, PITCH_DEG, ROLL_DEG, real_camera
from qevd_bio.simulation.performance.exact_motion import Plan, make_motion
from qevd_bio.simulation.performance.people import THIGH_OVER_SHANK, make_person
from qevd_bio.simulation.sensing.errors import sense
from qevd_bio.simulation.sensing.exact import Sight, look

SKELETON = Skeleton.from_stature(1.75)


def sight(heading: float = 0.0, **plan: float) -> tuple[Sight, np.ndarray]:
    motion = make_motion("squats", SKELETON, Plan(seconds=4.0, **plan))
    camera = Camera.looking_at((0.0, 0.9, 0.0), heading, distance=3.4)
    return look(motion.angles, motion.root, SKELETON, camera), np.arange(len(motion.angles)) / 30.0


def test_real_cameras_keep_their_bounds_and_the_body_in_the_picture() -> None:
    body = np.array([[0.0, 0.02, 0.0], [0.0, 1.75, 0.0]])
    pitches, rolls = [], []
    for seed in range(200):
        camera = real_camera(np.random.default_rng(seed), 1.75, 360, 504)
        assert PITCH_DEG[0] - 0.1 <= camera.pitch_deg <= PITCH_DEG[1] + 0.1
        assert abs(camera.roll_deg) <= ROLL_DEG
        distance = np.hypot(camera.position[0], camera.position[2])
        assert DISTANCE_M[0] - 0.5 < distance < DISTANCE_M[1] + 0.5 and camera.position[1] >= 0.15
        x, y = camera.project(body).T
        assert (x > 0).all() and (x < 360).all() and (y > 0).all() and (y < 504).all()
        pitches.append(camera.pitch_deg)
        rolls.append(camera.roll_deg)
    assert np.std(pitches) > 4 and np.std(rolls) > 3


def test_a_rolled_camera_turns_the_picture_the_other_way() -> None:
    level, rolled = (Camera((0.0, 1.0, 3.0), roll_deg=roll) for roll in (0.0, 10.0))
    up = [
        np.diff(camera.project(np.array([[0.0, 0.5, 0.0], [0.0, 1.5, 0.0]])), axis=0)[0] for camera in (level, rolled)
    ]
    assert abs(up[0][0]) < 1e-9 and up[0][1] < 0
    assert np.rad2deg(np.arctan2(up[1][0], -up[1][1])) == pytest.approx(-10.0)
    np.testing.assert_allclose(rolled.rotation @ rolled.rotation.T, np.eye(3), atol=1e-12)


def test_people_of_real_views_differ_in_proportions_and_clothes() -> None:
    people = [make_person(3, "test", number, "real") for number in range(30)]
    lengths = [person.skeleton.lengths() for person in people]
    ratios = np.array([one["thigh_r"] / one["shank_r"] for one in lengths])
    assert ratios.min() > THIGH_OVER_SHANK[0] - 1e-6 and ratios.max() < THIGH_OVER_SHANK[1] + 1e-6
    assert np.std(ratios) > 0.05
    assert all(one["thigh_r"] == one["thigh_l"] for one in lengths)
    styles = [Style.real(seed) for seed in range(40)]
    assert {bool(s.trousers) for s in styles} == {bool(s.gloves) for s in styles} == {s.long_hair for s in styles}
    same, plain = make_person(3, "test", 1, "real"), make_person(3, "test", 1)
    assert same.style == people[1].style != plain.style and same.skeleton.lengths() == lengths[1]
    assert same.skill == plain.skill and plain.skeleton.lengths() != lengths[1]


def test_hidden_is_what_lies_behind_the_trunk() -> None:
    side, _ = sight(90.0)
    left, right = (side.hidden[:, LANDMARK_INDEX[f"{name}_elbow"]] for name in ("left", "right"))
    assert left.max() < 0.05 and right[:20].min() > 0.9
    front, _ = sight(0.0)
    assert front.hidden[:, MARKER_LANDMARKS].mean() < 0.05


def test_sensed_landmarks_err_as_measured() -> None:
    """Image within a few hundredths of a stature, bones about as long, depth about half, the far side less visible."""
    seen, time_s = sight(0.0)
    found = [sense(seen, time_s, np.random.default_rng(seed)) for seed in range(6)]
    np.testing.assert_array_equal(found[0], sense(seen, time_s, np.random.default_rng(0)))
    values = np.concatenate(found)
    pixels = np.concatenate([seen.pixels] * 6)
    off = np.linalg.norm(values[..., :2] - pixels, axis=-1)[:, MARKER_LANDMARKS] / (
        pixels[..., 1].max() - pixels[..., 1].min()
    )
    assert 0.005 < np.nanmedian(off) < 0.03
    hip, knee = (LANDMARK_INDEX[f"left_{name}"] for name in ("hip", "knee"))
    true = np.concatenate([seen.inside[:, knee] - seen.inside[:, hip]] * 6)
    thigh = values[:, knee, 2:5] - values[:, hip, 2:5]
    assert np.nanmedian(np.linalg.norm(thigh, axis=1) / np.linalg.norm(true, axis=1)) == pytest.approx(0.94, abs=0.12)
    deep = np.abs(true[:, 2]) > 0.3
    assert 0.25 < np.nanmedian(thigh[deep, 2] / true[deep, 2]) < 0.85
    beside, times = sight(90.0)
    visibility = np.nanmean(sense(beside, times, np.random.default_rng(1))[..., 5], axis=0)
    assert visibility[LANDMARK_INDEX["right_elbow"]] < 0.5 < 0.8 < visibility[LANDMARK_INDEX["left_elbow"]]
