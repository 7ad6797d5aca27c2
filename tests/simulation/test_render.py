"""The camera, the figure and the pictures: geometry in closed form, and the real pose model's eye."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX, LIMITS
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.backends.blazepose.backend import BlazePoseBackend
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.drawing.figure import PARTS, body_capsules
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.simulation.drawing.render import _Buffers, _draw_capsule, render_clip
from qevd_bio.simulation.drawing.style import Style
from qevd_bio.simulation.performance.exact_motion import EXERCISES, Plan, make_motion
from qevd_bio.simulation.truth_clip import write_truth_clip

SKELETON = Skeleton.from_stature(1.75)
FRONT = Camera.looking_at((0.0, 0.9, 0.0), 0.0, distance=3.4)


def standing(frames: int = 1) -> tuple[np.ndarray, np.ndarray]:
    angles = np.zeros((frames, 46))
    angles[:, DOF_INDEX["shoulder_r_x"]] = np.deg2rad(60)
    return angles, np.repeat(SKELETON.offsets[:1], frames, axis=0)


def picture(camera: Camera = FRONT, style: Style | None = None, **degrees: float) -> np.ndarray:
    angles, root = standing()
    for name, value in degrees.items():
        angles[:, DOF_INDEX[name]] = np.deg2rad(value)
    return next(render_clip(angles, SKELETON, root, camera, style))


def test_camera_sees_its_target_in_the_middle() -> None:
    for heading in (0.0, 40.0, 90.0, 200.0):
        camera = Camera.looking_at((0.3, 0.8, -0.2), heading, distance=3.0, camera_height=1.5)
        assert camera.project(np.array([0.3, 0.8, -0.2])) == pytest.approx([180, 252])
        assert np.allclose(camera.rotation @ camera.rotation.T, np.eye(3))
        assert np.linalg.det(camera.rotation) == pytest.approx(1.0)


def test_front_camera_shows_the_subjects_left_on_its_right_and_up_on_top() -> None:
    left, up = FRONT.project(np.array([[0.5, 0.9, 0.0], [0.0, 1.5, 0.0]]))
    assert left[0] > 180
    assert up[1] < 252


def test_camera_at_the_subjects_left_sees_it_face_left() -> None:
    side = Camera.looking_at((0.0, 0.9, 0.0), 90.0)
    assert side.project(np.array([0.0, 0.9, 0.4]))[0] < 180


def test_scale_is_focal_length_over_depth() -> None:
    level = Camera((0.0, 1.0, 4.0), focal_px=600)
    shoulder, hip = level.project(np.array([[0.2, 1.4, 0.0], [0.2, 1.0, 0.0]]))
    assert shoulder - hip == pytest.approx([0, -0.4 * 600 / 4])
    assert np.isnan(level.project(np.array([0.0, 1.0, 5.0]))).all()


def test_rays_go_through_their_pixels() -> None:
    point = np.array(FRONT.position) + 2.0 * FRONT.rays()[100, 50]
    assert FRONT.project(point) == pytest.approx([50.5, 100.5])


def test_hair_is_on_the_head() -> None:
    base, dyed = (picture(style=Style(hair=colour)) for colour in ((38, 28, 24), (240, 40, 240)))
    changed = np.argwhere((base != dyed).any(axis=-1))
    top = FRONT.project(SKELETON.place("head_top"))
    assert abs(changed[:, 0].min() - top[1]) < 8
    assert abs(changed[:, 1].mean() - top[0]) < 2


def test_a_limb_that_points_into_the_camera_is_drawn_as_its_nearest_sphere() -> None:
    """The front of a capsule along the line of sight is a disc of the near end's radius."""
    camera = Camera((0.0, 1.0, 4.0), focal_px=500)
    ends = camera.to_camera(np.array([[0.0, 1.0, 1.0], [0.0, 1.0, 0.0]]))
    buffers = _Buffers.blank(camera)
    _draw_capsule(buffers, ends, np.array([0.12, 0.12]), 0, camera)
    radius = 0.12 * 500 / 3.0
    assert (buffers.material >= 0).sum() == pytest.approx(np.pi * radius**2, rel=0.02)
    assert buffers.depth[252, 180] == pytest.approx(3.0 - 0.12, abs=1e-3)


def test_a_slanted_limb_has_the_depth_of_the_cylinder() -> None:
    """Over the axis of a cylinder at 45 degrees the surface lies radius * sqrt(2) before the axis."""
    camera = Camera((0.0, 1.0, 40.0), focal_px=4000)
    ends = camera.to_camera(np.array([[-0.5, 1.0, -0.5], [0.5, 1.0, 0.5]]))
    buffers = _Buffers.blank(camera)
    _draw_capsule(buffers, ends, np.array([0.1, 0.1]), 0, camera)
    assert 40.0 - buffers.depth[252, 180] == pytest.approx(0.1 * np.sqrt(2), abs=3e-3)
    assert buffers.normal[:, 252, 180] == pytest.approx([-np.sqrt(0.5), 0, -np.sqrt(0.5)], abs=0.06)


def test_the_arm_is_drawn_where_forward_kinematics_puts_it() -> None:
    lowered, raised = picture(shoulder_r_x=80), picture(shoulder_r_x=-60)
    changed = (lowered != raised).any(axis=-1)
    angles, root = standing()
    angles[:, DOF_INDEX["shoulder_r_x"]] = np.deg2rad(-60)
    wrist = FRONT.project(forward_kinematics(angles, SKELETON, root).place("wrist_r")[0])
    assert wrist[0] < 180
    assert changed[int(wrist[1]), int(wrist[0])]
    assert not changed[:, 240:].any()


