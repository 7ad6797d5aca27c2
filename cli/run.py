"""qevd-bio run: what the coach says, segment by segment."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from qevd_bio.coach.baselines.options import BASELINES, BaselineOptions
from qevd_bio.coach.options import GenerateOptions

from .asking import LlmUrl
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

D = GenerateOptions()
B = BaselineOptions()
STREAM, ASKED = "How segments are streamed", "Baselines that ask a language model"


def run(
    model: Annotated[str, typer.Option(help=f"Checkpoint folder, a preset (untrained), or {', '.join(BASELINES)}.")],
    out: Annotated[Path, typer.Option(help="File of predictions to write (JSONL).")],
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    split: Annotated[str | None, typer.Option(help="Only this split of the data set.", show_default="all")] = None,
    timing: Annotated[
        Literal["official", "corrected"],
        typer.Option(
            help="official: comparable with published numbers; corrected: as deployed.", rich_help_panel=STREAM
        ),
    ] = D.timing,
    context: Annotated[
        Literal["fast", "exact", "start"],
        typer.Option(help="What is read again when the motion context changes.", rich_help_panel=STREAM),
    ] = D.context,
    context_every: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Steps (1/4 s) between motion contexts.",
            show_default=f"as the model was trained; {D.context_every} where it does not say",
            rich_help_panel=STREAM,
        ),
    ] = None,
    temperature: Annotated[
        float, typer.Option(min=0.0, help="0: greedy; else of sampling.", rich_help_panel=STREAM)
    ] = D.temperature,
    seed: Annotated[
        int, typer.Option(help="Of sampling, and of an untrained preset.", rich_help_panel=STREAM)
    ] = D.seed,
    max_tokens: Annotated[
        int, typer.Option(min=1, help="Longest feedback (corrected timing).", rich_help_panel=STREAM)
    ] = D.max_tokens,
    rows: Annotated[int, typer.Option(min=1, help="Segments side by side.", rich_help_panel=STREAM)] = D.rows,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.", rich_help_panel=STREAM)] = "auto",
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        typer.Option(help="Number format of the weights.", show_default="the model's; float32 on a CPU"),
    ] = None,
    llm_url: LlmUrl = None,
    llm_model: Annotated[
        str,
        typer.Option(
            help="The model that a baseline asks, by its name there.", show_default=False, rich_help_panel=ASKED
        ),
    ] = B.llm,
    activities: Annotated[
        Literal["motion", "classes"],
        typer.Option(
            help="What tells the Socratic model of the user: kinematics, or the 3D CNN's classes.",
            rich_help_panel=ASKED,
        ),
    ] = B.activities,
    vision_weights: Annotated[
        Path | None,
        typer.Option(help="The 3D CNN of the features, with its classifier (classes).", rich_help_panel=ASKED),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Names of its classes.", show_default="label2int.json beside the weights", rich_help_panel=ASKED
        ),
    ] = None,
    limit: Limit = None,
    only: Only = None,
    retry_failed: RetryFailed = False,
    redo: Redo = False,
) -> None:
    """Stream every segment through a coach and write what it says, ready for `qevd-bio score`.

    Needs features (qevd-bio features) and, for BioCoach, contexts (qevd-bio analyze). Run it again to go on.
    """
    from qevd_bio.dataset.opening import open_dataset

    place = open_workspace(workspace)
    dataset = open_dataset(need_data(data), user_refs=place.user_refs)
    selected = run_options(limit, only, retry_failed, redo)
    if model in BASELINES:
        from qevd_bio.coach.baselines.stage import write_baseline

        asked = BaselineOptions(
            url=llm_url, llm=llm_model, temperature=temperature, seed=seed if temperature else None,
            cache=place.path("runs", "replies.sqlite"), activities=activities, weights=vision_weights, labels=labels,
        )  # fmt: skip
        finish(write_baseline(model, dataset, place, out, asked, split, selected), out)
        return
    from dataclasses import replace

    from qevd_bio.coach.streaming.stage import run_coach

    options = replace(
        D, timing=timing, context=context, temperature=temperature, seed=seed, max_tokens=max_tokens, rows=rows
    )
    done = run_coach(
        model, dataset, place, out, options, selected, context_every=context_every, split=split, device=device,
        dtype=dtype, say=partial(typer.echo, err=True),
    )  # fmt: skip
    finish(done, out)
