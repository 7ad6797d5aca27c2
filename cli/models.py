"""`qevd-bio models`: models that are not part of the package, and bringing them into the user's cache."""

from __future__ import annotations

from typing import Annotated

import typer

from qevd_bio.store.terminal import say

from .flags import group, spread

app = group("Models that can be fetched: licence, size, hash, and where they lie.", runs=True)
DEFAULT = "pose-full"


@app.callback(invoke_without_command=True)
@spread
def models(*, ctx: typer.Context) -> None:
    """List the models: licence, size, hash, and where each lies or is to be put."""
    if ctx.invoked_subcommand is None:
        from qevd_bio.store.models.listing import listing

        say(listing())


@app.command()
@spread
def fetch(
    *, names: Annotated[list[str] | None, typer.Argument(help="Names of models.", show_default=DEFAULT)] = None
) -> None:
    """Bring models into the user's cache, from whichever source answers; each file is checked by its SHA-256."""
    from qevd_bio.store.models.fetch import fetch as bring
    from qevd_bio.store.models.table import with_needs

    wanted = {model.name: model for name in names or [DEFAULT] for model in with_needs(name)}
    for path in bring(wanted.values(), lambda line: say(line, err=True)):
        say(str(path))
