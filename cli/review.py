"""`qevd-bio review`: have people check annotations, roles and intents, and rate what coaches said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qevd_bio.annotation.options import ReviewSubject, SheetOptions
from qevd_bio.store.errors import UserError
from qevd_bio.store.terminal import say

from .common import Only, PlaceFlags, WorkspaceFlags
from .ending import note
from .flags import group, spread

if TYPE_CHECKING:
    from qevd_bio.tables.workspace import Workspace

app = group("Have people check annotations, roles and intents, and rate what coaches said.")

S = SheetOptions()
SHEETS = "Sheets of what coaches said (--what feedback)"


@dataclass(frozen=True)
class SheetFlags:
    """Blind sheets for raters; fields as in SheetOptions."""

    scores: Annotated[
        list[Path] | None, typer.Option(help="Folders of qevd-bio score, one a system.", rich_help_panel=SHEETS)
    ] = None
    count: Annotated[int, typer.Option(min=1, help="Moments to rate.", rich_help_panel=SHEETS)] = S.count
    raters: Annotated[int, typer.Option(min=1, max=99, help="Sheets, one a rater.", rich_help_panel=SHEETS)] = S.raters
    seed: Annotated[int, typer.Option(help="Of the draw and of all orders.", rich_help_panel=SHEETS)] = S.seed

    def write(self, where: Workspace, out: Path | None) -> None:
        """Write sheets and key, and say where."""
        from qevd_bio.annotation.review.feedback_key import key_path
        from qevd_bio.annotation.review.feedback_sheets import make_sheets

        if len(self.scores or ()) < 2:
            raise UserError(
                "sheets set systems side by side",
                where="--scores",
                expected="two or more folders of qevd-bio score",
                fix="qevd-bio review export --what feedback --scores outputs/scores/A --scores outputs/scores/B",
            )
        folder = out if out is not None else key_path(where).parent / "sheets"
        count = make_sheets(where, self.scores or (), folder, SheetOptions(self.count, self.raters, self.seed))
        say(f"{count} moments on {self.raters} sheets: {folder}; the key stays in {key_path(where)}")
        say("then: qevd-bio review import --what feedback SHEETS")


@app.command()
@spread
def export(
    *,
    table: Annotated[ReviewSubject, typer.Option("--what", "--table", help="What to review.")] = "salient",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The page; a CSV of the same name is written beside it. For feedback: a folder."),
    ] = None,
    place: PlaceFlags,
    only: Only = None,
    undecided: Annotated[bool, typer.Option("--undecided", help="Only rows nobody has decided.")] = False,
    sheets: SheetFlags,
) -> None:
    """Write one self-contained HTML page (and a CSV). Open it in a browser, decide with the keyboard, save.

    Frames are shown where --data names the data set. With --what rewriting: corrections that were rewritten, and those
    that kept their words, by reason. With --what feedback: blind sheets (CSV) on which raters give
    what coaches said 1 to 5, systems side by side in an order that changes with line and rater.
    """
    from qevd_bio.annotation.review.stage import export as write

    where = place.open()
    if table == "feedback":
        sheets.write(where, out)
        return
    if table == "rewriting":
        from qevd_bio.rewriting.review_stage import export as judge

        path = out if out is not None else where.annotations / "review-rewriting.html"
        count = judge(where, path, dataset=place.dataset_if_named(), only=tuple(only or ()), undecided=undecided)
        say(f"{count} corrections: {path} and {path.with_suffix('.csv').name}")
        say("then: qevd-bio review import --what rewriting review-rewriting.json")
        return
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
    table: Annotated[
        ReviewSubject | None, typer.Option("--what", "--table", help="Of a CSV: what it is about.")
    ] = None,
    reviewer: Annotated[str | None, typer.Option(help="Of a CSV: who decided.")] = None,
) -> None:
    """Bring decisions back: state, reviewer, time and comment become columns of the table.

    With --what feedback: filled sheets; ratings are kept, those of one sheet as its latest file has them.
    """
    if table == "feedback":
        from qevd_bio.annotation.review.feedback_ratings import take_back

        say(f"feedback: {take_back(place.open(), files)} ratings")
        return
    if table == "rewriting":
        from qevd_bio.rewriting.review_stage import take_back as keep

        say(f"rewriting: {keep(place.open(), files, reviewer)} new judgements")
        return
    from qevd_bio.annotation.review.stage import bring_in as read

    for name, count in read(place.open(), files, table, reviewer).items():
        say(f"{name}: {count} new decisions")


@app.command()
@spread
def agreement(
    *,
    place: WorkspaceFlags,
    what: Annotated[
        ReviewSubject | None, typer.Option(help="feedback: ratings of what coaches said; rewriting: judgements.")
    ] = None,
) -> None:
    """How far reviewers agree: Cohen's kappa of each pair, Krippendorff's alpha over all.

    With --what feedback: each system's mean rating with its interval, differences, and alpha of the raters. With
    --what rewriting: how much of what was rewritten, and of what was kept, is right.
    """
    if what == "feedback":
        _ratings(place.open())
        return
    if what == "rewriting":
        _judged(place.open())
        return
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


def _judged(where: Workspace) -> None:
    from qevd_bio.rewriting.review_stage import summary

    report = summary(where)
    for name, found in report["groups"].items():
        told = f"right {_number(found['share'])} {_span(found)} of {found['told']}"
        say(f"{name}: {told}, cannot tell {found['judged'] - found['told']}")
    if report["stale"]:
        say(f"{report['stale']} judgements are of sentences that have changed since and do not count")


def _ratings(where: Workspace) -> None:
    from qevd_bio.annotation.review.feedback_ratings import summary

    report = summary(where)
    say(f"{report['ratings']} ratings by {report['raters']} raters; intervals {report['level']:.0%}")
    for name, found in report["systems"].items():
        rated = f"{_number(found['mean'])} {_span(found)} from {found['n']} ratings"
        say(f"{name}: {rated}, alpha {_number(found['alpha'])}")
    for row in report["differences"]:
        p = "" if row["p_value"] is None else f", p {row['p_value']:.4f}"
        say(f"{row['system']} minus {row['base']}: {_number(row['difference'])} {_span(row)}{p}")
    say(f"Krippendorff's alpha (ordinal): {_number(report['alpha'])}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _span(found: Mapping[str, Any]) -> str:
    return "" if found["low"] is None else f"[{found['low']:.2f}, {found['high']:.2f}]"
