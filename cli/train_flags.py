"""Options that the commands of `qevd-bio train` share, each written once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated

import typer

from qevd_bio.coach.training.options import COACH, CoachData
from qevd_bio.learning.options import Device, LoopOptions, Precision

_MACHINE, SEQUENCES, _CHECKS = "Machine and memory", "Sequences", "Checks and checkpoints"
_DATA = CoachData()


@dataclass(frozen=True)
class LoopFlags:
    """How long and how fast is learnt, and when it is checked. None: as published for the stage."""

    lr: Annotated[float | None, typer.Option(help="Learning rate of AdamW.", show_default="as published")] = None
    batch: Annotated[int | None, typer.Option(min=1, help="Items a step.", show_default="as published")] = None
    epochs: Annotated[int | None, typer.Option(min=1, help="Times through the data.", show_default="as published")] = (
        None
    )
    steps: Annotated[int, typer.Option(min=0, help="Stop after so many steps; 0: by epochs.")] = 0
    seed: Annotated[int, typer.Option(help="The same seed gives the same losses.")] = 0
    micro_batch: Annotated[
        int, typer.Option(min=0, help="Items at once; changes memory alone. 0: all.", rich_help_panel=_MACHINE)
    ] = 0
    precision: Annotated[
        Precision, typer.Option(help="Mixed precision; auto: as model and machine are.", rich_help_panel=_MACHINE)
    ] = COACH.precision
    device: Annotated[Device, typer.Option(help="auto: what the model is meant for.", rich_help_panel=_MACHINE)] = (
        COACH.device
    )
    validation: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of videos (clips: people) held out.", rich_help_panel=_CHECKS)
    ] = COACH.validation_share
    validate_every: Annotated[int, typer.Option(min=0, help="Steps; 0: once an epoch.", rich_help_panel=_CHECKS)] = 0
    save_every: Annotated[
        int, typer.Option(min=0, help="Steps between states to go on from.", rich_help_panel=_CHECKS)
    ] = COACH.save_every

    def of(self, stage: LoopOptions) -> LoopOptions:
        """The stage's options with what was given in their place."""
        given = {**asdict(self), "learning_rate": self.lr, "validation_share": self.validation}
        known = {name: value for name, value in given.items() if value is not None and hasattr(stage, name)}
        return replace(stage, **known)


@dataclass(frozen=True)
class MemoryFlags:
    """What the large models need."""

    activation_checkpointing: Annotated[
        bool,
        typer.Option("--activation-checkpointing", help="Less memory, a third more time.", rich_help_panel=_MACHINE),
    ] = False
    compile: Annotated[bool, typer.Option("--compile", help="torch.compile the model.", rich_help_panel=_MACHINE)] = (
        False
    )

    def of(self, stage: LoopOptions) -> LoopOptions:
        """The stage's options with these."""
        return replace(stage, activation_checkpointing=self.activation_checkpointing, compile=self.compile)


@dataclass(frozen=True)
class SequenceFlags:
    """How segments become sequences."""

    alpha: Annotated[float, typer.Option(help="Weight of <next> in the loss.", rich_help_panel=SEQUENCES)] = _DATA.alpha
    max_tokens: Annotated[
        int, typer.Option(min=16, help="Longer segments lose their last steps.", rich_help_panel=SEQUENCES)
    ] = _DATA.max_tokens
    generate: Annotated[int, typer.Option(min=0, help="Held-out segments to speak in.", rich_help_panel=_CHECKS)] = (
        _DATA.generate
    )

    def data(self, context_every: int = _DATA.context_every) -> CoachData:
        return CoachData(self.alpha, context_every, self.max_tokens, self.generate)
