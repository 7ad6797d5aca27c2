"""qevd-bio train: the coach's parts, stage by stage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qevd_bio.coach.options import VARIANTS, Ablations
from qevd_bio.coach.train_options import (
    COACH,
    LONG_VIDEOS,
    SELECTOR,
    SHORT_CLIPS,
    VISION,
    CoachData,
    LoopOptions,
    Precision,
)

from .common import DEFAULT_WORKSPACE, Data, WorkspaceDir, need_data, open_workspace

if TYPE_CHECKING:
    from qevd_bio.coach.train_stage import Place

app = typer.Typer(help="Train the coach: both published stages, or one by name.", pretty_exceptions_enable=False)
D, C = CoachData(), COACH
MACHINE, SEQUENCES, CHECKS = "Machine and memory", "Sequences", "Checks and checkpoints"

Model = Annotated[str, typer.Option(help="A checkpoint folder, or a preset to begin with random weights.")]
Out = Annotated[Path, typer.Option(help="Folder of this run: checkpoints, logs, state.")]
Split = Annotated[str | None, typer.Option(help="Split to train on.", show_default="QEVD-FIT-COACH")]
Variant = Annotated[str, typer.Option(help=f"An ablation of a preset: {', '.join(VARIANTS)}.", show_default=True)]
Targets = Annotated[
    Literal["rewritten", "original"],
    typer.Option(help="rewritten: QEVD-bio-fit-coach of the workspace; original: the words of --data."),
]
Rate = Annotated[float | None, typer.Option("--lr", help="Learning rate of AdamW.", show_default="as published")]
BatchSize = Annotated[int | None, typer.Option("--batch", min=1, help="Sequences a step.", show_default="as published")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Times through the data.", show_default="as published")]
Steps = Annotated[int, typer.Option(min=0, help="Stop after so many steps; 0: by epochs.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same losses.")]
MicroBatch = Annotated[
    int, typer.Option(min=0, help="Sequences at once; changes memory alone. 0: all.", rich_help_panel=MACHINE)
]
PrecisionOption = Annotated[Precision, typer.Option("--precision", help="Mixed precision.", rich_help_panel=MACHINE)]
Checkpointing = Annotated[
    bool,
    typer.Option("--activation-checkpointing", help="Less memory, a third more time.", rich_help_panel=MACHINE),
]
Compile = Annotated[bool, typer.Option("--compile", help="torch.compile the model.", rich_help_panel=MACHINE)]
Device = Annotated[str, typer.Option(help="auto, or cpu.", rich_help_panel=MACHINE)]
Alpha = Annotated[float, typer.Option(help="Weight of <next> in the loss.", rich_help_panel=SEQUENCES)]
ContextEvery = Annotated[
    int, typer.Option(min=1, help="Steps (1/4 s) between motion contexts.", rich_help_panel=SEQUENCES)
]
MaxTokens = Annotated[
    int, typer.Option(min=16, help="Longer segments lose their last steps.", rich_help_panel=SEQUENCES)
]
Validation = Annotated[
    float, typer.Option("--validation", min=0, max=0.9, help="Share of videos held out.", rich_help_panel=CHECKS)
]
ValidateEvery = Annotated[int, typer.Option(min=0, help="Steps; 0: once an epoch.", rich_help_panel=CHECKS)]
SaveEvery = Annotated[int, typer.Option(min=0, help="Steps between states to go on from.", rich_help_panel=CHECKS)]
Generate = Annotated[int, typer.Option(min=0, help="Held-out segments to speak in.", rich_help_panel=CHECKS)]


def _loop(base: LoopOptions, **given: Any) -> LoopOptions:
    return replace(base, **{name: value for name, value in given.items() if value is not None})


def _place(data: Path | None, workspace: Path, targets: str, split: str | None, out: Path) -> Place:
    from qevd_bio.coach.train_stage import Place
    from qevd_bio.store.errors import UserError

    room = open_workspace(workspace)
    if targets == "original":
        return Place(need_data(data), room, split, out.expanduser())
    if not room.rewritten.is_dir():
        raise UserError(
            "the rewritten data set is not there",
            where=room.rewritten,
            fix="qevd-bio rewrite, or --targets original to learn the trainers' own words",
        )
    return Place(room.rewritten, room, split, out.expanduser())


def _ablations(variant: str) -> Ablations:
    from qevd_bio.store.errors import UserError

    if variant not in VARIANTS:
        raise UserError(f"--variant {variant}", expected=f"one of {', '.join(VARIANTS)}")
    return VARIANTS[variant]


@app.callback(invoke_without_command=True)
def both(
    ctx: typer.Context,
    model: Model = "tiny",
    out: Out = Path("outputs/train"),
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    targets: Targets = "rewritten",
    split: Split = None,
    variant: Variant = "full",
    lr: Rate = None,
    batch: BatchSize = None,
    epochs: Epochs = None,
    steps: Steps = 0,
    seed: Seed = 0,
    micro_batch: MicroBatch = 0,
    precision: PrecisionOption = C.precision,
    activation_checkpointing: Checkpointing = False,
    compile: Compile = False,
    device: Device = C.device,
    alpha: Alpha = D.alpha,
    context_every: ContextEvery = D.context_every,
    max_tokens: MaxTokens = D.max_tokens,
    validation: Validation = C.validation_share,
    validate_every: ValidateEvery = 0,
    save_every: SaveEvery = C.save_every,
    generate: Generate = D.generate,
) -> None:
    """Both published stages: the joint selector, then the fusion with the selector frozen.

    Needs features (qevd-bio features), contexts (analyze) and, for --targets rewritten, qevd-bio rewrite. Run the
    same command again to go on. Several GPUs: accelerate launch -m qevd_bio train …
    """
    if ctx.invoked_subcommand is not None:
        return
    from qevd_bio.coach.train_stage import train_both

    place = _place(data, workspace, targets, split, out)
    shared = {
        "seed": seed, "precision": precision, "device": device, "compile": compile, "save_every": save_every,
        "validation_share": validation, "activation_checkpointing": activation_checkpointing,
    }  # fmt: skip
    loop = _loop(
        COACH, learning_rate=lr, batch=batch, epochs=epochs, steps=steps, micro_batch=micro_batch,
        validate_every=validate_every, **shared,
    )  # fmt: skip
    chosen = CoachData(alpha, context_every, max_tokens, generate)
    done = train_both(model, _ablations(variant), place, _loop(SELECTOR, **shared), loop, chosen, typer.echo)
    _show(done)


@app.command()
def selector(
    model: Model = "tiny",
    out: Out = Path("outputs/train"),
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    split: Split = None,
    lr: Rate = None,
    batch: BatchSize = None,
    epochs: Epochs = None,
    steps: Steps = 0,
    seed: Seed = 0,
    device: Device = C.device,
    validation: Validation = C.validation_share,
) -> None:
    """The joint selector alone, from annotated joints (qevd-bio annotate) or the exercises' standard sets."""
    from qevd_bio.coach.train_stage import open_model, train_selector

    place = _place(data, workspace, "original", split, out)
    loop = _loop(
        SELECTOR, learning_rate=lr, batch=batch, epochs=epochs, steps=steps, seed=seed, device=device,
        validation_share=validation,
    )  # fmt: skip
    coach = open_model(model, None, place, loop)
    _show(train_selector(coach, model, place, loop, typer.echo))


