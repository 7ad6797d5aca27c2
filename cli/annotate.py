"""`qevd-bio annotate`."""

from __future__ import annotations

from typing import Annotated

import typer

from qevd_bio.annotation.options import ANNOTATE_MODEL, AnnotateMethod, FrameOptions
from qevd_bio.store.errors import UserError

from . import asking as ask
from .common import (
    DEFAULT_WORKSPACE,
    Data,
    Jobs,
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
from .segments import Exercise

F = FrameOptions()
FRAMES = "Frames shown to the model"


@spread
def annotate(
    *,
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    method: Annotated[
        AnnotateMethod, typer.Option(help="rules: standard set and kinematics; vlm: a vision-language model.")
    ] = "rules",
    exercise: Exercise = None,
    model: ask.Model = ANNOTATE_MODEL,
    frames: Annotated[int, typer.Option(min=1, max=64, help="Frames a segment.", rich_help_panel=FRAMES)] = F.count,
    frame_size: Annotated[
        int, typer.Option(min=64, max=2048, help="Longest side in pixels.", rich_help_panel=FRAMES)
    ] = F.size,
    frame_quality: Annotated[
        int, typer.Option(min=1, max=95, help="JPEG quality.", rich_help_panel=FRAMES)
    ] = F.quality,
    dry_run: ask.DryRun = False,
    limit: Limit = None,
    only: Only = None,
    retry_failed: RetryFailed = False,
    redo: Redo = False,
    jobs: Jobs = 1,
    asked: ask.AskFlags,
) -> None:
    """Say which of the 24 joints matter in each segment, into annotations/salient.parquet.

    The rules need no model: the exercise's standard set, expanded by what the kinematics show. With both methods
    run, their agreement is printed and written to annotations/agreement-salient.json.

    Examples: qevd-bio annotate; qevd-bio annotate --method vlm --llm-url http://localhost:8000/v1 --dry-run
    """
    from qevd_bio.annotation import annotate_stage as stage
    from qevd_bio.dataset.opening import open_dataset

    place = open_workspace(workspace)
    questions = None
    if method == "vlm":
        questions = asked.of(model)
    elif dry_run:
        raise UserError("--dry-run is about calls to a model; the rules make none", fix="--method vlm --dry-run")
    dataset = open_dataset(need_data(data), exercise=exercise, user_refs=place.user_refs)
    options = run_options(limit, only, retry_failed, redo, jobs)
    shown = FrameOptions(frames, frame_size, frame_quality)
    if dry_run and questions is not None:
        typer.echo(stage.dry_run(dataset, place, shown, options, questions).describe())
        return
    summary, totals = stage.annotate(dataset, place, method, shown, options, questions)
    ask.show_totals(totals, questions)
    report = stage.methods_agreement(place)
    if report is not None:
        typer.echo(stage.describe_agreement(report))
    finish(summary, place.annotation("salient"))
