"""`qevd-bio review`: have people check annotations, roles and intents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.annotation.options import ReviewTable
from qevd_bio.store.terminal import say

from .common import Only, PlaceFlags, WorkspaceFlags
from .ending import note
from .flags import group, spread

app = group("Have people check annotations, roles and intents.")


@app.command()
@spread
def export(
    *,
    table: Annotated[ReviewTable, typer.Option(help="What to review.")] = "salient",
    out: Annotated[
        Path | None, typer.Option("--out", help="The page; a CSV of the same name is written beside it.")
    ] = None,
    place: PlaceFlags,
    only: Only = None,
    undecided: Annotated[bool, typer.Option("--undecided", help="Only rows nobody has decided.")] = False,
) -> None:
    """Write one self-contained HTML page (and a CSV). Open it in a browser, decide with the keyboard, save.

    Frames are shown where --data names the data set.
    """
    from qevd_bio.annotation.review.stage import export as write

    where = place.open()
    page = out if out is not None else where.annotations / f"review-{table}.html"
    dataset = place.dataset_if_named() if table == "salient" else None
    done = write(where, table, page, dataset=dataset, only=tuple(only or ()), undecided=undecided)
    say(f"{done.rows} rows: {page} and {page.with_suffix('.csv').name}")
    if done.without_frames:
        note(f"{done.without_frames} of them without frames: their videos could not be read")
    say(f"then: qevd-bio review import review-{table}.json")


@app.command("import")
@spread
def bring_in(
    *,
    files: Annotated[list[Path], typer.Argument(help="Files saved by the page, or filled CSVs.")],
    place: WorkspaceFlags,
    table: Annotated[ReviewTable | None, typer.Option(help="Of a CSV: the table it is about.")] = None,
    reviewer: Annotated[str | None, typer.Option(help="Of a CSV: who decided.")] = None,
) -> None:
    """Bring decisions back: state, reviewer, time and comment become columns of the table."""
    from qevd_bio.annotation.review.stage import bring_in as read

    for name, count in read(place.open(), files, table, reviewer).items():
        say(f"{name}: {count} new decisions")


@app.command()
@spread
def agreement(*, place: WorkspaceFlags) -> None:
    """How far reviewers agree: Cohen's kappa of each pair, Krippendorff's alpha over all."""
    from qevd_bio.annotation.review.stage import agreement as compare

    report = compare(place.open())
    for name, entry in report.items():
        say(f"{name}: {', '.join(entry['reviewers'])}; {entry['rows_judged_by_several']} rows judged by several")
        for pair, kappa in entry["kappa"].items():
            say(f"  {pair}: kappa {'-' if kappa is None else f'{kappa:.2f}'}")
        if entry["alpha"] is not None:
            say(f"  Krippendorff's alpha {entry['alpha']:.2f}")
    if not report:
        say("no decisions yet")
