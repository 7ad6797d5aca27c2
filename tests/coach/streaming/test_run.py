"""`qevd-bio run` on a small data set: predictions that can be scored, resume, faults of single segments."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.coach.options import ContextsRead, GenerateOptions
from qevd_bio.coach.segments.contexts import NOTHING
from qevd_bio.coach.segments.data import SegmentInput, SegmentSource, sources
from qevd_bio.coach.segments.joints import select_joints
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.coach.streaming.stage import MadeBy, run_segments
from qevd_bio.coach.vision.feature_files import FeatureShape, feature_paths
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.motion.salient import salient_joints
from qevd_bio.scoring.pairing.predictions import read_predictions
from qevd_bio.store.errors import UserError
from qevd_bio.store.work import RunOptions
from qevd_bio.tables.motion import CONTEXTS
from qevd_bio.tables.workspace import Workspace
from tests.coach.conftest import SPLIT, MakeCoach


def chosen(data: Path, workspace: Workspace) -> list[SegmentSource]:
    return sources(
        open_dataset(data), workspace, FeatureShape("3d-cnn", 32, 6), reads=ContextsRead("measured", "measured")
    )


def test_segments_get_what_is_known_at_each_step(data: Path, workspace: Workspace) -> None:
    found = chosen(data, workspace)
    assert [source.segment.key for source in found] == [f"{SPLIT}/{v}/{s}" for v in ("0200", "0201") for s in (0, 1)]
    made = found[0].load()
    assert len(made.features) == 34 and made.features.shape[1:] == (6, 32)  # 0.2 s < t <= 8.5 s
    assert made.times[0] == pytest.approx(0.05, abs=1e-5)
    assert "squats" in made.prompt and "The user should be doing squats." in made.prompt
    assert made.motion[:3] == [NOTHING] * 3 and "knee 0°" in made.motion[3] and "knee 4°" in made.motion[7]


def test_run_writes_predictions_that_can_be_read(data: Path, workspace: Workspace, model: Path) -> None:
    out = workspace.root / "run.jsonl"
    args = ["run", "--model", str(model), "--data", str(data), "--workspace", str(workspace.root), "--out", str(out),
            "--timing", "corrected", "--max-tokens", "5"]  # fmt: skip
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    read = read_predictions(out)
    assert [(s.video, s.segment, s.timing) for s in read.segments] == [
        (video, segment, "corrected") for video in ("0200", "0201") for segment in (0, 1)
    ]
    line = json.loads(out.read_text().splitlines()[0])
    assert line["system"] == "tiny" and line["settings"]["context"] == "fast" and len(line["settings"]["weights"]) == 64
    first = out.read_bytes()
    again = CliRunner().invoke(app, [*args, "--rows", "1"])
    assert "0 done, 4 kept" in again.output and out.read_bytes() == first
    redone = CliRunner().invoke(app, [*args, "--rows", "1", "--redo"])
    assert "4 done" in redone.output and out.read_bytes() == first
    assert CliRunner().invoke(app, [*args, "--temperature", "1"]).exit_code == 2  # other settings are refused


def test_a_run_that_was_ended_goes_on(data: Path, workspace: Workspace, make_coach: MakeCoach) -> None:
    coach, streamed = make_coach(seed=1), []
    options = GenerateOptions(timing="corrected", max_tokens=5, rows=2)

    def stream(segments: Iterator[SegmentInput]) -> Iterator[object]:
        def noted() -> Iterator[SegmentInput]:
            for segment in segments:
                streamed.append(segment.key)
                yield segment

        return Streamer(coach, options).run(noted())

    system, out = MadeBy("x", "corrected", {}), workspace.root / "r.jsonl"
    found = chosen(data, workspace)
    run_segments(found, workspace, out, system, stream, RunOptions(only=("*/0200/1",)))  # type: ignore[arg-type]
    assert out.read_text().count("\n") == 1
    streamed.clear()
    summary = run_segments(found, workspace, out, system, stream)  # type: ignore[arg-type]
    assert (summary.done, summary.kept) == (3, 1)
    assert sorted(streamed) == [f"{SPLIT}/0200/0", f"{SPLIT}/0201/0", f"{SPLIT}/0201/1"]
    assert [s.segment for s in read_predictions(out).segments] == [0, 1, 0, 1]


def test_a_segment_without_features_or_contexts_fails_alone(data: Path, workspace: Workspace, model: Path) -> None:
    feature_paths(workspace, SPLIT, "0200").features.unlink()
    rows = [row for row in CONTEXTS.read_rows(workspace.contexts(SPLIT, "0201")) if row["segment"] == 0]
    CONTEXTS.write(workspace.contexts(SPLIT, "0201"), rows)
    out = workspace.root / "run.jsonl"
    result = CliRunner().invoke(app, ["run", "--model", str(model), "--data", str(data), "--workspace",
                                      str(workspace.root), "--out", str(out), "--timing", "corrected"])  # fmt: skip
    assert result.exit_code == 2
    assert "1 done" in result.output and "3 failed" in result.output
    failures = (workspace.manifests / "run-run-failures.csv").read_text()
    assert failures.count("bad_input") == 2 and "no such file" in failures and "contexts_missing" in failures
    assert [(s.video, s.segment) for s in read_predictions(out).segments] == [("0201", 0)]


def test_models_that_cannot_run_are_explained(data: Path, tmp_path: Path) -> None:
    from qevd_bio.coach.model.loading import open_coach

    known = r"no model 'nothing'[\s\S]*a preset \(biocoach-7b, biocoach-small, llama-vid, stream-vlm-7b, tiny"
    with pytest.raises(UserError, match=known):
        open_coach("nothing")
    with pytest.raises(UserError, match="no checkpoint of a coach here"):
        open_coach(str(tmp_path))


def test_the_selector_chooses_joints_for_analyze(
    data: Path, workspace: Workspace, make_coach: MakeCoach, tmp_path: Path
) -> None:
    coach = make_coach(seed=1)
    with pytest.raises(UserError, match=r"not trained[\s\S]*qevd-bio train selector"):
        select_joints(chosen(data, workspace), coach, workspace.selected_joints, tmp_path)
    coach.about["selector"] = "trained"
    feature_paths(workspace, SPLIT, "0201").features.unlink()
    assert select_joints(chosen(data, workspace), coach, workspace.selected_joints, tmp_path) == (2, 2)
    selected = salient_joints(workspace, "selector").rows
    assert set(selected) == {(SPLIT, "0200", 0), (SPLIT, "0200", 1)}
    assert all(len(row.joints) == 12 for row in selected.values())
    # J* is known when the first three seconds of the segment were seen.
    begun = {source.segment.index: source.segment.start_s for source in chosen(data, workspace)}
    for (_, _, segment), row in selected.items():
        assert len(set(row.since.values())) == 1
        assert row.since[row.joints[0]] == pytest.approx(begun[segment] + 3.0, abs=0.25)
    with pytest.raises(UserError, match="has no joint selector"):
        select_joints([], make_coach("stream-vlm"), workspace.selected_joints, tmp_path)


def test_a_killed_run_keeps_what_is_finished(data: Path, workspace: Workspace, model: Path, tmp_path: Path) -> None:
    def args(place: Workspace) -> list[str]:
        return ["run", "--model", str(model), "--data", str(data), "--workspace", str(place.root), "--rows", "1",
                "--out", str(place.root / "run.jsonl"), "--timing", "corrected", "--max-tokens", "40"]  # fmt: skip

    process = subprocess.Popen(
        [sys.executable, "-m", "qevd_bio", *args(workspace)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    parts, end = workspace.path("runs", "run"), time.monotonic() + 120
    while not list(parts.glob("*/*.json")) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors
    assert not (workspace.root / "run.jsonl").exists()
    markers = len(list((workspace.manifests / "run-run").rglob("*.json")))
    result = CliRunner().invoke(app, args(workspace))
    assert result.exit_code == 0, result.output
    assert f"{4 - markers} done, {markers} kept from before" in result.output and markers < 4
    fresh = Workspace(tmp_path / "fresh")
    shutil.copytree(workspace.root / "features", fresh.root / "features")
    shutil.copytree(workspace.motion, fresh.motion)
    assert CliRunner().invoke(app, args(fresh)).exit_code == 0
    assert (workspace.root / "run.jsonl").read_bytes() == (fresh.root / "run.jsonl").read_bytes()
