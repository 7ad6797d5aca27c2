"""`qevd-bio train`: data set and workspace to trained checkpoints, stage by stage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from qevd_bio.coach.model.biocoach import BioCoach
from qevd_bio.coach.model.checkpoint import LONG_RANGE, PROMPT, Coach
from qevd_bio.coach.model.fusion import MorphFusion
from qevd_bio.coach.model.loading import build, fingerprint, open_coach
from qevd_bio.coach.model.presets import is_preset, read_preset
from qevd_bio.coach.model.selector import JointSelector
from qevd_bio.coach.model.tokens import find_action_tokens
from qevd_bio.coach.options import Ablations, ContextsRead, MotionWish
from qevd_bio.coach.segments.coach_views import coach_view
from qevd_bio.coach.segments.data import NONE_READ, SegmentSource, sources
from qevd_bio.coach.segments.views import NOT_STATED, View
from qevd_bio.coach.training.clips import prepare_short
from qevd_bio.coach.training.coach import CoachTask, lengths_of, parts_to_train
from qevd_bio.coach.training.examples import SAME_BODY, Prepared, prepare, same_body
from qevd_bio.coach.training.needs import check_inputs
from qevd_bio.coach.training.options import CoachData, RewardOptions, ShortParts
from qevd_bio.coach.training.reward import RewardTask, usable
from qevd_bio.coach.training.selector import SelectorTask, read_windows
from qevd_bio.coach.training.turns import TurnTask, prepare_turns
from qevd_bio.coach.training.variants import forget_vision, varied
from qevd_bio.dataset.layout import TRAIN
from qevd_bio.dataset.opening import Dataset, open_dataset
from qevd_bio.learning.loop import Trained, train
from qevd_bio.learning.options import LoopOptions
from qevd_bio.learning.precision import check_precision, settled
from qevd_bio.motion.options import Evidence
from qevd_bio.store.errors import UserError
from qevd_bio.tables.workspace import Workspace

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainingPlace:
    """What a stage trains on and where it writes: data set, workspace, split, folder of this run."""

    data: Path
    workspace: Workspace
    split: str | None
    out: Path

    def dataset(self) -> Dataset:
        return open_dataset(self.data, user_refs=self.workspace.user_refs)


def open_model(
    model: str, ablations: Ablations | None, place: TrainingPlace, options: LoopOptions, *, biocoach: bool = False
) -> Coach:
    """The coach that a stage begins with (`open_start`); a preset's tokenizer learns the words of the training data."""

    def texts() -> list[str]:
        segments = place.dataset().segments(place.split, strict=False)
        return sorted({feedback.official_text for segment in segments for feedback in segment.feedbacks})

    return open_start(model, ablations, options, biocoach=biocoach, texts=texts)


def training_sources(coach: Coach, place: TrainingPlace, reads: ContextsRead = NONE_READ) -> list[SegmentSource]:
    """Segments of the training split; the benchmark is never trained on unless it is named."""
    dataset = place.dataset()
    split = place.split
    if split is None:
        if TRAIN not in dataset.splits:
            raise UserError(
                f"no training split in it (found: {', '.join(dataset.splits)})",
                where=place.data,
                expected=f"a folder {TRAIN}",
                fix="name a split with --split where another one is meant",
            )
        split = TRAIN
    return sources(dataset, place.workspace, coach.sees, reads=reads, split=split)


def contexts_for(
    coach: Coach, model: str, place: TrainingPlace, data: CoachData, options: LoopOptions, say: Say
) -> tuple[TrainingPlace, CoachData]:
    """The place and the options with the contexts that this coach is to learn from.

    With a trained selector it chooses J* of every segment, and contexts are made of them (BioCoach, Supp. 11.4). A
    coach without one takes annotations, which are no secret in training, else the exercises' lists.
    """
    if not coach.reads.measured:
        return place, data
    wish = coach.wish(data.motion)
    if data.motion.salient is None and coach.ablations.salient == "selector" and coach.selector is None:
        wish = replace(wish, salient="annotated")
    chosen = training_sources(coach, place)
    view = learnt_view(coach, model, wish, chosen, place.workspace, options.device, say)
    say(f"coach: contexts with J* of source {view.salient}")
    data = replace(data, motion=replace(wish, salient=None if view.salient == NOT_STATED else wish.salient))
    return replace(place, workspace=view.workspace), data


