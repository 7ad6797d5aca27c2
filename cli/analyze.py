"""qevd-bio analyze: repetitions, form errors and contexts."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from qevd_bio.motion.options import MotionOptions

from .common import (
    DEFAULT_WORKSPACE,
    Data,
    ExecutorName,
    Jobs,
    Limit,
    Only,
    Redo,
    RetryFailed,
    WorkspaceDir,
    finish,
    open_workspace,
    run_options,
)

D = MotionOptions()
RULES = "Cycles and judgement"


def analyze(
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    exercise: Annotated[
        str | None, typer.Option(help="The exercise of videos or recordings for which none is known.")
    ] = None,
    cycles: Annotated[
        Literal["robust", "paper"],
        typer.Option(help="Rule that finds repetitions; paper: Supp. 10 as it stands.", rich_help_panel=RULES),
    ] = D.cycles.method,
    salient: Annotated[
        Literal["auto", "exercise"],
        typer.Option(
            help="Salient joints: as annotated or selected where that was done, or always the exercise's.",
            rich_help_panel=RULES,
        ),
    ] = D.salient,
    strict_paper: Annotated[
        bool,
        typer.Option(
            "--strict-paper",
            help="Every joint that is not dynamic is static, without exceptions.",
            rich_help_panel=RULES,
        ),
    ] = D.constraints.strict_paper,
    max_tokens: Annotated[
        int, typer.Option(min=20, help="Longest motion context, in estimated tokens.", rich_help_panel=RULES)
    ] = D.contexts.max_tokens,
    limit: Limit = None,
    only: Only = None,
    retry_failed: RetryFailed = False,
    redo: Redo = False,
    jobs: Jobs = 1,
    executor: ExecutorName = "local",
) -> None:
    """Find repetitions, judge them by the exercise's rules, and write the coach's contexts.

    Reads the workspace's kinematics and table of exercises, as `qevd-bio extract` leaves them; --data is needed
    only where that table is missing. Run the same command again to go on.
    """
    from dataclasses import replace

    from qevd_bio.motion.stage import analyze as run_analyze
    from qevd_bio.motion.stage import report

    place = open_workspace(workspace)
    if data is not None and not place.segments.is_file():
        from qevd_bio.dataset.opening import open_dataset
        from qevd_bio.dataset.stage import write_segments
        from qevd_bio.video.probe import measure

        write_segments(open_dataset(data.expanduser(), user_refs=place.user_refs), place, measure)
    options = MotionOptions(
        cycles=replace(D.cycles, method=cycles),
        constraints=replace(D.constraints, strict_paper=strict_paper),
        contexts=replace(D.contexts, max_tokens=max_tokens),
        exercise=exercise or "",
        salient=salient,
    )
    summary, _ = run_analyze(place, options, run_options(limit, only, retry_failed, redo, jobs, executor))
    for line in report(place):
        typer.echo(line)
    finish(summary, place.motion)
