"""`qevd-bio report`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.reporting.options import ReportOptions
from qevd_bio.store.terminal import say

from .common import Only, PlaceFlags
from .ending import note as tell
from .flags import spread

D = ReportOptions()
PAGE = "How much the page shows"


@dataclass(frozen=True)
class ReportFlags:
    """How much the page shows; fields as in ReportOptions."""

    frames: Annotated[
        int, typer.Option(min=0, max=24, help="Pictures of each exercise; 0 for none.", rich_help_panel=PAGE)
    ] = D.frames
    size_mb: Annotated[
        float,
        typer.Option("--size", min=0.1, help="Megabytes that all pictures together may take.", rich_help_panel=PAGE),
    ] = D.size_mb
    band_deg: Annotated[
        float,
        typer.Option(
            "--band", min=0.0, max=90.0, help="Half width of the reference band, degrees.", rich_help_panel=PAGE
        ),
    ] = D.band_deg
    clips: Annotated[
        bool, typer.Option("--clips", help="Embed a short film of each exercise's gravest fault.", rich_help_panel=PAGE)
    ] = D.clips
    clips_mb: Annotated[
        float,
        typer.Option("--clips-size", min=0.1, help="Megabytes that all films together may take.", rich_help_panel=PAGE),
    ] = D.clips_mb

    def of(self) -> ReportOptions:
        """The options as the stage takes them."""
        return ReportOptions(**vars(self))


@spread
def report(
    *,
    scores: Annotated[
        list[Path] | None,
        typer.Option("--scores", help="Folder of qevd-bio score; repeatable.", show_default="all in the workspace"),
    ] = None,
    place: PlaceFlags,
    out: Annotated[Path | None, typer.Option("--out", help="The page.", show_default="WORKSPACE/report.html")] = None,
    only: Only = None,
    note: Annotated[list[str] | None, typer.Option(help="A sentence for the page's top; repeatable.")] = None,
    flags: ReportFlags,
) -> None:
    """Write one self-contained page: scores beside the published rows, timelines of every video, search and filters.

    It needs no server and asks nothing of the network. What is not there yet is named on it, with the command
    that makes it. Frames are shown where --data names the data set.

    Examples: qevd-bio report; qevd-bio report --scores outputs/scores/run --data /data/qevd --out run.html
    """
    from qevd_bio.reporting.content.dataset import find_dataset, read_rewritten
    from qevd_bio.reporting.page.stage import write_report

    where = place.open()
    written = write_report(
        where,
        out.expanduser() if out is not None else None,
        scores=[folder.expanduser() for folder in scores or ()],
        dataset=find_dataset(where, place.data),
        rewritten=read_rewritten(where),
        only=only or (),
        notes=note or (),
        options=flags.of(),
    )
    say(f"{written.path}: {written.videos} videos, {written.runs} runs, {written.size_bytes / 1e6:.1f} MB")
    for missing in written.missing:
        tell(f"not shown: {missing.what}" + (f" (next: {missing.command})" if missing.command else ""))
