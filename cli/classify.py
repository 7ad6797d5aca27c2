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


def classify(
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    method: Annotated[
        Literal["rules", "llm"], typer.Option(help="rules: the shipped, reviewed table; llm: ask a language model.")
    ] = "rules",
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the workspace's own rules from annotations/roles.parquet.")
    ] = False,
    llm_url: ask.LlmUrl = None,
    model: ask.Model = TEXT_MODEL,
    key_variable: ask.KeyVariable = ask.C.key_variable,
    cache: ask.CacheFile = None,
    structured: ask.StructuredOutput = ask.C.structured,
    temperature: ask.Temperature = ask.A.temperature,
    top_p: ask.TopP = ask.A.top_p,
    max_tokens: ask.MaxTokens = ask.A.max_tokens,
    seed: ask.Seed = None,
    concurrency: ask.Concurrency = ask.C.concurrency,
    timeout: ask.TimeoutS = ask.C.timeout_s,
    dry_run: ask.DryRun = False,
    max_calls: ask.MaxCalls = None,
    max_cost: ask.MaxCost = None,
    price_in: ask.PriceIn = None,
    price_out: ask.PriceOut = None,
    batch: ask.Batch = None,
    limit: Limit = None,
    only: Only = None,
    retry_failed: RetryFailed = False,
    redo: Redo = False,
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
        typer.echo(f"the shipped table of roles: {place.annotations / 'roles.parquet'} and .csv")
        return
    questions = ask.asking(
        llm_url,
        model,
        key_variable=key_variable,
        cache=cache,
        structured=structured,
        temperature=temperature,
        top_p=top_p,
        max_tokens=max_tokens,
        seed=seed,
        concurrency=concurrency,
        timeout=timeout,
        max_calls=max_calls,
        max_cost=max_cost,
        price_in=price_in,
        price_out=price_out,
        batch=batch,
    )
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
    finish(summary, place.annotations / "roles.parquet")
