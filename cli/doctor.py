"""`qevd-bio doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qevd_bio.store.terminal import console, say

from .common import LlmUrl, PlaceFlags
from .ending import leave
from .flags import spread

if TYPE_CHECKING:
    from qevd_bio.reporting.doctor import Check


@spread
def doctor(
    *,
    place: PlaceFlags,
    llm_url: LlmUrl = None,
    hsmr_root: Annotated[Path | None, typer.Option("--hsmr-root", help="HSMR checkout to look at.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Look at what is installed and what works; for each thing missing, name the command that mends it.

    Leaves with code 1 if something is missing that extracting and rewriting need.
    """
    from dataclasses import asdict

    from qevd_bio.reporting.doctor import checks

    found = list(checks(place.workspace, place.data, llm_url, hsmr_root))
    if as_json:
        import json

        say(json.dumps([asdict(check) for check in found], indent=1))
    else:
        _show(found)
    leave(int(any(check.needed and not check.ok for check in found)))


def _show(found: Sequence[Check]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in ("", "what", "found", "mend it with"):
        table.add_column(title, overflow="fold")
    for check in found:
        mark = Text("ok", "green") if check.ok else Text("missing", "red") if check.needed else Text("-", "yellow")
        table.add_row(mark, Text(check.name), Text(check.found), Text(check.fix))
    console().print(table)
