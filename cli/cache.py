"""`qevd-bio cache`: look into the file of model replies, export it, prune it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qevd_bio.store.errors import UserError

from .common import DEFAULT_WORKSPACE, WorkspaceDir, open_workspace

if TYPE_CHECKING:
    from qevd_bio.language.cache import Cache

app = typer.Typer(no_args_is_help=True, help="Look into the cache of model replies; export it, prune it.")
File = Annotated[
    Path | None,
    typer.Option("--cache", help="The SQLite file.", show_default="WORKSPACE/annotations/replies.sqlite"),
]


@app.command()
def show(workspace: WorkspaceDir = DEFAULT_WORKSPACE, cache: File = None) -> None:
    """Replies and tokens by stage, model and endpoint."""
    opened = _open(workspace, cache)
    for row in opened.summary():
        typer.echo(
            f"{row['stage']}  {row['model']}  {row['endpoint']}  {row['replies']} replies,"
            f" {row['input_tokens']} tokens in, {row['output_tokens']} out"
        )
    opened.close()


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="JSON lines, one for each reply.")],
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    cache: File = None,
) -> None:
    """Write every kept reply with its question (images as hashes)."""
    import json

    from qevd_bio.store.atomic import atomic_path

    opened = _open(workspace, cache)
    count = 0
    with atomic_path(out) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for row in opened.rows():
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    opened.close()
    typer.echo(f"{count} replies written: {out}")


@app.command()
def prune(
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    cache: File = None,
    stage: Annotated[str | None, typer.Option(help="Only replies of this stage: annotate, classify, …")] = None,
    model: Annotated[str | None, typer.Option(help="Only replies asked of this model.")] = None,
    older_than_days: Annotated[float | None, typer.Option(min=0, help="Only replies older than this.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All replies.")] = False,
) -> None:
    """Remove replies; what is removed has to be paid for again when it is needed."""
    import time

    if not everything and stage is None and model is None and older_than_days is None:
        raise UserError("nothing named to remove", expected="--stage, --model, --older-than-days, or --all")
    opened = _open(workspace, cache)
    before = None if older_than_days is None else time.time() - older_than_days * 86400
    typer.echo(f"{opened.prune(stage=stage, model=model, before_unix=before)} replies removed")
    opened.close()


def _open(workspace: Path, cache: Path | None) -> Cache:
    from qevd_bio.language.cache import Cache, default_cache

    path = cache if cache is not None else default_cache(open_workspace(workspace).annotations)
    if not path.is_file():
        raise UserError("no such cache yet", where=path, expected="the file that annotate, classify, intent write")
    return Cache(path)
