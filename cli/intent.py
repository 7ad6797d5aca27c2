"""`qevd-bio intent`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qevd_bio.annotation.options import TEXT_MODEL, IntentMethod
from qevd_bio.store.errors import UserError
from qevd_bio.store.terminal import say

from . import asking as ask
from .common import ItemFlags, PlaceFlags
from .ending import finish, leave
from .flags import spread

if TYPE_CHECKING:
    from qevd_bio.annotation.asking import Asking


@spread
def intent(
    *,
    source: Annotated[Path | None, typer.Option("--in", help="A text file, one sentence a line.")] = None,
    target: Annotated[Path | None, typer.Option("--out", help="JSON lines, one for each line of --in.")] = None,
    place: PlaceFlags,
    method: Annotated[
        IntentMethod, typer.Option(help="rules; llm; or both: rules first, a model for what they leave uncertain.")
    ] = "rules",
    model: ask.Model = TEXT_MODEL,
    dry_run: ask.DryRun = False,
    items: ItemFlags,
    asked: ask.AskFlags,
) -> None:
    """Sort feedback: corrective, motivational, count, transition, reminder or summary, with body parts and directions.

    Without --in, every feedback of the data set, into annotations/intents.parquet.

    Examples: qevd-bio intent --in sentences.txt --out intents.jsonl; qevd-bio intent --data /data/qevd
    """
    from qevd_bio.annotation.asking import for_stage

    questions = asked.unless(method == "rules", model, dry_run, instead="--method both --dry-run")
    if questions is not None:
        questions = for_stage(questions, place.open(), "intent", items.retry_failed)
    if source is not None:
        _file(source, target, method, questions, dry_run)
        return
    if target is not None:
        raise UserError("--out belongs to --in", fix="qevd-bio intent --in FILE --out FILE.jsonl")
    _data_set(place, method, items, questions, dry_run)


def _file(source: Path, target: Path | None, method: IntentMethod, questions: Asking | None, dry_run: bool) -> None:
    from qevd_bio.annotation import intent_stage as stage

    if target is None:
        raise UserError("no output named", expected="--out FILE.jsonl")
    if dry_run and questions is not None:
        say(stage.plan_file(source, method, questions).describe())
        return
    counts, totals = stage.sort_file(source, target, method, questions)
    ask.show_totals(totals, questions)
    listed = ", ".join(f"{count} {label}" for label, count in sorted(counts.items())) or "no lines"
    say(f"{listed}; written: {target}")
    leave(2 if counts.get("failed") else 0)


def _data_set(
    place: PlaceFlags, method: IntentMethod, items: ItemFlags, questions: Asking | None, dry_run: bool
) -> None:
    from qevd_bio.annotation import intent_stage as stage

    where, dataset = place.open(), place.dataset()
    if dry_run and questions is not None:
        say(stage.plan_dataset(dataset, method, items.of(), questions).describe())
        return
    summary, totals = stage.sort_dataset(dataset, where, method, items.of(), questions)
    ask.show_totals(totals, questions)
    finish(summary, where.annotation("intents"))
