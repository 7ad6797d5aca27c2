"""qevd-bio train: the coach's parts, stage by stage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qevd_bio.coach.options import VARIANTS, Ablations
from qevd_bio.coach.training.options import COACH, LONG_VIDEOS, SELECTOR, SHORT_CLIPS, VISION, CoachData

from .common import DEFAULT_WORKSPACE, Data, WorkspaceDir, need_data, open_workspace
from .flags import spread
from .train_flags import SEQUENCES, LoopFlags, MemoryFlags, SequenceFlags

if TYPE_CHECKING:
    from qevd_bio.coach.training.stage import TrainingPlace

app = typer.Typer(help="Train the coach: both published stages, or one by name.", pretty_exceptions_enable=False)
OUT = Path("outputs/train")

Model = Annotated[str, typer.Option(help="A checkpoint folder, or a preset to begin with random weights.")]
Out = Annotated[Path, typer.Option(help="Folder of this run: checkpoints, logs, state.")]
Split = Annotated[str | None, typer.Option(help="Split to train on.", show_default="QEVD-FIT-COACH")]
Variant = Annotated[
    str | None,
    typer.Option(help=f"An ablation: {', '.join(VARIANTS)}.", show_default="full, or as the checkpoint was made"),
]
Targets = Annotated[
    Literal["rewritten", "original"],
    typer.Option(help="rewritten: QEVD-bio-fit-coach of the workspace; original: the words of --data."),
]
ContextEvery = Annotated[
    int, typer.Option(min=1, help="Steps (1/4 s) between motion contexts.", rich_help_panel=SEQUENCES)
]
CONTEXT_EVERY = CoachData().context_every


@app.callback(invoke_without_command=True)
@spread
def both(
    *,
    ctx: typer.Context,
    model: Model = "tiny",
    out: Out = OUT,
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    targets: Targets = "rewritten",
    split: Split = None,
    variant: Variant = None,
    context_every: ContextEvery = CONTEXT_EVERY,
    loop: LoopFlags,
    memory: MemoryFlags,
    sequences: SequenceFlags,
) -> None:
    """Both published stages of BioCoach: the joint selector, then the fusion with the selector frozen.

    --model a Stream-VLM is made into a BioCoach. Needs features (qevd-bio features), contexts (analyze) and, for
    --targets rewritten, qevd-bio rewrite. Run the same command again to go on. --lr, --batch, --epochs and --steps
    are the second stage's. Several GPUs: accelerate launch -m qevd_bio train …
    """
    if ctx.invoked_subcommand is not None:
        _refuse_stray(ctx)
        return
    from qevd_bio.coach.training.stage import train_both

    place = _place(data, workspace, targets, split, out)
    first = LoopFlags(
        seed=loop.seed, precision=loop.precision, device=loop.device, validation=loop.validation,
        save_every=loop.save_every,
    )  # fmt: skip
    done = train_both(
        model, _ablations(variant), place, first.of(SELECTOR), memory.of(loop.of(COACH)), sequences.data(context_every),
        _say,
    )  # fmt: skip
    _show(done)


@app.command()
@spread
def selector(
    *,
    model: Model = "tiny",
    out: Out = OUT,
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    split: Split = None,
    variant: Variant = None,
    loop: LoopFlags,
) -> None:
    """The joint selector alone, from annotated joints (qevd-bio annotate) or the exercises' standard sets."""
    from qevd_bio.coach.training.stage import open_model, train_selector

    place, options = _place(data, workspace, "original", split, out), loop.of(SELECTOR)
    coach = open_model(model, _ablations(variant), place, options, biocoach=True)
    _show(train_selector(coach, model, place, options, _say))


