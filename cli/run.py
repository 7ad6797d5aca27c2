"""`qevd-bio run`: what the coach says, segment by segment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from qevd_bio.coach.baselines.options import BASELINES, BaselineOptions
from qevd_bio.coach.options import ContextUpdate, GenerateOptions, Timing

from .common import ItemFlags, LlmUrl, PlaceFlags
from .ending import finish
from .flags import spread
from .salient_flags import SalientFlags

D = GenerateOptions()
B = BaselineOptions()
STREAM, ASKED = "How segments are streamed", "Baselines that ask a language model"


@dataclass(frozen=True)
class StreamFlags:
    """How segments are streamed; fields as in GenerateOptions."""

    timing: Annotated[
        Timing,
        typer.Option(
            help="official: comparable with published numbers; corrected: as deployed.", rich_help_panel=STREAM
        ),
    ] = D.timing
    context: Annotated[
        ContextUpdate,
        typer.Option(help="What is read again when the motion context changes.", rich_help_panel=STREAM),
    ] = D.context
    temperature: Annotated[
        float, typer.Option(min=0.0, help="0: greedy; else of sampling.", rich_help_panel=STREAM)
    ] = D.temperature
    seed: Annotated[int, typer.Option(help="Of sampling, and of an untrained preset.", rich_help_panel=STREAM)] = D.seed
    max_tokens: Annotated[
        int, typer.Option(min=1, help="Longest feedback (corrected timing).", rich_help_panel=STREAM)
    ] = D.max_tokens
    rows: Annotated[int, typer.Option(min=1, help="Segments side by side.", rich_help_panel=STREAM)] = D.rows

    def of(self) -> GenerateOptions:
        """The options as the stage takes them."""
        return replace(D, **vars(self))


@dataclass(frozen=True)
class AskedFlags:
    """What baselines ask, and whom."""

    llm_url: LlmUrl = None
    llm_model: Annotated[
        str,
        typer.Option(
            help="The model that a baseline asks, by its name there.", show_default=False, rich_help_panel=ASKED
        ),
    ] = B.llm
    llm_local: Annotated[
        str | None,
        typer.Option(
            help="In their place a language model that is run here: a folder, FILE.gguf, smollm2 (socratic…).",
            show_default=False,
            rich_help_panel=ASKED,
        ),
    ] = None
    vision_weights: Annotated[
        Path | None,
        typer.Option(help="The 3D CNN of the features, with its classifier (classes).", rich_help_panel=ASKED),
    ] = None
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Names of its classes.", show_default="label2int.json beside the weights", rich_help_panel=ASKED
        ),
    ] = None

    def of(self, stream: StreamFlags, device: str) -> BaselineOptions:
        """The options as the stage takes them; sampling as the streamed coach's."""
        return BaselineOptions(
            url=self.llm_url,
            llm=self.llm_model,
            temperature=stream.temperature,
            seed=stream.seed if stream.temperature else None,
            local=self.llm_local,
            device=device,
            weights=self.vision_weights,
            labels=self.labels,
        )


@spread
def run(
    *,
    model: Annotated[str, typer.Option(help=f"Checkpoint folder, a preset (untrained), or {', '.join(BASELINES)}.")],
    out: Annotated[Path, typer.Option(help="File of predictions to write (JSONL).")],
    place: PlaceFlags,
    split: Annotated[str | None, typer.Option(help="Only this split of the data set.", show_default="all")] = None,
    stream: StreamFlags,
    context_every: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Steps (1/4 s) between motion contexts.",
            show_default=f"as the model was trained; {D.context_every} where it does not say",
            rich_help_panel=STREAM,
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.", rich_help_panel=STREAM)] = "auto",
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        typer.Option(
            help="Number format of the weights.", show_default="the model's; float32 on a CPU", rich_help_panel=STREAM
        ),
    ] = None,
    asked: AskedFlags,
    joints: SalientFlags,
    items: ItemFlags,
) -> None:
    """Stream every segment through a coach and write what it says, ready for `qevd-bio score`.

    Needs features (qevd-bio features) and, for BioCoach, kinematics, of which contexts are made with the joints that
    its selector chooses. Run it again to continue.
    """
    from qevd_bio.coach.run_stage import Speaker, speak

    speaker = Speaker(model, stream.of(), context_every, device, dtype, asked.of(stream, device), joints.wish())
    finish(speak(speaker, place.dataset(), place.open(), out, split, items.of()), out)
