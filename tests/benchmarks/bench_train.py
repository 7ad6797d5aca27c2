"""Training steps against the bare language model's forward and backward pass of the same shape and tokens.

    python tests/benchmarks/bench_train.py             (CPU, tiny preset; bar: 0.9)
    python tests/benchmarks/bench_train.py --gpu-7b    (one GPU of 80 GiB or more: tokens/s, memory, MFU; bar: 0.40)

Both sides run in turns in one process, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from qevd_bio.coach.action_tokens import ActionTokens
from qevd_bio.coach.biocoach import make_model
from qevd_bio.coach.config import ModelConfig, VisionConfig
from qevd_bio.coach.data import Batch, Example, collate
from qevd_bio.coach.options import SequenceOptions
from qevd_bio.coach.presets import read_preset
from qevd_bio.coach.sequence import TimedText, build_sequence
from qevd_bio.coach.stream_vlm import StreamVLM
from qevd_bio.coach.train_coach import SequenceLoss

PEAK_BF16 = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "B200": 2250e12}
"""Dense bf16 FLOP/s by name of the GPU (makers' data sheets)."""


def make_batch(config: ModelConfig, rows: int, steps: int, context: int) -> Batch:
    """Segments of `steps` steps with six feedbacks, `context` tokens of C_motion read anew every 3 s, C_morph."""
    generator = np.random.default_rng(0)
    words = int(config.language["vocab_size"])
    tokens = ActionTokens(3, 4, 5, 1, 0, config.tokens)
    examples = []
    shape = (steps, config.vision.tokens, config.vision.dim)
    features = generator.normal(size=shape).astype(np.float32)
    for _ in range(rows):
        said = [TimedText(steps / 28 * k, tuple(generator.integers(6, words, 24).tolist())) for k in range(1, 7)]
        contexts = [generator.integers(6, words, context).tolist() for _ in range(-(-steps // 12))]
        of_step = [contexts[step // 12] for step in range(steps)] if context else []
        prompt = generator.integers(6, words, 45).tolist()
        times = [0.25 * (1 + step) for step in range(steps)]
        sequence = build_sequence(
            prompt, times, said, tokens, SequenceOptions(), contexts=of_step, front=config.context_tokens
        )
        morph = tuple(generator.integers(6, words, 40).tolist())
        examples.append(Example("k", "g", sequence, lambda: features, (morph,), np.zeros(steps, np.int64)))
    return collate(examples, 0, (config.vision.tokens, config.vision.dim))


def coach_step(model: StreamVLM, batch: Batch, optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    loss = SequenceLoss(model)

    def step() -> None:
        (loss(batch) / len(batch.ids)).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def bare_step(model: StreamVLM, batch: Batch, optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """The language model alone on the same tokens, as it is usually trained: causal, its fastest attention, no vision."""
    bare = model.causal_lm
    targets = batch.ids.roll(-1, 1)

    def step() -> None:
        found = bare(input_ids=batch.ids, use_cache=False)
        torch.nn.functional.cross_entropy(found.logits.flatten(0, 1).float(), targets.flatten()).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def seconds(step: Callable[[], None]) -> float:
    """Wall time on a GPU; on the CPU processor time of one thread, which a busy machine hardly changes."""
    if not torch.cuda.is_available():
        start = time.process_time()
        step()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    step()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def tiny(vision: VisionConfig | None, rounds: int) -> float:
    """Throughput of the coach's step over the bare one's, all weights trained on both sides."""
    config = read_preset("tiny")
    config = replace(config, vision=vision or config.vision)
    model = make_model(config, seed=0)
    batch = make_batch(config, 8, 120, 100)
    model.train_only(("language", "xattn", "fusion"))
    bare = make_model(config, seed=0)
    bare.train_only(("language",))
    steps = [
        step(own, batch, torch.optim.AdamW([p for p in own.parameters() if p.requires_grad], 1e-4))
        for step, own in ((coach_step, model), (bare_step, bare))
    ]
    taken: list[list[float]] = [[], []]
    for _ in range(rounds):
        for place, step in enumerate(steps):
            taken[place].append(seconds(step))
    ours, theirs = (statistics.median(times[1:]) for times in taken)
    count = batch.ids.numel()
    print(
        f"tokens a batch {count:,}: coach {count / ours:,.0f} tokens/s, bare {count / theirs:,.0f} tokens/s (one thread)"
    )
    return theirs / ours


def gpu_7b(rows: int, rounds: int) -> None:
    """BioCoach's second stage in the 7B shape, random bf16 weights: tokens/s, memory and MFU."""
    config = read_preset("biocoach-7b")
    torch.set_default_dtype(torch.bfloat16)
    model = make_model(config, device="cuda", seed=0)
    torch.set_default_dtype(torch.float32)
    model.train()
    device = torch.device("cuda")
    batch = make_batch(config, rows, 120, 130).to(device)
    name = torch.cuda.get_device_name()
    peak = next((flops for key, flops in PEAK_BF16.items() if key in name), None)
    for stage in (("fusion",), ("lora",)):
        trained = model.train_only(stage)
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 2e-5)
        with torch.autocast("cuda", torch.bfloat16):
            step = coach_step(model, batch, optimizer)
            torch.cuda.reset_peak_memory_stats()
            taken = statistics.median([seconds(step) for _ in range(rounds)][1:])
        count = batch.ids.numel()
        flops = model_flops(model, batch)
        share = (
            f"{flops / taken / peak:.2f} of {peak / 1e12:.0f} TFLOP/s"
            if peak
            else f"{flops / taken / 1e12:.0f} TFLOP/s"
        )
        memory = torch.cuda.max_memory_allocated() / 2**30
        print(f"{name}, {'+'.join(stage)} ({trained:,} values), {rows} x {batch.ids.shape[1]} tokens:")
        print(f"  {count / taken:,.0f} tokens/s, {memory:.0f} GiB, MFU {share}")


def model_flops(model: StreamVLM, batch: Batch) -> float:
    """Floating point operations that one step needs, as MFU counts them.

    Frozen weights cost a forward pass and the gradient of their input: 4 a weight and token instead of 6;
    attention scores and sums likewise. Vision is left out (a few per cent), so the share is a lower bound.
    """
    settings = model.causal_lm.config
    frozen = sum(p.numel() for n, p in model.causal_lm.named_parameters() if "embed" not in n and "xattn" not in n)
    tokens = batch.ids.numel()
    attention = 4 * settings.num_hidden_layers * settings.hidden_size * batch.ids.shape[1] * tokens
    return 4.0 * frozen * tokens + 2.0 * attention


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpu-7b", action="store_true", help="the 7B shape on a GPU")
    parser.add_argument("--whole", action="store_true", help="also with 35 x 1280 visual tokens (minutes)")
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    if options.gpu_7b:
        if not torch.cuda.is_available():
            raise SystemExit("error: --gpu-7b needs a CUDA GPU with 80 GiB or more; without it this measures the CPU")
        gpu_7b(options.rows, options.rounds)
        return
    torch.set_num_threads(1)
    narrow = tiny(VisionConfig(64, 4), options.rounds)
    print(f"narrow visual tokens (4 x 64), with C_motion: {narrow:.2f} x the bare model (bar: 0.90)")
    if not options.whole:
        return
    whole = tiny(None, max(options.rounds // 2, 2))
    print(
        f"visual tokens of the 3D CNN (35 x 1280), without C_motion: {whole:.2f} x (vision outweighs a tiny language)"
    )


if __name__ == "__main__":
    main()
