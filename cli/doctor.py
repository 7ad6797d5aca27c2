"""`qevd-bio doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import DEFAULT_WORKSPACE, Data, WorkspaceDir


def doctor(
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    llm_url: Annotated[
        str | None, typer.Option("--llm-url", envvar="QEVD_BIO_LLM_URL", help="Endpoint to try.")
    ] = None,
    hsmr_root: Annotated[Path | None, typer.Option("--hsmr-root", help="HSMR checkout to look at.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Look at what is installed and what works; for each thing missing, name the command that mends it.

    Leaves with code 1 if something is missing that extracting and rewriting need.
    """
    from dataclasses import asdict

    from qevd_bio.reporting.doctor import checks

    found = list(checks(workspace, data, llm_url, hsmr_root))
    if as_json:
        import json

        typer.echo(json.dumps([asdict(check) for check in found], indent=1))
    else:
        _show(found)
    if any(check.needed and not check.ok for check in found):
        raise typer.Exit(1)


def _show(found: list) -> None:  # type: ignore[type-arg]
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in ("", "what", "found", "mend it with"):
        table.add_column(title, overflow="fold")
    for check in found:
        mark = Text("ok", "green") if check.ok else Text("missing", "red") if check.needed else Text("-", "yellow")
        table.add_row(mark, Text(check.name), Text(check.found), Text(check.fix))
    Console().print(table)
