"""`qevd-bio techcoach train`, `run`, `baseline` and `presets`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.store.terminal import say
from qevd_bio.techcoach.options import VARIANTS

from .ending import note
from .flags import spread
from .techcoach_flags import (
    Baseline,
    Built,
    Features,
    HowFlags,
    MentionMask,
    Out,
    Predictions,
    Replace,
    Split,
    WhatFlags,
)


@spread
def train(
    *,
    built: Built,
    features: Features,
    out: Out,
    preset: Annotated[str, typer.Option(help="small, published, or a YAML file.")] = "small",
    variant: Annotated[
        str | None, typer.Option(help=f"A row of the tables: {', '.join(VARIANTS)}.", show_default="full")
    ] = None,
    text_weights: Annotated[
        Path | None, typer.Option(help="Folder of a BERT to begin the text generator with, and its tokenizer.")
    ] = None,
    mention_mask: MentionMask = "oracle",
    what: WhatFlags,
    how: HowFlags,
) -> None:
    """Train TechCoach on the train split; a share of its people chooses the checkpoint. Run again to continue.

    Example: qevd-bio techcoach train --built coaching --features features --preset published
    --text-weights bert-base-uncased --encoder microsoft/deberta-xlarge --out runs/techcoach
    """
    from qevd_bio.techcoach.training.stage import LOOP, TrainPlace, describe, train_coach, with_variant

    options = what.of(mention_mask)
    if variant is not None:
        options = with_variant(options, variant)
    place = TrainPlace(
        built.expanduser(), features.expanduser(), out.expanduser(), preset,
        text_weights.expanduser() if text_weights else None,
    )  # fmt: skip
    for line in describe(train_coach(place, options, how.of(LOOP), note)):
        say(line)


@spread
def run(
    *,
    model: Annotated[Path, typer.Option(help="Checkpoint folder (best or last of a training).")],
    built: Built,
    features: Features,
    out: Predictions,
    split: Split = "val",
    mention_mask: MentionMask = "oracle",
    batch: Annotated[int, typer.Option(min=1, help="Instances at once.")] = 16,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.")] = "auto",
    redo: Replace = False,
) -> None:
    """A comment and a score for every instance of a split: predictions for qevd-bio score --task techcoach."""
    from qevd_bio.techcoach.training.run import run_coach

    run_coach(
        model.expanduser(), built.expanduser(), features.expanduser(), out.expanduser(), split=split,
        mention=mention_mask, batch=batch, device=device, redo=redo, say=say,
    )  # fmt: skip
    say(f"next: qevd-bio score --task techcoach --preds {out} --data {built}")


@spread
def baseline(
    *,
    name: Annotated[Baseline, typer.Argument(help="A score regressor, or a control that sees no video.")],
    built: Built,
    features: Annotated[
        Path | None, typer.Option(help="For mlp, usdl, core and tpt: the features folder.", show_default=False)
    ] = None,
    out: Out,
    split: Split = "val",
    how: HowFlags,
) -> None:
    """Predictions of a baseline, into OUT/predictions.jsonl: mlp, usdl, core, tpt (trained), and controls.

    SwinBERT and a PGMI-like model are qevd-bio techcoach train --system.
    """
    from qevd_bio.techcoach.baselines.stage import run_baseline

    place = None if features is None else features.expanduser()
    path = run_baseline(name, built.expanduser(), place, out.expanduser(), split, how.of, note)
    say(f"written: {path}")
    say(f"next: qevd-bio score --task techcoach --preds {path} --data {built}")


@spread
def presets() -> None:
    """List the presets with their numbers of parameters, by part; nothing is allocated."""
    from qevd_bio.techcoach.training.stage import presets_listed

    for one in presets_listed():
        parts = ", ".join(f"{name} {count:,}" for name, count in one.items() if name not in ("name", "all"))
        say(f"{one['name']}: {one['all']:,} parameters ({parts})")


@spread
def ablation(
    *,
    built: Built,
    features: Features,
    out: Out,
    row: Annotated[
        list[str] | None,
        typer.Option(
            help="A variant of training, a baseline or a control; repeatable.", show_default="the paper's tables"
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds, from 0.")] = 3,
    preset: Annotated[str, typer.Option(help="small, published, or a YAML file.")] = "small",
    split: Split = "val",
    mention_mask: MentionMask = "oracle",
    what: WhatFlags,
    how: HowFlags,
) -> None:
    """Rows of the paper's tables: each trained, run and scored with every seed; a table of means in OUT/ablation.md.

    What is finished is kept: the same command continues. --seed is the first one's.
    """
    from qevd_bio.techcoach.ablation import TABLE, AblationPlan, run_ablation
    from qevd_bio.techcoach.training.stage import LOOP

    rows = tuple(row or [*(name for name in VARIANTS if name != "poses"), "mlp", "usdl", "core", "tpt", "constant"])
    first = how.seed
    plan = AblationPlan(
        built.expanduser(), features.expanduser(), out.expanduser(), rows, tuple(range(first, first + seeds)), preset,
        split,
    )  # fmt: skip
    run_ablation(plan, what.of(mention_mask), how.of, how.of(LOOP), note)
    say((plan.out / TABLE).read_text(encoding="utf-8"))
