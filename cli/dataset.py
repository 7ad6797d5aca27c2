"""`qevd-bio dataset`: the rewritten data set and the kinematics for others to load."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from qevd_bio.store.terminal import say

from .common import WorkspaceFlags
from .flags import group, spread

app = group("The rewritten data set and the kinematics as a Hugging Face data set.")


@app.callback()
def root() -> None:
    """The rewritten data set and the kinematics as a Hugging Face data set."""


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
