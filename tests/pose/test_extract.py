"""From videos to tables: angles follow the figure, runs resume, every option counts, every bad input has its row."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.pose.options import BACKENDS, ExtractOptions
from qevd_bio.pose.stage import extract, make_items, notes, warnings
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.store.errors import UserError
from qevd_bio.store.work import RunOptions, Summary
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.workspace import Workspace
from qevd_bio.video import probe, reader

pytestmark = pytest.mark.usefixtures("pose_model")
Videos = Callable[..., Path]
Frames = list[np.ndarray]


def run(data: Path, workspace: Workspace, options: ExtractOptions | None = None, **how: Any) -> Summary:
    return extract(open_dataset(data), workspace, options or ExtractOptions(), RunOptions(**how))


def test_angles_follow_the_figure(squat_clip: Path, videos: Videos, workspace: Workspace) -> None:
    summary = run(videos(squat=squat_clip), workspace)
    assert (summary.done, summary.failed) == (1, {})
    found = Kinematics.read(workspace.kinematics("videos", "squat"))
    truth = np.load(squat_clip.with_suffix(".npz"))["angles"][found.frame]
    for name in ("knee_angle_r", "knee_angle_l", "hip_flexion_r"):
        k = DOF_INDEX[name]
        error = np.rad2deg(np.abs(found.angles[:, k] - truth[:, k]))
        assert np.median(error) < 12, name
        assert np.corrcoef(found.angles[:, k], truth[:, k])[0, 1] > 0.9, name
    assert len(found) == len(truth) and (found.status == 0).all()
    assert found.body == {} and found.meta["backend"] == "blazepose" and len(found.meta["model_hash"]) == 64
    assert "mtp_angle_r" in found.meta["unobserved_dofs"] and "knee_angle_l" not in found.meta["unobserved_dofs"]
    assert found.meta["smoothing"]["cutoff_hz"] == pytest.approx(1.99, abs=0.01)


def test_same_bytes_again_and_in_another_process(
    jack_clip: Path, videos: Videos, tmp_path: Path, frames_of: Callable[[Path], Frames]
) -> None:
    data = videos(a=frames_of(jack_clip)[:15])
    places = [Workspace(tmp_path / name) for name in ("one", "two")]
    run(data, places[0])
    run(data, places[1], jobs=2)
    one, two = (place.kinematics("videos", "a").read_bytes() for place in places)
    assert one == two
    again = run(data, places[0])
    assert (again.done, again.kept) == (0, 1)


def short(clip: Path, frames_of: Callable[[Path], Frames], count: int) -> Frames:
    return frames_of(clip)[:count]


def test_bad_videos_become_failure_rows_and_the_rest_is_done(
    jack_clip: Path, videos: Videos, workspace: Workspace, frames_of: Callable[[Path], Frames], empty_room: Any
) -> None:
    whole = jack_clip.read_bytes()
    data = videos(
        good=short(jack_clip, frames_of, 12),
        cut=whole[: len(whole) // 2],
        empty=b"",
        text=b"this is no video\n" * 50,
        nobody=empty_room(6),
        single=short(jack_clip, frames_of, 1),
    )
    summary = run(data, workspace)
    reasons = {key.split("/")[1]: reason for key, (reason, _) in summary.failed.items()}
    assert reasons == {
        "cut": "video_unreadable",
        "empty": "video_empty",
        "text": "video_unreadable",
        "nobody": "no_person",
        "single": "too_few_frames",
    }
    assert summary.done == 1 and workspace.kinematics("videos", "good").is_file() and summary.exit_code == 2
    rows = (workspace.manifests / "extract-failures.csv").read_text()
    assert all(name in rows for name in reasons)
    kept = run(data, workspace)
    assert (kept.done, kept.kept, len(kept.failed)) == (0, 1, 5), "failures are kept too, until --retry-failed"


def test_a_missing_video_and_unsafe_paths_fail_alone(
    jack_clip: Path, tmp_path: Path, workspace: Workspace, frames_of: Callable[[Path], Frames]
) -> None:
    import json

    split = tmp_path / "QEVD-FIT-COACH"
    (split / "long_range_videos").mkdir(parents=True)
    write_mp4(split / "long_range_videos" / "0001.mp4", short(jack_clip, frames_of, 8))
    records = [
        {"long_range_video_file": f"{path}.mp4", "video_timestamps": f"{path}_timestamps.npy"}
        for path in ("./long_range_videos/0001", "./long_range_videos/0002", "../../etc/0003", "/etc/0004")
    ]
    (split / "feedbacks_long_range.json").write_text(json.dumps(records))
    summary = run(split, workspace)
    reasons = sorted(reason for reason, _ in summary.failed.values())
    assert summary.done == 1 and reasons == ["unsafe_path", "unsafe_path", "video_missing"]


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        (np.arange(5), "timestamps_too_short"),
        (np.array([0, 1, 3, 2, *range(4, 12)]), "timestamps_unusable"),
        (np.array([0, 1, 1, *range(3, 12)]), "timestamps_not_rising"),
        (None, "timestamps_unusable"),
    ],
)
def test_bad_timestamps(
    times: np.ndarray | None,
    reason: str,
    jack_clip: Path,
    tmp_path: Path,
    workspace: Workspace,
    frames_of: Callable[[Path], Frames],
) -> None:
    folder = tmp_path / "QEVD-FIT-COACH" / "long_range_videos"
    folder.mkdir(parents=True)
    write_mp4(folder / "0001.mp4", short(jack_clip, frames_of, 12))
    if times is None:
        (folder / "0001_timestamps.npy").write_text("no numpy")
    else:
        np.save(folder / "0001_timestamps.npy", (times * 33_333_333).astype(np.int64))
    summary = run(folder.parent, workspace)
    assert [found for found, _ in summary.failed.values()] == [reason]
    by_video = run(folder.parent, workspace, ExtractOptions(times="video"), redo=True)
    assert by_video.done == 1, "the video's own times do without the file"


def test_times_of_the_data_set_are_used(
    jack_clip: Path, tmp_path: Path, workspace: Workspace, frames_of: Callable[[Path], Frames]
) -> None:
    folder = tmp_path / "QEVD-FIT-COACH" / "long_range_videos"
    folder.mkdir(parents=True)
    write_mp4(folder / "0001.mp4", short(jack_clip, frames_of, 12))
    uneven = np.cumsum([0, *[30, 45, 20] * 4])[:12] / 1000
    np.save(folder / "0001_timestamps.npy", (1.6e18 + uneven * 1e9).astype(np.int64))
    run(folder.parent, workspace)
    found = Kinematics.read(workspace.kinematics("QEVD-FIT-COACH", "0001"))
    assert found.time_s == pytest.approx(uneven, abs=1e-6) and found.meta["times"] == "data set"
    assert "variable_frame_rate" not in str(found.meta["flags"])


def test_wrong_rotation_is_flagged_and_the_option_mends_it(
    squat_clip: Path, videos: Videos, tmp_path: Path, frames_of: Callable[[Path], Frames]
) -> None:
    lying = [np.ascontiguousarray(np.rot90(image)) for image in short(squat_clip, frames_of, 20)]
    data = videos(a=lying)
    flagged, mended = Workspace(tmp_path / "flagged"), Workspace(tmp_path / "mended")
    summary = run(data, flagged)
    if summary.done:  # the model may also find nobody who lies like this
        assert "lies_sideways" in summary.results["videos/a"]["flags"]
        assert any("rotation" in note for note in notes(summary))
    else:
        assert "--rotate" in summary.failed["videos/a"][1]
    upright = run(data, mended, ExtractOptions(rotate="90"))
    assert upright.results["videos/a"]["flags"] == [] and upright.results["videos/a"]["ok_share"] == 1.0


def test_sampling_and_mirror(
    jack_clip: Path, videos: Videos, tmp_path: Path, frames_of: Callable[[Path], Frames]
) -> None:
    data = videos(a=frames_of(jack_clip)[:15])

    def frames(name: str, **options: Any) -> Kinematics:
        place = Workspace(tmp_path / name)
        run(data, place, ExtractOptions(**options))
        return Kinematics.read(place.kinematics("videos", "a"))

    assert frames("third", every=3).frame.tolist() == [0, 3, 6, 9, 12]
    assert frames("ten", fps=10.0).fps == pytest.approx(10.0, rel=0.01)
    plain, mirrored = frames("plain"), frames("mirrored", mirrored=True)
    assert plain.meta["mirrored"] is False and mirrored.meta["mirrored"] is True
    a, b = np.nanmean(plain.landmarks[:, 11:13, 0], axis=0), np.nanmean(mirrored.landmarks[:, 11:13, 0], axis=0)
    width = plain.meta["source"]["image_size"][0]
    assert b[::-1] == pytest.approx(width - a, abs=0.05 * width), "left and right change sides"


OTHER: dict[str, Any] = {
    "backend": "files", "pose_model": "lite", "runtime": "litert", "device": "GPU", "min_confidence": 0.7, "fps": 10.0, "every": 2,
    "smoothing": "paper", "smoothing_frames": 1.0, "max_hold_s": 0.1, "min_pose_confidence": 0.5, "stature_m": 1.8, "sex": "female",
    "people": Path("p.csv"), "mesh": Path("m.npz"), "rotate": "90", "mirrored": True, "times": "video", "lengths": "participant", "fit": "combined", "lifter": Path("l.safetensors"),
    "source": Path("other"), "source_fps": 25.0, "unit": "degrees", "spine": "lumbar", "camera_pitch_deg": 5.0, "camera_roll_deg": 3.0,
    "person": "2", "image_size": "640x480", "strict_times": True, "hsmr_root": Path("other"), "hsmr_python": Path("python"),
    "body_model": Path("b.npz"), "camera_height_m": 1.1,
}  # fmt: skip


@pytest.mark.parametrize("name", [f.name for f in fields(ExtractOptions)])
def test_every_option_is_in_the_fingerprint_where_it_counts(name: str) -> None:
    changed = [b for b in BACKENDS if (base := ExtractOptions(backend=b)).settings() != replace(base, **{name: OTHER[name]}).settings()]  # fmt: skip
    assert changed, f"{name} changes results, so it must change the fingerprint of at least one backend"


def test_files_that_options_name_are_inputs_of_the_item(videos: Videos, workspace: Workspace, tmp_path: Path) -> None:
    people, mesh = tmp_path / "people.csv", tmp_path / "body.npz"
    people.write_text("video,stature_m\na,1.7\n")
    mesh.write_bytes(b"")
    recording = tmp_path / "recordings"
    recording.mkdir()
    (recording / "a.csv").write_text("knee_angle_r\n1\n")
    data = open_dataset(videos(a=b"x"))
    options = ExtractOptions(people=people, mesh=mesh, backend="files", source=recording)
    (item,) = make_items(data, workspace, options)
    assert {path.name for path in item.inputs} == {"a.mp4", "a.csv", "people.csv", "body.npz"}


def test_other_settings_are_refused_until_redo(
    jack_clip: Path, videos: Videos, workspace: Workspace, frames_of: Callable[[Path], Frames]
) -> None:
    data = videos(a=frames_of(jack_clip)[:10])
    run(data, workspace)
    with pytest.raises(UserError, match="made with other settings"):
        run(data, workspace, ExtractOptions(smoothing_frames=0.0))
    assert run(data, workspace, ExtractOptions(smoothing_frames=0.0), redo=True).done == 1
    found = Kinematics.read(workspace.kinematics("videos", "a"))
    assert np.allclose(found.angles, found.raw, atol=1e-6), "without smoothing, angles are the raw ones"


def test_recordings_on_their_own(tmp_path: Path, workspace: Workspace) -> None:
    source = tmp_path / "recordings"
    source.mkdir()
    rows = "\n".join(f"{k / 50},{10 + k}" for k in range(40))
    (source / "walk.csv").write_text(f"time_s,knee_angle_r_deg\n{rows}\n")
    (source / "bad.csv").write_text("time_s,knee\n0,1\n")
    summary = extract(None, workspace, ExtractOptions(backend="files", source=source))
    assert summary.done == 1 and summary.failed["videos/bad"][0] == "bad_input"
    found = Kinematics.read(workspace.kinematics("videos", "walk"))
    assert found.fps == pytest.approx(50) and found.landmarks is None
    assert np.rad2deg(found.raw[:, DOF_INDEX["knee_angle_r"]]) == pytest.approx(10 + np.arange(40), abs=1e-3)
    assert found.meta["unobserved_dofs"] == [n for n in DOF_NAMES if n != "knee_angle_r"]


def test_recording_of_a_video_must_have_its_frames(
    jack_clip: Path, videos: Videos, tmp_path: Path, workspace: Workspace
) -> None:
    source = tmp_path / "recordings"
    source.mkdir()
    (source / "a.csv").write_text("knee_angle_r_deg\n" + "1\n" * 35)
    options = ExtractOptions(backend="files", source=source)
    summary = run(videos(a=jack_clip, b=jack_clip), workspace, options)
    assert {k: r for k, (r, _) in summary.failed.items()} == {
        "videos/a": "frame_count",
        "videos/b": "recording_missing",
    }
    fixed = run(videos(), workspace, replace(options, times="rate", source_fps=20.0), redo=True, only=("a",))
    assert fixed.done == 1
    assert Kinematics.read(workspace.kinematics("videos", "a")).fps == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ExtractOptions(fps=10.0, every=2), "both thin out"),
        (ExtractOptions(pose_model=Path("none.task")), "no such file"),
        (ExtractOptions(people=Path("none.csv")), "no such file"),
        (ExtractOptions(backend="files"), "--source FOLDER"),
        (ExtractOptions(backend="files", source=Path("nowhere")), "no such file or folder"),
        (ExtractOptions(backend="hsmr"), "non-commercial research only"),
        (ExtractOptions(backend="hsmr", hsmr_root=Path("nowhere")), "no exp/run_demo.py here"),
        (ExtractOptions(stature_m=175.0), "height of 175 m"),
    ],
)
def test_options_that_cannot_work(options: ExtractOptions, message: str, videos: Videos, workspace: Workspace) -> None:
    with pytest.raises(UserError, match=message):
        run(videos(a=b"x"), workspace, options)


def test_no_data(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="no data set named"):
        extract(None, workspace, ExtractOptions())


def test_every_flag_of_the_video_reader_is_told() -> None:
    source = (Path(reader.__file__).read_text(encoding="utf-8"), Path(probe.__file__).read_text(encoding="utf-8"))
    flags = {name for text in source for name in re.findall(r'flags\.append\("?(\w+)"', text)}
    flags |= {"timestamps_longer", "timestamps_shorter", "odd_rotation", "truncated"}
    assert {"damaged_frames", "frames_lost", "timestamps_repeated"} <= flags
    assert all(warnings([{"kind": flag}]) for flag in flags)
