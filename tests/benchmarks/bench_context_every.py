"""What C_motion at every step costs (BioCoach, Supp. 12.2) beside every three seconds: `tiny` measured, 7B counted.

    python tests/benchmarks/bench_context_every.py

A segment of 30 s with six feedbacks. Both intervals run in turns in one process (processor time of one thread); the 7B
shape is made without weights, and its operations are counted as `bench_train.py` counts them.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench_train import coach_step, make_batch, model_flops, seconds

from qevd_bio.coach.model.biocoach import make_model
from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.config import VisionConfig
from qevd_bio.coach.model.loading import build
from qevd_bio.coach.model.presets import read_preset
from qevd_bio.coach.model.tokens import find_action_tokens
from qevd_bio.coach.options import Ablations, GenerateOptions
from qevd_bio.coach.segments.data import SegmentInput
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.coach.training.coach import SequenceLoss

STEPS, CONTEXT, FEEDBACKS, WORDS, PROMPT = 120, 100, 6, 26, 45
EVERY = (12, 1)
ROUNDS = 3


def training() -> None:
    """Seconds of one training step of two segments, and tokens a segment."""
    config = replace(read_preset("tiny"), vision=VisionConfig(64, 4))
    model = make_model(config, seed=0)
    model.train_only(("language", "xattn", "fusion"))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad])
    batches = {every: make_batch(config, 2, STEPS, CONTEXT, every) for every in EVERY}
    steps = {every: coach_step(SequenceLoss(model), batch, optimizer) for every, batch in batches.items()}
    taken: dict[int, list[float]] = {every: [] for every in EVERY}
    for _ in range(ROUNDS):
        for every, step in steps.items():
            taken[every].append(seconds(step))
    for every in EVERY:
        spent = statistics.median(taken[every][1:])
        print(f"tiny, training, every {every:2d} steps: {batches[every].ids.shape[1]:6,} tokens a segment, "
              f"{spent / 2:.2f} s a segment")  # fmt: skip
    ratio = statistics.median(taken[1][1:]) / statistics.median(taken[12][1:])
    print(f"tiny, training: {ratio:.1f} times the time")


def streaming() -> None:
    """Seconds for a segment by each way of reading a changed C_motion."""
    config = replace(read_preset("tiny"), vision=VisionConfig(64, 4))
    model, tokenizer = build(config, seed=0)
    tokens = find_action_tokens(tokenizer, Path(), config.tokens)
    coach = Coach(model.eval(), tokenizer, tokens, model.config, Ablations(), {})
    features = np.random.default_rng(0).normal(size=(STEPS, 4, 64)).astype(np.float32)
    times = 0.25 * (1 + np.arange(STEPS))
    motion = [
        "Current pose: " + ", ".join(f"right knee {(step * 7 + joint) % 180}°" for joint in range(8)) + ".\n"
        "Cycle: none completed.\nForm issues: none."
        for step in range(STEPS)
    ]
    segment = SegmentInput("s/v/0", features, times, "Squats.", motion, ["User body: height 1.80m."] * STEPS)
    for way in ("fast", "exact"):
        taken: dict[int, list[float]] = {every: [] for every in EVERY}
        for _ in range(2):
            for every in EVERY:
                streamer = Streamer(
                    coach, GenerateOptions(context=way, context_every=every, interval_steps=20, max_tokens=20)
                )
                start = time.process_time()
                list(streamer.run([segment]))
                taken[every].append(time.process_time() - start)
        spent = {every: min(values) for every, values in taken.items()}
        print(f"tiny, streaming, {way}: {spent[12]:.2f} s a segment every 12 steps, {spent[1]:.2f} s every step: "
              f"{spent[1] / spent[12]:.1f} times")  # fmt: skip


def large() -> None:
    """Operations of the 7B shape: a training step of the fusion, and tokens read while a segment is streamed."""
    config = read_preset("biocoach-7b")
    model = make_model(config, device="meta")
    weights = sum(value.numel() for value in model.decoder.layers.parameters() if value.ndim == 2)
    found = {}
    for every in EVERY:
        batch = make_batch(config, 1, STEPS, 130, every)
        found[every] = model_flops(model, batch, ("fusion",))
        versions = -(-STEPS // every)
        fast = PROMPT + STEPS + FEEDBACKS * WORDS + versions * 130
        read = [PROMPT + 130 + step + FEEDBACKS * WORDS * step // STEPS for step in range(0, STEPS, every)]
        exact = STEPS + FEEDBACKS * WORDS + sum(read)
        print(f"7B, every {every:2d} steps: training {batch.ids.shape[1]:6,} tokens, {found[every] / 1e12:.0f} TFLOP a "
              f"segment; streaming reads {fast:,} tokens ({2e-12 * weights * fast:.0f} TFLOP) fast, {exact:,} "
              f"({2e-12 * weights * exact:.0f} TFLOP) exact")  # fmt: skip
    print(f"7B, training: {found[1] / found[12]:.1f} times the operations")


def main() -> None:
    torch.set_num_threads(1)
    large()
    training()
    streaming()


if __name__ == "__main__":
    main()
