"""`qevd-bio simulate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.simulation.options import SPLIT_FOLDERS, SimulateOptions, Split, Views

from .common import JobFlags
from .ending import finish
from .flags import spread

D = SimulateOptions()
PICTURE = "The picture"


@dataclass(frozen=True)
class SimulateFlags:
    """What is simulated; fields as in SimulateOptions."""

    workouts: Annotated[int, typer.Option(min=1, help="How many; a later run may ask for more.")] = D.workouts
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = D.seed
    split: Annotated[Split, typer.Option(help=f"test: {SPLIT_FOLDERS['test']}; train: {SPLIT_FOLDERS['train']}.")] = (
        D.split
    )
    minutes: Annotated[
        float, typer.Option(help="Length of a workout; from 3 on it has 5 or 6 exercises, else fewer.")
    ] = D.minutes
    exercise: Annotated[
        list[str] | None, typer.Option(help="Choose among these exercises; repeatable.", show_default="all 23")
    ] = None
    video: Annotated[bool, typer.Option("--video/--no-video", help="Render videos, or only annotations and truth.")] = (
        D.video
    )
    width: Annotated[int, typer.Option(min=64, help="Pixels, even.", rich_help_panel=PICTURE)] = D.width
    height: Annotated[int, typer.Option(min=64, help="Pixels, even.", rich_help_panel=PICTURE)] = D.height
    views: Annotated[
        Views,
        typer.Option(help="real: cameras as people put them up; level: easy on a pose model.", rich_help_panel=PICTURE),
    ] = D.views

    def of(self) -> SimulateOptions:
        """The options as the stage takes them. UserError for an exercise that is not known."""
        from qevd_bio.exercise.catalogue import get

        chosen = tuple(sorted({get(name).id for name in self.exercise or ()}))
        return SimulateOptions(
            self.workouts, self.seed, self.split, self.minutes, self.video, self.width, self.height, chosen, self.views
        )


@spread
def simulate(
    *,
    out: Annotated[Path, typer.Argument(help="Folder of the data set to write.")],
    flags: SimulateFlags,
    items: JobFlags,
) -> None:
    """Simulate workouts whose every angle, repetition, mistake and ideal feedback is known, in QEVD's layout.

    A drawn figure exercises, makes mistakes and mends some of them; a scripted coach talks. The folder can be named
    with --data wherever a data set can; truth/ beside the split is for `qevd-bio verify` alone.

    Examples: qevd-bio simulate sim --workouts 4; qevd-bio simulate sim --split train --workouts 8 --jobs 2
    """
    from qevd_bio.simulation.stage import simulate as run

    finish(run(out.expanduser(), flags.of(), items.of()), out)