@app.command()
def coach(
    model: Model = "tiny",
    out: Out = Path("outputs/train"),
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    targets: Targets = "rewritten",
    split: Split = None,
    variant: Variant = "full",
    lr: Rate = None,
    batch: BatchSize = None,
    epochs: Epochs = None,
    steps: Steps = 0,
    seed: Seed = 0,
    micro_batch: MicroBatch = 0,
    precision: PrecisionOption = C.precision,
    activation_checkpointing: Checkpointing = False,
    compile: Compile = False,
    device: Device = C.device,
    alpha: Alpha = D.alpha,
    context_every: ContextEvery = D.context_every,
    max_tokens: MaxTokens = D.max_tokens,
    validation: Validation = C.validation_share,
    validate_every: ValidateEvery = 0,
    save_every: SaveEvery = C.save_every,
    generate: Generate = D.generate,
) -> None:
    """The second stage alone: BioCoach's fusion, or Stream-VLM's LoRA on long videos (LoRA's published rate: 1e-6)."""
    from qevd_bio.coach.train_stage import open_model, train_coach

    place = _place(data, workspace, targets, split, out)
    loop = _loop(
        COACH, learning_rate=lr, batch=batch, epochs=epochs, steps=steps, seed=seed, micro_batch=micro_batch,
        precision=precision, activation_checkpointing=activation_checkpointing, compile=compile, device=device,
        validation_share=validation, validate_every=validate_every, save_every=save_every,
    )  # fmt: skip
    opened = open_model(model, None if Path(model).is_dir() else _ablations(variant), place, loop)
    chosen = CoachData(alpha, context_every, max_tokens, generate)
    _show(train_coach(opened, model, place, loop, chosen, typer.echo))


