"""`qevd-bio demo`: the whole job on a small simulated benchmark."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.store.errors import UserError

from . import demo_steps as steps
from .common import Jobs, open_workspace

D = SimulateOptions(workouts=3, seed=7, minutes=1.2)


def demo(
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
    the real ones. Run it again to go on where it was ended.
    """
    began = time.monotonic()
    out = out.expanduser()
    options = SimulateOptions(workouts=workouts, seed=seed, minutes=minutes)
    place = open_workspace(out / "workspace")
    plan = steps.Demo(out, options, jobs, models, place, open_workspace(out / "training" / "workspace"))
    typer.echo("Everything shown here is simulated: drawn figures and a scripted coach, no real people.\n")
    chosen = list_of_steps(plan)
    for number, (title, step) in enumerate(chosen, 1):
        typer.echo(f"[{number}/{len(chosen)}] {title}")
        started = time.monotonic()
        try:
            step(plan)
        except UserError:
            steps.say(f"{out} keeps what is finished; another --out begins afresh")
            raise
        steps.say(f"{time.monotonic() - started:.0f} s")
    typer.echo(f"\nDone in {time.monotonic() - began:.0f} s. The page: {(place.root / 'report.html').resolve()}")
    typer.echo("Next, with your own videos of one exercise:")
    typer.echo(
        "  qevd-bio extract --data FOLDER --exercise squats && qevd-bio analyze && qevd-bio report --data FOLDER"
    )
    typer.echo(
        "or with QEVD-FIT-COACH: export QEVD_BIO_DATA=FOLDER, then extract, analyze, rewrite --audit, score, report"
    )


def list_of_steps(plan: steps.Demo) -> list[tuple[str, Callable[[steps.Demo], None]]]:
    """Titles and what is called, in order."""
    options = plan.simulated
    first: list[tuple[str, Callable[[steps.Demo], None]]] = [
        (f"simulate {options.workouts} workouts of {options.minutes:g} min with video", steps.simulate),
        ("segments: which exercise when", steps.segments),
        ("extract: 46 joint angles a frame, by the real pose model", steps.extract),
        ("annotate and classify by rules; sort the feedback", steps.annotate),
        ("analyze: repetitions, form errors, contexts", steps.analyze),
        ("rewrite: feedback with measured angles", steps.rewrite),
    ]
    learn: list[tuple[str, Callable[[steps.Demo], None]]] = [
        ("features: what the coach sees (3D CNN with random weights)", steps.features),
        (f"{steps.TRAINING.workouts} other workouts to learn from: video, analysis, features", steps.training_data),
        ("train a tiny Stream-VLM and a tiny BioCoach, briefly", steps.train),
    ]
    return [
        *first,
        *(learn if plan.models else ()),
        (f"run {', '.join(steps.systems(plan))}", steps.speak),
        ("score them all, with intervals", steps.score),
        ("verify against the known truth", steps.verify),
        ("report: one page", steps.report),
    ]
