"""`qevd-bio dataset`: the rewritten data set and the kinematics for others to load."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from qevd_bio.store.terminal import say

from .common import WorkspaceFlags
from .flags import group, spread

app = group("A data set of one's own, and the rewritten one for others.")


@app.callback()
def root() -> None:
    """A data set of one's own, and the rewritten one for others to load."""


@app.command("from-csv")
@spread
def from_csv(
    *,
    table: Annotated[Path, typer.Argument(help="CSV with the columns video,time,text,exercise.")],
    videos: Annotated[Path, typer.Option(help="Folder of the videos.")],
    out: Annotated[Path, typer.Option(help="Folder of the data set to write; --data of other commands.")],
    split: Annotated[
        Literal["test", "train"], typer.Option(help="test: QEVD-FIT-COACH-Benchmark; train: QEVD-FIT-COACH.")
    ] = "test",
    copy: Annotated[bool, typer.Option("--copy", help="Copy the videos; linked otherwise.")] = False,
) -> None:
    """Feedback in a spreadsheet and a folder of videos become a data set in QEVD's layout.

    Example: qevd-bio dataset from-csv feedback.csv --videos clips/ --out my_data
    """
    from qevd_bio.dataset.from_csv import from_csv as convert
    from qevd_bio.dataset.layout import BENCHMARK, TRAIN
    from qevd_bio.video.probe import probe

    folder = out.expanduser() / (BENCHMARK if split == "test" else TRAIN)
    media: Literal["copy", "link"] = "copy" if copy else "link"
    done = convert(table.expanduser(), videos.expanduser(), folder, lambda path: probe(path).times_s, media)
    say(f"{done.videos} videos, {done.feedbacks} feedbacks in {done.folder}")
    say(f"next: qevd-bio extract --data {out}")


@app.command()
@spread
def push(
    *,
    repository: Annotated[
        str | None, typer.Argument(help="The data set on the Hub.", metavar="[OWNER/NAME]", show_default=False)
    ] = None,
    workspace: WorkspaceFlags,
    what: Annotated[Literal["feedbacks", "kinematics", "both"], typer.Option(help="Which tables.")] = "both",
    to_folder: Annotated[
        Path | None, typer.Option(help="Write it to this folder and upload nothing.", show_default=False)
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Everybody can see it; private otherwise.")] = False,
    licence: Annotated[str, typer.Option(help="The card's licence, by the Hub's short name.")] = "other",
) -> None:
    """Upload a card and Parquet files, split by split; videos and landmarks stay here.

    Examples: qevd-bio dataset push --to-folder out/; qevd-bio dataset push me/qevd-bio-fit-coach
    """
    from qevd_bio.rewriting import publish
    from qevd_bio.store.errors import UserError
    from qevd_bio.store.hub import check_name

    place = workspace.open()
    if to_folder is None and repository is None:
        raise UserError("neither a data set nor a folder is named", fix="OWNER/NAME, or --to-folder FOLDER")
    if repository is not None:
        check_name(repository)
    if to_folder is not None:
        built = publish.build(place, to_folder.expanduser(), what, licence)
        say(built.folder)
        return
    with tempfile.TemporaryDirectory(prefix="qevd-bio-push-") as temporary:
        built = publish.build(place, Path(temporary) / "dataset", what, licence)
        assert repository is not None
        say(publish.push(built.folder, repository, public=public))
