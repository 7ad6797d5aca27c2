"""`qevd-bio verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import DEFAULT_WORKSPACE, Data, Jobs, WorkspaceDir, need_data, open_workspace, run_options

if TYPE_CHECKING:
    from qevd_bio.tables.rewritten import FeedbackRow
    from qevd_bio.tables.workspace import Workspace


def verify(
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
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
    from rich.console import Console
    from rich.markdown import Markdown

    from qevd_bio.reporting.verification import stage as checks
    from qevd_bio.reporting.verification import text

    source = need_data(data)
    places = checks.truth_places(source)
    place = open_workspace(workspace / "oracle" if oracle else workspace)
    if oracle:
        checks.place_oracle(places, place)
        _run_stages(source, place, jobs)
    result = checks.verify(places, place, _rewritten(place), oracle)
    page = text.write(result, out if out is not None else place.root / "verify")
    lines = text.as_markdown(result)
    Console().print(Markdown("\n".join(lines[: next(i for i, line in enumerate(lines) if line.startswith("## "))])))
    typer.echo(f"all figures: {page}")


def _run_stages(source: Path, place: Workspace, jobs: int) -> None:
    """From kinematics to rewritten feedback, with every default."""
    from qevd_bio.dataset.opening import open_dataset
    from qevd_bio.dataset.stage import write_segments
    from qevd_bio.motion.options import MotionOptions
    from qevd_bio.motion.stage import analyze
    from qevd_bio.rewriting.options import RewriteOptions
    from qevd_bio.rewriting.stage import rewrite

    dataset = open_dataset(source, user_refs=place.user_refs)
    write_segments(dataset, place)
    analyze(place, MotionOptions(), run_options(None, None, False, False, jobs))
    rewrite(dataset, place, RewriteOptions(), "none")


def _rewritten(place: Workspace) -> list[FeedbackRow] | None:
    from qevd_bio.tables.rewritten import FEEDBACKS

    path = place.feedbacks
    return FEEDBACKS.load(path) if path.is_file() else None