@app.command()
@spread
def coach(
    *,
    model: Model = "tiny",
    out: Out = OUT,
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    targets: Targets = "rewritten",
    split: Split = None,
    variant: Variant = None,
    context_every: ContextEvery = CONTEXT_EVERY,
    loop: LoopFlags,
    memory: MemoryFlags,
    sequences: SequenceFlags,
) -> None:
    """The second stage alone: BioCoach's fusion, or Stream-VLM's LoRA on long videos (LoRA's published rate: 1e-6)."""
    from qevd_bio.coach.training.stage import open_model, train_coach

    place, options = _place(data, workspace, targets, split, out), memory.of(loop.of(COACH))
    opened = open_model(model, _ablations(variant), place, options)
    _show(train_coach(opened, model, place, options, sequences.data(context_every), _say))


@app.command("stream-vlm")
@spread
def stream_vlm(
    *,
    model: Annotated[str, typer.Option(help="Checkpoint folder of a Stream-VLM, or a preset.")],
    clips: Annotated[
        Path | None,
        typer.Option(help="QEVD-FIT-300K: first its questions and feedbacks.", show_default="long videos alone"),
    ] = None,
    out: Out = OUT,
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    split: Split = None,
    loop: LoopFlags,
    memory: MemoryFlags,
    sequences: SequenceFlags,
) -> None:
    """Stream-VLM: short clips with questions and feedbacks (5e-6), then long videos with LoRA (1e-6; QEVD, App. D)."""
    from qevd_bio.coach.training.stage import train_stream_vlm

    place = _place(data, workspace, "original", split, out)
    short, long = (memory.of(loop.of(stage)) for stage in (SHORT_CLIPS, LONG_VIDEOS))
    _show(train_stream_vlm(model, clips, place, short, long, sequences.data(), _say))


@app.command()
@spread
def vision(
    *,
    data: Data = None,
    out: Out = OUT / "vision",
    weights: Annotated[
        Path | None, typer.Option(help="Weights to begin with: the released 3D CNN, or an earlier run's.")
    ] = None,
    loop: LoopFlags,
) -> None:
    """The 3D CNN on labelled clips of QEVD-FIT-300K: 64-frame crops, colour jitter, flips that swap left and right."""
    from qevd_bio.coach.training.vision import WEIGHTS, train_vision
    from qevd_bio.dataset.opening import open_dataset

    done = train_vision(open_dataset(need_data(data)), weights, out.expanduser(), loop.of(VISION), _say)
    _say(f"{done.steps} steps in {done.seconds:.0f} s; next: qevd-bio features --weights {done.best_folder / WEIGHTS}")


def _refuse_stray(ctx: typer.Context) -> None:
    """Options before a stage's name would be silently without effect."""
    from qevd_bio.store.errors import UserError

    given = [name for name in ctx.params if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"]
    if given:
        option = "--" + given[0].replace("_", "-")
        raise UserError(
            f"{option} stands before the stage's name", fix=f"qevd-bio train {ctx.invoked_subcommand} {option} …"
        )


def _say(text: str) -> None:
    """Of several processes of one run the first alone speaks."""
    if os.environ.get("RANK", "0") == "0":
        typer.echo(text)


def _place(data: Path | None, workspace: Path, targets: str, split: str | None, out: Path) -> TrainingPlace:
    from qevd_bio.coach.training.stage import TrainingPlace
    from qevd_bio.store.errors import UserError

    room = open_workspace(workspace)
    if targets == "original":
        return TrainingPlace(need_data(data), room, split, out.expanduser())
    if not room.rewritten.is_dir():
        raise UserError(
            "the rewritten data set is not there",
            where=room.rewritten,
            fix="qevd-bio rewrite, or --targets original to learn the trainers' own words",
        )
    return TrainingPlace(room.rewritten, room, split, out.expanduser())


def _ablations(variant: str | None) -> Ablations | None:
    from qevd_bio.store.errors import UserError

    if variant is not None and variant not in VARIANTS:
        raise UserError(f"--variant {variant}", expected=f"one of {', '.join(VARIANTS)}")
    return None if variant is None else VARIANTS[variant]


def _show(done: Any) -> None:
    best = "" if done.best is None else f"; best {done.best:.4g} at step {done.best_step}"
    _say(f"{done.steps} steps in {done.seconds:.0f} s{best}")
    _say(f"next: qevd-bio run --model {done.best_folder} --out run.jsonl")
