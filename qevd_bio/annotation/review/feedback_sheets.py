"""Blind sheets on which people rate what coaches said: systems side by side, each rater with an order of their own.

The evaluation by people of Panchal et al. 2024, App. E.4: a random subset of feedbacks, rated from 1 to 5 as LLM-Acc.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from qevd_bio.annotation.options import SheetOptions
from qevd_bio.annotation.review.feedback_key import FORMAT, HIGHEST, LOWEST, RATING, keep_key, key_path
from qevd_bio.annotation.review.page import plain_cell
from qevd_bio.scoring.compare import ScoredSystem, load_systems
from qevd_bio.store.atomic import write_text
from qevd_bio.store.errors import UserError
from qevd_bio.tables.pairs import PAIR, PAIRS, PairRow
from qevd_bio.tables.workspace import Workspace, pairs_of

PROTOCOL = "official"
_Key = tuple[str, int, int]

GUIDE = f"""How to rate

Each line has one moment of a workout: what a coach said there (reference), and what several systems
said (A, B, ...). For each system write a whole number from {LOWEST} to {HIGHEST} into the column after its text: how
accurate is it, compared with the reference? {HIGHEST}: it says the same, perhaps in other words.
{LOWEST}: it has nothing to do with it. Other words, and numbers written as words, are no fault.
Which system is A changes from line to line. Leave a cell empty where you cannot tell.
Do not change the column item. Save the sheet as CSV.
"""


def make_sheets(workspace: Workspace, folders: Sequence[Path], out: Path, options: SheetOptions) -> int:
    """Write a sheet for each rater into `out`, and the key into the workspace; returns the number of moments.

    Moments are ground truths that every system answered, by the official protocol, drawn at random. Raises UserError
    for fewer than two systems, more than letters, none in common, or where another key stands already.
    """
    systems = load_systems(folders)
    if len(systems) > len(ascii_uppercase):
        raise UserError(f"{len(systems)} systems", expected=f"at most {len(ascii_uppercase)}")
    answers = [_answers(system) for system in systems]
    common = sorted(set.intersection(*(set(found) for found in answers)))
    if not common:
        raise UserError(
            "there is no feedback that all these systems answered",
            where=systems[0].folder,
            expected="systems whose predictions match the same ground truths",
            fix="leave out the one that speaks least",
        )
    draw = random.Random(options.seed)
    chosen = draw.sample(common, min(options.count, len(common)))
    items = [_item(number, key, [found[key] for found in answers]) for number, key in enumerate(chosen, 1)]
    names = [system.label for system in systems]
    orders = {str(rater): _order(draw, len(items), len(names)) for rater in range(1, options.raters + 1)}
    content = {"format": FORMAT, "seed": options.seed, "systems": names, "items": items, "sheets": orders}
    keep_key(key_path(workspace), content)
    for rater, order in orders.items():
        write_text(out / f"sheet-{rater}.csv", _sheet(rater, items, order, len(names)))
    write_text(out / "guide.txt", GUIDE)
    return len(items)


def _answers(system: ScoredSystem) -> dict[_Key, PairRow]:
    rows = PAIRS.load(pairs_of(system.folder))
    return {
        (row.video, row.segment, row.truth_index): row
        for row in rows
        if row.protocol == PROTOCOL and row.role == PAIR and row.truth_index is not None
    }


def _item(number: int, key: _Key, rows: Sequence[PairRow]) -> dict[str, Any]:
    first = rows[0]
    return {
        "item": number,
        "video": key[0],
        "segment": key[1],
        "truth_index": key[2],
        "time_s": round(first.truth_time_s, 2),
        "cluster": first.cluster,
        "exercise": first.exercise,
        "reference": first.truth_text,
        "texts": [row.predicted_text for row in rows],
    }


def _order(draw: random.Random, items: int, systems: int) -> list[dict[str, Any]]:
    """A rater's order of items, and for each the system (position) behind A, B, ..."""
    return [
        {"item": number, "systems": draw.sample(range(systems), systems)}
        for number in draw.sample(range(1, items + 1), items)
    ]


def _sheet(rater: str, items: Sequence[dict[str, Any]], order: Sequence[dict[str, Any]], systems: int) -> str:
    letters = ascii_uppercase[:systems]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    pairs = [column for letter in letters for column in (letter, f"{letter}{RATING}")]
    writer.writerow(["item", "video", "segment", "time_s", "exercise", "reference", *pairs, "comment"])
    for line in order:
        item = items[line["item"] - 1]
        texts = [cell for system in line["systems"] for cell in (plain_cell(item["texts"][system]), "")]
        about = [f"{rater}-{item['item']}", *(plain_cell(item[name]) for name in ("video", "segment", "time_s"))]
        writer.writerow([*about, plain_cell(item["exercise"]), plain_cell(item["reference"]), *texts, ""])
    return buffer.getvalue()
