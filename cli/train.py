"""`qevd-bio train`: the coach's parts, stage by stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.coach.options import QEVD_TABLE_4
from qevd_bio.coach.training.options import COACH, LONG_VIDEOS, REWARD, SELECTOR, SHORT_CLIPS, VISION, ShortParts
from qevd_bio.store.errors import UserError

from .common import Data, PlaceFlags
from .flags import group, spread
from .salient_flags import Frames, SalientFlags
from .train_flags import (
    LEARNING,
    LoopFlags,
    MemoryFlags,
    Model,
    Out,
    RewardFlags,
    SequenceFlags,
    Split,
    TargetFlags,
    TrainFlags,
)
from .train_lifter import lifter

app = group("Train the coach: both published stages, or one by name.", runs=True)
app.command("lifter")(lifter)


@app.callback(invoke_without_command=True)
@spread
def both(
    *,
    ctx: typer.Context,
    train: TrainFlags,
    place: PlaceFlags,
    targets: TargetFlags,
    joints: SalientFlags,
    loop: LoopFlags,
    memory: MemoryFlags,
    sequences: SequenceFlags,
) -> None:
    """Both published stages of BioCoach: the joint selector, then the fusion with the selector frozen.

    In between the selector chooses J* of every segment, and contexts are made with them. --model a Stream-VLM is made
    into a BioCoach. Needs features (qevd-bio features), kinematics (extract) and, for --targets rewritten, qevd-bio
    rewrite. Run the same command again to continue. --lr, --batch, --epochs and --steps
    are the second stage's. Several GPUs: accelerate launch -m qevd_bio train …
    """
    if ctx.invoked_subcommand is not None:
        _refuse_stray(ctx)
        return
    from qevd_bio.coach.training.request import ablations_of, describe, selector_before, speak_once
    from qevd_bio.coach.training.stage import train_both

    second = memory.of(loop.of(COACH))
    data = sequences.data(targets.context_every, joints.wish())
    where = targets.place(place, train)
    done = train_both(
        train.model, ablations_of(train.variant), where, selector_before(second), second, data, speak_once
    )
    for line in describe(done):
        speak_once(line)


@app.command()
@spread
def selector(*, train: TrainFlags, place: PlaceFlags, loop: LoopFlags, evidence: Frames = "causal") -> None:
    """The joint selector alone, from annotated joints (qevd-bio annotate) or the exercises' standard sets."""
    from qevd_bio.coach.training.request import ablations_of, describe, original_place, speak_once
    from qevd_bio.coach.training.stage import open_model, train_selector

    where, options = original_place(place.source(), place.open(), train.split, train.out), loop.of(SELECTOR)
    opened = open_model(train.model, ablations_of(train.variant), where, options, biocoach=True)
    for line in describe(train_selector(opened, train.model, where, options, speak_once, evidence)):
        speak_once(line)


@app.command()
@spread
def coach(
    *,
    train: TrainFlags,
    place: PlaceFlags,
    targets: TargetFlags,
    joints: SalientFlags,
    loop: LoopFlags,
    memory: MemoryFlags,
    sequences: SequenceFlags,
    rewarded: RewardFlags,
) -> None:
    """The second stage alone: BioCoach's fusion, or Stream-VLM's LoRA on long videos (LoRA's published rate: 1e-6).

    --stage reward goes on with a coach that speaks: sampled streams are rewarded for saying the right thing in time.
    """
    from qevd_bio.coach.training.request import ablations_of, describe, speak_once
    from qevd_bio.coach.training.stage import open_model, train_coach, train_reward

    where = targets.place(place, train)
    options = memory.of(loop.of(REWARD if rewarded.stage == "reward" else COACH))
    opened = open_model(train.model, ablations_of(train.variant), where, options)
    data = sequences.data(targets.context_every, joints.wish())
    if rewarded.stage == "reward":
        done = train_reward(opened, train.model, where, options, data, rewarded.of(), speak_once)
    else:
        done = train_coach(opened, train.model, where, options, data, speak_once)
    for line in describe(done):
        speak_once(line)


@app.command("stream-vlm")
@spread
def stream_vlm(
    *,
    model: Model,
    clips: Annotated[
        Path | None,
        typer.Option(help="QEVD-FIT-300K: first its questions and feedbacks.", show_default="long videos alone"),
    ] = None,
    parts: Annotated[
        ShortParts,
        typer.Option(help="What the short clips change: as QEVD, Sec. 4 says, or all.", rich_help_panel=LEARNING),
    ] = "cross-attention",
    variant: Annotated[
        str | None, typer.Option(help=f"A row of QEVD's Table 4: {', '.join(QEVD_TABLE_4)}.", show_default="full")
    ] = None,
    out: Out = TrainFlags.out,
    place: PlaceFlags,
    split: Split = None,
    loop: LoopFlags,
    memory: MemoryFlags,
    sequences: SequenceFlags,
) -> None:
    """Stream-VLM: short clips with questions and feedbacks (5e-6), then long videos with LoRA (1e-6; QEVD, App. D)."""
    from qevd_bio.coach.training.request import ablations_of, describe, original_place, speak_once
    from qevd_bio.coach.training.stage import train_stream_vlm

    where = original_place(place.source(), place.open(), split, out)
    short, long = (memory.of(loop.of(stage)) for stage in (SHORT_CLIPS, LONG_VIDEOS))
    done = train_stream_vlm(
        model, clips, where, short, long, sequences.data(), speak_once, ablations=ablations_of(variant), parts=parts
    )
    for line in describe(done):
        speak_once(line)


@app.command()
@spread
def vision(
    *,
    data: Data = None,
    out: Out = TrainFlags.out / "vision",
    weights: Annotated[
        Path | None, typer.Option(help="Weights to begin with: the released 3D CNN, or an earlier run's.")
    ] = None,
    loop: LoopFlags,
) -> None:
    """The 3D CNN on labelled clips of QEVD-FIT-300K: 64-frame crops, colour jitter, flips that swap left and right."""
    from qevd_bio.coach.training.request import speak_once
    from qevd_bio.coach.training.vision import WEIGHTS, train_vision

    done = train_vision(PlaceFlags(data).dataset(), weights, out.expanduser(), loop.of(VISION), speak_once)
    speak_once(f"{done.steps} steps in {done.seconds:.0f} s")
    speak_once(f"next: qevd-bio features --weights {done.best_folder / WEIGHTS}")


def _refuse_stray(ctx: typer.Context) -> None:
    """Options before a stage's name would be silently without effect."""
    given = [name for name in ctx.params if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"]
    if given:
        option = "--" + given[0].replace("_", "-")
        raise UserError(
            f"{option} stands before the stage's name", fix=f"qevd-bio train {ctx.invoked_subcommand} {option} …"
        )
