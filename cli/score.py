"""`qevd-bio score`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qevd_bio.scoring.options import METRICS, WITHHELD_EXIT
from qevd_bio.store.errors import StopRun, UserError

from .common import PlaceFlags
from .ending import leave, print_error
from .flags import spread
from .score_flags import BertFlags, IntervalFlags, JudgeFlags, ScoreFlags
from .score_tables import TableFlags
from .techcoach_score import score_techcoach

if TYPE_CHECKING:
    from qevd_bio.scoring.stage import Scored
    from qevd_bio.tables.workspace import Workspace


@spread
def score(
    *,
    preds: Annotated[
        list[Path], typer.Option("--preds", help="Predictions (JSONL), or the official list of pairs; repeatable.")
    ],
    place: PlaceFlags,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for the results; of several files: one in it each.",
            show_default="<workspace>/scores/<name>",
        ),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help=f"Choice of {', '.join(METRICS)}.", show_default="all that need no judge")
    ] = None,
    redo: Annotated[bool, typer.Option("--redo", help="Replace scores that stand in the folder.")] = False,
    task: Annotated[
        Literal["feedback", "techcoach"], typer.Option(help="techcoach: comments and scores of instances.")
    ] = "feedback",
    flags: ScoreFlags,
    tables: TableFlags,
    bert: BertFlags,
    judge: JudgeFlags,
    interval: IntervalFlags,
) -> None:  # fmt: skip
    """Score predictions by the official protocol and two stricter ones, with intervals.

    Metrics that are asked for later are added to a finished score of the same predictions; another score is never
    overwritten. Leaves with code 0 if every metric asked for has a value, 2 for bad input, 3 if one was withheld.
    """
    if task == "techcoach":
        score_techcoach(preds, place, out, metrics, redo, flags, bert, judge, interval)
        return
    from qevd_bio.language.cache import default_cache
    from qevd_bio.scoring.intents import rules_labeller
    from qevd_bio.scoring.stage import score_into

    where = place.open()
    options = flags.of(metrics, bert, judge, interval)
    tables.check()
    places = [(file, _folder(where, out, file, several=len(preds) > 1)) for file in preds]

    def score_one(file: Path, folder: Path, redo: bool) -> Scored:
        data = place.data.expanduser() if place.data is not None else None
        return score_into(
            file, data, options, out=folder, distinct=out is None or len(preds) > 1, redo=redo,
            cache=default_cache(where.annotations), label=rules_labeller(),
        )  # fmt: skip

    found, faults = _all(places, redo, score_one)
    if found:
        tables.show(found)
    for fault in faults:
        print_error(fault)
    withheld = any(one.scores.withheld(options.asked()) for one in found)
    leave(2 if faults else WITHHELD_EXIT if withheld else 0)


def _folder(where: Workspace, out: Path | None, file: Path, *, several: bool) -> Path:
    if out is None:
        return where.scores(file.stem)
    return out / file.stem if several else out


def _all(
    places: Sequence[tuple[Path, Path]], redo: bool, score_one: Callable[[Path, Path, bool], Scored]
) -> tuple[list[Scored], list[UserError]]:
    """What each file scores; a file with a fault does not keep the others from being scored."""
    found: list[Scored] = []
    faults: list[UserError] = []
    for position, (file, folder) in enumerate(places):
        # Two files of one name never replace each other's scores.
        first = folder not in [earlier for _, earlier in places[:position]]
        try:
            found.append(score_one(file, folder, redo and first))
        except StopRun:
            raise
        except UserError as error:
            faults.append(error)
    return found, faults
