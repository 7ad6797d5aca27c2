"""A very small coach with random weights that likes to talk, and segments for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from qevd_bio.coach.model.checkpoint import Coach, save_coach
from qevd_bio.coach.model.config import CrossAttentionConfig, LoraSettings, ModelConfig, VisionConfig
from qevd_bio.coach.model.loading import build
from qevd_bio.coach.model.presets import read_preset
from qevd_bio.coach.model.tokens import find_action_tokens
from qevd_bio.coach.options import Ablations
from qevd_bio.coach.segments.data import SegmentInput
from qevd_bio.coach.vision.feature_files import feature_paths
from qevd_bio.tables.motion import CONTEXTS
from qevd_bio.tables.workspace import Workspace

MakeCoach = Callable[..., Coach]
VISION = VisionConfig(32, 6)
SPLIT = "QEVD-FIT-COACH-Benchmark"
ZERO = 1.6e9
GRID = (32, 3, 2)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def small_config(kind: str = "biocoach", **changes: object) -> ModelConfig:
    """The tiny preset, smaller still."""
    tiny = read_preset("tiny")
    language = {**tiny.language, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "vocab_size": 512}
    language["max_position_embeddings"] = 700
    settings: dict[str, object] = {
        "kind": kind,
        "language": language,
        "vision": VISION,
        "cross_attention": CrossAttentionConfig((0, 2), 16, 1),
        "lora": LoraSettings(r=0),
        "context_tokens": 160 if kind == "biocoach" else 0,
        **changes,
    }
    return replace(tiny, **settings)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def make_coach() -> MakeCoach:
    """`make_coach(kind, seed, talks=…)`: a coach whose action tokens are likely enough to occur."""

    def make(kind: str = "biocoach", seed: int = 0, talks: float = 8.0, ablations: Ablations | None = None) -> Coach:
        config = small_config(kind)
        model, tokenizer = build(config, seed=seed, ablations=ablations)
        tokens = find_action_tokens(tokenizer, Path(), config.tokens)
        with torch.no_grad():
            head = model.causal_lm.lm_head.weight
            head.mul_(8)
            for token, strength in ((tokens.feedback, talks), (tokens.end, talks)):
                head[token] *= strength
            # After a feedback the video goes on: without this a random model may speak for ever at one step.
            ended = model.decoder.embed_tokens.weight[tokens.end]
            head[tokens.next] += 30 * ended / ended.norm()
            for layer in model.decoder.layers:
                layer.self_attn.o_proj.weight.mul_(300)  # what was read before must matter, too
                if hasattr(layer, "xattn_layer"):
                    layer.xattn_layer.attn_layers[0].out_fc.weight.mul_(300)
        return Coach(model.eval(), tokenizer, tokens, model.config, ablations or Ablations(), {})

    return make


@pytest.fixture
def make_segment() -> Callable[..., SegmentInput]:
    """`make_segment(seed, steps, contexts=True)`: random features; contexts that change every third step."""

    def make(seed: int = 0, steps: int = 30, contexts: bool = True) -> SegmentInput:
        generator = np.random.default_rng(seed)
        features = generator.normal(size=(steps, VISION.tokens, VISION.dim)).astype(np.float32)
        times = 0.25 * (1 + np.arange(steps))
        motion = [
            f"Current pose: right knee {80 + (step // 3) * (1 + seed)}°.\nCycle: none completed.\nForm issues: none."
            for step in range(steps)
        ]
        morph = [f"User body: height 1.{70 + seed}m, mass 7{seed}kg."] * steps
        if not contexts:
            motion, morph = [], []
        exercise = ("squats", "high knees", "jumping jacks, left and right")[seed % 3]
        prompt = f"The user should be doing {exercise}."
        return SegmentInput(f"split/video/{seed}", features, times, prompt, motion, morph)

    return make


class Endpoint:
    """An OpenAI-compatible endpoint on loopback that keeps what it was asked.

    `answer(body)` gives the reply's text, None refuses the request; by default replies are numbered.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any]], str | None] = lambda body: f"Reply {len(self.asked)}."
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.asked.append(body)
                text = endpoint.answer(body)
                choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
                usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
                reply: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
                reply |= {"usage": usage, "choices": [choice]}
                data = json.dumps(reply if text is not None else {"error": {"message": "no"}}).encode()
                self.send_response(200 if text is not None else 400)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Keeps quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def data(tmp_path: Path, workspace: Workspace) -> Path:
    """Two videos of 20 s at 10 Hz with two exercises each; features for both, contexts for both."""
    folder = tmp_path / "data" / SPLIT
    (folder / "long_range_videos").mkdir(parents=True)
    records = []
    shown = [("First up are squats!", 2, 6, True), ("Lower!", 20, 25, False), ("Moving on to high knees!", 80, 90, True),
             ("Faster.", 120, 125, False), ("Nice.", 150, 152, False), ("And that's the end!", 180, 190, True)]  # fmt: skip
    for number, stem in enumerate(("0200", "0201")):
        dense = [""] * 200
        for text, start, end, _ in shown:
            dense[start : end + 1] = [text] * (end - start + 1)
        records.append({
            "long_range_video_file": f"./long_range_videos/{stem}.mp4",
            "video_timestamps": f"./long_range_videos/{stem}_timestamps.npy",
            "feedbacks": dense,
            "feedback_timestamps": [ZERO + start / 10 for _, start, _, _ in shown],
            "is_transition": [flag for *_, flag in shown],
        })  # fmt: skip
        times = ((int(ZERO) - 28800) * 10 + np.arange(200)) * 100_000_000
        np.save(folder / "long_range_videos" / f"{stem}_timestamps.npy", times)
        paths = feature_paths(workspace, SPLIT, stem)
        paths.features.parent.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(number)
        np.save(paths.features, generator.normal(size=(80, *GRID)).astype(np.float32))
        np.save(paths.times, ZERO + 0.25 * (1 + np.arange(80)))
        rows = [
            {"split": SPLIT, "video": stem, "segment": segment, "exercise": "squats", "step": step,
             "time_s": start + 0.25 * step, "morph": "User body: height 1.80m.", "tokens": 9, "cycle": -1,
             "pose_known": True, "motion": f"Current pose: right knee {step}°.\nCycle: none completed.\nForm issues: none."}
            for segment, start in ((0, 1.0), (1, 8.0)) for step in range(30)
        ]  # fmt: skip
        CONTEXTS.write(workspace.contexts(SPLIT, stem), rows)
    (folder / "feedbacks_long_range.json").write_text(json.dumps(records), encoding="utf-8")
    return tmp_path / "data"


@pytest.fixture
def model(make_coach: MakeCoach, tmp_path: Path) -> Path:
    coach = make_coach(seed=1)
    save_coach(tmp_path / "coach", coach.model, coach.tokenizer)
    return tmp_path / "coach"
