"""`qevd-bio demo`: the whole job on a small simulated benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.simulation.options import DEMO as D
from qevd_bio.simulation.options import SimulateOptions

from .common import Jobs
from .flags import spread


@spread
def demo(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for data, results and the page.")] = Path("outputs/demo"),
    workouts: Annotated[int, typer.Option(min=1, help="Simulated workouts.")] = D.workouts,
    minutes: Annotated[float, typer.Option(help="Length of each.")] = D.minutes,
    seed: Annotated[int, typer.Option(min=0, help="Another seed: other people, other mistakes.")] = D.seed,
    models: Annotated[
        bool, typer.Option("--models/--no-models", help="Train and run a tiny Stream-VLM and BioCoach, too.")
    ] = True,
    jobs: Jobs = 2,
) -> None:
    """Try everything in a few minutes, offline: simulated workouts, extracted, analysed, rewritten, coached, scored.

    People, videos and coach are simulated, so no licence or data set is needed; the pose model and every stage are
    the real ones. Run it again to continue where it was ended.
    """
    from qevd_bio.workflows.demo import run_demo

    options = SimulateOptions(workouts=workouts, seed=seed, minutes=minutes, views=D.views)
    run_demo(out.expanduser(), options, jobs, models)
