"""`qevd-bio compare`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.scoring.options import CompareOptions
from qevd_bio.store.terminal import say

from .flags import spread

D = CompareOptions()
STATISTICS = "Statistics"


@dataclass(frozen=True)
class CompareFlags:
    """How systems are compared; fields as in CompareOptions."""

    replicates: Annotated[int, typer.Option(min=1, help="Bootstrap replicates.", rich_help_panel=STATISTICS)] = (
        D.replicates
    )
    permutations: Annotated[int, typer.Option(min=1, help="Random permutations.", rich_help_panel=STATISTICS)] = (
        D.permutations
    )
    level: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.", rich_help_panel=STATISTICS)
    ] = D.level
    power: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Power of the detectable difference.", rich_help_panel=STATISTICS)
    ] = D.power
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of bootstrap and permutations.", rich_help_panel=STATISTICS)
    ] = D.seed

    def of(self) -> CompareOptions:
        """The options as the stage takes them."""
        return CompareOptions(**vars(self))


@spread
def compare(
    *,
    systems: Annotated[
        list[Path], typer.Argument(help="Two or more folders of qevd-bio score; the first is the base.")
    ],
    form: Annotated[str, typer.Option("--format", help="text, markdown, latex, csv or json.")] = "text",
    protocol: Annotated[str, typer.Option(help="official, strict, ordered, both (the first two) or all.")] = "official",
    out: Annotated[Path | None, typer.Option("--out", help="Write to this file instead of the terminal.")] = None,
    flags: CompareFlags,
) -> None:
    """Compare systems scored on the same data: paired differences, intervals, p-values, detectable difference."""
    from qevd_bio.scoring.compare_stage import comparison
    from qevd_bio.store.atomic import write_text

    text = comparison(systems, flags.of(), protocol, form)
    if out is not None:
        write_text(out, text)
        say(f"written to {out}")
    else:
        say(text.removesuffix("\n"))
