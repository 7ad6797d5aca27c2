"""2D keypoints of other programs, through the fit: layouts, people, missing points and frames, sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.pose.assemble import to_kinematics
from qevd_bio.pose.backends.base import Clip, Landmarks
from qevd_bio.pose.backends.files import FilesBackend, import_recording
from qevd_bio.pose.backends.landmarks import LANDMARK_INDEX
from qevd_bio.pose.formats.markers.sets import set_by_name
from qevd_bio.pose.formats.recording import Keypoints
from qevd_bio.pose.formats.registry import Asked, recognise
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.store.errors import UserError
from tests.pose.seen import SIZE, landmarks_of, squats

_MARKS = {"toe": "foot_index"}


def points_of(landmarks: np.ndarray, set_name: str) -> np.ndarray:
    """The image points (T, count, 3) that an estimator of this layout would give for exact landmarks."""
    chosen = set_by_name(set_name)
    out = np.zeros((len(landmarks), chosen.count, 3))
    for place, options in chosen.places.items():
        part, _, letter = place.partition("_")
        side = {"r": "right_", "l": "left_"}.get(letter, "")
        source = landmarks[:, LANDMARK_INDEX[f"{side}{_MARKS.get(part, part)}"]]
        for name in options[0]:
            k = chosen.order.index(name)
            out[:, k, :2], out[:, k, 2] = source[:, :2], 0.9
    return out


def openpose(folder: Path, *people: np.ndarray, missing: tuple[int, ...] = (), key: str = "pose_keypoints_2d") -> Path:
    folder.mkdir()
    for t in range(len(people[0])):
        if t not in missing:
            found = [{"person_id": [-1], key: person[t].reshape(-1).tolist()} for person in people]
            (folder / f"clip_{t:012d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": found}))
    return folder


def read(path: Path, **asked: Any) -> Keypoints:
    found = recognise(path).read(path, Asked(**asked))
    assert isinstance(found, Keypoints)
    return found


def angles_from(path: Path, time_s: np.ndarray, **options: Any) -> np.ndarray:
    clip = Clip("videos", "clip", Path("clip.mp4"), SIZE, float(time_s[-1]), time_s)
    chosen = ExtractOptions(backend="files", source=path, smoothing_frames=0.0, **options)
    estimate = import_recording(path, clip, chosen)
    assert isinstance(estimate, Landmarks)
    return to_kinematics(estimate, clip, chosen, 1.8, {}).angles.astype(float)


@pytest.mark.parametrize("set_name", ["body_25", "halpe_26", "coco_17", "coco_133"])
def test_every_layout_from_the_side(set_name: str, tmp_path: Path) -> None:
    time_s, angles = squats(60, heading=80)
    path = openpose(tmp_path / "clip_json", points_of(landmarks_of(angles, noise_px=1.0), set_name))
    assert read(path).set == set_name
    found = angles_from(path, time_s)
    for name in ("knee_angle_r", "hip_flexion_r"):
        error = np.rad2deg(found[:, DOF_INDEX[name]] - angles[:, DOF_INDEX[name]])
        assert np.sqrt((error**2).mean()) < 8, name


def test_depth_comes_from_foreshortening(tmp_path: Path) -> None:
    """Seen obliquely the depth of a thigh is nowhere in the picture but in its length."""
    time_s, angles = squats(60, heading=-50)
    path = openpose(tmp_path / "clip_json", points_of(landmarks_of(angles), "halpe_26"))
    found = angles_from(path, time_s)
    error = np.rad2deg(found[:, DOF_INDEX["knee_angle_l"]] - angles[:, DOF_INDEX["knee_angle_l"]])
    assert np.sqrt((error**2).mean()) < 12


def test_missing_frames_keep_their_place(tmp_path: Path) -> None:
    time_s, angles = squats(60, heading=90)
    path = openpose(tmp_path / "clip_json", points_of(landmarks_of(angles), "halpe_26"), missing=(0, 10, 11))
    clip = Clip("videos", "clip", Path("clip.mp4"), SIZE, 2.0, time_s)
    found = import_recording(path, clip, ExtractOptions(backend="files", source=path))
    assert found.frame.tolist() == [t for t in range(60) if t not in (0, 10, 11)]
    assert found.time_s == pytest.approx(time_s[found.frame])


def test_old_keys_unseen_points_and_several_people(tmp_path: Path) -> None:
    _, angles = squats(10)
    near = points_of(landmarks_of(angles), "body_25")
    near[:, set_by_name("body_25").order.index("RWrist")] = 0.0
    far = points_of(landmarks_of(angles, distance=6.0), "body_25")
    found = read(openpose(tmp_path / "clip_json", far, near, key="pose_keypoints"))
    assert "several_people" in found.flags and found.subject["candidates"] == 2
    wrist = found.names.index("RWrist")
    assert np.isnan(found.values[:, wrist]).all()
    knee = found.names.index("RKnee")
    assert found.values[:, knee, :2] == pytest.approx(near[:, knee, :2])


def test_mmpose_and_alphapose(tmp_path: Path) -> None:
    time_s, angles = squats(30, heading=90)
    points = points_of(landmarks_of(angles), "coco_17")
    frames = [
        {"frame_id": t + 1, "instances": [{"keypoints": p[:, :2].tolist(), "keypoint_scores": p[:, 2].tolist()}]}
        for t, p in enumerate(points)
    ]
    (tmp_path / "a.json").write_text(json.dumps({"meta_info": {}, "instance_info": frames}))
    alpha = [
        {"image_id": f"{t}.jpg", "keypoints": p.reshape(-1).tolist(), "score": 2.0, "idx": 1}
        for t, p in enumerate(points)
    ]
    (tmp_path / "b.json").write_text(json.dumps(alpha))
    for name in ("a.json", "b.json"):
        found = read(tmp_path / name)
        assert found.set == "coco_17" and found.values[..., :2] == pytest.approx(points[..., :2])
        angles_found = angles_from(tmp_path / name, time_s)
        error = np.rad2deg(angles_found[:, DOF_INDEX["knee_angle_r"]] - angles[:, DOF_INDEX["knee_angle_r"]])
        assert np.sqrt((error**2).mean()) < 8
    assert read(tmp_path / "b.json", person="1").subject["person"] == "1"


def test_the_size_is_asked_for_where_nothing_says_it(tmp_path: Path) -> None:
    _, angles = squats(5)
    path = openpose(tmp_path / "clip_json", points_of(landmarks_of(angles), "halpe_26"))
    alone = Clip("videos", "clip", None)
    with pytest.raises(UserError, match="--image-size"):
        import_recording(path, alone, ExtractOptions(backend="files", source=path))
    found = import_recording(path, alone, ExtractOptions(backend="files", source=path, image_size="720x720"))
    assert isinstance(found, Landmarks) and found.image_size == (720, 720)
    with pytest.raises(UserError, match="WIDTHxHEIGHT"):
        import_recording(path, alone, ExtractOptions(backend="files", source=path, image_size="big"))


def test_a_folder_of_frames_is_one_recording(tmp_path: Path) -> None:
    _, angles = squats(4)
    openpose(tmp_path / "clip_json", points_of(landmarks_of(angles), "halpe_26"))
    backend = FilesBackend(ExtractOptions(backend="files", source=tmp_path))
    assert len(backend.inputs("videos", "clip")) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "holds no keypoints"),
        ('{"people": 3}', "no list of people"),
        ('{"people": []}', "nobody is in any frame"),
        ('{"people": [{"pose_keypoints_2d": [1, 2]}]}', "not three a point"),
        ('{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}', "people have 1 points"),
        ('{"people": [{"pose_keypoints_2d": ["a", 2, 3]}]}', "no numbers"),
        ('[{"frame_id": 1, "instances": [{"bbox": 3}]}]', "without keypoints"),
        ("[" * 100000, "cannot be read as JSON|nested"),
    ],
)
def test_bad_files(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        recognise(path).read(path, Asked())
