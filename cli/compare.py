"""`qevd-bio compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.scoring.options import PROTOCOLS, CompareOptions

_DEFAULT = CompareOptions()


def compare(
    systems: Annotated[
        list[Path], typer.Argument(help="Two or more folders of qevd-bio score; the first is the base.")
    ],
    form: Annotated[str, typer.Option("--format", help="text, markdown, latex, csv or json.")] = "text",
    protocol: Annotated[str, typer.Option(help="official, strict or both.")] = "official",
    out: Annotated[Path | None, typer.Option("--out", help="Write to this file instead of the terminal.")] = None,
    replicates: Annotated[int, typer.Option(min=1, help="Bootstrap replicates.")] = _DEFAULT.replicates,
    permutations: Annotated[int, typer.Option(min=1, help="Random permutations.")] = _DEFAULT.permutations,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.")] = _DEFAULT.level,
    power: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Power of the detectable difference.")
    ] = _DEFAULT.power,
    seed: Annotated[int, typer.Option(min=0, help="Seed of bootstrap and permutations.")] = _DEFAULT.seed,
) -> None:
    """Compare systems scored on the same data: paired differences, intervals, p-values, detectable difference."""
    from qevd_bio.scoring.compare import compare as compare_systems
    from qevd_bio.scoring.compare import load_systems
    from qevd_bio.scoring.compare_formats import formatted, overview
    from qevd_bio.store.atomic import write_text
    from qevd_bio.store.errors import UserError

    if protocol not in (*PROTOCOLS, "both"):
        raise UserError(f"unknown protocol {protocol!r}", where="--protocol", expected="official, strict or both")
    protocols = PROTOCOLS if protocol == "both" else (protocol,)
    options = CompareOptions(replicates, permutations, level, power, seed)
    loaded = load_systems(systems)
    text = formatted(compare_systems(loaded, options, protocols), options, form)
    if form in ("text", "markdown"):
        text = "\n".join([*(overview(loaded, name, form) for name in protocols), text])
    if out is not None:
        write_text(out, text)
        typer.echo(f"written to {out}")
    else:
        typer.echo(text, nl=False)
