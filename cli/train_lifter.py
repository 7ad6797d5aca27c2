"""`qevd-bio train lifter`: the network from landmarks to bones and angles, from simulated bodies alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.pose.threads import single_blas_thread
from qevd_bio.store import extras
from qevd_bio.store.terminal import say

from .flags import spread


@spread
def lifter(
    *,
    out: Annotated[Path, typer.Option(help="Folder of the weights, lifter.safetensors.")] = Path("outputs/lifter"),
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 3000,
    windows: Annotated[int, typer.Option(min=32, help="Simulated windows of four seconds.")] = 2400,
    workouts: Annotated[int, typer.Option(min=1, help="Simulated workouts of each exercise.")] = 3,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="Exercises that it does not see.", show_default="none")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same weights on one machine.")] = 0,
) -> None:
    """The lifter: from a pose model's landmarks to bones and angles with their spread, learnt from simulated bodies.

    Use it with qevd-bio extract --fit combined --lifter FILE. One core, no videos, no data: about ten minutes.
    """
    single_blas_thread()
    extras.need("torch", what="training the lifter")
    from qevd_bio.simulation.lifter.training import LifterOptions, train_lifter

    options = LifterOptions(
        workouts=workouts, windows=windows, steps=steps, seed=seed, leave_out=tuple(leave_out or ())
    )
    say(f"weights: {train_lifter(options, out.expanduser(), say)}")
