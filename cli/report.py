"""`qevd-bio report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qevd_bio.reporting.options import ReportOptions

from .common import DEFAULT_WORKSPACE, Data, Only, WorkspaceDir, open_workspace

if TYPE_CHECKING:
    from qevd_bio.dataset.opening import Dataset
    from qevd_bio.reporting.content.views import Rewritten
    from qevd_bio.tables.workspace import Workspace

_DEFAULT = ReportOptions()


def report(
    scores: Annotated[
        list[Path] | None,
        typer.Option("--scores", help="Folder of qevd-bio score; repeatable.", show_default="all in the workspace"),
    ] = None,
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    out: Annotated[Path | None, typer.Option("--out", help="The page.", show_default="WORKSPACE/report.html")] = None,
    only: Only = None,
    note: Annotated[list[str] | None, typer.Option(help="A sentence for the page's top; repeatable.")] = None,
    frames: Annotated[
        int, typer.Option(min=0, max=24, help="Pictures of each exercise; 0 for none.")
    ] = _DEFAULT.frames,
    size: Annotated[
        float, typer.Option(min=0.1, help="Megabytes that all pictures together may take.")
    ] = _DEFAULT.size_mb,
    band: Annotated[
        float, typer.Option(min=0.0, max=90.0, help="Half width of the reference band, degrees.")
    ] = _DEFAULT.band_deg,
) -> None:
    """Write one self-contained page: scores beside the published rows, timelines of every video, statistics.

    It needs no server and asks nothing of the network. What is not there yet is named on it, with the command
    that makes it. Frames are shown where --data names the data set.

    Examples: qevd-bio report; qevd-bio report --scores outputs/scores/run --data /data/qevd --out run.html
    """
    from qevd_bio.reporting.page.stage import write_report

    place = open_workspace(workspace)
    written = write_report(
        place,
        out.expanduser() if out is not None else None,
        scores=[folder.expanduser() for folder in scores or ()],
        dataset=find_dataset(place, data),
        rewritten=read_rewritten(place),
        only=only or (),
        notes=note or (),
        options=ReportOptions(frames, size, band),
    )
    typer.echo(f"{written.path}: {written.videos} videos, {written.runs} runs, {written.size_bytes / 1e6:.1f} MB")
    for missing in written.missing:
        typer.echo(f"not shown: {missing.what}" + (f" (next: {missing.command})" if missing.command else ""), err=True)


def find_dataset(workspace: Workspace, data: Path | None) -> Dataset | None:
    """The data set that was named, else the rewritten one, which links to the videos of its source."""
    from qevd_bio.dataset.opening import open_dataset

    if data is not None:
        return open_dataset(data.expanduser(), user_refs=workspace.user_refs)
    there = any(workspace.rewritten.glob("*/feedbacks_long_range.json"))
    return open_dataset(workspace.rewritten, user_refs=workspace.user_refs) if there else None


def read_rewritten(workspace: Workspace) -> Rewritten | None:
    """The table of the rewritten data set and its figures, where there is one."""
    from qevd_bio.reporting.content.views import Rewritten
    from qevd_bio.rewriting.choose import REASONS
    from qevd_bio.rewriting.figures import figures
    from qevd_bio.store.errors import UserError
    from qevd_bio.tables.rewritten import FEEDBACKS

    path = workspace.feedbacks
    if not path.is_file():
        return None
    try:
        rows = FEEDBACKS.load(path)
    except UserError as error:
        typer.echo(f"not shown: the rewritten data set: {error.problem}", err=True)
        return None
    return Rewritten(rows, figures(rows), REASONS)
