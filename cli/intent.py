"""`qevd-bio intent`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.annotation.options import TEXT_MODEL, IntentMethod
from qevd_bio.store.errors import UserError

from . import asking as ask
from .common import (
    DEFAULT_WORKSPACE,
    Data,
    Limit,
    Only,
    Redo,
    RetryFailed,
    WorkspaceDir,
    finish,
    need_data,
    open_workspace,
    run_options,
)
from .flags import spread


@spread
def intent(
    *,
    source: Annotated[Path | None, typer.Option("--in", help="A text file, one sentence a line.")] = None,
    target: Annotated[Path | None, typer.Option("--out", help="JSON lines, one for each line of --in.")] = None,
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    method: Annotated[
        IntentMethod, typer.Option(help="rules; llm; or both: rules first, a model for what they leave uncertain.")
    ] = "rules",
    model: ask.Model = TEXT_MODEL,
    dry_run: ask.DryRun = False,
    limit: Limit = None,
    only: Only = None,
    retry_failed: RetryFailed = False,
    redo: Redo = False,
    asked: ask.AskFlags,
) -> None:
    """Sort feedback: corrective, motivational, count, transition, reminder or summary, with body parts and directions.

    Without --in, every feedback of the data set, into annotations/intents.parquet.

    Examples: qevd-bio intent --in sentences.txt --out intents.jsonl; qevd-bio intent --data /data/qevd
    """
    from qevd_bio.annotation import intent_stage as stage
    from qevd_bio.annotation.asking import for_stage

    place = open_workspace(workspace)
    questions = None
    if method != "rules":
        questions = asked.of(model)
        questions = for_stage(questions, place, "intent", retry_failed)
    elif dry_run:
        raise UserError("--dry-run is about calls to a model; the rules make none", fix="--method both --dry-run")
    if source is None:
        if target is not None:
            raise UserError("--out belongs to --in", fix="qevd-bio intent --in FILE --out FILE.jsonl")
        _data_set(need_data(data), place, method, run_options(limit, only, retry_failed, redo), questions, dry_run)
        return
    if target is None:
        raise UserError("no output named", expected="--out FILE.jsonl")
    if dry_run and questions is not None:
        typer.echo(stage.plan_file(source, method, questions).describe())
        return
    counts, totals = stage.sort_file(source, target, method, questions)
    ask.show_totals(totals, questions)
    listed = ", ".join(f"{count} {label}" for label, count in sorted(counts.items())) or "no lines"
    typer.echo(f"{listed}; written: {target}")
    if counts.get("failed"):
        raise typer.Exit(2)


def _data_set(data, place, method, options, questions, dry_run) -> None:  # type: ignore[no-untyped-def]
    from qevd_bio.annotation import intent_stage as stage
    from qevd_bio.dataset.opening import open_dataset

    dataset = open_dataset(data, user_refs=place.user_refs)
    if dry_run:
        typer.echo(stage.plan_dataset(dataset, method, options, questions).describe())
        return
    summary, totals = stage.sort_dataset(dataset, place, method, options, questions)
    ask.show_totals(totals, questions)
    finish(summary, place.annotation("intents"))
