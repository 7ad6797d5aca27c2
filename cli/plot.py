"""`qevd-bio plot`: figures for papers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.reporting.options import PLOT_SUFFIXES, ReportOptions
from qevd_bio.store.terminal import say

from .common import PlaceFlags, WorkspaceFlags
from .flags import group, spread

app = group(f"Figures for papers, as {', '.join(s[1:].upper() for s in PLOT_SUFFIXES)}.")
D = ReportOptions()

Folders = Annotated[
    list[Path] | None,
    typer.Option("--scores", help="Folder of qevd-bio score; repeatable.", show_default="all in the workspace"),
]
Out = Annotated[Path, typer.Option("--out", help=f"The figure; its ending ({', '.join(PLOT_SUFFIXES)}) is the format.")]
Video = Annotated[str, typer.Argument(help="A name (0007) or SPLIT/0007.", metavar="VIDEO")]
SegmentIndex = Annotated[int | None, typer.Option("--segment", help="Which exercise.", show_default="the first")]
BandWidth = Annotated[float, typer.Option("--band", min=0.0, max=90.0, help="Half width of the band, degrees.")]


@dataclass(frozen=True)
class TableFlags:
    """Which runs, by which protocol, and which metrics of them."""

    folders: Folders = None
    protocol: Annotated[str, typer.Option(help="official or strict.")] = "official"
    metrics: Annotated[
        str | None,
        typer.Option(help="Names as in scores.json, separated by commas.", show_default="the papers' that have values"),
    ] = None

    def names(self) -> list[str] | None:
        """The metrics one by one."""
        return None if self.metrics is None else [name.strip() for name in self.metrics.split(",") if name.strip()]


@app.command()
@spread
def scores(
    *,
    place: WorkspaceFlags,
    table: TableFlags,
    out: Out = Path("scores.pdf"),
    published: Annotated[bool, typer.Option("--published", help="The papers' rows above ours.")] = False,
) -> None:
    """The score table with intervals."""
    from qevd_bio.reporting.content.runs import chosen_scores
    from qevd_bio.reporting.plots.stage import plot_scores

    found = chosen_scores(place.open(), table.folders or ())
    say(plot_scores(found, out, protocol=table.protocol, metrics=table.names(), published=published))


@app.command()
@spread
def ablation(*, place: WorkspaceFlags, table: TableFlags, out: Out = Path("ablation.pdf")) -> None:
    """Bars with intervals for several runs; the first is the base."""
    from qevd_bio.reporting.content.runs import chosen_scores
    from qevd_bio.reporting.plots.stage import plot_ablation

    found = chosen_scores(place.open(), table.folders or ())
    say(plot_ablation(found, out, protocol=table.protocol, metrics=table.names()))


@app.command()
@spread
def timeline(
    *,
    video: Video,
    segment: SegmentIndex = None,
    folders: Folders = None,
    place: PlaceFlags,
    out: Out = Path("timeline.pdf"),
    frames: Annotated[int, typer.Option(min=0, max=24, help="Pictures in it; 0 for none.")] = D.frames,
    band: BandWidth = D.band_deg,
) -> None:
    """One exercise: frames, angle with reference, repetitions, violations, feedback of trainer and systems."""
    from qevd_bio.reporting.content.dataset import find_dataset
    from qevd_bio.reporting.plots.stage import plot_timeline

    where, options = place.open(), ReportOptions(frames=frames, band_deg=band)
    chosen = [folder.expanduser() for folder in folders or ()]
    dataset = find_dataset(where, place.data)
    say(plot_timeline(where, video, out, segment=segment, scores=chosen, dataset=dataset, options=options))


@app.command()
@spread
def cycle(
    *,
    video: Video,
    segment: SegmentIndex = None,
    number: Annotated[
        int | None, typer.Option("--cycle", min=1, help="Which repetition, from 1.", show_default="the best")
    ] = None,
    quantity: Annotated[
        str | None, typer.Option(help="Expression of angles.", show_default="the representative signal")
    ] = None,
    place: WorkspaceFlags,
    out: Out = Path("cycle.pdf"),
    band: BandWidth = D.band_deg,
) -> None:
    """A repetition against the reference, with its violations."""
    from qevd_bio.reporting.plots.stage import plot_cycle

    where, options = place.open(), ReportOptions(band_deg=band)
    say(plot_cycle(where, video, out, segment=segment, cycle=number, quantity=quantity, options=options))