def learnt_view(
    coach: Coach, model: str, wish: MotionWish, chosen: list[SegmentSource], workspace: Workspace, device: str, say: Say
) -> View:
    """The motion tables that were wished for; of several processes of one run the first makes them."""
    first, several = os.environ.get("RANK", "0") == "0", int(os.environ.get("WORLD_SIZE", "1")) > 1
    view = coach_view(coach, model, wish, chosen, workspace, make=first, say=say)
    if several:
        from accelerate import PartialState

        PartialState(cpu=device == "cpu").wait_for_everyone()
    return view


def train_selector(
    coach: Coach, model: str, place: TrainingPlace, options: LoopOptions, say: Say, evidence: Evidence = "causal"
) -> Trained:
    """Stage 1; writes `<out>/selector/`."""
    chosen = training_sources(coach, place)
    out, options = place.out / "selector", _settled(options, coach)
    windows = read_windows(chosen, place.workspace, coach.ablations.tau_steps, out, evidence)
    say(
        f"selector: {len(windows.pooled)} windows of {len(set(windows.groups))} videos, "
        f"{windows.annotated} of them annotated"
    )
    task = SelectorTask(coach, windows, options)
    return train(task, options, out, {"from": fingerprint(model, coach), "stage": "selector"}, say)


def train_coach(
    coach: Coach,
    model: str,
    place: TrainingPlace,
    options: LoopOptions,
    data: CoachData,
    say: Say,
    parts: tuple[str, ...] = (),
) -> Trained:
    """Stage 2 (and Stream-VLM's long videos); writes `<out>/coach/`."""
    for line in check_inputs(training_sources(coach, place, coach.reads)):
        say(line)
    if coach.in_turns:
        return _train_turns(coach, model, training_sources(coach, place, coach.reads), place, options, data, say)
    place, data = contexts_for(coach, model, place, data, options, say)
    prepared = prepare(training_sources(coach, place, coach.reads), coach, data)
    _tell(prepared, say)
    chosen, options = parts or parts_to_train(coach, "long"), _settled(options, coach)
    task = CoachTask(coach, prepared, data, options, chosen)
    say(f"coach: trains {'+'.join(chosen)}, {task.trained:,} values")
    settings = {"from": fingerprint(model, coach), "stage": "coach", "parts": list(chosen), "data": str(data)}
    return train(task, options, place.out / "coach", settings, say)


def train_reward(
    coach: Coach,
    model: str,
    place: TrainingPlace,
    options: LoopOptions,
    data: CoachData,
    reward: RewardOptions,
    say: Say,
) -> Trained:
    """The reward stage on a coach that has learnt to speak; writes `<out>/reward/`."""
    if coach.in_turns:
        raise UserError(f"{coach.config.name} with --stage reward", expected="a coach that streams")
    for line in check_inputs(training_sources(coach, place, coach.reads)):
        say(line)
    place, data = contexts_for(coach, model, place, data, options, say)
    found, missing = usable(training_sources(coach, place, coach.reads), coach)
    options, parts = _settled(options, coach), parts_to_train(coach, "long")
    task = RewardTask(coach, found, options, reward, parts)
    say(f"reward: {len(found)} segments; trains {'+'.join(parts)}, {task.trained:,} values")
    for reason, count in sorted(missing.items()):
        say(f"left out: {count} × {reason}")
    settings = {
        "from": fingerprint(model, coach),
        "stage": "reward",
        "parts": list(parts),
        "reward": str(reward),
        "data": str(data),
    }
    return train(task, options, place.out / "reward", settings, say)


