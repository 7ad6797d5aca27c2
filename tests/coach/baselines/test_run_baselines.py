"""`qevd-bio run` with baselines: real frames, resume, failure rows, nothing paid twice."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.coach.vision.backbone import Backbone
from qevd_bio.coach.vision.feature_files import feature_paths
from qevd_bio.coach.vision.weights import released_names
from qevd_bio.motion.context import Issue, Motion, write_motion
from qevd_bio.scoring.pairing.predictions import read_predictions
from qevd_bio.store.hashing import hash_file
from qevd_bio.tables.motion import CONTEXTS
from qevd_bio.tables.workspace import Workspace
from tests.coach.conftest import Endpoint
from tests.coach.language_models import CHAT, save_language
from tests.coach.made_data import SPLIT, STARTS, ZERO, shown, write_videos

SERVER = Path(__file__).parents[2] / "language" / "protocol_server.py"
Frames = dict[str, tuple[int, bool]]
# QEVD, App. E.3: frames of each 5 s (InstructBLIP: the latest one), and whether those of earlier intervals stay.
PUBLISHED: Frames = {
    "instructblip": (1, False), "video-llava": (8, False), "video-llama": (8, False),
    "video-chatgpt": (20, True), "llava-next": (8, True), "llama-vid": (20, True),
}  # fmt: skip


def invoke(model: str, data: Path, workspace: Workspace, *more: str, out: str = "said") -> tuple[Result, Path]:
    path = workspace.root / f"{out}.jsonl"
    args = ["run", "--model", model, "--data", str(data), "--workspace", str(workspace.root), "--out", str(path)]
    return CliRunner().invoke(app, [*args, *more]), path


def asking(url: str) -> list[str]:
    return ["--llm-url", url, "--llm-model", "m"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_six_models_are_shown_the_published_frames(
    name: str, endpoint: Endpoint, workspace: Workspace, tmp_path: Path
) -> None:
    data = write_videos(tmp_path / "data")
    endpoint.answer = lambda body: f"{'Squat' if 'squats' in shown(body)[1] else 'Knees'} {len(shown(body)[0])}."
    result, out = invoke(f"zero-shot-{name}", data, workspace, *asking(endpoint.url))
    assert result.exit_code == 0, result.output
    count, kept = PUBLISHED[name]
    assert len(endpoint.asked) == 4  # two segments of 14.4 s: two turns each
    for start, exercise in zip(STARTS, ("squats", "high knees"), strict=True):
        turns = sorted((shown(body) for body in endpoint.asked if exercise in shown(body)[1]), key=lambda t: max(t[0]))
        for turn, (times, text) in enumerate(turns, 1):
            windows = range(1 if kept else turn, turn + 1)
            assert len(times) == count * len(windows)
            ends = [start + 5 * (w - 1) + 5 * (n + 1) / count for w in windows for n in range(count)]
            # The latest frame at each place; the next one comes 0.2 s later.
            assert all(-1e-6 < end - time < 0.2 - 1e-6 for time, end in zip(times, ends, strict=True))
            said = "(nothing)" if turn == 1 else f"{'Squat' if exercise == 'squats' else 'Knees'} {count}."
            assert f"over the last {5 * (turn - 1)} seconds:\n{said}\n" in text
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["segment"] for line in lines] == [0, 1]
    assert [f["time"] for f in lines[0]["feedbacks"]] == [5.0, 10.0] and lines[0]["timing"] == "corrected"
    assert lines[0]["system"] == f"zero-shot-{name}" and lines[0]["settings"]["llm"] == "m"
    assert len(read_predictions(out).segments) == 2
    before = out.read_bytes()
    assert "0 done, 2 kept" in invoke(f"zero-shot-{name}", data, workspace, *asking(endpoint.url))[0].output
    redone, out = invoke(f"zero-shot-{name}", data, workspace, *asking(endpoint.url), "--redo")
    assert "2 done" in redone.output and out.read_bytes() == before
    assert len(endpoint.asked) == 4  # every reply is kept: nothing is asked, and paid, again


def test_limit_only_and_retry_ask_no_more_than_they_must(
    endpoint: Endpoint, workspace: Workspace, tmp_path: Path
) -> None:
    data = write_videos(tmp_path / "data", ("0200", "0201", "0202"))
    (data / SPLIT / "long_range_videos" / "0202.mp4").write_bytes(b"no video")
    endpoint.answer = lambda body: None if "high knees" in shown(body)[1] and "Go!" in shown(body)[1] else "Go!"
    args = ("zero-shot-instructblip", data, workspace, *asking(endpoint.url))
    first, out = invoke(*args, "--limit", "1")
    assert first.exit_code == 0 and len(endpoint.asked) == 2 and len(out.read_text().splitlines()) == 1
    second, out = invoke(*args)
    assert second.exit_code == 2 and "1 done, 1 kept from before, 4 failed" in second.output
    assert "2 × turn_unanswered" in second.output
    assert [(s.video, s.segment) for s in read_predictions(out).segments] == [("0200", 0), ("0201", 0)]
    failures = (workspace.manifests / "run-said-failures.csv").read_text()
    assert "turn 2 of 2 got no reply (refused_request" in failures and "0202" in failures
    asked = len(endpoint.asked)
    assert invoke(*args)[0].exit_code == 2 and len(endpoint.asked) == asked  # failures wait for --retry-failed
    endpoint.answer = lambda body: "Knees up!"
    third, out = invoke(*args, "--retry-failed", "--only", "*/0201/*")
    assert third.exit_code == 0 and len(endpoint.asked) == asked + 1  # its first turn was answered before
    assert [(s.video, s.segment) for s in read_predictions(out).segments] == [("0200", 0), ("0201", 0), ("0201", 1)]


def test_results_of_other_settings_are_never_mixed(endpoint: Endpoint, workspace: Workspace, tmp_path: Path) -> None:
    data = write_videos(tmp_path / "data")
    args = ("zero-shot-instructblip", data, workspace, *asking(endpoint.url))
    assert invoke(*args)[0].exit_code == 0
    refused, _ = invoke(*args, "--temperature", "0.5")
    assert refused.exit_code == 2 and "made with other settings (seed: None then, 0 now; temperature" in refused.output
    _, out = invoke(*args, "--temperature", "0.5", "--redo", "--only", "*/0")
    assert [json.loads(line)["settings"]["temperature"] for line in out.read_text().splitlines()] == [0.5]


def motion_rows(segment: int, start: float) -> list[dict[str, object]]:
    issue = Issue("r", "knee flexion", "insufficient", 85.0, 90.0, "deg")
    rows = []
    for step in range(56):
        done = Motion(cycles=step // 12, last_s=3.0, score=0.9, issues=(issue,) if step >= 12 else ())
        rows.append({"split": SPLIT, "video": "0200", "segment": segment, "exercise": "squats", "step": step,
                     "time_s": start + 0.25 * (1 + step), "morph": "User body: height 1.80m.", "tokens": 9, "cycle": -1,
                     "pose_known": True, "motion": write_motion(done)})  # fmt: skip
    return rows


def test_baselines_without_a_model_resume_and_fail_by_segment(workspace: Workspace, tmp_path: Path) -> None:
    data = write_videos(tmp_path / "data")
    CONTEXTS.write(workspace.contexts(SPLIT, "0200"), motion_rows(0, STARTS[0]))
    result, out = invoke("copy-context", data, workspace)
    assert result.exit_code == 2 and "1 done, 0 kept from before, 1 failed" in result.output
    assert "contexts_missing" in (workspace.manifests / "run-said-failures.csv").read_text()
    (line,) = map(json.loads, out.read_text().splitlines())
    assert line["feedbacks"][0] == {
        "time": 3.25,
        "text": "Right knee flexion insufficient (85° detected, 90° required).",
    }
    CONTEXTS.write(workspace.contexts(SPLIT, "0200"), [*motion_rows(0, STARTS[0]), *motion_rows(1, STARTS[1])])
    again, out = invoke("copy-context", data, workspace)  # the input changed: nothing needs --retry-failed
    assert again.exit_code == 0 and len(out.read_text().splitlines()) == 2
    fixed, out = invoke("interval", data, workspace, "--limit", "1", out="interval")
    assert fixed.exit_code == 0 and len(out.read_text().splitlines()) == 1
    rules, _ = invoke("rules", data, workspace, out="rules")
    assert rules.exit_code == 2 and "2 × not_analysed" in rules.output
    assert not workspace.motion_parts(SPLIT, "0200").cycles.exists()


def test_the_interval_coach_speaks_to_the_end_of_a_plain_video(workspace: Workspace, tmp_path: Path) -> None:
    videos = write_videos(tmp_path / "data") / SPLIT / "long_range_videos"
    plain = tmp_path / "plain"
    plain.mkdir()
    (videos / "0200.mp4").rename(plain / "squats.mp4")
    result, out = invoke("interval", plain, workspace)
    assert result.exit_code == 0, result.output
    assert [f["time"] for f in json.loads(out.read_text())["feedbacks"]] == [5.0, 10.0, 15.0, 20.0, 25.0, 30.0]


def test_what_was_said_in_another_data_set_is_not_overwritten(workspace: Workspace, tmp_path: Path) -> None:
    data = write_videos(tmp_path / "data")
    _, out = invoke("interval", data, workspace)
    before = out.read_bytes()
    plain = tmp_path / "plain"
    plain.mkdir()
    (data / SPLIT / "long_range_videos" / "0200.mp4").rename(plain / "squats.mp4")
    other, _ = invoke("interval", plain, workspace)
    assert other.exit_code == 2 and f"{out}:1: holds what was said in {SPLIT}/0200/0" in other.output
    assert out.read_bytes() == before
    assert invoke("interval", plain, workspace, "--redo")[0].exit_code == 0
    assert [json.loads(line)["video"] for line in out.read_text().splitlines()] == ["squats"]
    out.write_text("my notes\n")
    noted, _ = invoke("interval", plain, workspace)
    assert noted.exit_code == 2 and "is no file of predictions" in noted.output and out.read_text() == "my notes\n"


def test_the_socratic_model_is_told_the_classes_of_the_vision_backbone(
    endpoint: Endpoint, workspace: Workspace, tmp_path: Path
) -> None:
    data = write_videos(tmp_path / "data")
    backbone = Backbone(3).initialise(0)
    with torch.no_grad():
        backbone.classifier.weight.zero_()
        backbone.classifier.weight[:3, :3] = 9 * torch.eye(3)
    weights = tmp_path / "cnn.pth"
    torch.save(released_names(backbone), weights)
    features = np.zeros((120, 1280, 7, 5), np.float32)
    features[:40, 0], features[40:, 1] = 3, 3  # squats - fast until 10 s, then squats - good form
    paths = feature_paths(workspace, SPLIT, "0200")
    paths.features.parent.mkdir(parents=True)
    np.save(paths.features, features)
    np.save(paths.times, ZERO + 0.25 * (1 + np.arange(120)))
    args = ("socratic", data, workspace, *asking(endpoint.url), "--limit", "1")
    no_labels, _ = invoke(*args, "--vision-weights", str(weights))
    assert no_labels.exit_code == 2 and "label2int.json: no such file" in no_labels.output.replace("\n", "")
    weights.with_name("label2int.json").write_text('{"squats - fast": 0, "squats - good form": 1, "plank": 2}')
    result, out = invoke(*args, "--vision-weights", str(weights))
    assert result.exit_code == 0, result.output
    first, second = (shown(body)[1] for body in endpoint.asked)
    latest = first.split("Latest user activity:")[1]
    assert [f"Timestep: {t}.00 – The user is doing squats: fast." in latest for t in range(1, 6)] == [True] * 5
    before, latest = second.split("Latest user activity:")
    assert "Timestep: 5.00 – The user is doing squats: fast." in before and "Reply 1." in before
    assert "Timestep: 9.00 – The user is doing squats: fast." in latest
    assert "Timestep: 10.00 – The user is doing squats: good form." in latest
    assert json.loads(out.read_text())["settings"]["baseline"] == "socratic"
    marker = workspace.manifests / "features" / SPLIT / "0200.json"
    marker.parent.mkdir(parents=True)
    marker.write_text(json.dumps({"settings": {"weights": "0" * 64}}))
    other, _ = invoke(*args, "--vision-weights", str(weights), "--redo", out="other")
    assert other.exit_code == 2 and "1 × other_weights" in other.output
    marker.write_text(json.dumps({"settings": {"weights": hash_file(weights)}}))
    assert invoke(*args, "--vision-weights", str(weights), "--retry-failed", out="other")[0].exit_code == 0


def test_a_killed_run_goes_on_and_pays_nothing_twice(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_videos(tmp_path / "data")
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = subprocess.Popen([sys.executable, str(SERVER), "--hold-after", "3"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        out = workspace.root / "said.jsonl"
        command = [sys.executable, "-m", "qevd_bio", "run", "--model", "zero-shot-video-llava", "--data", str(data),
                   "--workspace", str(workspace.root), "--out", str(out), *asking(url)]  # fmt: skip
        killed = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: stats(url)["held"] > 0 and kept_replies(workspace) == 3)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert not out.exists()
        assert stats(url)["answered"] == 3
        request(f"{url}/release", b"")
        result, out = invoke("zero-shot-video-llava", data, workspace, *asking(url))
        assert result.exit_code == 0, result.output
        assert stats(url)["answered"] == 4 and stats(url)["answered_twice"] == 0
        fresh = Workspace(tmp_path / "fresh")
        assert out.read_bytes() == invoke("zero-shot-video-llava", data, fresh, *asking(url))[1].read_bytes()
    finally:
        server.kill()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()


def kept_replies(workspace: Workspace) -> int:
    with closing(sqlite3.connect(workspace.path("runs", "replies.sqlite"))) as cache:
        return int(cache.execute("SELECT count(*) FROM replies").fetchone()[0])


def request(url: str, data: bytes | None = None) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, data=data), timeout=10) as reply:
        return bytes(reply.read())


def stats(url: str) -> dict[str, int]:
    return dict(json.loads(request(f"{url}/stats")))


def until(condition: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def test_a_language_model_that_is_run_here_answers_in_the_servers_place(workspace: Workspace, tmp_path: Path) -> None:
    save_language(tmp_path / "language", chat=CHAT, max_position_embeddings=2048)
    data = write_videos(tmp_path / "data")
    rows = [row for segment, start in enumerate(STARTS) for row in motion_rows(segment, start)]
    CONTEXTS.write(workspace.contexts(SPLIT, "0200"), rows)
    local = ("--llm-local", str(tmp_path / "language"))
    result, out = invoke("socratic-context", data, workspace, *local)
    assert result.exit_code == 0, result.output
    first, second = (json.loads(line) for line in out.read_text().splitlines())
    turns = len(first["feedbacks"]) + sum(first.get("silent_turns", {}).values())
    assert turns == 2 and len(second["settings"]["local"]) == 64
    assert read_predictions(out)
    again, _ = invoke("socratic-context", data, workspace, *local)
    assert "2 kept from before" in again.output
    missing, _ = invoke("socratic-context", data, workspace, "--llm-local", str(tmp_path / "none"), out="other")
    assert missing.exit_code == 2 and "no language model" in missing.output
