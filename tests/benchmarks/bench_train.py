"""Training steps against the bare language model's forward and backward pass of the same shape and tokens.

    python tests/benchmarks/bench_train.py             (CPU, tiny preset; bar: 0.9)
    python tests/benchmarks/bench_train.py --gpu-7b    (one GPU of 80 GiB or more: tokens/s, memory, MFU; bar: 0.40)
    python tests/benchmarks/bench_train.py --dry       (the same code in a small shape on a CPU: does it run?)

Both sides run in turns in one process, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from qevd_bio.coach.model.biocoach import make_model
from qevd_bio.coach.model.config import ModelConfig, VisionConfig
from qevd_bio.coach.model.presets import read_preset
from qevd_bio.coach.model.stream_vlm import StreamVLM
from qevd_bio.coach.model.tokens import ActionTokens
from qevd_bio.coach.options import SequenceOptions
from qevd_bio.coach.training.coach import SequenceLoss
from qevd_bio.coach.training.collate import Batch, collate
from qevd_bio.coach.training.examples import Example
from qevd_bio.coach.training.sequence import TimedText, build_sequence
from qevd_bio.learning.precision import mixed, settle_types

PEAK_BF16 = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "B200": 2250e12}
"""Dense bf16 FLOP/s by name of the GPU (makers' data sheets)."""


def make_batch(config: ModelConfig, rows: int, steps: int, context: int, every: int = 12) -> Batch:
    """Segments of `steps` steps with six feedbacks, `context` tokens of C_motion read anew every `every` steps (3 s),
    C_morph."""
    generator = np.random.default_rng(0)
    words = int(config.language["vocab_size"])
    tokens = ActionTokens(3, 4, 5, 1, 0, config.tokens)
    examples = []
    shape = (steps, config.vision.tokens, config.vision.dim)
    features = generator.normal(size=shape).astype(np.float32)
    for _ in range(rows):
        said = [TimedText(steps / 28 * k, tuple(generator.integers(6, words, 24).tolist())) for k in range(1, 7)]
        contexts = [generator.integers(6, words, context).tolist() for _ in range(-(-steps // every))]
        of_step = [contexts[step // every] for step in range(steps)] if context else []
        prompt = generator.integers(6, words, 45).tolist()
        times = [0.25 * (1 + step) for step in range(steps)]
        sequence = build_sequence(
            prompt, times, said, tokens, SequenceOptions(), contexts=of_step, front=config.context_tokens
        )
        morph = tuple(generator.integers(6, words, 40).tolist())
        examples.append(Example("k", "g", sequence, lambda _: features, (morph,), np.zeros(steps, np.int64)))
    return collate(examples, 0, (config.vision.tokens, config.vision.dim))


def coach_step(loss: SequenceLoss, batch: Batch, optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    def step() -> None:
        (loss(batch) / len(batch.ids)).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def bare_step(model: StreamVLM, batch: Batch, optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """The language model alone on the same tokens, as it is usually trained: causal, its fast attention, no vision."""
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
        coach_step(SequenceLoss(model), batch, torch.optim.AdamW([p for p in model.parameters() if p.requires_grad])),
        bare_step(bare, batch, torch.optim.AdamW([p for p in bare.parameters() if p.requires_grad])),
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


def large(config: ModelConfig, device: torch.device, rows: int, rounds: int, steps: int = 120) -> list[float]:
    """BioCoach's fusion, then LoRA, in a large shape with random bf16 weights: tokens/s, memory, share of the peak.

    Returns the operations of a step for both.
    """
    torch.set_default_dtype(torch.bfloat16)
    model = make_model(config, device=str(device), seed=0)
    torch.set_default_dtype(torch.float32)
    batch = make_batch(config, rows, steps, 130).to(device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    peak = next((flops for key, flops in PEAK_BF16.items() if key in name), None)
    found = []
    for stage in (("fusion",), ("lora",)):
        trained = model.train_only(stage)
        loss = SequenceLoss(model).train()
        settle_types(loss, "bf16")
        step = coach_step(loss, batch, torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 2e-5))
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        with mixed(device, "bf16"):
            taken = statistics.median([seconds(step) for _ in range(rounds)][1:])
        found.append(model_flops(model, batch, stage))
        speed = f"{found[-1] / taken / 1e12:.3g} TFLOP/s"
        share = f"{speed}, MFU {found[-1] / taken / peak:.2f} of {peak / 1e12:.0f}" if peak else speed
        memory = (
            f"{torch.cuda.max_memory_allocated() / 2**30:.0f} GiB" if device.type == "cuda" else "memory not measured"
        )
        tokens = batch.ids.numel()
        print(f"{name}, {'+'.join(stage)} ({trained:,} values), {rows} x {batch.ids.shape[1]} tokens:")
        print(f"  {tokens / taken:,.0f} tokens/s, {memory}, {share}")
    return found


def model_flops(model: StreamVLM, batch: Batch, stage: Sequence[str]) -> float:
    """Floating point operations that one step of the language model needs, as MFU counts them (two a product).

    A frozen layer costs its forward pass and, once something before it is trained, the gradient of its input: as much
    again, for attention twice as much. Pairs of tokens that do not see each other, logits where nothing is learnt,
    LoRA and vision are not counted (a few per cent), so the share of the peak is a lower bound.
    """
    language = model.causal_lm
    tokens, learnt = batch.ids.numel(), int((batch.targets != -100).sum())
    pairs = sum(int(group.seen.flatten(0, 2)[group.real].sum()) for group in batch.blocks)
    layers = language.config.num_hidden_layers
    weights = sum(
        value.numel() for name, value in language.model.layers.named_parameters()
        if value.ndim == 2 and "xattn" not in name and "lora" not in name
    ) / layers  # fmt: skip
    before = 0 if "lora" in stage else 1 + min(model.config.cross_attention.layers)
    linear, attention = 2.0 * weights * tokens, 4.0 * language.config.hidden_size * pairs
    output = 2.0 * language.config.hidden_size * language.config.vocab_size * learnt
    return layers * (linear + attention) + (layers - before) * (linear + 2 * attention) + 2 * output


def small_shape(config: ModelConfig) -> ModelConfig:
    """The same model with every width made small, to try this script without a GPU."""
    language = {
        **config.language, "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4,
        "num_key_value_heads": 4, "vocab_size": 512,
    }  # fmt: skip
    cross = replace(config.cross_attention, dim=64)
    return replace(config, language=language, cross_attention=cross, vision=VisionConfig(64, 4))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpu-7b", action="store_true", help="the 7B shape on a GPU")
    parser.add_argument("--dry", action="store_true", help="what --gpu-7b does, in a small shape on the CPU")
    parser.add_argument("--whole", action="store_true", help="also with 35 x 1280 visual tokens (minutes)")
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    if options.dry:
        large(small_shape(read_preset("biocoach-7b")), torch.device("cpu"), 1, 2, 24)
        return
    if options.gpu_7b:
        if not torch.cuda.is_available():
            raise SystemExit("error: --gpu-7b needs a CUDA GPU with 80 GiB or more; --dry tries it on a CPU")
        large(read_preset("biocoach-7b"), torch.device("cuda"), options.rows, options.rounds)
        return
    torch.set_num_threads(1)
    narrow = tiny(VisionConfig(64, 4), options.rounds)
    print(f"narrow visual tokens (4 x 64): {narrow:.2f} x the bare model (bar: 0.90)")
    if options.whole:
        whole = tiny(None, max(options.rounds // 2, 3))
        print(f"visual tokens of the 3D CNN (35 x 1280): {whole:.2f} x (vision is most of so small a model's work)")


if __name__ == "__main__":
    main()
