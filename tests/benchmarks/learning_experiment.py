"""Does the coach learn from C_motion? The `tiny` preset with and without it, on simulated workouts, on a CPU.

    python tests/benchmarks/learning_experiment.py --out outputs/learning --jobs 2

Three seeds of three variants, METEOR with 95 % intervals; docs/experiments.md says what it shows and what not.
Interrupted, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from learning_data import GRID, WIDTH, DataOptions, Session, make_data, read_sessions, rewritten_rows, to_train

from qevd_bio.coach.baselines.scripted import copy_context
from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.config import CrossAttentionConfig, VisionConfig
from qevd_bio.coach.model.loading import build
from qevd_bio.coach.model.presets import read_preset
from qevd_bio.coach.model.tokens import find_action_tokens
from qevd_bio.coach.options import VARIANTS as VARIANTS_OF
from qevd_bio.coach.options import Ablations, GenerateOptions
from qevd_bio.coach.segments.data import SegmentInput, SegmentOutput
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.coach.training.coach import CoachTask, lexical_scores, parts_to_train
from qevd_bio.coach.training.examples import Prepared, make_example
from qevd_bio.coach.training.options import CoachData
from qevd_bio.learning.loop import train
from qevd_bio.learning.options import LoopOptions
from qevd_bio.scoring.measures import measure
from qevd_bio.scoring.options import MatchingOptions, ScoreOptions
from qevd_bio.scoring.pairing.matching import official_pairs
from qevd_bio.store.atomic import write_json
from qevd_bio.tables.workspace import Workspace

VARIANTS = ("full", "no-morphology", "no-motion-context")
COLUMNS = ("meteor_moment", "meteor", "meteor_all", "temporal_f", "matched")
Heard = dict[str, list[tuple[float, str]]]


@dataclass(frozen=True)
class Training:
    """What is trained, and for how long.

    C_motion is read every `context_every` steps (of 1/4 s). alpha: weight of `<next>`; with the default 0.1 the model
    without C_motion, which cannot know when a correction is due, never speaks; with this one it does in one seed of three.
    """

    steps: int = 300
    batch: int = 8
    learning_rate: float = 3e-3
    context_every: int = 4
    alpha: float = 0.03


def new_coach(ablations: Ablations, seed: int, texts: Sequence[str], room: int = 64) -> Coach:
    """The tiny preset with fewer and narrower visual tokens and short contexts (`room` tokens), untrained."""
    config = replace(
        read_preset("tiny"),
        vision=VisionConfig(WIDTH, GRID[0] * GRID[1]),
        cross_attention=CrossAttentionConfig((1, 2, 3), 128, 1),
        context_tokens=room,
        morph_tokens=64,
    )
    model, tokenizer = build(config, ablations=ablations, seed=seed, texts=tuple(texts))
    tokens = find_action_tokens(tokenizer, Path("tiny"), config.tokens)
    return Coach(model, tokenizer, tokens, model.config, ablations, {"untrained": True})


def as_read(segment: SegmentInput, coach: Coach) -> SegmentInput:
    """The session without the contexts that this variant does not read."""
    motion = segment.motion if coach.front else []
    morph = segment.morph if coach.reads_morph else []
    return replace(segment, motion=motion, morph=morph)


def trained(
    variant: str, seed: int, sessions: list[Session], training: Training, folder: Path, room: int = 64
) -> Coach:
    """One variant after training on these sessions, which goes on where it was ended."""
    coach = new_coach(VARIANTS_OF[variant], seed, sorted({one.text for s in sessions for one in s.said}), room)
    data = CoachData(alpha=training.alpha, context_every=training.context_every, generate=0)
    loop = LoopOptions(
        learning_rate=training.learning_rate, batch=training.batch, steps=training.steps, schedule="cosine",
        warm_up_steps=20, validation_share=0.0, seed=seed, save_every=50, device="cpu",
    )  # fmt: skip
    examples = []
    for session in sessions:
        segment = as_read(session.segment, coach)
        said = [(one.time_s, one.text) for one in session.said]
        examples.append(make_example(segment, said, coach, data, lambda _, s=segment: s.features))
    task = CoachTask(coach, Prepared(examples, [], {}), data, loop, parts_to_train(coach, "long"), variant)
    train(
        task,
        loop,
        folder,
        {"variant": variant, **asdict(training)},
        lambda text: print(f"{folder.name}: {text}", flush=True),
    )
    return coach


def speak(coach: Coach, sessions: list[Session], context_every: int) -> Heard:
    """What the coach says in each session, streamed."""
    streamer = Streamer(coach, GenerateOptions(timing="corrected", context_every=context_every))
    outputs = streamer.run(as_read(session.segment, coach) for session in sessions)
    return {o.key: [(s.time_s, s.text) for s in o.feedbacks] for o in outputs if isinstance(o, SegmentOutput)}


def scores(sessions: list[Session], heard: Heard) -> dict[str, float]:
    """Official scores of all feedback, and those of the pairs whose reference was rewritten."""
    found = lexical_scores([(said_of(session), heard[session.segment.key]) for session in sessions])
    pairs = []
    for session in sessions:
        own = heard[session.segment.key]
        times, texts = [time for time, _ in own], [text for _, text in own]
        wanted = [one.time_s for one in session.said]
        for a, b in official_pairs(wanted, times, texts, MatchingOptions().tolerance_s):
            if session.said[a].rewritten:
                pairs.append((session.said[a].text, texts[b]))
    found["rewritten"] = sum(one.rewritten for session in sessions for one in session.said)
    found["rewritten_matched"] = len(pairs)
    found["matched"] = len(pairs) / max(found["rewritten"], 1)
    for metric in ("meteor", "rouge_l"):
        outcome = measure(metric, {"official": pairs}, ScoreOptions(), None) if pairs else None
        if outcome is not None and outcome.reason is None:
            found[f"{metric}_rewritten"] = outcome.measured["official"].value
    # What was never answered counts as 0 here; official METEOR leaves it out.
    found["meteor_all"] = found.get("meteor_rewritten", 0.0) * found["matched"]
    return found


def at_the_moments(coach: Coach, sessions: list[Session], context_every: int) -> dict[str, float]:
    """METEOR over all rewritten feedback when each is asked for at its own time: what is said, not when.

    The coach sees the session up to the step of the feedback and must speak there.
    """
    asked: dict[int, list[SegmentInput]] = {}
    wanted: dict[str, str] = {}
    for session in sessions:
        for number, one in enumerate(session.said):
            segment = as_read(session.segment, coach)
            steps = min(int(np.searchsorted(segment.times, one.time_s - 1e-9)) + 1, len(segment.times))
            key = f"{segment.key}/{number}"
            if one.rewritten:
                wanted[key] = one.text
                asked.setdefault(steps, []).append(replace(first_steps(segment, steps), key=key))
    said: dict[str, str] = {}
    for steps, parts in asked.items():
        options = GenerateOptions(timing="corrected", context_every=context_every, interval_steps=steps)
        for output in Streamer(coach, options).run(parts):
            if isinstance(output, SegmentOutput):
                said[output.key] = " ".join(spoken.text for spoken in output.feedbacks)
    outcome = measure("meteor", {"official": [(text, said[key]) for key, text in wanted.items()]}, ScoreOptions(), None)
    return {"meteor_moment": outcome.measured["official"].value} if outcome.reason is None else {}


def first_steps(segment: SegmentInput, steps: int) -> SegmentInput:
    """The session up to a step."""
    names = ("features", "times", "motion", "morph")
    return replace(segment, **{name: getattr(segment, name)[:steps] for name in names})


def said_of(session: Session) -> list[tuple[float, str]]:
    return [(one.time_s, one.text) for one in session.said]


def run(variant: str, seed: int, workspace: Workspace, data: DataOptions, training: Training, out: Path) -> float:
    """Train one variant, stream the test sessions through it, write `scores.json`; processor seconds of all that."""
    torch.set_num_threads(1)
    began = time.process_time()
    folder = out / f"{variant}-{seed}"
    coach = trained(variant, seed, to_train(read_sessions(workspace, "train", data), seed), training, folder)
    learnt = time.process_time() - began
    test = read_sessions(workspace, "test", data)
    heard = speak(coach, test, training.context_every)
    moments = at_the_moments(coach, test, training.context_every)
    spent = {"train_cpu_s": learnt, "cpu_s": time.process_time() - began}
    examples = [[said_of(session), heard[session.segment.key]] for session in test if session.corrects][:20]
    settings = {"data": asdict(data), "training": asdict(training)}
    found = {**scores(test, heard), **moments, **spent, "settings": settings, "examples": examples}
    write_json(folder / "scores.json", found)
    return spent["cpu_s"]


def copied(workspace: Workspace, data: DataOptions) -> dict[str, float]:
    """Scores of `copy-context` in the same sessions."""
    test = read_sessions(workspace, "test", data)
    heard = {s.segment.key: copy_context(s.segment.times.tolist(), s.segment.motion, 4.0) for s in test}
    return scores(test, heard)


def reachable(workspace: Workspace) -> dict[str, float]:
    """METEOR of the training split's sentences in place of the test split's rewritten ones, at the right time.

    same_fault: one about the same fault in the same exercise; commonest_fault: about the exercise's commonest one.
    """
    train_set, test = (rewritten_rows(workspace, split) for split in ("train", "test"))
    texts: dict[tuple[str, ...], list[str]] = {}
    for row in train_set:
        texts.setdefault((row["exercise"], *row["rules"]), []).append(row["text"])
    common = {key[0]: key for key in sorted(texts, key=lambda key: len(texts[key]))}
    draw = np.random.default_rng(0)
    found = {}
    for name, key_of in (
        ("same_fault", lambda row: (row["exercise"], *row["rules"])),
        ("commonest_fault", lambda row: common[row["exercise"]]),
    ):
        pairs = [(row["text"], str(draw.choice(texts[key_of(row)]))) for row in test if key_of(row) in texts]
        outcome = measure("meteor", {"official": pairs}, ScoreOptions(), None)
        if outcome.reason is None:
            found[name] = outcome.measured["official"].value
    return found


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half width of its 95 % interval (Student's t over seeds)."""
    from scipy import stats

    if len(values) < 2:
        return float(np.mean(values)) if values else float("nan"), float("nan")
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(half)


