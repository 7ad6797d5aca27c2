"""`qevd-bio annotate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from qevd_bio.annotation.options import ANNOTATE_MODEL, AnnotateMethod, FrameOptions
from qevd_bio.store.terminal import say

from . import asking as ask
from .common import Exercise, JobFlags, PlaceFlags
from .ending import finish
from .flags import spread

F = FrameOptions()
FRAMES = "Frames shown to the model"


@dataclass(frozen=True)
class FrameFlags:
    """What a vision-language model is shown of a segment."""

    frames: Annotated[int, typer.Option(min=1, max=64, help="Frames a segment.", rich_help_panel=FRAMES)] = F.count
    frame_size: Annotated[
        int, typer.Option(min=64, max=2048, help="Longest side in pixels.", rich_help_panel=FRAMES)
    ] = F.size
    frame_quality: Annotated[int, typer.Option(min=1, max=95, help="JPEG quality.", rich_help_panel=FRAMES)] = F.quality

    def of(self) -> FrameOptions:
        """The options as the stage takes them."""
        return FrameOptions(self.frames, self.frame_size, self.frame_quality)


@spread
def annotate(
    *,
    place: PlaceFlags,
    method: Annotated[
        AnnotateMethod, typer.Option(help="rules: standard set and kinematics; vlm: a vision-language model.")
    ] = "rules",
    exercise: Exercise = None,
    model: ask.Model = ANNOTATE_MODEL,
    frames: FrameFlags,
    dry_run: ask.DryRun = False,
    items: JobFlags,
    asked: ask.AskFlags,
) -> None:
    """Say which of the 24 joints matter in each segment, into annotations/salient.parquet.

    The rules need no model: the exercise's standard set, expanded by what the kinematics show. With both methods
    run, their agreement is printed and written to annotations/agreement-salient.json.

    Examples: qevd-bio annotate; qevd-bio annotate --method vlm --llm-url http://localhost:8000/v1 --dry-run
    """
    from qevd_bio.annotation import annotate_stage as stage

    questions = asked.unless(method == "rules", model, dry_run)
    where, dataset = place.open(), place.dataset(exercise=exercise)
    if dry_run and questions is not None:
        say(stage.dry_run(dataset, where, frames.of(), items.of(), questions).describe())
        return
    summary, totals = stage.annotate(dataset, where, method, frames.of(), items.of(), questions)
    ask.show_totals(totals, questions)
    report = stage.methods_agreement(where)
    if report is not None:
        say(stage.describe_agreement(report))
    finish(summary, where.annotation("salient"))
