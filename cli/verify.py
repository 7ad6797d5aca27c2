"""`qevd-bio verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.store.terminal import console, say

from .common import Jobs, PlaceFlags
from .flags import spread


@spread
def verify(
    *,
    place: PlaceFlags,
    oracle: Annotated[
        bool,
        typer.Option("--oracle", help="Analyse the true kinematics instead, in <workspace>/oracle: no video needed."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results.", show_default="<workspace>/verify")
    ] = None,
    jobs: Jobs = 1,
) -> None:
    """Compare what was extracted and analysed with the known truth of simulated workouts.

    Angle errors by degree of freedom and view, repetitions, form errors by joint and size, intents, and the rewritten
    feedback against the ideal one. Writes verify.json and verify.md and prints the figures that matter.

    Examples: qevd-bio verify --data sim; qevd-bio verify --data sim --oracle
    """
    from rich.markdown import Markdown

    from qevd_bio.reporting.verification import oracle as truth
    from qevd_bio.reporting.verification import text

    where = place.open("oracle") if oracle else place.open()
    if oracle:
        truth.analyse_truth(place.source(), where, jobs)
    result = truth.verify_workspace(place.source(), where, oracle)
    page = text.write(result, out if out is not None else where.root / "verify")
    console().print(Markdown(text.summary(result)))
    say(f"all figures: {page}")
