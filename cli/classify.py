"""`qevd-bio classify`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from qevd_bio.annotation.options import TEXT_MODEL
from qevd_bio.store.terminal import say

from . import asking as ask
from .common import ItemFlags, WorkspaceFlags
from .ending import finish
from .flags import spread


@spread
def classify(
    *,
    place: WorkspaceFlags,
    method: Annotated[
        Literal["rules", "llm"], typer.Option(help="rules: the shipped, reviewed table; llm: ask a language model.")
    ] = "rules",
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the workspace's own rules from annotations/roles.parquet.")
    ] = False,
    model: ask.Model = TEXT_MODEL,
    dry_run: ask.DryRun = False,
    items: ItemFlags,
    asked: ask.AskFlags,
) -> None:
    """Say which joints should move and which should stay still in each exercise, into annotations/roles.parquet.

    Differences from the shipped table are shown for review; --apply writes the user's own rules into the
    workspace's refs folder, where later stages find them before the shipped ones.

    Examples: qevd-bio classify --method llm --llm-url http://localhost:8000/v1; qevd-bio classify --apply
    """
    from qevd_bio.annotation import classify_stage as stage

    where = place.open()
    if apply:
        for path in (*stage.apply(where), where.user_refs / "roles.csv"):
            say(f"written: {path}")
        return
    if method == "rules":
        stage.by_rules(where)
        say(f"the shipped table of roles: {where.annotation('roles')} and .csv")
        return
    questions = asked.of(model)
    if dry_run:
        say(stage.dry_run(where, items.of(), questions).describe())
        return
    summary, totals = stage.classify(where, items.of(), questions)
    ask.show_totals(totals, questions)
    rows = stage.differences(where)
    say(f"{len(rows)} of {24 * (summary.done + summary.kept)} roles differ from the shipped table")
    for row in rows:
        say(f"  {row.exercise}: {row.joint} {row.role} (shipped: {row.shipped})")
    finish(summary, where.annotation("roles"))
