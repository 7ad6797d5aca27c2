"""`qevd-bio review`: have people check annotations, roles and intents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.annotation.options import ReviewTable

from .common import DEFAULT_WORKSPACE, Data, Only, WorkspaceDir, open_workspace

app = typer.Typer(no_args_is_help=True, help="Have people check annotations, roles and intents.")


@app.command()
def export(
    table: Annotated[ReviewTable, typer.Option(help="What to review.")] = "salient",
    out: Annotated[
        Path | None, typer.Option("--out", help="The page; a CSV of the same name is written beside it.")
    ] = None,
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    only: Only = None,
    undecided: Annotated[bool, typer.Option("--undecided", help="Only rows nobody has decided.")] = False,
) -> None:
    """Write one self-contained HTML page (and a CSV). Open it in a browser, decide with the keyboard, save.

    Frames are shown where --data names the data set.
    """
    from qevd_bio.annotation.review.stage import export as write
    from qevd_bio.dataset.opening import open_dataset

    place = open_workspace(workspace)
    page = out if out is not None else place.annotations / f"review-{table}.html"
    dataset = None if data is None or table != "salient" else open_dataset(data, user_refs=place.user_refs)
    done = write(place, table, page, dataset=dataset, only=tuple(only or ()), undecided=undecided)
    typer.echo(f"{done.rows} rows: {page} and {page.with_suffix('.csv').name}")
    if done.without_frames:
        typer.echo(f"{done.without_frames} of them without frames: their videos could not be read", err=True)
    typer.echo(f"then: qevd-bio review import review-{table}.json")


@app.command("import")
def bring_in(
    files: Annotated[list[Path], typer.Argument(help="Files saved by the page, or filled CSVs.")],
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    table: Annotated[ReviewTable | None, typer.Option(help="Of a CSV: the table it is about.")] = None,
    reviewer: Annotated[str | None, typer.Option(help="Of a CSV: who decided.")] = None,
) -> None:
    """Bring decisions back: state, reviewer, time and comment become columns of the table."""
    from qevd_bio.annotation.review.stage import bring_in as read

    for name, count in read(open_workspace(workspace), files, table, reviewer).items():
        typer.echo(f"{name}: {count} new decisions")


@app.command()
def agreement(workspace: WorkspaceDir = DEFAULT_WORKSPACE) -> None:
    """How far reviewers agree: Cohen's kappa of each pair, Krippendorff's alpha over all."""
    from qevd_bio.annotation.review.stage import agreement as compare

    report = compare(open_workspace(workspace))
    for name, entry in report.items():
        typer.echo(f"{name}: {', '.join(entry['reviewers'])}; {entry['rows_judged_by_several']} rows judged by several")
        for pair, kappa in entry["kappa"].items():
            typer.echo(f"  {pair}: kappa {'-' if kappa is None else f'{kappa:.2f}'}")
        if entry["alpha"] is not None:
            typer.echo(f"  Krippendorff's alpha {entry['alpha']:.2f}")
    if not report:
        typer.echo("no decisions yet")
