"""Options of `qevd-bio techcoach train` and its neighbours, each written once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from qevd_bio.learning.options import Device, LoopOptions, Precision
from qevd_bio.techcoach.options import Alignment, Loss, Mention, System, TrainOptions, Views

T = TrainOptions()
_WHAT, _HOW, _MACHINE = "What is learnt", "How it learns (own defaults)", "Machine"
LOSSES: tuple[Loss, ...] = ("text", "score", "align")

Built = Annotated[Path, typer.Option("--built", help="Folder of qevd-bio techcoach build.")]
Features = Annotated[Path, typer.Option("--features", help="Folder with features.json and an array a view.")]
Out = Annotated[Path, typer.Option("--out", help="Folder of this run: checkpoints, log, state.")]
Predictions = Annotated[Path, typer.Option("--out", help="Predictions to write (JSON lines).")]
Split = Annotated[str, typer.Option(help="val: where Ego-Exo4D's commentary is public.")]
MentionMask = Annotated[
    Mention,
    typer.Option(
        "--mention-mask", help="oracle, as published: told which points the reference speaks of; none: not told."
    ),
]
Replace = Annotated[bool, typer.Option("--redo", help="Replace predictions that stand there.")]


@dataclass(frozen=True)
class WhatFlags:
    """What is trained; fields as in TrainOptions."""

    loss: Annotated[
        list[str] | None,
        typer.Option(help="text, score or align; repeatable (Table 3).", show_default="all", rich_help_panel=_WHAT),
    ] = None
    align: Annotated[Alignment, typer.Option(help="Alignment; cls: TP-CLS (Table 3, B.4).", rich_help_panel=_WHAT)] = (
        T.align
    )
    query: Annotated[
        list[str] | None,
        typer.Option(help="text, type, quality; repeatable (Table 4).", show_default="all", rich_help_panel=_WHAT),
    ] = None
    views: Annotated[Views, typer.Option(help="none: a control without video.", rich_help_panel=_WHAT)] = T.views
    score_weight: Annotated[float, typer.Option(min=0, help="λ1, published.", rich_help_panel=_WHAT)] = T.score_weight
    align_weight: Annotated[float, typer.Option(min=0, help="λ2, published.", rich_help_panel=_WHAT)] = T.align_weight
    poses: Annotated[
        bool, typer.Option("--poses", help="Joint angles as further tokens (own).", rich_help_panel=_WHAT)
    ] = T.poses
    system: Annotated[
        System, typer.Option(help="techcoach, or a captioning rival on the same features.", rich_help_panel=_WHAT)
    ] = T.system
    encoder: Annotated[
        str,
        typer.Option(
            help="Frozen text encoder: folder, name (published: microsoft/deberta-xlarge), or words (own).",
            rich_help_panel=_WHAT,
        ),
    ] = T.encoder

    def of(self, mention: Mention) -> TrainOptions:
        """The options as the stage takes them; rivals have no points to align."""
        from qevd_bio.store.errors import UserError

        given = {**vars(self), "mention": mention}
        losses, query = given.pop("loss"), given.pop("query")
        odd = [name for name in losses or () if name not in LOSSES]
        if odd:
            raise UserError(f"no loss {odd[0]!r}", expected=", ".join(LOSSES))
        options = TrainOptions(**given)
        if query:
            options = replace(options, query=tuple(query))
        if losses:
            return replace(options, losses=tuple(losses))
        return options if self.system == "techcoach" else replace(options, losses=("text", "score"))


@dataclass(frozen=True)
class HowFlags:
    """How long and how fast; None: the command's own default."""

    lr: Annotated[float | None, typer.Option(help="Highest learning rate of AdamW.", rich_help_panel=_HOW)] = None
    batch: Annotated[int | None, typer.Option(min=1, help="Instances a step.", rich_help_panel=_HOW)] = None
    epochs: Annotated[int | None, typer.Option(min=1, help="Times through the data.", rich_help_panel=_HOW)] = None
    steps: Annotated[int, typer.Option(min=0, help="Stop after so many; 0: by epochs.", rich_help_panel=_HOW)] = 0
    seed: Annotated[int, typer.Option(help="The same seed gives the same losses.", rich_help_panel=_HOW)] = 0
    validation: Annotated[
        float | None, typer.Option(min=0, max=0.9, help="Share of people held out of train.", rich_help_panel=_HOW)
    ] = None
    micro_batch: Annotated[
        int, typer.Option(min=0, help="Instances at once; 0: all of a step.", rich_help_panel=_MACHINE)
    ] = 0
    precision: Annotated[Precision, typer.Option(help="Mixed precision.", rich_help_panel=_MACHINE)] = "no"
    device: Annotated[Device, typer.Option(help="auto or cpu.", rich_help_panel=_MACHINE)] = "auto"

    def of(self, stage: LoopOptions) -> LoopOptions:
        """The stage's options with what was given in their place."""
        given = {**asdict(self), "learning_rate": self.lr, "validation_share": self.validation}
        known = {name: value for name, value in given.items() if value is not None and hasattr(stage, name)}
        return replace(stage, **known)


Baseline = Literal[
    "mlp", "usdl", "core", "tpt", "constant", "task-mean", "mention-only", "frequent", "random", "shuffled"
]
