"""Options that the commands of `qevd-bio train` share, each written once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qevd_bio.coach.options import AS_TRAINED, VARIANTS, MotionWish
from qevd_bio.coach.training.options import COACH, CoachData, RewardOptions
from qevd_bio.learning.options import Device, LoopOptions, Precision

from .common import PlaceFlags

if TYPE_CHECKING:
    from qevd_bio.coach.training.stage import TrainingPlace

LEARNING, _MACHINE = "How it learns", "Machine and memory"
_SEQUENCES, _CHECKS, _REWARD = "Sequences", "Checks and checkpoints", "The reward stage"
_DATA, _SAMPLED = CoachData(), RewardOptions()

Model = Annotated[str, typer.Option(help="A checkpoint folder, or a preset to begin with random weights.")]
Out = Annotated[Path, typer.Option(help="Folder of this run: checkpoints, logs, state.")]
Split = Annotated[str | None, typer.Option(help="Split to train on.", show_default="QEVD-FIT-COACH")]


Variant = Annotated[
    str | None,
    typer.Option(help=f"An ablation: {', '.join(VARIANTS)}.", show_default="full, or as the checkpoint was made"),
]


@dataclass(frozen=True)
class TrainFlags:
    """What is trained, and where it goes."""

    model: Model = "tiny"
    out: Out = Path("outputs/train")
    split: Split = None
    variant: Variant = None


@dataclass(frozen=True)
class TargetFlags:
    """Which words are learnt, and how often the motion is read."""

    targets: Annotated[
        Literal["rewritten", "original"],
        typer.Option(help="rewritten: QEVD-bio-fit-coach of the workspace; original: the words of --data."),
    ] = "rewritten"
    context_every: Annotated[
        int, typer.Option(min=1, help="Steps (1/4 s) between motion contexts.", rich_help_panel=_SEQUENCES)
    ] = _DATA.context_every

    def place(self, place: PlaceFlags, train: TrainFlags) -> TrainingPlace:
        """What is trained on and where it is written, as the stages take it."""
        from qevd_bio.coach.training.request import original_place, rewritten_place

        if self.targets == "original":
            return original_place(place.source(), place.open(), train.split, train.out)
        return rewritten_place(place.open(), train.split, train.out)


@dataclass(frozen=True)
class LoopFlags:
    """How long and how fast is learnt, and when it is checked. None: as published for the stage."""

    lr: Annotated[
        float | None,
        typer.Option(help="Learning rate of AdamW.", show_default="as published", rich_help_panel=LEARNING),
    ] = None
    batch: Annotated[int | None, typer.Option(min=1, help="Items a step.", show_default="as published")] = None
    epochs: Annotated[int | None, typer.Option(min=1, help="Times through the data.", show_default="as published")] = (
        None
    )
    steps: Annotated[int, typer.Option(min=0, help="Stop after so many steps; 0: by epochs.")] = 0
    seed: Annotated[int, typer.Option(help="The same seed gives the same losses.", rich_help_panel=LEARNING)] = 0
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

    alpha: Annotated[
        float | None,
        typer.Option(
            help="Weight of <next> in the loss.",
            show_default="0.1 for BioCoach, 1 for Stream-VLM",
            rich_help_panel=_SEQUENCES,
        ),
    ] = _DATA.alpha
    max_tokens: Annotated[
        int, typer.Option(min=16, help="Longer segments lose their last steps.", rich_help_panel=_SEQUENCES)
    ] = _DATA.max_tokens
    generate: Annotated[int, typer.Option(min=0, help="Held-out segments to speak in.", rich_help_panel=_CHECKS)] = (
        _DATA.generate
    )

    def data(self, context_every: int = _DATA.context_every, motion: MotionWish = AS_TRAINED) -> CoachData:
        return CoachData(self.alpha, context_every, self.max_tokens, self.generate, motion)


@dataclass(frozen=True)
class RewardFlags:
    """Which stage, and how streams are sampled and rewarded."""

    stage: Annotated[
        Literal["supervised", "reward"],
        typer.Option(help="reward: go on with a coach that speaks, by what it says.", rich_help_panel=_REWARD),
    ] = "supervised"
    samples: Annotated[int, typer.Option(min=2, help="Streams sampled of each segment.", rich_help_panel=_REWARD)] = (
        _SAMPLED.samples
    )
    kl: Annotated[
        float, typer.Option(min=0.0, help="Weight of staying near the supervised model.", rich_help_panel=_REWARD)
    ] = _SAMPLED.kl

    def of(self) -> RewardOptions:
        return RewardOptions(self.samples, self.kl)
