"""What a stage begins with: a checkpoint, a preset, or a BioCoach made of a trained Stream-VLM."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import torch

from qevd_bio.coach.model.action_tokens import find_action_tokens
from qevd_bio.coach.model.biocoach import BioCoach
from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.fusion import MorphFusion
from qevd_bio.coach.model.loading import open_coach
from qevd_bio.coach.model.presets import build, preset_names, read_preset
from qevd_bio.coach.model.selector import JointSelector
from qevd_bio.coach.options import Ablations
from qevd_bio.coach.training.options import LoopOptions
from qevd_bio.learning.precision import check_precision
from qevd_bio.store.errors import UserError

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
    preset = bool(coach.about.get("untrained")) and model in preset_names()
    if preset:
        coach = _with_words(coach, model, ablations or Ablations(), options.seed, tuple(texts()))
    if biocoach and coach.config.kind == "stream-vlm":
        return as_biocoach(coach, ablations or Ablations(), options.seed)
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
    model.lang = coach.model.lang
    torch.manual_seed(seed)
    model.selector = JointSelector(config.vision.dim, config.selector).to(device)
    model.fusion = MorphFusion(config.vision.dim, int(model.decoder.config.hidden_size), config.fusion)
    model.fusion.initialise()
    model.fusion.to(device)
    if ablations.no_pretraining:
        for name, module in model.named_modules():
            if "xattn_layer" in name and isinstance(module, (torch.nn.Linear, torch.nn.LayerNorm)):
                module.reset_parameters()
    about = {**coach.about, "made_from": coach.config.name}
    return Coach(model, coach.tokenizer, coach.tokens, config, ablations, about)