def test_the_nearer_capsule_is_seen_whatever_the_order() -> None:
    camera = Camera((0.0, 1.0, 4.0))
    near, far = (camera.to_camera(np.array([[-0.2, 1.0, z], [0.2, 1.0, z]])) for z in (1.0, 0.0))
    seen = []
    for order in ((near, 1), (far, 2)), ((far, 2), (near, 1)):
        buffers = _Buffers.blank(camera)
        for ends, material in order:
            _draw_capsule(buffers, ends, np.array([0.1, 0.1]), material, camera)
        seen.append(buffers.material.copy())
    assert (seen[0] == seen[1]).all()
    assert set(np.unique(seen[0])) == {-1, 1}


def test_room_and_figure_are_the_same_for_the_same_seed_and_differ_for_another() -> None:
    one, again, other = (picture(style=Style.random(seed)) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any(axis=-1).mean() > 0.5


def test_every_part_follows_its_bone() -> None:
    angles, root = standing(2)
    angles[1, DOF_INDEX["pelvis_rotation"]] = np.pi
    capsules = body_capsules(forward_kinematics(angles, SKELETON, root), girth=1.2)
    short_haired = [part for part in PARTS if part.material != "long_hair"]
    assert capsules.ends.shape == (2, len(short_haired), 2, 3)
    turned = (capsules.ends[0] - root[0]) * [-1, 1, -1] + root[0]
    assert np.allclose(capsules.ends[1], turned, atol=1e-12)
    thin = body_capsules(forward_kinematics(angles, SKELETON, root)).radii
    assert set(np.round(capsules.radii / thin, 6).ravel()) == {1.0, 1.2}


def test_what_is_behind_the_camera_is_not_drawn() -> None:
    angles, root = standing()
    inside = Camera((0.0, 1.2, 0.1))
    assert next(render_clip(angles, SKELETON, root, inside)).shape == (504, 360, 3)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_motions_stay_within_the_limits_and_on_the_floor(exercise) -> None:
    motion = make_motion(exercise, SKELETON, Plan(seconds=5.0))
    assert motion.angles.shape == (150, 46)
    assert np.isfinite(motion.angles).all()
    assert (motion.angles >= LIMITS[:, 0] - 1e-9).all()
    assert (motion.angles <= LIMITS[:, 1] + 1e-9).all()
    assert np.abs(np.diff(motion.angles, axis=0)).max() < np.deg2rad(25)
    pose = forward_kinematics(motion.angles, SKELETON, motion.root)
    soles = pose.places(("heel_r", "ball_r", "toe_tip_r", "heel_l", "ball_l", "toe_tip_l"))[..., 1].min(axis=1)
    assert soles.min() > -1e-9
    assert soles.max() < 0.065
    assert pose.positions[..., 1].min() > -0.01


def test_push_ups_rest_on_hands_and_toes() -> None:
    motion = make_motion("push_ups", SKELETON)
    pose = forward_kinematics(motion.angles, SKELETON, motion.root)
    hands = pose.places(("wrist_r", "wrist_l", "hand_tip_r", "hand_tip_l"))[..., 1]
    assert np.abs(hands.min(axis=1)).max() < 1e-6
    hand_path = pose.place("wrist_r")
    assert np.ptp(hand_path[:, 0]) < 0.03


def test_depth_and_tempo_do_what_they_say() -> None:
    knee = DOF_INDEX["knee_angle_r"]
    shallow, deep = (make_motion("squats", SKELETON, Plan(depth=d, cycle_s=2.0)) for d in (0.5, 1.0))
    assert np.rad2deg(shallow.angles[:, knee].max()) == pytest.approx(54, abs=0.5)
    assert np.rad2deg(deep.angles[:, knee].max()) == pytest.approx(102, abs=0.5)
    bottom = deep.angles[:, knee] > np.deg2rad(101.9)
    assert np.flatnonzero(bottom)[0] / 30 == pytest.approx(0.8 + 1.0, abs=0.05)


def test_mp4_holds_every_frame_at_30_per_second(tmp_path: Path) -> None:
    angles, root = standing(7)
    path = tmp_path / "clip.mp4"
    assert write_mp4(path, render_clip(angles, SKELETON, root, FRONT)) == 7
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (360, 504, 30)
        times = [float(frame.pts * stream.time_base) for frame in container.decode(stream)]
    assert times == pytest.approx(np.arange(7) / 30)


def test_no_frames_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no frames"):
        write_mp4(tmp_path / "empty.mp4", iter(()))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("pose_model")
@pytest.mark.parametrize("view", ["front", "oblique", "side"])
def test_the_pose_model_finds_the_figure_where_it_is(tmp_path: Path, view: str) -> None:
    path = tmp_path / "squats.mp4"
    truth = np.load(write_truth_clip(path, "squats", view, seed=1, seconds=2.5))
    names, rotation = truth["joint_names"].tolist(), truth["camera_rotation"]
    focal = dict(zip(truth["camera_names"], truth["camera_values"], strict=True))["focal_px"]
    seen = (truth["positions"] - truth["camera_position"]) @ rotation.T
    pixels = seen[..., :2] * focal / seen[..., 2:] + [180, 252]
    landmarks = {"shoulder_l": 11, "shoulder_r": 12, "hip_l": 23, "hip_r": 24, "knee_l": 25, "knee_r": 26}
    errors = []
    tracker = BlazePoseBackend(ExtractOptions()).tracker()
    with av.open(str(path)) as container:
        for t, frame in enumerate(container.decode(video=0)):
            found = tracker.process(frame.to_ndarray(format="rgb24"), t / 30)
            assert np.isfinite(found).all(), f"not found in frame {t}"
            got = found[list(landmarks.values()), :2]
            errors.append(np.linalg.norm(got - pixels[t, [names.index(name) for name in landmarks]], axis=1))
    assert len(errors) == 75
    assert np.median(errors) < 10
