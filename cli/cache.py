"""`qevd-bio cache`: look into the file of model replies, export it, prune it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qevd_bio.store.terminal import say

from .common import DEFAULT_WORKSPACE, WorkspaceDir, WorkspaceFlags
from .flags import group, spread

if TYPE_CHECKING:
    from qevd_bio.language.cache import Cache

app = group("Look into the cache of model replies; export it, prune it.")


@dataclass(frozen=True)
class CacheFlags:
    """Which file of replies."""

    workspace: WorkspaceDir = DEFAULT_WORKSPACE
    cache: Annotated[
        Path | None,
        typer.Option("--cache", help="The SQLite file.", show_default="WORKSPACE/annotations/replies.sqlite"),
    ] = None

    def of(self) -> Cache:
        """The cache, opened; UserError where there is none yet."""
        from qevd_bio.language.cache import default_cache, open_cache

        return open_cache(self.cache or default_cache(WorkspaceFlags(self.workspace).open().annotations))


@app.command()
@spread
def show(*, file: CacheFlags) -> None:
    """Replies and tokens by stage, model and endpoint."""
    opened = file.of()
    for row in opened.summary():
        say(
            f"{row['stage']}  {row['model']}  {row['endpoint']}  {row['replies']} replies,"
            f" {row['input_tokens']} tokens in, {row['output_tokens']} out"
        )
    opened.close()


@app.command()
@spread
def export(
    *, out: Annotated[Path, typer.Option("--out", help="JSON lines, one for each reply.")], file: CacheFlags
) -> None:
    """Write every kept reply with its question (images as hashes)."""
    from qevd_bio.language.cache import export_cache

    opened = file.of()
    say(f"{export_cache(opened, out)} replies written: {out}")
    opened.close()


@app.command()
@spread
def prune(
    *,
    file: CacheFlags,
    stage: Annotated[str | None, typer.Option(help="Only replies of this stage: annotate, classify, …")] = None,
    model: Annotated[str | None, typer.Option(help="Only replies asked of this model.")] = None,
    older_than_days: Annotated[float | None, typer.Option(min=0, help="Only replies older than this.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All replies.")] = False,
) -> None:
    """Remove replies; what is removed has to be paid for again when it is needed."""
    from qevd_bio.language.cache import check_named, prune_cache

    check_named(stage, model, older_than_days, everything)
    opened = file.of()
    removed = prune_cache(opened, stage=stage, model=model, older_than_days=older_than_days, everything=everything)
    say(f"{removed} replies removed")
    opened.close()
