"""`qevd-bio rewrite`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from qevd_bio.rewriting.options import RewriteOptions

from .common import DEFAULT_WORKSPACE, Data, Redo, WorkspaceDir, finish, need_data, open_workspace, run_options

if TYPE_CHECKING:
    from qevd_bio.rewriting.stage import Outcome

_DEFAULT = RewriteOptions()


class Policy(StrEnum):
    """Which corrective feedback is rewritten."""

    supported = "supported"
    paper = "paper"


class Videos(StrEnum):
    """What is done with the videos."""

    link = "link"
    copy = "copy"
    none = "none"


def rewrite(
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    policy: Annotated[
        Policy,
        typer.Option(help="Rewrite what an agreeing measurement supports, or all as the paper does."),
    ] = Policy(_DEFAULT.policy),
    seed: Annotated[int, typer.Option(help="Chooses among phrasings.")] = _DEFAULT.seed,
    max_cues: Annotated[int, typer.Option(min=1, max=4, help="Faults named in one feedback.")] = _DEFAULT.max_cues,
    max_age: Annotated[
        float, typer.Option(min=0.0, help="Seconds after which a repetition is no longer what the trainer meant.")
    ] = _DEFAULT.max_age_s,
    rationale: Annotated[bool, typer.Option(help="Say why, where the rules know.")] = _DEFAULT.rationale,
    videos: Annotated[Videos, typer.Option(help="Link to the videos, copy them, or leave them out.")] = Videos.link,
    audit: Annotated[bool, typer.Option("--audit", help="Also write audit.html for people who check.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Rewrite a data set that was rewritten before.")] = False,
    redo: Redo = False,
) -> None:
    """Rewrite corrective feedback into measured, anatomical language: QEVD-bio-fit-coach.

    Same files, timestamps and spans as the source; what no measurement supports keeps its words and is counted with
    its reason. Needs `qevd-bio extract` and `qevd-bio analyze` first.

    Examples: qevd-bio rewrite; qevd-bio rewrite --policy paper --workspace outputs-paper; qevd-bio rewrite --audit
    """
    from qevd_bio.dataset.opening import open_dataset
    from qevd_bio.rewriting.audit_stage import write_audit
    from qevd_bio.rewriting.stage import rewrite as run

    where = open_workspace(workspace)
    dataset = open_dataset(need_data(data), user_refs=where.user_refs)
    options = RewriteOptions(policy.value, seed, max_cues, max_age, rationale)
    outcome = run(dataset, where, options, videos.value, run_options(None, None, False, redo), force)
    _show(outcome)
    if audit:
        typer.echo(f"audit page: {write_audit(where, outcome.mismatches)}")
    if outcome.mismatches:
        typer.echo(f"{len(outcome.mismatches)} numbers could not be re-derived from the verdicts", err=True)
        raise typer.Exit(1)
    finish(outcome.summary, outcome.path.parent)


def _show(outcome: Outcome) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("policy", "corrective", "rewritten", "unsupported", "part agrees", "contradicts", "distinct texts")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, f in outcome.by_policy.items():
        share = [f"{100 * v:.0f} %" if v is not None else "-" for v in (f.part_agreement, f.contradiction_share)]
        table.add_row(name, str(f.corrective), str(f.rewritten), str(f.unsupported), *share, str(f.distinct_texts))
    console.print(table)
    reasons: dict[str, int] = {}
    for (_, reason), count in outcome.totals.by_reason.items():
        reasons[reason] = reasons.get(reason, 0) + count
    if reasons:
        text = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        console.print(f"Kept their words: {text}", highlight=False)
