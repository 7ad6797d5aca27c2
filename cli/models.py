"""`qevd-bio models`: models that are not part of the package, and bringing them into the user's cache."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="Models that can be fetched: licence, size, hash, and where they lie.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)
DEFAULT = "pose-full"


@app.callback()
def models(ctx: typer.Context) -> None:
    """List the models: licence, size, hash, and where each lies or is to be put."""
    if ctx.invoked_subcommand is None:
        from qevd_bio.store.models.listing import listing

        typer.echo(listing())


@app.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Names of models.", show_default=DEFAULT)] = None,
) -> None:
    """Bring models into the user's cache, from whichever source answers; each file is checked by its SHA-256."""
    from qevd_bio.store.models.fetch import fetch as bring
    from qevd_bio.store.models.table import with_needs

    wanted = {model.name: model for name in names or [DEFAULT] for model in with_needs(name)}
    for path in bring(wanted.values(), lambda line: typer.echo(line, err=True)):
        typer.echo(path)
