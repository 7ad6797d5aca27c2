"""Ego-Exo4D's files: written in its layout, read back, and every trap of the real ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qevd_bio.egoexo.cameras import read_camera_poses
from qevd_bio.egoexo.commentary import Comment, Rating
from qevd_bio.egoexo.poses import JOINTS, BodyPoses, read_body_poses
from qevd_bio.egoexo.proficiency import read_demonstrators, read_moments
from qevd_bio.egoexo.release import Release, open_release
from qevd_bio.egoexo.takes import Take, read_takes
from qevd_bio.egoexo.writer import EGO, NewTake, exo_cameras, write_release
from qevd_bio.store.errors import UserError


def take(uid: str = "u1", **changes: Any) -> Take:
    known: dict[str, Any] = {
        "uid": uid, "name": f"site_{uid}", "task": "Basketball Drills - Reverse Layup", "task_id": 7,
        "scenario": "Basketball", "participant": "p1", "duration_s": 40.0, "best_exo": "cam03", "task_start_s": 1.5,
        "task_end_s": None, "narrated": False, "cameras": (EGO, *exo_cameras(3)), "capture": "c1",
    }  # fmt: skip
    return Take(**(known | changes))


def poses() -> BodyPoses:
    positions = np.arange(3 * 17 * 3, dtype=float).reshape(3, 17, 3)
    positions[1, 5] = np.nan
    views = np.where(np.isnan(positions[..., 0]), 0, 4)
    return BodyPoses(np.array([2, 9, 10]), positions, views, {}, {})


@pytest.fixture
def release(tmp_path: Path) -> Release:
    comments = (Comment(9.0, "Good balance.", "ab12cd", "1.webm", 4.0), Comment(3.0, "Head down.", "ef34gh", "2.webm"))
    faulty = {"ab12cd": [{"video_time": 5.0, "text": None, "error": True}, {"video_time": 6.0, "text": "  "},
                         {"text": "without a time"}]}  # fmt: skip
    first = NewTake(
        take(), "train", comments, (Rating("ab12cd", 7, "steady"), Rating("ef34gh", 8.5)), "Novice", faulty, poses()
    )
    second = NewTake(take("u2", best_exo=None, participant="p1"), "val", (Comment(1.0, "Fine.", "ab12cd"),))
    write_release(tmp_path, [first, second, NewTake(take("u3", participant="p2"), "test", (Comment(1.0, "x", "e"),))])
    return open_release(tmp_path)


def test_what_is_written_is_read_back(release: Release) -> None:
    assert list(release.takes) == [take(), take("u2", best_exo=None), take("u3", participant="p2")]
    assert dict(release.split_of) == {"u1": "train", "u2": "val", "u3": "test"}
    assert release.benchmarks_of["u1"] == ("proficiency_estimation",)
    said = release.commentary["u1"]
    assert [(c.time_s, c.text, c.expert) for c in said.comments] == [
        (3.0, "Head down.", "ef34gh"),
        (9.0, "Good balance.", "ab12cd"),
    ]
    assert said.left_out == {"transcription_error": 1, "no_text": 1, "no_time": 1}
    assert "u3" not in release.commentary, "the test split's commentary is withheld"
    assert release.ratings(take())[0] == [Rating("ab12cd", 7.0, "steady"), Rating("ef34gh", 8.5)]
    assert release.ratings(take("u2")) == ([], {})
    assert release.demonstrators["u1"].rank == 0
    assert release.split_leaks(release.takes) == {"p1": ("train", "val")}


def test_cameras_are_told_by_metadata_not_by_names(tmp_path: Path) -> None:
    odd = take(cameras=(replace(EGO, id="gp01", device="gopro"), EGO, *exo_cameras(2)), best_exo="cam09")
    write_release(tmp_path, [NewTake(odd, "train")])
    found = read_takes(tmp_path / "takes.json")[0]
    assert {camera.id for camera in found.cameras} == {"aria01", "gp01", "cam01", "cam02"}, "no collage, no best_exo"
    assert found.ego is not None and found.ego.id == "aria01"
    camera, labelled = found.exo()
    assert camera is not None and camera.id == "cam01" and not labelled
    assert found.exo(fallback=None) == (None, False)
    assert take().exo()[0] == exo_cameras(3)[2] and take().exo()[1]


def test_task_times_may_be_missing() -> None:
    assert (take().start_s, take().end_s) == (1.5, 40.0)
    assert take(task_start_s=None, task_end_s=31.0).start_s == 0.0


def test_the_smaller_copy_of_a_video_comes_first(release: Release, tmp_path: Path) -> None:
    one, camera = release.by_name["site_u1"], release.by_uid["u1"].ego
    assert camera is not None and release.video(one, camera) is None
    full = tmp_path / "takes" / "site_u1" / "frame_aligned_videos" / "aria01_214-1.mp4"
    small = full.parent / "downscaled" / "448" / full.name
    for path in (full, small):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        assert release.video(one, camera) == path


def test_poses_are_sparse_and_joints_unseen_are_absent(release: Release) -> None:
    found = release.body_poses(take())
    assert found is not None and release.body_poses(take("u2")) is None
    np.testing.assert_array_equal(found.positions, poses().positions)
    assert found.seen.sum() == 3 * 17 - 1 and found.views[1, 5] == 0
    grid = found.on_grid(12)
    assert np.flatnonzero(~np.isnan(grid[:, 0, 0])).tolist() == [2, 9, 10]
    filled = found.on_grid(12, longest_gap=6)
    assert np.flatnonzero(~np.isnan(filled[:, 0, 0])).tolist() == [*range(2, 11)]
    np.testing.assert_allclose(filled[2:10, 0], np.linspace(filled[2, 0], filled[9, 0], 8))
    assert np.isnan(filled[3, 5, 0]), "that gap is seven frames long"


def test_empty_frames_and_2d_points(tmp_path: Path) -> None:
    one = {"annotation3D": {}, "annotation2D": {"cam01": {"nose": {"x": 3, "y": 4, "placement": "manual"}}}}
    path = tmp_path / "pose.json"
    path.write_text(json.dumps({"30": [], "7": [one]}))
    found = read_body_poses(path)
    assert found.frames.tolist() == [7] and not found.seen.any()
    assert found.in_image["cam01"][0, 0].tolist() == [3, 4] and found.by_hand["cam01"][0, 0]
    path.write_text(json.dumps({"7": [{"annotation3D": {"tail": {"x": 0, "y": 0, "z": 0}}}]}))
    with pytest.raises(UserError, match="frame 7: joint 'tail'"):
        read_body_poses(path)
    assert JOINTS.index("left-hip") == 11


def test_fixed_and_moving_cameras(tmp_path: Path) -> None:
    still = np.hstack([np.eye(3), [[1.0], [2.0], [3.0]]]).tolist()
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"metadata": {"take_uid": "u"}, "cam01": {"camera_intrinsics": np.eye(3).tolist(), "camera_extrinsics": still},
                                "aria01": {"camera_extrinsics": {"12": still}}}))  # fmt: skip
    cameras = read_camera_poses(path)
    assert not cameras["cam01"].moves and cameras["aria01"].moves
    np.testing.assert_allclose(cameras["cam01"].centre(5), [-1, -2, -3])
    assert cameras["aria01"].centre(5) is None and cameras["aria01"].world_to_camera(12) is not None
    path.write_text(json.dumps({"cam01": {"camera_extrinsics": [[1, 2]]}}))
    with pytest.raises(UserError, match="cam01: shape"):
        read_camera_poses(path)


def test_proficiency_with_and_without_its_wrapper(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    row = {"take_uid": "u", "proficiency_score": "Late Expert", "scenario_name": "Soccer", "origin_participant_id": 3}
    for value in ([row], {"annotations": [row]}):
        path.write_text(json.dumps(value))
        assert read_demonstrators(path)["u"].rank == 3 and read_demonstrators(path)["u"].participant == "3"
    path.write_text(json.dumps([{**row, "proficiency_score": "Expert"}]))
    with pytest.raises(UserError, match="entry 0: proficiency_score 'Expert'"):
        read_demonstrators(path)
    tips = {"take_uid": "u", "tips_for_improvement": [{"video_time": 4, "list": ["bend"], "expert_uid": "e"}],
            "good_executions": [{"video_time": 2.5, "list": ["calm ", ""]}]}  # fmt: skip
    path.write_text(json.dumps({"annotations": [tips]}))
    assert [(m.good, m.time_s, m.texts) for m in read_moments(path)] == [
        (True, 2.5, ("calm",)),
        (False, 4.0, ("bend",)),
    ]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [("takes.json", "{}", "holds a dict"), ("takes.json", "[1", "is not valid JSON"),
     ("takes.json", '[{"take_name": "n", "take_uid": "u"}]', r"take 0 \(n\): duration_sec is None"),
     ("annotations/splits.json", '{"take_uid_to_split": {"u": "dev"}}', "split 'dev'"),
     ("annotations/expert_commentary_val.json", '{"annotations": {"u": 3}}', "u: not a list of entries")],
)  # fmt: skip
def test_damaged_files_are_named(release: Release, name: str, text: str, told: str) -> None:
    (release.root / name).write_text(text)
    with pytest.raises(UserError, match=told) as caught:
        _ = (release.takes, release.split_of, release.commentary)
    assert name.split("/")[-1] in str(caught.value)


def test_ratings_out_of_range_or_missing_are_counted(release: Release) -> None:
    folder = release.root / "annotations" / "expert_commentary" / "site_u1"
    for expert, about in (("x", {"rating": 11}), ("y", {}), ("z", {"rating": "6"})):
        (folder / expert).mkdir()
        (folder / expert / "data.json").write_text(json.dumps({"proficiency": about}))
    (folder / "w").mkdir()
    ratings, missing = release.ratings(take())
    assert [r.rating for r in ratings] == [7, 8.5, 6]
    assert missing == {"out_of_range": 1, "no_rating": 1, "no_file": 1}


def test_a_folder_without_takes_says_what_to_download(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="egoexo -o FOLDER"):
        open_release(tmp_path)
