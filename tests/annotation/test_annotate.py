"""Salient joints: rules on known motion, a model over the wire, faults, kills, secrets."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.annotation import annotate_stage as stage
from qevd_bio.annotation.asking import Asking
from qevd_bio.annotation.evidence import expand
from qevd_bio.annotation.frames import spread
from qevd_bio.annotation.options import FrameOptions
from qevd_bio.annotation.salient import plain_joint, prompt, prompt_values, read_salient, standard_set
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.exercise.catalogue import get
from qevd_bio.language.cache import Cache, default_cache
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.reading import Unreadable
from qevd_bio.store.errors import StopRun
from qevd_bio.store.work import RunOptions
from qevd_bio.tables.annotations import SALIENT
from tests.annotation.conftest import kinematics_of, squat

FRAMES = FrameOptions(count=3, size=64, quality=70)


def asking(server, **more):
    return Asking(ClientOptions(url=server.url, model="m", **{"timeout_s": 10.0, **more}), say=str)


def rows_of(workspace, method=""):
    return SALIENT.read_rows(workspace.annotation("salient", method))


def test_good_squats_need_only_the_standard_set():
    assert expand(get("squats"), kinematics_of(squat(lean_deg=30))) == {}


def test_a_forward_lean_adds_the_thorax_and_says_by_how_much():
    found = expand(get("squats"), kinematics_of(squat(lean_deg=70)))
    bound = next(error for error in get("squats").errors if error.quantity == "trunk_lean_deg").bounds[1]
    assert f"(over {bound:g}°)" in found["thorax"].reason and "trunk lean 6" in found["thorax"].reason


def test_a_joint_that_should_be_still_and_moves_is_added():
    found = expand(get("squats"), kinematics_of(squat(lean_deg=30, wobble_deg=20)))
    assert found["head"].reason.startswith("moves by 1")


def test_a_set_grows_when_a_fault_is_seen_and_knows_nothing_of_later_ones():
    good, leaning = squat(lean_deg=30), squat(lean_deg=70)
    both = np.concatenate([good, leaning])
    found = expand(get("squats"), kinematics_of(both))
    begun = len(good) / 30
    assert begun < found["thorax"].since_s < begun + 8
    for cut in (len(good), len(good) + 60, len(both)):
        early = expand(get("squats"), kinematics_of(both[:cut]))
        known = {joint for joint, seen in found.items() if seen.since_s <= (cut - 1) / 30 - 1}
        assert known <= set(early) <= set(found)


def test_what_is_not_observed_or_too_short_is_no_evidence():
    assert expand(get("squats"), kinematics_of(squat(lean_deg=70), observed=False)) == {}
    assert expand(get("squats"), kinematics_of(squat(lean_deg=70)[:20])) == {}
    angles = squat(lean_deg=70)
    angles[:] = np.nan
    assert expand(get("squats"), kinematics_of(angles)) == {}


def test_rules_write_the_table_with_standard_and_expansions(workspace, clips):
    path = workspace.kinematics("videos", "c00")
    kinematics_of(squat(lean_deg=70)).write(path)
    data = open_dataset(clips, exercise="squats")
    summary, _ = stage.annotate(data, workspace, "rules", FRAMES, RunOptions())
    assert (summary.done, summary.failed) == (24, {})
    rows = rows_of(workspace)
    assert rows[0]["joints"] != rows[0]["standard"] == list(standard_set(get("squats")))
    assert "thorax" in json.loads(rows[0]["expansions"])
    assert rows[1]["joints"] == rows[1]["standard"]
    for row in rows:
        assert [joint for joint, bit in zip(JOINT_NAMES, row["vector"], strict=True) if bit] == row["joints"]


def test_an_unknown_exercise_is_a_failure_row(workspace, clips):
    summary, _ = stage.annotate(open_dataset(clips), workspace, "rules", FRAMES, RunOptions(limit=2))
    assert [reason for reason, _ in summary.failed.values()] == ["unknown_exercise"] * 2
    assert [(row["status"], row["reason"], row["vector"]) for row in rows_of(workspace)] == [
        ("failed", "unknown_exercise", None)
    ] * 2


def test_the_prompt_names_what_the_model_must_know():
    values = prompt_values(get("squats"), "left", 8, 30.0)
    text = " ".join(part for message in prompt().fill(values) for part in message.parts)
    assert all(joint in text for joint in JOINT_NAMES)
    assert "squats (left side)" in text and "the person exercising, not of the picture" in text


def test_frames_are_spread_evenly_and_never_doubled():
    times = np.arange(100) / 10
    assert spread(times, 0, 9.9, 4) == [12, 37, 62, 87]
    assert spread(times, 2.0, 2.2, 8) == [20, 21, 22]
    assert spread(times, 50, 60, 4) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"joints": 7}', "wrong_types"),
        ('{"joints": []}', "no_joints"),
        ('{"joints": ["left_wing"]}', "unknown_joints"),
        ('{"joints": ["head"], "reasons": {}}', "missing_reason"),
        ('{"joints": ["knee_r"], "reasons": [1]}', "wrong_types"),
        ("{'joints': ", "cut_off"),
    ],
)
def test_each_reply_that_cannot_be_used_has_its_reason(text, reason):
    with pytest.raises(Unreadable) as caught:
        read_salient(text, ("knee_r", "knee_l"))
    assert caught.value.reason == reason


def test_joints_are_understood_in_the_words_models_use():
    assert plain_joint("Right knee") == ("knee_r",)
    assert plain_joint("knees") == ("knee_r", "knee_l")
    assert plain_joint("left_hip_joint") == ("hip_l",)
    assert plain_joint("lumbar") == ("lumbar",)
    answer = read_salient("{'joints': ['knees', 'thorax'], 'reasons': {'Thorax': 'leans'}}", ("knee_r", "knee_l"))
    assert answer.joints == ("knee_r", "knee_l", "thorax") and dict(answer.expansions) == {"thorax": "leans"}


def test_a_faulty_server_gives_the_same_table(workspace, clips, protocol_server, tmp_path):
    data = open_dataset(clips, exercise="squats")
    stage.annotate(data, workspace, "vlm", FRAMES, RunOptions(), asking(protocol_server("--answer", "joints")))
    other = type(workspace)(tmp_path / "faulty")
    server = protocol_server("--answer", "joints", "--rate", 0.3, "--seed", 2)
    summary, totals = stage.annotate(data, other, "vlm", FRAMES, RunOptions(), asking(server, timeout_s=1.0))
    assert summary.failed == {} and totals.calls > 24
    same = ("split", "video", "segment", "joints", "vector", "expansions", "status", "frame_times_s", "prompt_hash")
    assert [[row[name] for name in same] for row in rows_of(workspace)] == [
        [row[name] for name in same] for row in rows_of(other)
    ]
    again, totals = stage.annotate(data, other, "vlm", FRAMES, RunOptions(redo=True), asking(server))
    assert (again.done, totals.calls) == (24, 0)


def test_nonsense_becomes_failure_rows_and_is_tried_again_on_request(workspace, clips, protocol_server):
    data = open_dataset(clips, exercise="squats")
    server = protocol_server("--answer", "joints", "--text", "As an AI I love squats.")
    summary, totals = stage.annotate(data, workspace, "vlm", FRAMES, RunOptions(limit=3), asking(server))
    assert {reason for reason, _ in summary.failed.values()} == {"no_object"}
    assert [(r["status"], r["reason"], r["raw"]) for r in rows_of(workspace)] == [
        ("failed", "no_object", "As an AI I love squats.")
    ] * 3
    calls = server.stats()["calls"]
    assert totals.calls == calls
    _, totals = stage.annotate(data, workspace, "vlm", FRAMES, RunOptions(limit=3), asking(server))
    assert totals.calls == 0
    _, totals = stage.annotate(data, workspace, "vlm", FRAMES, RunOptions(limit=3, retry_failed=True), asking(server))
    assert totals.calls > 0


def test_an_unreachable_endpoint_keeps_what_was_done(workspace, clips, protocol_server):
    data = open_dataset(clips, exercise="squats")
    server = protocol_server("--answer", "joints")
    with pytest.raises(StopRun, match="max-calls"):
        stage.annotate(data, workspace, "vlm", FRAMES, RunOptions(), asking(server, max_calls=5))
    _, totals = stage.annotate(data, workspace, "vlm", FRAMES, RunOptions(), asking(server))
    assert totals.calls == 19 and len(rows_of(workspace)) == 24


def test_agreement_of_the_two_methods_is_reported(workspace, clips, protocol_server):
    data = open_dataset(clips, exercise="squats")
    assert stage.methods_agreement(workspace) is None
    stage.annotate(data, workspace, "rules", FRAMES, RunOptions())
    stage.annotate(data, workspace, "vlm", FRAMES, RunOptions(), asking(protocol_server("--answer", "joints")))
    report = stage.methods_agreement(workspace)
    vlm, rules = rows_of(workspace, "vlm"), rows_of(workspace, "rules")
    knee = JOINT_NAMES.index("knee_r")
    same = sum(a["vector"][knee] == b["vector"][knee] for a, b in zip(vlm, rules, strict=True)) / 24
    assert report["segments"] == 24 and report["joints"]["knee_r"]["equal"] == pytest.approx(same)
    assert "Krippendorff" in stage.describe_agreement(report)


def test_a_dry_run_sends_and_decodes_nothing(workspace, clips, protocol_server):
    server = protocol_server("--answer", "joints")
    data = open_dataset(clips, exercise="squats")
    plan = stage.dry_run(data, workspace, FRAMES, RunOptions(), asking(server))
    assert (plan.questions, plan.calls) == (24, 24) and server.stats()["calls"] == 0


def command(workspace, clips, url):
    return [
        *(sys.executable, "-m", "qevd_bio", "annotate", "--method", "vlm", "--data", str(clips)),
        *("--exercise", "squats", "--workspace", str(workspace.root), "--llm-url", url, "--model", "m"),
        *("--concurrency", "4", "--frames", "2", "--frame-size", "64"),
    ]


def test_sigkill_in_the_middle_then_the_same_command(workspace, clips, protocol_server):
    server = protocol_server("--answer", "joints", "--hold-after", 10)
    environment = {**os.environ, "QEVD_SECRET": "sk-planted-987654", "QEVD_BIO_ANNOTATE_KEY_VARIABLE": "QEVD_SECRET"}
    line = [*command(workspace, clips, server.url), "--llm-key-variable", "QEVD_SECRET"]
    process = subprocess.Popen(line, env=environment)
    deadline = time.monotonic() + 60
    while (before := server.stats())["held"] < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    cache = Cache(default_cache(workspace.annotations))
    assert sum(1 for _ in cache.rows()) == before["answered"] > 0
    cache.close()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(urllib.request.Request(f"{server.url}/release", method="POST"), timeout=10).close()
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120, check=True)
    stats = server.stats()
    assert stats["received_after_answer"] == 0 and stats["answered"] == 24
    assert len(rows_of(workspace)) == 24 and "24 done" in done.stdout
    # The key was sent, and is nowhere else.
    assert "Bearer sk-planted-987654" in stats["authorization"]
    written = b"".join(path.read_bytes() for path in workspace.root.rglob("*") if path.is_file())
    assert b"planted" not in written and "planted" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_second_independent_server_end_to_end(workspace, clips, tmp_path, monkeypatch):
    """`transformers serve` with a tiny random model: the plumbing works, and nonsense becomes failure rows."""
    for package in ("transformers", "torch", "fastapi", "uvicorn"):
        pytest.importorskip(package, reason="transformers serve needs fastapi and uvicorn (the dev extra)")
    from tests.annotation.tiny_model import free_port, serving, write_tiny_model

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    model = write_tiny_model(tmp_path / "tiny")
    port = free_port()
    with serving(model, port) as log:
        if log is not None:
            pytest.skip(f"transformers serve does not start offline here: {log}")
        from qevd_bio.annotation.classify_stage import classify
        from qevd_bio.annotation.options import AskOptions

        options = ClientOptions(url=f"http://127.0.0.1:{port}/v1", model=str(model), timeout_s=60, concurrency=1)
        ask = Asking(options, AskOptions(max_tokens=12), say=str)
        summary, totals = classify(workspace, RunOptions(only=("squats",)), ask)
    assert list(summary.failed) == ["squats"] and totals.calls >= 2 and totals.input_tokens > 100
    cache = Cache(default_cache(workspace.annotations))
    assert all(row["output_tokens"] <= 12 and row["server_model"] for row in cache.rows())
