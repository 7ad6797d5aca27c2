"""`qevd-bio score`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.scoring.options import METRICS, WITHHELD_EXIT
from qevd_bio.store.terminal import console, say

from .common import PlaceFlags
from .ending import leave
from .flags import spread
from .score_flags import BertFlags, IntervalFlags, JudgeFlags, ScoreFlags


@spread
def score(
    *,
    preds: Annotated[Path, typer.Option("--preds", help="Predictions (JSONL), or the official list of pairs.")],
    place: PlaceFlags,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results.", show_default="<workspace>/scores/<name>")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help=f"Choice of {', '.join(METRICS)}.", show_default="all that need no judge")
    ] = None,
    flags: ScoreFlags,
    published: Annotated[bool, typer.Option("--published", help="Print the papers' rows above ours.")] = False,
    benchmark: Annotated[
        str,
        typer.Option(
            help="Whose published rows: original, bio, or auto (by the data set's name).", rich_help_panel="Tables"
        ),
    ] = "auto",
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by", help="Break-down to print: exercise, intent, time, matching; repeatable.", rich_help_panel="Tables"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print scores.json instead of tables.")] = False,
    bert: BertFlags,
    judge: JudgeFlags,
    interval: IntervalFlags,
) -> None:
    """Score predictions by the official protocol and a strict one, with intervals.

    Leaves with code 0 if every metric asked for has a value, 2 for bad input, 3 if one was withheld.
    """
    from qevd_bio.language.cache import default_cache
    from qevd_bio.scoring.intents import rules_labeller
    from qevd_bio.scoring.stage import score as score_file

    where = place.open()
    options = flags.of(metrics, bert, judge, interval)
    folder = out if out is not None else where.scores(preds.stem)
    found = score_file(
        preds,
        place.data.expanduser() if place.data is not None else None,
        options,
        out=folder,
        cache=default_cache(where.annotations),
        label=rules_labeller(),
    )
    if as_json:
        say(json.dumps(found.as_json(), indent=1))
    else:
        from qevd_bio.scoring.render import show_breakdown, show_scores

        screen = console()
        show_scores(found, screen, benchmark if published else None)
        show_breakdown(found, screen, by or ())
        say(f"written to {folder}")
    leave(WITHHELD_EXIT if found.withheld(options.asked()) else 0)
