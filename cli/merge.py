"""`qevd-bio merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.store.terminal import say

from .common import WorkspaceFlags
from .flags import spread


@spread
def merge(
    *,
    shares: Annotated[list[Path], typer.Argument(help="Workspaces in which machines did their shares (--shard I/N).")],
    place: WorkspaceFlags,
    partial: Annotated[
        bool, typer.Option("--partial", help="Join what is there, though shares or items are missing.")
    ] = False,
) -> None:
    """Join the workspaces of several machines into one.

    Checked before anything is copied: every share is there and finished, none overlaps with another, all ran with the
    same settings, and every result is what was written. Run the stage once more afterwards, without --shard: it keeps
    every item and writes the tables of all.

    Example: qevd-bio merge shares/* --workspace outputs
    """
    from qevd_bio.store.merging import merge as join
    from qevd_bio.tables.workspace import Workspace

    target = place.open()
    joined = join([Workspace(share.expanduser()) for share in shares], target, partial=partial)
    for stage in joined:
        say(stage.describe())
    say(f"joined in {target.root}; run each stage again without --shard: it keeps these items and writes its tables")