def _train_turns(
    coach: Coach,
    model: str,
    chosen: list[SegmentSource],
    place: TrainingPlace,
    options: LoopOptions,
    data: CoachData,
    say: Say,
) -> Trained:
    """A turn-based model: each interval with feedback is a question; writes `<out>/coach/`."""
    turns, missing = prepare_turns(chosen, coach, data)
    options, parts = _settled(options, coach), parts_to_train(coach, "long")
    task = TurnTask(coach, turns, options, parts)
    say(f"coach: {len(turns)} turns; trains {'+'.join(parts)}, {task.trained:,} values")
    for reason, count in sorted(missing.items()):
        say(f"left out: {count} × {reason}")
    settings = {"from": fingerprint(model, coach), "stage": "coach", "parts": list(parts), "data": str(data)}
    return train(task, options, place.out / "coach", settings, say)


def train_stream_vlm(
    model: str,
    clips: Path | None,
    place: TrainingPlace,
    short: LoopOptions,
    long: LoopOptions,
    data: CoachData,
    say: Say,
    *,
    ablations: Ablations | None = None,
    parts: ShortParts = "cross-attention",
) -> Trained:
    """Stream-VLM's two stages: short clips (where `clips` names them), then long videos with LoRA (QEVD, App. D).

    `ablations`: a row of QEVD's Table 4; `parts`: what the first of the two changes. Writes `<out>/short/` and
    `<out>/coach/`. Both stages have the published system prompts; the checkpoint keeps that of the second.
    """
    coach = open_model(model, ablations, place, long)
    if coach.in_turns and clips is not None:
        raise UserError(
            f"{coach.config.name} with --clips",
            expected="a Stream-VLM",
            fix="qevd-bio train coach trains it on long videos",
        )
    if coach.ablations.no_pretraining and clips is not None:
        raise UserError(
            "--clips with the variant no-pretraining", expected="one of the two: that row skips the short clips"
        )
    short = _settled(short, coach)
    if clips is not None:
        dataset = open_dataset(clips, user_refs=place.workspace.user_refs)
        found = sources(dataset, place.workspace, coach.sees)
        prepared = prepare_short(found, dataset.clips, coach, data)
        _tell(prepared, say)
        task = CoachTask(coach, prepared, data, short, parts_to_train(coach, "short", parts), "short")
        settings = {"from": fingerprint(model, coach), "stage": "short", "data": str(data), "parts": parts}
        done = train(task, short, place.out / "short", settings, say)
        model = str(done.best_folder)
        coach = open_coach(model, device=own_device(long.device))
    coach.about[PROMPT] = LONG_RANGE
    return train_coach(coach, model, place, long, data, say)


def train_both(
    model: str,
    ablations: Ablations | None,
    place: TrainingPlace,
    selector: LoopOptions,
    coach_options: LoopOptions,
    data: CoachData,
    say: Say,
    parts: tuple[str, ...] = (),
) -> Trained:
    """The paper's two stages: the selector, then the fusion with the selector frozen (Supp. 11.4).

    A Stream-VLM is made into a BioCoach first. `parts`: what the second stage trains instead of what was published.
    """
    coach = open_model(model, ablations, place, coach_options, biocoach=True)
    check_inputs(training_sources(coach, place, coach.reads))
    if not coach.ablations.no_selector:
        first = train_selector(coach, model, place, selector, say, data.motion.evidence)
        model = str(first.best_folder)
        coach = open_coach(model, device=own_device(coach_options.device))
    return train_coach(coach, model, place, coach_options, data, say, parts)


def _settled(options: LoopOptions, coach: Coach) -> LoopOptions:
    return settled(options, coach.model.device, coach.config.dtype)


def _tell(prepared: Prepared, say: Say) -> None:
    tokens = sum(lengths_of(prepared.examples))
    say(f"coach: {len(prepared.examples)} segments, {tokens:,} tokens")
    if prepared.cut:
        say(f"coach: {prepared.cut} segments lose their last steps; a larger --max-tokens takes them whole")
    # Short clips are read one by one; they are not all opened to find out.
    if isinstance(prepared.examples, list) and same_body(prepared.examples):
        say(f"warning: {SAME_BODY}")
    for reason, count in sorted(prepared.missing.items()):
        say(f"left out: {count} × {reason} ({prepared.first_problem})")


SHAPE = "biocoach-7b"
"""Preset that says how selector, fusion and contexts of a BioCoach made of a Stream-VLM look."""


