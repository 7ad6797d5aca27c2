"""A very small coach and made-up segments to train it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.config import CrossAttentionConfig, LoraSettings, VisionConfig
from qevd_bio.coach.model.loading import build
from qevd_bio.coach.model.presets import read_preset
from qevd_bio.coach.model.tokens import find_action_tokens
from qevd_bio.coach.options import Ablations
from qevd_bio.coach.segments.data import SegmentInput
from qevd_bio.coach.training.coach import CoachTask
from qevd_bio.coach.training.examples import Prepared, make_example
from qevd_bio.coach.training.options import CoachData
from qevd_bio.learning.options import LoopOptions

VISION = VisionConfig(16, 4)
FEEDBACKS = ((1.0, "Bend the knees."), (3.1, "Knee flexion 80° (target: 90°)."))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def small_coach(seed: int = 0, dropout: float = 0.0, kind: str = "biocoach", **ablations: bool) -> Coach:
    """`kind` stream-vlm: with LoRA, as released."""
    tiny = read_preset("tiny")
    language = {
        **tiny.language, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "vocab_size": 400,
        "num_attention_heads": 2, "num_key_value_heads": 2, "attention_dropout": dropout,
    }  # fmt: skip
    chosen = Ablations(**ablations)  # type: ignore[arg-type]
    config = replace(tiny, language=language, vision=VISION, cross_attention=CrossAttentionConfig((1,), 16, 1))
    if kind == "stream-vlm":
        config = replace(config, name="stream-vlm", kind=kind, context_tokens=0, lora=LoraSettings(r=2))
    model, tokenizer = build(config, seed=seed, ablations=chosen)
    tokens = find_action_tokens(tokenizer, Path("small"), config.tokens)
    return Coach(model, tokenizer, tokens, model.config, chosen, {"untrained": True})


def segment(number: int, steps: int = 16) -> SegmentInput:
    generator = np.random.default_rng(number)
    features = generator.normal(size=(steps, VISION.tokens, VISION.dim)).astype(np.float32)
    motion = [f"Current pose: right knee {80 + step // 6 + number}°." for step in range(steps)]
    times = 0.25 * (1 + np.arange(steps))
    return SegmentInput(f"s/v{number}/0", features, times, "Squats.", motion, ["User body: height 1.8m."] * steps)


def small_task(options: LoopOptions, count: int = 6, **coach: object) -> CoachTask:
    made = small_coach(**coach)  # type: ignore[arg-type]
    data = CoachData(context_every=6)
    segments = [segment(number, 14 + number) for number in range(count)]
    examples = [make_example(s, FEEDBACKS, made, data, lambda _, s=s: s.features) for s in segments]  # type: ignore[misc]
    return CoachTask(made, Prepared(examples, [], {}), data, options, ("language", "xattn", "fusion"))


@pytest.fixture
def make_task() -> Callable[..., CoachTask]:
    return small_task


@pytest.fixture
def make_coach() -> Callable[..., Coach]:
    return small_coach


@pytest.fixture
def make_stream_vlm() -> Callable[..., Coach]:
    return partial(small_coach, kind="stream-vlm")
