"""`qevd-bio classify`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from qevd_bio.annotation.options import TEXT_MODEL

from . import asking as ask
from .common import (
    DEFAULT_WORKSPACE,
    Limit,
    Only,
    Redo,
    RetryFailed,
    WorkspaceDir,
    finish,
    open_workspace,
    run_options,
)
from .flags import spread


@spread
def classify(
    *,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    method: Annotated[
        Literal["rules", "llm"], typer.Option(help="rules: the shipped, reviewed table; llm: ask a language model.")
    ] = "rules",
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the workspace's own rules from annotations/roles.parquet.")
    ] = False,
    model: ask.Model = TEXT_MODEL,
    dry_run: ask.DryRun = False,
    limit: Limit = None,
    only: Only = None,
    retry_failed: RetryFailed = False,
    redo: Redo = False,
    asked: ask.AskFlags,
) -> None:
    """Say which joints should move and which should stay still in each exercise, into annotations/roles.parquet.

    Differences from the shipped table are shown for review; --apply writes the user's own rules into the
    workspace's refs folder, where later stages find them before the shipped ones.

    Examples: qevd-bio classify --method llm --llm-url http://localhost:8000/v1; qevd-bio classify --apply
    """
    from qevd_bio.annotation import classify_stage as stage

    place = open_workspace(workspace)
    if apply:
        for path in stage.apply(place):
            typer.echo(f"written: {path}")
        typer.echo(f"written: {place.user_refs / 'roles.csv'}")
        return
    if method == "rules":
        stage.by_rules(place)
        typer.echo(f"the shipped table of roles: {place.annotation('roles')} and .csv")
        return
    questions = asked.of(model)
    options = run_options(limit, only, retry_failed, redo)
    if dry_run:
        typer.echo(stage.dry_run(place, options, questions).describe())
        return
    summary, totals = stage.classify(place, options, questions)
    ask.show_totals(totals, questions)
    rows = stage.differences(place)
    typer.echo(f"{len(rows)} of {24 * (summary.done + summary.kept)} roles differ from the shipped table")
    for row in rows:
        typer.echo(f"  {row['exercise']}: {row['joint']} {row['role']} (shipped: {row['shipped']})")
    finish(summary, place.annotation("roles"))
