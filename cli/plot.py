"""`qevd-bio plot`: figures for papers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.reporting.options import PLOT_SUFFIXES, ReportOptions

from .common import DEFAULT_WORKSPACE, Data, WorkspaceDir, open_workspace
from .report import find_dataset

app = typer.Typer(
    no_args_is_help=True, help=f"Figures for papers, as {', '.join(s[1:].upper() for s in PLOT_SUFFIXES)}."
)
_DEFAULT = ReportOptions()

Folders = Annotated[
    list[Path] | None,
    typer.Option("--scores", help="Folder of qevd-bio score; repeatable.", show_default="all in the workspace"),
]
Out = Annotated[Path, typer.Option("--out", help=f"The figure; its ending ({', '.join(PLOT_SUFFIXES)}) is the format.")]
Protocol = Annotated[str, typer.Option(help="official or strict.")]
Metrics = Annotated[
    str | None,
    typer.Option(help="Names as in scores.json, separated by commas.", show_default="the papers' that have values"),
]
Video = Annotated[str, typer.Argument(help="A name (0007) or SPLIT/0007.", metavar="VIDEO")]
SegmentIndex = Annotated[int | None, typer.Option("--segment", help="Which exercise.", show_default="the first")]
BandWidth = Annotated[float, typer.Option("--band", min=0.0, max=90.0, help="Half width of the band, degrees.")]


@app.command()
def scores(
    folders: Folders = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    out: Out = Path("scores.pdf"),
    protocol: Protocol = "official",
    metrics: Metrics = None,
    published: Annotated[bool, typer.Option("--published", help="The papers' rows above ours.")] = False,
) -> None:
    """The score table with intervals."""
    from qevd_bio.reporting.plots.stage import plot_scores

    found = _folders(folders, workspace)
    typer.echo(plot_scores(found, out, protocol=protocol, metrics=_names(metrics), published=published))


@app.command()
def ablation(
    folders: Folders = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    out: Out = Path("ablation.pdf"),
    protocol: Protocol = "official",
    metrics: Metrics = None,
) -> None:
    """Bars with intervals for several runs; the first is the base."""
    from qevd_bio.reporting.plots.stage import plot_ablation

    typer.echo(plot_ablation(_folders(folders, workspace), out, protocol=protocol, metrics=_names(metrics)))


@app.command()
def timeline(
    video: Video,
    segment: SegmentIndex = None,
    folders: Folders = None,
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    out: Out = Path("timeline.pdf"),
    frames: Annotated[int, typer.Option(min=0, max=24, help="Pictures in it; 0 for none.")] = _DEFAULT.frames,
    band: BandWidth = _DEFAULT.band_deg,
) -> None:
    """One exercise: frames, angle with reference, repetitions, violations, feedback of trainer and systems."""
    from qevd_bio.reporting.plots.stage import plot_timeline

    place = open_workspace(workspace)
    options = ReportOptions(frames=frames, band_deg=band)
    chosen = [folder.expanduser() for folder in folders or ()]
    dataset = find_dataset(place, data)
    made = plot_timeline(place, video, out, segment=segment, scores=chosen, dataset=dataset, options=options)
    typer.echo(made)


@app.command()
def cycle(
    video: Video,
    segment: SegmentIndex = None,
    number: Annotated[
        int | None, typer.Option("--cycle", min=1, help="Which repetition, from 1.", show_default="the best")
    ] = None,
    quantity: Annotated[
        str | None, typer.Option(help="Expression of angles.", show_default="the representative signal")
    ] = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    out: Out = Path("cycle.pdf"),
    band: BandWidth = _DEFAULT.band_deg,
) -> None:
    """A repetition against the reference, with its violations."""
    from qevd_bio.reporting.plots.stage import plot_cycle

    place, options = open_workspace(workspace), ReportOptions(band_deg=band)
    typer.echo(plot_cycle(place, video, out, segment=segment, cycle=number, quantity=quantity, options=options))


def _folders(folders: list[Path] | None, workspace: Path) -> list[Path]:
    from qevd_bio.reporting.content.runs import find_scores

    if folders:
        return [folder.expanduser() for folder in folders]
    return find_scores(open_workspace(workspace).all_scores)


def _names(metrics: str | None) -> list[str] | None:
    return None if metrics is None else [name.strip() for name in metrics.split(",") if name.strip()]
