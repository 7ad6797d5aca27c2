"""What HSMR saves: level, one person over time, doubts instead of confidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.formats.hsmr_file import level, read_hsmr, stand_in_confidence
from qevd_bio.store.errors import UserError

CAMERA = np.diag([1.0, -1.0, -1.0])  # level frame (x right, y up, z to the camera) from camera axes


def upright(knee_deg: float = 0.0, tilt_deg: float = 180.0) -> np.ndarray:
    pose = np.zeros(46, np.float32)
    pose[0], pose[DOF_INDEX["knee_angle_r"]] = np.deg2rad(tilt_deg), np.deg2rad(knee_deg)
    return pose


def frame(*people: tuple[np.ndarray, float, float, float]) -> dict[str, Any]:
    """Pose and box (centre x, y, size) of each person."""
    n = len(people)
    return {
        "poses": np.array([p[0] for p in people], np.float32).reshape(n, 46),
        "betas": np.full((n, 10), 0.5, np.float32),
        "patch_cam_t": np.ones((n, 3), np.float32),
        "full_cam_t": np.array([[0.1, 0.2, 40.0]] * n, np.float32).reshape(n, 3),
        "bbx_cs": [np.array(p[1:], np.float64) for p in people] or None,
    }


def saved(path: Path, frames: list[dict[str, Any]]) -> Path:
    np.save(path, frames)  # as HSMR does: a pickled object array
    return path


def test_level_is_exact_for_a_level_camera() -> None:
    camera = np.zeros((2, 46))
    camera[:, :3] = np.deg2rad([[179.0, 5.0, -30.0], [-179.0, 5.0, -30.0]])
    assert np.rad2deg(level(camera)[:, :3]) == pytest.approx(np.array([[-1, -5, 30], [1, -5, 30]]), abs=1e-9)


@pytest.mark.parametrize("pitch_deg", [0.0, 12.0, -25.0])
def test_level_undoes_the_camera(pitch_deg: float) -> None:
    """A pose turned into the axes of a camera that looks down by `pitch` comes back level."""
    angles = np.zeros((1, 46))
    angles[0, :3] = np.deg2rad([-20.0, 8.0, 35.0])
    want = forward_kinematics(angles, Skeleton.from_stature()).rotations[0, 0]
    pitch = np.deg2rad(pitch_deg)
    # rows: what the camera calls right, up and towards itself, in the level frame
    down = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    seen = CAMERA @ down @ want
    found = level(_angles_of(seen), pitch)
    again = forward_kinematics(found, Skeleton.from_stature()).rotations[0, 0]
    assert again == pytest.approx(want, abs=1e-9)


def _angles_of(rotation: np.ndarray) -> np.ndarray:
    from qevd_bio.anatomy.inverse import joint_angles

    angles = np.zeros((1, 46))
    angles[0, :3] = joint_angles("pelvis", rotation)
    return angles


def test_a_camera_that_looks_down_sees_an_upright_person_lean_away() -> None:
    """Looking down on someone upright, the head is nearer: taken as level, the body seems to lean to the camera."""
    pitch = np.deg2rad(20.0)
    up_seen = np.array([0.0, -np.cos(pitch), -np.sin(pitch)])  # camera axes: y down, z away
    assert (CAMERA @ up_seen)[2] > 0
    camera = np.zeros((1, 46))
    camera[0, 0] = np.pi - pitch
    assert np.rad2deg(level(camera)[0, 0]) == pytest.approx(-20.0)
    assert np.rad2deg(level(camera, pitch)[0, 0]) == pytest.approx(0.0, abs=1e-9)


def test_frames_without_people_and_with_two(tmp_path: Path) -> None:
    big, small = (100.0, 100.0, 150.0), (400.0, 100.0, 80.0)
    frames = [
        frame((upright(10), *big)),
        frame(),
        frame((upright(80), *small), (upright(20), *big)),
        frame((upright(30), *big), (upright(80), *small)),
    ]
    found = read_hsmr(saved(tmp_path / "HSMR-a.npy", frames))
    knee = np.rad2deg(found.raw[:, DOF_INDEX["knee_angle_r"]])
    assert knee[[0, 2, 3]] == pytest.approx([10, 20, 30]) and np.isnan(knee[1])
    assert found.confidence.tolist() == [1.0, 0.0, 1.0, 1.0]
    assert found.observed[0].all() and not found.observed[1].any()
    assert found.flags == ("several_people",) and found.subject["candidates"] == 2
    assert found.details["betas"] == [0.5] * 10 and found.details["betas_frames"] == 3
    assert found.root[0, :2] == pytest.approx([0.1, -0.2]) and np.isnan(found.root[:, 2]).all()


def test_upright_sign_noise_makes_no_jump(tmp_path: Path) -> None:
    """Around 180 degrees the last bit decides the sign; level, the tilt is near zero and smooth."""
    frames = [frame((upright(tilt_deg=t), 100, 100, 150)) for t in (179.9, -179.9, 179.8, -179.7)]
    tilt = np.rad2deg(read_hsmr(saved(tmp_path / "a.npy", frames)).raw[:, 0])
    assert tilt == pytest.approx([-0.1, 0.1, -0.2, 0.3], abs=1e-3)


def test_each_doubt_halves_the_confidence() -> None:
    raw = np.zeros((6, 46))
    raw[2, DOF_INDEX["knee_angle_r"]] = np.deg2rad(-70)  # past its limits, and a fast step in and out
    raw[5] = np.nan
    box = np.array([100.0, 100.0, 100.0])
    boxes = [box, box, box, box, np.array([20.0, 100.0, 160.0]), None]
    confidence, doubts = stand_in_confidence(raw, boxes, (200.0, 200.0))
    assert doubts == {"border": 1, "size_jump": 1, "past_limits": 1, "fast_step": 2}
    assert confidence.tolist() == [1, 1, 0.25, 0.5, 0.25, 0]


def test_earlier_video_format_without_boxes(tmp_path: Path) -> None:
    path = tmp_path / "HSMR-a.npz"
    np.savez(path, poses=np.array([upright(5), upright(6)]), betas=np.zeros((2, 10), np.float32))
    assert read_hsmr(path).raw.shape == (2, 46)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((3, 46)), "not a dict a frame"),
        ([{"betas": 1}], "frame 0 has no poses"),
        ([{"poses": np.zeros((1, 45), np.float32)}], r"frame 0: poses is float32 \(1, 45\)"),
        ([{"poses": "text"}], "frame 0: poses"),
        ([frame(), frame()], "nobody is found"),
    ],
)
def test_other_files(tmp_path: Path, content: Any, message: str) -> None:
    np.save(tmp_path / "a.npy", content)
    with pytest.raises(UserError, match=message):
        read_hsmr(tmp_path / "a.npy")
