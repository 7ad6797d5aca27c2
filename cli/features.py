"""`qevd-bio features`: visual features of videos, in the official layout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import typer

from qevd_bio.coach.options import FeatureOptions
from qevd_bio.store.terminal import say

from .common import ClusterFlags, PlaceFlags
from .ending import finish
from .flags import spread

D = FeatureOptions()


@dataclass(frozen=True)
class FeatureFlags:
    """What the features are made of; fields as in FeatureOptions."""

    encoder: Annotated[Literal["3d-cnn", "image"], typer.Option(help="image: per-frame features, an ablation.")] = (
        D.encoder
    )
    rate_hz: Annotated[float, typer.Option("--rate", min=0.1, help="Frames a second that are looked at.")] = D.rate_hz
    warm_up: Annotated[int, typer.Option(min=0, help="How often the first frame is shown before; a multiple of 4.")] = (
        D.warm_up
    )

    def of(self) -> FeatureOptions:
        """The options as the stage takes them."""
        return replace(D, **vars(self))


@spread
def features(
    *,
    place: PlaceFlags,
    weights: Annotated[
        str | None,
        typer.Option(
            help="Checkpoint of the 3D CNN (released, or of `qevd-bio train vision`); `random` tries out without one; "
            "with --encoder image a folder of transformers.",
            show_default=False,
        ),
    ] = None,
    flags: FeatureFlags,
    crops: Annotated[
        int,
        typer.Option(min=1, help="Views of each video: its middle, and random crops and colours to train with."),
    ] = 1,
    seed: Annotated[int, typer.Option(help="Of random weights.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:0.")] = "cpu",
    items: ClusterFlags,
) -> None:
    """Compute visual features at 4 Hz: features/<split>/efficientnet_features/… in the workspace.

    Frames are taken 16 a second by their timestamps, cropped to height/width 1.4 and scaled to 224 x 160; early
    benchmark videos are rotated, as the official extraction does. Run the same command again to continue.
    """
    from qevd_bio.coach.vision.stage import need_weights, write_features

    where = place.open()
    named = need_weights(weights)
    for crop in range(crops):
        summary = write_features(
            place.dataset(), where, named, flags.of(), items.of(), seed=seed, device=device, crop=crop
        )
        if summary.failed or crop == crops - 1:
            break
        say(summary.describe())
    finish(summary, where.path("features"))
