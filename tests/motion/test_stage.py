"""`qevd-bio analyze` on files: tables, resume, and what is wrong with the input, each by its name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.motion.context import parse_morph, parse_motion
from qevd_bio.motion.frames import Frames
from qevd_bio.motion.options import SALIENT as SALIENT_SOURCES
from qevd_bio.motion.options import MotionOptions
from qevd_bio.motion.salient import salient_joints
from qevd_bio.motion.stage import analyze
from qevd_bio.store.columns import Column, Table
from qevd_bio.store.errors import UserError
from qevd_bio.store.work import RunOptions
from qevd_bio.tables.annotations import SALIENT, SalientRow
from qevd_bio.tables.kinematics import HELD, MISSING, Kinematics
from qevd_bio.tables.motion import CONTEXTS, CYCLES, MOTION_SEGMENTS
from qevd_bio.tables.segments import SEGMENTS
from qevd_bio.tables.verdicts import VERDICTS
from qevd_bio.tables.workspace import Workspace
from tests.motion.conftest import MakeFrames

SPLIT = "QEVD-FIT-COACH"
SQUATS = MotionOptions(exercise="squats")


def kinematics(frames: Frames, video: str, split: str = SPLIT, backend: str = "blazepose") -> Kinematics:
    count = len(frames)
    return Kinematics(
        split=split,
        video=video,
        fps=30.0,
        frame=frames.frame,
        time_s=frames.time_s,
        angles=frames.angles.astype(np.float32),
        raw=frames.angles.astype(np.float32),
        observed=frames.observed,
        confidence=np.full(count, 0.9, np.float32),
        status=frames.status,
        root=np.full((count, 3), np.nan, np.float32),
        body={"height": {"value": 1.78, "unit": "m", "sd": 0.0, "method": "entered", "source": "test"}},
        meta={"backend": backend, "view": {"heading_deg": 80.0}},
    )


def put(workspace: Workspace, frames: Frames, video: str = "0001", **more: str) -> Path:
    path = workspace.kinematics(SPLIT, video)
    kinematics(frames, video, **more).write(path)
    return path


def put_segments(workspace: Workspace, rows: list[tuple[str, int, str | None, str, float, float]]) -> None:
    SEGMENTS.write(
        workspace.segments,
        [
            {
                "split": SPLIT,
                "video": video,
                "segment": segment,
                "exercise": exercise,
                "exercise_written": written,
                "start_s": start,
                "end_s": end,
                "feedbacks": 0,
            }
            for video, segment, exercise, written, start, end in rows
        ],
    )


def statuses(workspace: Workspace) -> list[tuple[str, int, str]]:
    rows = MOTION_SEGMENTS.read_rows(workspace.motion_segments)
    return [(row["video"], row["segment"], row["status"]) for row in rows]


def test_tables_of_a_video_with_two_segments(workspace: Workspace, make_frames: MakeFrames) -> None:
    one, two = make_frames("squats", reps=4), make_frames("push_ups", reps=3)
    angles = np.concatenate([one.angles, two.angles])
    count = len(angles)
    frames = replace(
        one,
        frame=np.arange(count, dtype=np.int32),
        time_s=np.arange(count) / 30.0,
        angles=angles,
        observed=np.ones(angles.shape, bool),
        status=np.zeros(count, np.uint8),
    )
    put(workspace, frames)
    middle = len(one) / 30.0
    put_segments(
        workspace,
        [("0001", 0, "squats", "squats", 0.0, middle), ("0001", 2, "push_ups", "pushups", middle, count / 30)],
    )
    summary, written = analyze(workspace, MotionOptions())
    assert (summary.done, summary.failed) == (1, {})
    cycles = CYCLES.read_rows(workspace.cycles)
    assert [(c["segment"], c["exercise"], c["cycle"]) for c in cycles] == [
        (0, "squats", 0), (0, "squats", 1), (0, "squats", 2), (0, "squats", 3),
        (2, "push_ups", 0), (2, "push_ups", 1), (2, "push_ups", 2),
    ]  # fmt: skip
    assert all(c["start_s"] > middle for c in cycles if c["segment"] == 2)
    assert sum(c["best"] for c in cycles) == 2 and {c["salient_source"] for c in cycles} == {"exercise"}
    assert all(json.loads(c["keys"])["bottom"] == pytest.approx(c["key_s"], abs=0.2) for c in cycles)
    verdicts = VERDICTS.read_rows(workspace.verdicts)
    assert len(verdicts) == written.verdicts == len({v["id"] for v in verdicts})
    for verdict in verdicts:
        assert (verdict["value"] is None) == (verdict["verdict"] == "not_judged") == (verdict["reason"] is not None)
        assert verdict["start_s"] - 0.05 <= verdict["at_s"] <= verdict["end_s"] + 0.05
        assert verdict["at_frame"] == pytest.approx(verdict["at_s"] * 30, abs=0.5)
    contexts = CONTEXTS.read_rows(workspace.contexts(SPLIT, "0001"))
    assert len(contexts) == pytest.approx(count / 30 * 4, abs=3)
    assert {parse_morph(c["morph"]).body[0].value for c in contexts} == {1.78}
    assert max(parse_motion(c["motion"]).cycles for c in contexts) >= 3
    assert {c["tokens"] > 0 for c in contexts} == {True}


def test_the_same_run_again_keeps_and_other_settings_are_refused(workspace: Workspace, make_frames: MakeFrames) -> None:
    put(workspace, make_frames("squats"))
    analyze(workspace, SQUATS)
    before = workspace.cycles.read_bytes()
    again, _ = analyze(workspace, SQUATS)
    assert (again.done, again.kept) == (0, 1) and workspace.cycles.read_bytes() == before
    with pytest.raises(UserError, match="other settings"):
        analyze(workspace, replace(SQUATS, salient="all"))
    put(workspace, make_frames("squats", reps=2))
    changed, _ = analyze(workspace, SQUATS)
    assert changed.done == 1
    assert len(CYCLES.read_rows(workspace.cycles)) == 2


def test_a_bad_video_does_not_cost_the_good_ones(workspace: Workspace, make_frames: MakeFrames) -> None:
    good = make_frames("squats")
    put(workspace, good, "0001")
    kinematics(good, "9999").write(workspace.kinematics(SPLIT, "0002"))
    put(workspace, good.part(0, 9), "0003")
    put(workspace, replace(good, status=np.full(len(good), HELD, np.uint8)), "0004")
    lost = replace(good, status=np.full(len(good), MISSING, np.uint8), angles=np.full_like(good.angles, np.nan))
    put(workspace, lost, "0005")
    workspace.kinematics(SPLIT, "0006").write_bytes(b"no Parquet")
    Table("kinematics", 99, (Column("frame", "int32"),)).write(workspace.kinematics(SPLIT, "0007"), {"frame": [1]})
    summary, _ = analyze(workspace, SQUATS)
    assert summary.done == 1
    reasons = {key.rsplit("/", 1)[-1]: reason for key, (reason, _) in summary.failed.items()}
    details = {key.rsplit("/", 1)[-1]: detail for key, (_, detail) in summary.failed.items()}
    assert {k: reasons[k] for k in ("0002", "0003", "0004", "0005")} == {
        "0002": "other_video", "0003": "too_few_frames", "0004": "no_pose", "0005": "no_pose",
    }  # fmt: skip
    assert "QEVD-FIT-COACH/9999" in details["0002"] and "10 frames" in details["0003"]
    assert "Parquet" in details["0006"] and "version 99" in details["0007"]
    assert statuses(workspace) == [("0001", 0, "ok")]
    assert len(CYCLES.read_rows(workspace.cycles)) == 5


def test_nan_and_gaps_lose_only_what_they_hide(workspace: Workspace, make_frames: MakeFrames) -> None:
    frames = make_frames("squats", reps=6)
    frames.angles[100:103] = np.nan
    status = frames.status.copy()
    status[300:340] = MISSING
    put(workspace, replace(frames, status=status))
    analyze(workspace, SQUATS)
    cycles = CYCLES.read_rows(workspace.cycles)
    assert 5 <= len(cycles) <= 7
    assert all(c["confidence"] <= 0.9 + 1e-6 for c in cycles)


def test_unknown_exercises_are_named_with_the_closest(workspace: Workspace, make_frames: MakeFrames) -> None:
    put(workspace, make_frames("squats"))
    with pytest.raises(UserError, match="unknown exercise 'sqats'") as error:
        analyze(workspace, replace(SQUATS, exercise="sqats"))
    assert "squats" in str(error.value)
    put_segments(
        workspace,
        [("0001", 0, None, "jumping jaks", 0.0, 5.0), ("0001", 1, "squats", "squats", 5.0, 99.0)],
    )
    summary, _ = analyze(workspace, MotionOptions())
    assert summary.failed == {}
    assert statuses(workspace) == [("0001", 0, "unknown_exercise"), ("0001", 1, "ok")]
    rows = MOTION_SEGMENTS.read_rows(workspace.motion_segments)
    assert "jumping jacks" in rows[0]["detail"]


def test_a_video_without_segment_says_what_to_do(workspace: Workspace, make_frames: MakeFrames) -> None:
    put(workspace, make_frames("squats"))
    summary, _ = analyze(workspace, MotionOptions())
    [(reason, detail)] = summary.failed.values()
    assert reason == "no_segment" and "--exercise" in detail
    assert CYCLES.read(workspace.cycles).num_rows == 0


def test_no_kinematics_is_one_clear_error(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="no kinematics"):
        analyze(workspace, SQUATS)


def test_a_reference_of_the_wrong_shape_fails_its_videos_by_name(workspace: Workspace, make_frames: MakeFrames) -> None:
    put(workspace, make_frames("squats"))
    folder = workspace.user_refs / "trajectories"
    folder.mkdir(parents=True)
    np.save(folder / "squats.npy", np.zeros((50, 45)))
    summary, _ = analyze(workspace, SQUATS)
    [(_, detail)] = summary.failed.values()
    assert "squats.npy" in detail and "(50, 45)" in detail


def test_an_own_exercise_without_reference_is_judged_without_score(
    workspace: Workspace, make_frames: MakeFrames
) -> None:
    from qevd_bio.store.resources import refs_path

    put(workspace, make_frames("squats"))
    folder = workspace.user_refs / "exercises"
    folder.mkdir(parents=True)
    rules = refs_path("exercises", "squats.yaml").read_text()
    head, _, rest = rules.partition("\nsection:")
    rules = f"id: my_squats\nname: my squats\naliases: []\nsection:{rest}"
    assert "squats" in head
    (folder / "my_squats.yaml").write_text(rules.partition("\nreference:")[0] + "\n")
    summary, _ = analyze(workspace, MotionOptions(exercise="my squats"))
    assert summary.failed == {}
    cycles = CYCLES.read_rows(workspace.cycles)
    assert len(cycles) == 5 and {c["score"] for c in cycles} == {None} and not any(c["best"] for c in cycles)


def test_salient_joints_come_from_the_source_that_is_named(workspace: Workspace, make_frames: MakeFrames) -> None:
    put(workspace, make_frames("squats"))
    row = SalientRow(
        split=SPLIT,
        video="0001",
        segment=0,
        status="ok",
        method="vlm",
        review_state="accepted",
        joints=["knee_l", "head"],
    )
    by_selector = replace(SQUATS, salient="selector")
    with pytest.raises(UserError, match=r"no joints were selected[\s\S]*--model"):
        analyze(workspace, by_selector)
    SALIENT.save(workspace.selected_joints, [replace(row, method="selector")])
    SALIENT.save(workspace.annotation("salient"), [replace(row, joints=["thorax", "hip_r"])])
    found = {}
    for source in SALIENT_SOURCES:
        place = workspace.seen_as("" if source == "annotated" else source)
        if source == "selector":
            SALIENT.save(place.selected_joints, [replace(row, method="selector")])
        analyze(place, replace(SQUATS, salient=source))
        tables = (CYCLES.read_rows(place.cycles), MOTION_SEGMENTS.read_rows(place.motion_segments))
        rows = [r for table in tables for r in table]
        assert {r["salient_source"] for r in CONTEXTS.read_rows(place.contexts(SPLIT, "0001"))} == {source}
        assert VERDICTS.read_metadata(place.verdicts)["metadata"]["salient"] == source
        ((found[source], told),) = {(tuple(r["salient"]), r["salient_source"]) for r in rows}
        assert told == source
    assert found["annotated"] == ("hip_r", "thorax") and found["selector"] == ("knee_l", "head")
    assert found["all"] == JOINT_NAMES and "knee_r" in found["exercise"]
    SALIENT.save(workspace.annotation("salient"), [replace(row, method="selector")])
    assert not salient_joints(workspace, "annotated").rows  # what the selector chose is no annotation
    SALIENT.save(workspace.annotation("salient"), [replace(row, joints=["tail"])])
    with pytest.raises(UserError, match="unknown joint 'tail'"):
        analyze(workspace, SQUATS)
    rows = [replace(row, joints=["hip_r"]), replace(row, joints=["knee_r"])]
    SALIENT.save(workspace.annotation("salient"), rows)
    with pytest.raises(UserError, match=r"two annotations of segment .*/0001/0 name different joints"):
        analyze(workspace, SQUATS)


def test_a_recording_has_no_camera_and_no_widened_tolerance(workspace: Workspace, make_frames: MakeFrames) -> None:
    frames = make_frames("squats")
    path = workspace.kinematics(SPLIT, "0001")
    front = replace(kinematics(frames, "0001"), meta={"backend": "blazepose", "view": {"heading_deg": 3.0}})
    front.write(path)
    analyze(workspace, SQUATS)
    assert any(v["tolerance_widened"] for v in VERDICTS.read_rows(workspace.verdicts))
    replace(front, meta={"backend": "files", "view": {"heading_deg": 3.0}}).write(path)
    analyze(workspace, SQUATS)
    assert not any(v["tolerance_widened"] for v in VERDICTS.read_rows(workspace.verdicts))


def test_parts_are_merged_in_order_and_several_processes_give_the_same(
    workspace: Workspace, make_frames: MakeFrames, tmp_path: Path
) -> None:
    other = Workspace(tmp_path / "other")
    for number in (3, 1, 2):
        frames = make_frames("squats", reps=number + 1, seed=number)
        put(workspace, frames, f"000{number}")
        put(other, frames, f"000{number}")
    analyze(workspace, SQUATS)
    analyze(other, SQUATS, RunOptions(jobs=2))
    assert [c["video"] for c in CYCLES.read_rows(workspace.cycles)] == ["0001"] * 2 + ["0002"] * 3 + ["0003"] * 4
    assert workspace.cycles.read_bytes() == other.cycles.read_bytes()
    assert workspace.verdicts.read_bytes() == other.verdicts.read_bytes()


@pytest.mark.parametrize("name", ["opencap_squats1.mot", "subject4_squats1_ik.mot"])
def test_opensim_squats_go_the_same_way_without_video(name: str, shared: object, tmp_path: Path) -> None:
    source = shared("data", "kinematics", name)  # type: ignore[operator]
    from qevd_bio.cli.app import app

    run = CliRunner()
    place = ["--workspace", str(tmp_path / "ws")]
    done = run.invoke(app, ["extract", "--backend", "files", "--source", str(source), *place])
    assert done.exit_code == 0, done.output
    done = run.invoke(app, ["analyze", "--exercise", "squats", *place])
    assert done.exit_code == 0, done.output
    workspace = Workspace(tmp_path / "ws")
    cycles = CYCLES.read_rows(workspace.cycles)
    assert len(cycles) == 5
    assert all(1.0 < c["end_s"] - c["start_s"] < 3.5 for c in cycles)
    schema = pq.read_schema(workspace.cycles)
    assert schema.field("start_s").metadata[b"unit"] == b"s"


def test_naming_the_data_again_keeps_what_extract_knew(
    workspace: Workspace, make_frames: MakeFrames, tmp_path: Path
) -> None:
    from qevd_bio.cli.app import app

    put(workspace, make_frames("squats"))
    put_segments(workspace, [("0001", 0, "squats", "squats", 0.0, 99.0)])
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "0001.mp4").write_bytes(b"")
    before = workspace.segments.read_bytes()
    done = CliRunner().invoke(app, ["analyze", "--data", str(videos), "--workspace", str(workspace.root)])
    assert done.exit_code == 0, done.output
    assert "5 cycles in 1 segments" in done.output and workspace.segments.read_bytes() == before
