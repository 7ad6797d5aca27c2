"""qevd-bio features: visual features of videos, in the official layout."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from qevd_bio.coach.options import FeatureOptions

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
    need_data,
    open_workspace,
    run_options,
)

D = FeatureOptions()


def features(
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    weights: Annotated[
        str | None,
        typer.Option(
            help="Checkpoint of the 3D CNN (released, or of `qevd-bio train vision`); `random` tries out without one; "
            "with --encoder image a folder of transformers.",
            show_default=False,
        ),
    ] = None,
    encoder: Annotated[
        Literal["3d-cnn", "image"], typer.Option(help="image: per-frame features, an ablation.")
    ] = D.encoder,
    rate: Annotated[float, typer.Option(min=0.1, help="Frames a second that are looked at.")] = D.rate_hz,
    warm_up: Annotated[
        int, typer.Option(min=0, help="How often the first frame is shown before; a multiple of 4.")
    ] = D.warm_up,
    seed: Annotated[int, typer.Option(help="Of random weights.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:0.")] = "cpu",
    limit: Limit = None,
    only: Only = None,
    retry_failed: RetryFailed = False,
    redo: Redo = False,
    jobs: Jobs = 1,
    executor: ExecutorName = "local",
) -> None:
    """Compute visual features at 4 Hz: features/<split>/efficientnet_features/… in the workspace.

    Frames are taken 16 a second by their timestamps, cropped to height/width 1.4 and scaled to 224 x 160; early
    benchmark videos are rotated, as the official extraction does. Run the same command again to go on.
    """
    from dataclasses import replace

    from qevd_bio.coach.vision.stage import write_features
    from qevd_bio.dataset.opening import open_dataset
    from qevd_bio.store.errors import UserError

    if weights is None:
        raise UserError(
            "no weights named",
            expected="--weights FILE with the released 3D CNN (efficientnet4Lite), or --weights random to try out",
        )
    if warm_up % 4:
        raise UserError(f"--warm-up {warm_up}", expected="a multiple of 4")
    place = open_workspace(workspace)
    options = replace(D, encoder=encoder, rate_hz=rate, warm_up=warm_up)
    dataset = open_dataset(need_data(data), user_refs=place.user_refs)
    selected = run_options(limit, only, retry_failed, redo, jobs, executor)
    summary = write_features(dataset, place, weights, options, selected, seed=seed, device=device)
    finish(summary, place.path("features"))
