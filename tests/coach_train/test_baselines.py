"""Baselines: what they say and when, and what turn-based models are asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qevd_bio.coach.baseline_context import activities, copy_context, first_issue
from qevd_bio.coach.baseline_frames import window_frames
from qevd_bio.coach.baseline_options import BASELINES, VISION_MODELS, BaselineOptions
from qevd_bio.coach.baseline_turns import Talk, hold_talks, plain, socratic_prompt, vision_prompt
from qevd_bio.coach.baselines import run_baseline
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.motion.context import Issue, Motion, write_motion
from qevd_bio.store.errors import UserError
from qevd_bio.store.workspace import Workspace

KNEE = Issue("r", "knee flexion", "insufficient", 85.0, 90.0, "deg")
HIP = Issue("l", "hip flexion", "insufficient", 70.0, 90.0, "deg")
TIMES = [0.25 * (1 + step) for step in range(40)]


def motions() -> list[str]:
    """A repetition every 2 s: the first and third with a faulty knee, the fourth with hip and knee."""
    issues: tuple[tuple[Issue, ...], ...] = ((), (KNEE,), (), (KNEE,), (HIP, KNEE), ())
    return [
        write_motion(Motion(cycles=int(time / 2), last_s=2.0, score=0.9, issues=issues[int(time / 2)]))
        for time in TIMES
    ]


def test_copy_context_reads_out_the_gravest_issue() -> None:
    knee = "Right knee flexion insufficient (85° detected, 90° required)."
    hip = "Left hip flexion insufficient (70° detected, 90° required)."
    assert first_issue(motions()[-5]) == hip
    assert copy_context(TIMES, motions(), 0.0) == [(2.0, knee), (6.0, knee), (8.0, hip)]
    assert copy_context(TIMES, motions(), 4.0) == [(2.0, knee), (6.0, knee)]
    assert copy_context([], [], 4.0) == []


def test_activities_say_each_second_what_the_motion_context_knows() -> None:
    lines = activities(TIMES, motions())
    assert [time for time, _ in lines] == [float(second) for second in range(1, 11)]
    said = [text for _, text in lines]
    assert said[0] == "The user is doing the exercise." and said[3] == "The user has good form."
    assert said[1].startswith("Right knee flexion insufficient") and said[7].startswith("Left hip flexion")


@pytest.mark.parametrize(("name", "turn", "count"), [
    ("instructblip", 3, 1), ("video-llava", 3, 8), ("video-llama", 3, 8),
    ("video-chatgpt", 3, 60), ("llava-next", 3, 24), ("llama-vid", 3, 60), ("llava-next", 1, 8),
])  # fmt: skip
def test_frames_of_the_six_models(name: str, turn: int, count: int) -> None:
    times = np.arange(0, 30, 1 / 30)
    chosen = window_frames(times, 4.0, turn, VISION_MODELS[name])
    assert len(chosen) == count
    assert times[chosen[-1]] == pytest.approx(4.0 + 5 * turn, abs=0.04) and times[chosen[-1]] <= 4.0 + 5 * turn + 1e-6
    begin = 4.0 if VISION_MODELS[name].accumulate else 4.0 + 5 * (turn - 1)
    assert times[chosen[0]] >= begin


def test_prompts_hold_history_and_windows() -> None:
    talk = Talk("k", "squats", 16.0, None, [(1.0, "one"), (6.0, "six"), (10.0, "<said> ten")], [(5.0, "Lower!")])
    text = socratic_prompt(talk, 2)
    before, after = text.split("Latest user activity:")
    assert "Timestep: 1.00 – one" in before and "Timestep: 5.00 – Lower!" in before
    assert "Timestep: 6.00 – six" in after and "Timestep: 10.00 – <said> ten" in after and "one" not in after
    vision = vision_prompt(talk, 2)
    assert "over the last 5 seconds:\nLower!" in vision and "The user should be doing squats" in vision
    assert talk.turns == 3
    assert plain('\n Response: "Well done!"\nMore.') == "Well done!"


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An OpenAI-compatible endpoint that numbers its replies; the third question gets an empty one."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            text = "" if len(asked) == 3 else f"Reply {len(asked)}."
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            reply = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "usage": usage}
            data = json.dumps({**reply, "choices": [choice]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Keeps quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", asked
    server.shutdown()


def test_turns_are_asked_in_order_with_what_was_said(
    endpoint: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    url, asked = endpoint
    talk = Talk("s/v/0", "squats", 10.5, None, activities(TIMES, motions()))
    hold_talks([talk], BaselineOptions(url=url, llm="m"))
    assert talk.said == [(5.0, "Reply 1."), (10.0, "Reply 2.")] and not talk.failed
    second = asked[1]["messages"][0]["content"]
    assert "Timestep: 5.00 – Reply 1." in (
        second if isinstance(second, str) else json.dumps(second, ensure_ascii=False)
    )


def test_faults_are_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.mp4").write_bytes(b"")
    data, room = open_dataset(tmp_path / "data"), Workspace(tmp_path / "w")
    with pytest.raises(UserError, match="no baseline 'x'"):
        list(run_baseline("x", data, room))
    with pytest.raises(UserError, match="socratic asks a language model, and none is named"):
        list(run_baseline("socratic", data, room))
    with pytest.raises(UserError, match="no such table"):
        list(run_baseline("rules", data, room))
    assert len(set(BASELINES)) == 10
