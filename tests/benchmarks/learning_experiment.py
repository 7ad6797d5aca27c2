"""Does the coach learn from C_motion? The `tiny` preset with and without it, on made-up squats, on a CPU.

    python tests/benchmarks/learning_experiment.py --out outputs/learning

Three seeds of three variants, METEOR with 95 % intervals; docs/experiments.md says what it shows and what not.
Interrupted, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from qevd_bio.coach.action_tokens import find_action_tokens
from qevd_bio.coach.biocoach import reads_contexts, uses_motion
from qevd_bio.coach.checkpoint import Coach
from qevd_bio.coach.config import CrossAttentionConfig, VisionConfig
from qevd_bio.coach.data import Prepared, make_example
from qevd_bio.coach.options import TABLE_3, Ablations, GenerateOptions
from qevd_bio.coach.presets import build, read_preset
from qevd_bio.coach.prompts import segment_prompt
from qevd_bio.coach.segment_input import SegmentInput, SegmentOutput
from qevd_bio.coach.stream import Streamer
from qevd_bio.coach.train_coach import CoachTask, parts_to_train
from qevd_bio.coach.train_evaluate import lexical_scores
from qevd_bio.coach.train_loop import train
from qevd_bio.coach.train_options import CoachData, LoopOptions
from qevd_bio.exercise.catalogue import get
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.motion.context import BodyValue, Issue, Morph, Motion, rounded, write_morph, write_motion
from qevd_bio.rewriting.finding import Finding
from qevd_bio.rewriting.phrase import phrase
from qevd_bio.store.atomic import write_json

VARIANTS = ("full", "no-morphology", "no-motion-context")
STEPS, CYCLE = 24, 8
VISION = VisionConfig(64, 4)
Session = tuple[SegmentInput, list[tuple[float, str]]]


def sessions(count: int, seed: int, exercise: Exercise, blur: float) -> list[Session]:
    """Six seconds of squats each: three repetitions, a fault in each, and what QEVD-bio says after it.

    A step's visual tokens are a fixed random projection of phase, and of the size of each possible fault in the
    running repetition, with noise of standard deviation `blur` (a fault's own share of a token is about 0.3): at 0.3 what
    is wrong is plain to see, at 3 hardly. C_motion always tells the fault and its degrees.
    """
    generator = np.random.default_rng(seed)
    errors = exercise.errors
    project = np.random.default_rng(0).normal(size=(len(errors) + 3, VISION.tokens, VISION.dim)) / 3
    found = []
    for number in range(count):
        height = generator.uniform(1.5, 2.0)
        morph = write_morph(Morph((BodyValue("height", round(height, 2), "m", False),)))
        shown = np.zeros((STEPS, len(errors) + 3))
        motion, said, issues = [], [], ()
        for step in range(STEPS):
            cycle, within = divmod(step, CYCLE)
            if within == 0:
                chosen = int(generator.integers(len(errors)))
                size = generator.uniform(0.05, 0.5)
                finding = finding_of(exercise, chosen, size)
            shown[step, chosen] = size * 4
            angle = 2 * np.pi * within / CYCLE
            shown[step, -3:] = np.cos(angle), np.sin(angle), height
            if within == CYCLE - 1:
                issues = (issue_of(finding),)
                text = phrase((finding,), f"{seed}/{number}/{cycle}", rationale=False).text
                said.append((0.25 * (step + 1), text))
            completed = cycle + (within == CYCLE - 1)
            motion.append(write_motion(Motion(cycles=completed, last_s=2.0, score=0.9, issues=issues)))
        noise = generator.normal(size=(STEPS, VISION.tokens, VISION.dim)) * blur
        features = (np.einsum("tf,fnc->tnc", shown, project) + noise).astype(np.float32)
        times = 0.25 * (1 + np.arange(STEPS))
        key = f"made/{number:04d}/0"
        prompt = segment_prompt(exercise.name)
        found.append((SegmentInput(key, features, times, prompt, motion, [morph] * STEPS), said))
    return found


def finding_of(exercise: Exercise, number: int, size: float) -> Finding:
    """A violation of one of the exercise's errors, `size` (share of the threshold) beyond it."""
    error = exercise.errors[number]
    unit = vocabulary().quantities[error.quantity].unit
    low = error.below is not None
    bound = float(error.below if low else error.above)  # type: ignore[arg-type]
    value = rounded(bound * (1 - size if low else 1 + size), unit)
    moment = next((key.phrase for key in exercise.keys if key.name == error.at), "")
    return Finding(
        f"{error.id}", "violation", "error", f"error:{error.id}", 0, 0.0, 2.0, 1.0, error.quantity, "", "",
        error.stat, value, float(error.goal), unit, moment, error.joints, error.parts, error.directions, size, 1,
        "hard", True, error.fix,
    )  # fmt: skip


def issue_of(finding: Finding) -> Issue:
    fault = "insufficient" if finding.goal > finding.value else "excessive"
    name = vocabulary().quantities[finding.quantity].name
    return Issue("", name, fault, finding.value, finding.goal, finding.unit)


def new_coach(ablations: Ablations, seed: int, texts: Sequence[str]) -> Coach:
    """The tiny preset with fewer and narrower visual tokens, untrained."""
    config = replace(read_preset("tiny"), vision=VISION, cross_attention=CrossAttentionConfig((1, 2, 3), 128, 1))
    config = replace(config, context_tokens=96, morph_tokens=32)
    model, tokenizer = build(config, ablations=ablations, seed=seed, texts=tuple(texts))
    tokens = find_action_tokens(tokenizer, Path("tiny"), config.tokens)
    return Coach(model, tokenizer, tokens, model.config, ablations, {"untrained": True})


def run(
    variant: str, seed: int, train_set: list[Session], test: list[Session], steps: int, out: Path
) -> dict[str, Any]:
    """Train one variant and score what it says in the test sessions."""
    ablations = TABLE_3[variant]
    coach = new_coach(ablations, seed, [text for _, said in train_set for _, text in said])
    data = CoachData(context_every=1, generate=0)
    loop = LoopOptions(
        learning_rate=2e-3, batch=8, steps=steps, schedule="cosine", warm_up_steps=20, validation_share=0.0,
        seed=seed, save_every=100, device="cpu",
    )  # fmt: skip
    blind = not reads_contexts(coach.config, ablations)
    ready = [(replace_contexts(segment, coach, blind), said) for segment, said in train_set]
    examples = [make_example(s, said, coach, data, lambda s=s: s.features) for s, said in ready]
    task = CoachTask(coach, Prepared(examples, [], {}), data, loop, parts_to_train(coach, "long"), variant)
    done = train(task, loop, out / f"{variant}-{seed}", {"variant": variant}, lambda text: print(text, flush=True))
    streamer = Streamer(coach, GenerateOptions(timing="corrected"))
    outputs = streamer.run(replace_contexts(segment, coach, blind) for segment, _ in test)
    said_by = {o.key: [(s.time_s, s.text) for s in o.feedbacks] for o in outputs if isinstance(o, SegmentOutput)}
    scores = lexical_scores([(said, said_by[segment.key]) for segment, said in test])
    examples_said = [text for key in list(said_by)[:2] for _, text in said_by[key]]
    return {**scores, "train_seconds": done.seconds, "examples": examples_said}


def replace_contexts(segment: SegmentInput, coach: Coach, blind: bool) -> SegmentInput:
    reads = uses_motion(coach.config, coach.ablations)
    return replace(segment, motion=segment.motion if reads else [], morph=[] if blind else segment.morph)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half width of its 95 % interval (Student's t over seeds)."""
    from scipy import stats

    half = (
        stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
        if len(values) > 1
        else np.nan
    )
    return float(np.mean(values)), float(half)


def summary(out: Path) -> None:
    """The table of all runs that are finished."""
    print(f"{'variant':20s} {'seeds':>5s} {'METEOR':>16s} {'ROUGE-L':>16s} {'T-F':>16s}")
    for variant in VARIANTS:
        rows = [json.loads(path.read_text()) for path in sorted(out.glob(f"{variant}-*/scores.json"))]
        cells = [interval([row.get(name, 0.0) for row in rows]) for name in ("meteor", "rouge", "temporal_f")]
        print(f"{variant:20s} {len(rows):5d} " + " ".join(f"{mean:7.3f} ± {half:6.3f}" for mean, half in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("outputs/learning"))
    parser.add_argument("--seeds", type=int, nargs="*", default=(0, 1, 2))
    parser.add_argument("--variants", nargs="*", default=VARIANTS)
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--sessions", type=int, default=400)
    parser.add_argument("--blur", type=float, default=3.0, help="noise of the visual tokens")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    exercise, began = get("squats"), time.perf_counter()
    train_set, test = (sessions(n, seed, exercise, options.blur) for n, seed in ((options.sessions, 1), (40, 2)))
    for seed in options.seeds:
        for variant in options.variants:
            done = options.out / f"{variant}-{seed}" / "scores.json"
            if not done.is_file():
                found = run(variant, seed, train_set, test, options.steps, options.out)
                write_json(done, found)
                print(variant, seed, found, flush=True)
    summary(options.out)
    print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
