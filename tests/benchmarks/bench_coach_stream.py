"""Streaming: does a late step cost what an early one costs, and what do rows side by side bring?

Preset `tiny` with random weights on features of full size (35 x 1280). To have something said, feedback is asked
for every 20 steps. One thread; times are CPU time, so that other work on the machine counts little. Prints
ratios, and leaves with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from transformers import DynamicCache

from qevd_bio.coach.model.block_attention import causal_mask
from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.cross_attention import CrossAttention, Vision
from qevd_bio.coach.model.loading import build
from qevd_bio.coach.model.presets import read_preset
from qevd_bio.coach.model.prompts import segment_prompt
from qevd_bio.coach.model.tokens import find_action_tokens, text_ids
from qevd_bio.coach.options import Ablations, GenerateOptions
from qevd_bio.coach.segments.data import SegmentInput, SegmentOutput
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.coach.streaming.speaker import Speaker

OPTIONS = GenerateOptions(timing="corrected", max_tokens=12, interval_steps=20, tokens_per_second=1e9)
PLAIN = Ablations(no_motion_context=True, no_morphology=True)


def tiny(ablations: Ablations) -> Coach:
    model, tokenizer = build(read_preset("tiny"), ablations=ablations)
    tokens = find_action_tokens(tokenizer, Path("tiny"), model.config.tokens)
    return Coach(model.eval(), tokenizer, tokens, model.config, ablations, {})


def segment(number: int, steps: int, contexts: bool = False) -> SegmentInput:
    generator = np.random.default_rng(number)
    features = generator.normal(size=(steps, 35, 1280)).astype(np.float32)
    angle = generator.integers(10, 170, steps)
    motion = [
        f"Current pose: right knee {a}°, left hip {180 - a}°.\nCycle: {n // 9} completed, last 2.2s.\nForm issues: none."
        for n, a in enumerate(angle)
    ]
    morph = ["User body: height 1.78m, mass 73kg (estimated)."] * steps
    times = 0.25 * (1 + np.arange(steps))
    return SegmentInput(
        f"s/v/{number}", features, times, segment_prompt("squats"), *((motion, morph) if contexts else ((), ()))
    )


def late_and_early(coach: Coach, repeats: int = 3) -> float:
    """Median time of steps 780-820 over that of steps 30-70; the better of some repeats."""
    marks: list[float] = []
    hook = coach.model.causal_lm.lm_head.register_forward_hook(lambda *_: marks.append(time.process_time()))
    ratios = []
    for _ in range(repeats):
        marks.clear()
        list(Streamer(coach, replace(OPTIONS, rows=1, interval_steps=10_000)).run([segment(0, 825)]))
        turns = np.diff(marks)
        early, late = statistics.median(turns[30:70]), statistics.median(turns[780:820])
        print(f"  step 50: {1e3 * early:.2f} ms, step 800: {1e3 * late:.2f} ms, ratio {late / early:.2f}")
        ratios.append(late / early)
    hook.remove()
    return min(ratios)


def released_attention(
    layer: CrossAttention, hidden: torch.Tensor, features: torch.Tensor, normal: object = None
) -> torch.Tensor:
    """Cross-attention as released: keys and values of full width for every visual token, each layer on its own."""
    scores = layer.feat_attn_keys_fc(features) @ layer.hidden_attn_fc(hidden)[..., None] * layer.scale
    return layer.out_fc((scores.softmax(dim=1) * layer.vision_projector(features)).sum(dim=1))


@torch.inference_mode()
def one_by_one(coach: Coach, part: SegmentInput, cached: bool) -> list[int]:
    """The released loop: one segment, its whole prefix embedded again for each token.

    `cached`: keys and values are kept, as the released code does; else everything is read again.
    """
    model, tokens = coach.model, coach.tokens
    speaker = Speaker(tokens, len(part.features), OPTIONS)
    ids = [tokens.bos, *text_ids(coach.tokenizer, part.prompt)]
    steps = [-1] * len(ids)
    cache, read = DynamicCache(), 0
    while speaker.pending is not None:
        ids.append(speaker.pending)
        steps.append(speaker.step if speaker.sees else -1)
        embedded = model.embed(torch.tensor([ids]))
        seen = [step for step in steps if step >= 0]
        features = torch.from_numpy(part.features[seen])
        first = read if cached else 0
        columns = torch.tensor([n for n, step in enumerate(steps) if step >= 0 and n >= first], dtype=torch.long)
        state = model.decoder(
            inputs_embeds=embedded[:, first:],
            position_ids=torch.arange(first, len(ids))[None],
            attention_mask=causal_mask(len(ids))[:, :, first:],
            past_key_values=cache if cached else None,
            use_cache=cached,
            vision=Vision(torch.zeros_like(columns), columns - first, features[len(seen) - len(columns) :]),
        ).last_hidden_state
        read = len(ids)
        speaker.take(int(model.logits(state[0, -1]).argmax()))
    return speaker.output


def side_by_side(coach: Coach, segments: int, steps: int, repeats: int = 2) -> tuple[float, float, bool]:
    """Speed-up of 16 rows over the released loop, over reading everything again, and whether tokens agree.

    Both are timed in turn, and each counts with its fastest time. Reading again takes one segment in eight.
    """
    parts = [segment(n, steps) for n in range(segments)]
    few = parts[: max(segments // 8, 1)]
    rows, loop = [], []
    ours = CrossAttention.forward
    for _ in range(repeats):
        start = time.process_time()
        together = {r.key: r.output for r in Streamer(coach, OPTIONS).run(parts) if isinstance(r, SegmentOutput)}
        rows.append(time.process_time() - start)
        CrossAttention.forward = released_attention  # type: ignore[assignment, method-assign]
        start = time.process_time()
        cached = {part.key: one_by_one(coach, part, True) for part in parts}
        loop.append(time.process_time() - start)
        CrossAttention.forward = ours  # type: ignore[method-assign]
    start = time.process_time()
    again = {part.key: one_by_one(coach, part, False) for part in few}
    whole = (time.process_time() - start) * len(parts) / len(few)
    tokens = sum(map(len, together.values()))
    print(f"  {segments} segments of {steps} steps, {tokens} tokens: side by side {min(rows):.1f} s, "
          f"released loop {min(loop):.1f} s, everything read again {whole:.1f} s")  # fmt: skip
    same = together == cached and all(together[key] == output for key, output in again.items())
    return min(loop) / min(rows), whole / min(rows), same


def contexts(coach: Coach, steps: int) -> None:
    """Time and words of the three ways to handle a C_motion that changes at every step."""
    parts = [segment(n, steps, contexts=True) for n in range(4)]
    said: dict[str, list[int]] = {}
    for way in ("exact", "fast", "start"):
        start = time.process_time()
        found = list(Streamer(coach, replace(OPTIONS, context=way, rows=4)).run(parts))  # type: ignore[arg-type]
        seconds = time.process_time() - start
        outputs = sorted((r.key, r.output) for r in found if isinstance(r, SegmentOutput))
        said[way] = [token for _, output in outputs for token in output]
        same = statistics.mean(a == b for a, b in zip(said["exact"], said[way], strict=False))
        print(f"  {way}: {seconds:.1f} s, {100 * same:.1f} % of the tokens are those of `exact`")


def main() -> None:
    began = time.perf_counter()
    parser = argparse.ArgumentParser()
    parser.add_argument("--segments", type=int, default=16)
    parser.add_argument("--steps", type=int, default=48)
    options = parser.parse_args()
    torch.set_num_threads(1)
    coach = tiny(PLAIN)
    print("late against early steps (bar: at most 1.2)")
    ratio = late_and_early(coach)
    print("side by side against one by one (bar: at least 3)")
    faster, than_whole, same = side_by_side(coach, options.segments, options.steps)
    print(f"  {faster:.1f} x the released loop, {than_whole:.1f} x reading everything again, same tokens: {same}")
    print("motion context that changes at every step (untrained weights)")
    contexts(tiny(Ablations()), options.steps // 2)
    print(f"{time.perf_counter() - began:.0f} s in all")
    sys.exit(0 if ratio <= 1.2 and faster >= 3 and same else 1)


if __name__ == "__main__":
    main()