def summary(out: Path) -> None:
    """The table of all runs that are finished; a run that matches nothing has no METEOR and is left out of it."""
    print(f"{'variant':18s} {'seeds':>5s}" + "".join(f"{name:>19s}" for name in COLUMNS) + f"{'CPU s':>8s}")
    for variant in VARIANTS:
        rows = [json.loads(path.read_text()) for path in sorted(out.glob(f"{variant}-*/scores.json"))]
        cells = [interval([row[name] for row in rows if name in row]) for name in COLUMNS]
        spent = sum(row["cpu_s"] for row in rows)
        print(f"{variant:18s} {len(rows):5d}" + "".join(f"   {m:7.3f} ± {h:6.3f}" for m, h in cells) + f"{spent:8.0f}")


def run_all(options: argparse.Namespace, workspace: Workspace, data: DataOptions, training: Training) -> None:
    """Every run that is not finished, `--jobs` of them side by side, one thread each."""
    wanted = [(variant, seed) for seed in options.seeds for variant in options.variants]
    wanted = [(v, s) for v, s in wanted if not (options.out / f"{v}-{s}" / "scores.json").is_file()]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        begun = {pool.submit(run, v, s, workspace, data, training, options.out): (v, s) for v, s in wanted}
        for one in as_completed(begun):
            print(*begun[one], f"finished, {one.result():.0f} s of processor time", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("outputs/learning"))
    parser.add_argument("--seeds", type=int, nargs="*", default=(0, 1, 2))
    parser.add_argument("--variants", nargs="*", default=VARIANTS)
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side, one thread each")
    parser.add_argument("--steps", type=int, default=Training.steps)
    parser.add_argument("--feedback", choices=("rewritten", "all"), default=DataOptions.feedback)
    parser.add_argument("--noise", type=float, default=DataOptions.noise_deg, help="degrees, on what vision sees")
    parser.add_argument("--train", type=int, default=DataOptions.train, help="workouts to train on")
    parser.add_argument("--test", type=int, default=DataOptions.test, help="workouts to test on")
    options = parser.parse_args()
    data = DataOptions(train=options.train, test=options.test, noise_deg=options.noise, feedback=options.feedback)
    began, wall = time.process_time(), time.perf_counter()
    workspace = make_data(options.out / "data", data)
    print(f"data: {time.process_time() - began:.0f} s of processor time", flush=True)
    run_all(options, workspace, data, Training(steps=options.steps))
    summary(options.out)
    print("reachable", {name: round(value, 3) for name, value in reachable(workspace).items()})
    print("copy-context", {name: round(value, 3) for name, value in copied(workspace, data).items()})
    print(f"{time.perf_counter() - wall:.0f} s in all")


if __name__ == "__main__":
    main()
