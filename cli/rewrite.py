"""`qevd-bio rewrite`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qevd_bio.rewriting.options import Policy, RewriteOptions
from qevd_bio.store.terminal import console, say

from .common import PlaceFlags, Redo
from .ending import finish, leave
from .flags import spread
from .salient_flags import PANEL, SalientFlags

if TYPE_CHECKING:
    from qevd_bio.dataset.opening import Dataset
    from qevd_bio.rewriting.stage import RewriteResult
    from qevd_bio.tables.workspace import Workspace

D = RewriteOptions()
WORDS = "The words"


@dataclass(frozen=True)
class RewriteFlags:
    """What decides the new words; fields as in RewriteOptions."""

    policy: Annotated[
        Policy,
        typer.Option(
            help="Count the trainer's words as evidence, ask for a sure measurement, or do as the paper does."
        ),
    ] = D.policy
    prior: Annotated[
        float,
        typer.Option(
            min=0.01, max=0.99, help="evidence: how often trainers are right about a fault.", rich_help_panel=WORDS
        ),
    ] = D.prior
    posterior: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="evidence: probability from which a fault is said.", rich_help_panel=WORDS),
    ] = D.posterior
    paper_skip: Annotated[
        bool,
        typer.Option(
            "--paper-skip", help="paper: keep the trainer's words where nothing is violated.", rich_help_panel=WORDS
        ),
    ] = D.paper_skip
    seed: Annotated[int, typer.Option(help="Chooses among phrasings.", rich_help_panel=WORDS)] = D.seed
    max_cues: Annotated[
        int, typer.Option(min=1, max=4, help="Faults named in one feedback.", rich_help_panel=WORDS)
    ] = D.max_cues
    max_age_s: Annotated[
        float,
        typer.Option(
            "--max-age",
            min=0.0,
            help="Seconds after which a repetition is no longer what the trainer meant.",
            rich_help_panel=WORDS,
        ),
    ] = D.max_age_s
    rationale: Annotated[bool, typer.Option(help="Say why, where the rules know.", rich_help_panel=WORDS)] = D.rationale

    def of(self) -> RewriteOptions:
        """The options as the stage takes them."""
        return RewriteOptions(**vars(self))


@spread
def rewrite(
    *,
    place: PlaceFlags,
    flags: RewriteFlags,
    videos: Annotated[
        Literal["link", "copy", "none"], typer.Option(help="Link to the videos, copy them, or leave them out.")
    ] = "link",
    model: Annotated[
        str | None,
        typer.Option(help="Checkpoint whose trained selector chooses J*.", show_default=False, rich_help_panel=PANEL),
    ] = None,
    joints: SalientFlags,
    audit: Annotated[bool, typer.Option("--audit", help="Also write audit.html for people who check.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Rewrite a data set that was rewritten before.")] = False,
    redo: Redo = False,
) -> None:
    """Rewrite corrective feedback into measured, anatomical language: QEVD-bio-fit-coach.

    Same files, timestamps and spans as the source; what no measurement supports keeps its words and is counted with
    its reason. Needs `qevd-bio extract` and `qevd-bio analyze` first.

    Examples: qevd-bio rewrite; qevd-bio rewrite --policy paper --workspace outputs-paper; qevd-bio rewrite --audit
    """
    from qevd_bio.rewriting.audit_stage import write_audit
    from qevd_bio.rewriting.stage import rewrite as run
    from qevd_bio.store.work import RunOptions

    where = place.open()
    dataset = place.dataset()
    seen = _seen(dataset, where, model, joints)
    outcome = run(dataset, seen, flags.of(), videos, RunOptions(redo=redo), force)
    _show(outcome)
    if audit:
        say(f"audit page: {write_audit(where, outcome.mismatches)}")
    if outcome.mismatches:
        say(f"{len(outcome.mismatches)} numbers could not be re-derived from the verdicts", err=True)
    leave(int(bool(outcome.mismatches)))
    finish(outcome.summary, outcome.path.parent)


def _seen(dataset: Dataset, where: Workspace, model: str | None, joints: SalientFlags) -> Workspace:
    """The workspace with the motion tables that are asked for: those of `qevd-bio analyze`, unless others are named."""
    if model is None and joints == SalientFlags():
        return where
    from qevd_bio.coach.segments.coach_views import named_view

    view = named_view(dataset, where, model, joints.wish(), say)
    return view.workspace


def _show(outcome: RewriteResult) -> None:
    """The figures of all policies, a line each and a column a policy, so that 80 columns are enough."""
    from rich.table import Table

    table = Table("corrective feedback", *(f"policy {name}" for name in outcome.by_policy))
    for column in table.columns[1:]:
        column.justify = "right"
    for title, values in outcome.figures_by_line():
        table.add_row(title, *values)
    screen = console()
    screen.print(table)
    reasons = outcome.totals.by_cause()
    if reasons:
        text = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        screen.print(f"Kept their words: {text}", highlight=False, markup=False)
