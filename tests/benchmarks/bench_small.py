"""How fast `biocoach-small` is: streaming against real time, and a training step against the bare language model.

    qevd-bio models fetch smollm2
    qevd-bio coach new --language smollm2 --preset biocoach-small --out outputs/small
    python tests/benchmarks/bench_small.py --model outputs/small

Made-up sessions of real shape: 35 x 1280 visual tokens a step, C_motion anew every three seconds. The streamed coach is made
to wait at every step, so that what is timed is a step, not how much an untrained coach happens to say. Both sides of the
training figure take turns in one process; processor and wall time are given, since the machine may be busy.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from qevd_bio.coach.model.checkpoint import Coach, load_coach
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.segments.data import SegmentInput
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.coach.training.coach import SequenceLoss, parts_to_train
from qevd_bio.coach.training.collate import Batch, collate
from qevd_bio.coach.training.examples import make_example
from qevd_bio.coach.training.options import CoachData

SAID = ((2.0, "Right knee flexion insufficient (85° detected, 90° required)."), (6.5, "Good pace, keep going!"))
MORPH = "User body: height 1.78m, mass 73kg (estimated), chest 1.0m (estimated), waist 0.8m, hips 0.98m."
POSE = "Current pose: right knee {}°, left hip 75°, right elbow 90°, left shoulder 120°, lumbar 5°, right ankle 10°."
CYCLE = "Cycle: {} completed, last 2.1s, score 0.87.\nForm issues: right knee flexion insufficient (85° detected, 90° required)."


def session(coach: Coach, number: int, steps: int) -> SegmentInput:
    """A session of `steps` whose C_motion changes every three seconds."""
    seen = coach.config.vision
    features = np.random.default_rng(number).random((steps, seen.tokens, seen.dim), dtype=np.float32)
    motion = [f"{POSE.format(80 + step // 12)}\n{CYCLE.format(step // 12)}" for step in range(steps)]
    times = 0.25 * (1 + np.arange(steps))
    prompt = "You are an expert fitness coaching AI. The user should be doing squats."
    return SegmentInput(f"s/v/{number}", features, times, prompt, motion, [MORPH] * steps)


def stream(coach: Coach, rows: int, steps: int) -> tuple[float, float]:
    """Steps a second of `rows` sessions side by side, in wall and in processor time."""
    streamer = Streamer(coach, GenerateOptions(timing="corrected", context_every=12, rows=rows))
    streamer._wishes = lambda logits, waiting: [coach.tokens.next for _ in waiting]  # type: ignore[method-assign]
    for number in range(rows):
        streamer.begin(session(coach, number, steps + 8))
    for _ in range(4):
        streamer.turn()
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(steps):
        streamer.turn()
    done = rows * steps
    return done / (time.perf_counter() - wall), done / (time.process_time() - processor)


def train(coach: Coach, batch: Batch, rounds: int) -> dict[str, float]:
    """Median processor seconds of forward and backward: the coach, and its language model alone on the same tokens."""
    coach.model.train_only(parts_to_train(coach, "long"))
    loss = SequenceLoss(coach.model)
    spent: dict[str, list[float]] = {"coach": [], "bare": []}

    def bare() -> torch.Tensor:
        scores = coach.model(batch.ids, batch.positions, None, None, batch.weights > 0)
        kept = batch.weights > 0
        return torch.nn.functional.cross_entropy(scores.float(), batch.targets[kept])

    sides: dict[str, Callable[[], torch.Tensor]] = {"coach": lambda: loss(batch), "bare": bare}
    for turn in range(rounds + 1):
        for name, side in sides.items():
            began = time.process_time()
            side().backward()
            coach.model.zero_grad(set_to_none=True)
            if turn:
                spent[name].append(time.process_time() - began)
    return {name: median(values) for name, values in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    coach = load_coach(options.model)
    for rows in (1, 4):
        wall, processor = stream(coach, rows, options.steps)
        print(
            f"streaming, {rows} side by side: {wall:.1f} steps/s, {processor:.1f} a second of processor time",
            flush=True,
        )
    data = CoachData(context_every=12)
    segments = [session(coach, number, 40) for number in range(options.batch)]
    examples = [make_example(one, SAID, coach, data, lambda one=one: one.features) for one in segments]
    batch = collate(examples, coach.tokens.pad, (coach.config.vision.tokens, coach.config.vision.dim))
    found = train(coach, batch, options.rounds)
    tokens = sum(len(example.sequence) for example in examples)
    print(
        f"training step of {tokens} tokens: coach {found['coach']:.2f} s, bare {found['bare']:.2f} s of processor time"
    )
    print(f"ratio {found['bare'] / found['coach']:.2f}")


if __name__ == "__main__":
    main()