def own_device(device: str) -> str:
    """Where this process loads a model: of several processes on one machine each has a GPU of its own."""
    if device == "cpu":
        return "cpu"
    place = os.environ.get("LOCAL_RANK")
    return f"cuda:{place}" if place is not None and torch.cuda.is_available() else "auto"


def open_start(
    model: str,
    ablations: Ablations | None,
    options: LoopOptions,
    *,
    biocoach: bool,
    texts: Callable[[], Iterable[str]] = tuple,
) -> Coach:
    """A checkpoint folder, or a preset with random weights whose tokenizer also knows the words of `texts`.

    With `biocoach` a Stream-VLM becomes an untrained BioCoach. `ablations` switches parts off; None is the full
    model, or what a BioCoach's checkpoint was made with. UserError as `open_coach`, and for a checkpoint that was
    made with others.
    """
    check_precision(options)
    coach = open_coach(model, device=own_device(options.device), seed=options.seed)
    preset = coach.untrained and is_preset(model)
    if preset:
        coach = _with_words(coach, model, ablations or Ablations(), options.seed, tuple(texts()))
    if coach.in_turns and (biocoach or ablations is not None):
        raise UserError(
            f"{coach.config.name} is asked in turns: it has no joint selector, fusion or action tokens",
            where=Path(model),
            expected="a Stream-VLM or a BioCoach for this stage and its variants",
            fix="qevd-bio train coach, without --variant",
        )
    if biocoach and coach.config.kind == "stream-vlm":
        return as_biocoach(coach, ablations or Ablations(), options.seed)
    if not preset and ablations is not None and ablations != coach.ablations and coach.config.kind == "stream-vlm":
        return varied(coach, ablations, model, options.seed)
    if not preset and ablations is not None and ablations != coach.ablations:
        raise UserError(
            f"this checkpoint was made with other ablations ({_switched(coach.ablations)})",
            where=Path(model),
            expected=f"{_switched(ablations)}, as --variant says",
            fix="leave --variant out, or begin from the Stream-VLM that it was made of",
        )
    return coach


def _switched(ablations: Ablations) -> str:
    plain = Ablations()
    names = [name for name in plain.__dataclass_fields__ if getattr(ablations, name) != getattr(plain, name)]
    return ", ".join(f"{name} {getattr(ablations, name)}" for name in names) or "the full model"


def _with_words(coach: Coach, model: str, ablations: Ablations, seed: int, texts: tuple[str, ...]) -> Coach:
    built, tokenizer = build(coach.config, ablations=ablations, seed=seed, texts=texts)
    tokens = find_action_tokens(tokenizer, Path(model), coach.config.tokens)
    return Coach(built.to(coach.model.device), tokenizer, tokens, built.config, ablations, dict(coach.about))


def as_biocoach(coach: Coach, ablations: Ablations, seed: int) -> Coach:
    """BioCoach on a Stream-VLM: its weights as they are, selector and fusion new (BioCoach, Sec. 3.6).

    The language model is taken over, not copied. Without pretraining (QEVD, Table 4) the cross-attention is new, too.
    """
    shape = read_preset(SHAPE)
    config = replace(
        coach.config,
        name=coach.config.name.replace("stream-vlm", "biocoach"),
        kind="biocoach",
        selector=shape.selector,
        fusion=shape.fusion,
        context_tokens=shape.context_tokens,
        morph_tokens=shape.morph_tokens,
    )
    with torch.device("meta"):
        model = BioCoach(config, ablations=ablations)
    device = coach.model.device
    model.lang, model.actions = coach.model.lang, coach.model.actions
    torch.manual_seed(seed)
    model.selector = JointSelector(config.vision.dim, config.selector).to(device)
    model.fusion = MorphFusion(config.vision.dim, int(model.decoder.config.hidden_size), config.fusion)
    model.fusion.initialise()
    model.fusion.to(device)
    if ablations.no_pretraining:
        forget_vision(model, seed)
    about = {**coach.about, "made_from": coach.config.name}
    return Coach(model, coach.tokenizer, coach.tokens, config, ablations, about)