@app.command("stream-vlm")
def stream_vlm(
    model: Annotated[str, typer.Option(help="Checkpoint folder of a Stream-VLM.")],
    clips: Annotated[
        Path | None,
        typer.Option(help="QEVD-FIT-300K: first its questions and feedbacks.", show_default="long videos alone"),
    ] = None,
    out: Out = Path("outputs/train"),
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    split: Split = None,
    lr: Rate = None,
    batch: BatchSize = None,
    epochs: Epochs = None,
    steps: Steps = 0,
    seed: Seed = 0,
    micro_batch: MicroBatch = 0,
    precision: PrecisionOption = C.precision,
    activation_checkpointing: Checkpointing = False,
    device: Device = C.device,
    alpha: Alpha = D.alpha,
    validation: Validation = C.validation_share,
    generate: Generate = D.generate,
) -> None:
    """Stream-VLM: short clips with questions and feedbacks (5e-6), then long videos with LoRA (1e-6; QEVD, App. D)."""
    from qevd_bio.coach.train_stage import train_stream_vlm

    place = _place(data, workspace, "original", split, out)
    shared = {
        "learning_rate": lr, "batch": batch, "epochs": epochs, "steps": steps, "seed": seed, "device": device,
        "micro_batch": micro_batch, "precision": precision, "validation_share": validation,
        "activation_checkpointing": activation_checkpointing,
    }  # fmt: skip
    short, long = _loop(SHORT_CLIPS, **shared), _loop(LONG_VIDEOS, **shared)
    _show(train_stream_vlm(model, clips, place, short, long, CoachData(alpha=alpha, generate=generate), typer.echo))


@app.command()
def vision(
    data: Data = None,
    out: Out = Path("outputs/train/vision"),
    weights: Annotated[
        Path | None, typer.Option(help="Weights to begin with: the released 3D CNN, or an earlier run's.")
    ] = None,
    lr: Rate = None,
    batch: BatchSize = None,
    epochs: Epochs = None,
    steps: Steps = 0,
    seed: Seed = 0,
    micro_batch: MicroBatch = 0,
    precision: PrecisionOption = C.precision,
    device: Device = C.device,
    validation: Validation = VISION.validation_share,
) -> None:
    """The 3D CNN on labelled clips of QEVD-FIT-300K: 64-frame crops, colour jitter, flips that swap left and right."""
    from qevd_bio.coach.train_vision import WEIGHTS, train_vision
    from qevd_bio.dataset.opening import open_dataset

    loop = _loop(
        VISION, learning_rate=lr, batch=batch, epochs=epochs, steps=steps, seed=seed, micro_batch=micro_batch,
        precision=precision, device=device, validation_share=validation,
    )  # fmt: skip
    done = train_vision(open_dataset(need_data(data)), weights, out.expanduser(), loop, typer.echo)
    typer.echo(
        f"{done.steps} steps in {done.seconds:.0f} s; next: qevd-bio features --weights {done.best_folder / WEIGHTS}"
    )


def _show(done: Any) -> None:
    best = "" if done.best is None else f"; best {done.best:.4g} at step {done.best_step}"
    typer.echo(f"{done.steps} steps in {done.seconds:.0f} s{best}")
    typer.echo(f"next: qevd-bio run --model {done.best_folder} --out run.jsonl")
