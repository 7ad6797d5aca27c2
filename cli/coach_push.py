"""`qevd-bio coach push`: a coach's own weights with a card, to a folder or the Hub."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.store.terminal import say

from .flags import spread


@spread
def push(
    *,
    model: Annotated[Path, typer.Argument(help="Checkpoint folder of a coach that `coach new` made.")],
    repository: Annotated[
        str | None, typer.Argument(help="The model on the Hub.", metavar="[OWNER/NAME]", show_default=False)
    ] = None,
    to_folder: Annotated[
        Path | None, typer.Option(help="Write it to this folder and upload nothing.", show_default=False)
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Everybody can see it; private otherwise.")] = False,
    licence: Annotated[str, typer.Option(help="The card's licence, by the Hub's short name.")] = "other",
) -> None:
    """Publish what a coach has learnt: fusion, cross-attention, selector, action tokens, LoRA; no language model.

    A model card is written beside them. `coach new --language … --preset FOLDER` puts both together again.
    """
    from qevd_bio.coach.model.publish import build
    from qevd_bio.store.errors import UserError
    from qevd_bio.store.hub import check_name, upload

    if to_folder is None and repository is None:
        raise UserError("neither a model nor a folder is named", fix="OWNER/NAME, or --to-folder FOLDER")
    if repository is not None:
        check_name(repository, "model")
    if to_folder is not None:
        target = to_folder.expanduser()
        counts = build(model.expanduser(), target, licence)
        say(f"{sum(counts.values()):,} values ({', '.join(counts)}) in {target}")
        return
    with tempfile.TemporaryDirectory(prefix="qevd-bio-push-") as temporary:
        folder = Path(temporary) / "model"
        build(model.expanduser(), folder, licence)
        assert repository is not None
        say(upload(folder, repository, "model", public=public))
