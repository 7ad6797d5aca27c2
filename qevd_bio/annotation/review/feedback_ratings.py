"""People's ratings of what coaches said: sheets taken back, means with intervals, differences, agreement."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.annotation.review.feedback_key import HIGHEST, LOWEST, RATING, key_path, read_key
from qevd_bio.annotation.review.importing import read_text
from qevd_bio.scoring.agreement import ordinal_alpha
from qevd_bio.scoring.options import CompareOptions
from qevd_bio.scoring.statistics import Statistic, bootstrap, paired_test, ratio, sums_by
from qevd_bio.store.atomic import write_json, write_text
from qevd_bio.store.errors import UserError
from qevd_bio.tables.workspace import Workspace

_COLUMNS = ("sheet", "item", "system", "rating", "comment")


def take_back(workspace: Workspace, files: Sequence[Path]) -> int:
    """Read filled sheets and keep their ratings; of one sheet the latest file stands. Returns the ratings read.

    Raises UserError that names file and line; then nothing is kept.
    """
    key = read_key(key_path(workspace))
    fresh = [row for file in files for row in _ratings(file, key)]
    read = {str(row["sheet"]) for row in fresh}
    kept = [row for row in _kept(workspace) if row["sheet"] not in read]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in sorted([*kept, *fresh], key=lambda row: (int(row["sheet"]), int(row["item"]), row["system"])):
        writer.writerow(row)
    write_text(_ratings_path(workspace), buffer.getvalue())
    return len(fresh)


def _ratings_path(workspace: Workspace) -> Path:
    return key_path(workspace).with_name("ratings.csv")


def _kept(workspace: Workspace) -> list[dict[str, str]]:
    path = _ratings_path(workspace)
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline=""))) if path.is_file() else []


def _ratings(path: Path, key: Mapping[str, Any]) -> list[dict[str, Any]]:
    letters = ascii_uppercase[: len(key["systems"])]
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    needed = ["item", *(f"{letter}{RATING}" for letter in letters)]
    if not set(needed) <= set(reader.fieldnames or ()):
        raise UserError("this is no sheet of these systems", where=path, expected=f"the columns {', '.join(needed)}")
    orders = {(s, line["item"]): line["systems"] for s, lines in key["sheets"].items() for line in lines}
    found: list[dict[str, Any]] = []
    seen: set[tuple[str, int]] = set()
    for row in reader:
        where = f"{path}:{reader.line_num}"
        place = _place(row.get("item") or "", where)
        if place not in orders:
            raise UserError(f"there is no item {row['item']!r}", where=where, expected="an item of these sheets")
        if place in seen:
            raise UserError(f"item {row['item']!r} stands twice", where=where, expected="each item once")
        seen.add(place)
        for letter, system in zip(letters, orders[place], strict=True):
            rating = _rating(row.get(f"{letter}{RATING}") or "", f"{where}, column {letter}{RATING}")
            if rating is not None:
                name, comment = key["systems"][system], (row.get("comment") or "").strip()
                found.append(dict(zip(_COLUMNS, (place[0], place[1], name, rating, comment), strict=True)))
    return found


def _place(text: str, where: str) -> tuple[str, int]:
    sheet, _, number = text.strip().partition("-")
    if not (sheet.isascii() and sheet.isdigit() and number.isascii() and number.isdigit()):
        raise UserError(f"unknown item {text[:40]!r}", where=where, expected="the column item as it was, such as 1-17")
    return sheet, int(number)


def _rating(text: str, where: str) -> int | None:
    plain = text.strip().removesuffix(".0")
    if not plain:
        return None
    if plain not in {str(value) for value in range(LOWEST, HIGHEST + 1)}:
        raise UserError(
            f"the rating {text[:20]!r}", where=where, expected=f"a whole number from {LOWEST} to {HIGHEST}, or nothing"
        )
    return int(plain)


def summary(workspace: Workspace, options: CompareOptions | None = None) -> dict[str, Any]:
    """Ratings by system (mean, interval, n), differences between systems, agreement; also kept as `human.json`.

    Intervals and tests resample the clusters of the scores (participants, else videos), as those of `score` do.
    `alpha` is Krippendorff's, ordinal, over raters; units are texts (a system's at one moment).
    """
    chosen = options or CompareOptions()
    key = read_key(key_path(workspace))
    rows = _kept(workspace)
    if not rows:
        raise UserError("no ratings yet", where=_ratings_path(workspace), fix="qevd-bio review import --what feedback")
    names, ratings = key["systems"], _table(key, rows)
    statistics = {name: _statistic(key, ratings[:, s]) for s, name in enumerate(names)}
    intervals = bootstrap(statistics, chosen.replicates, chosen.level, chosen.seed)
    report = {
        "raters": len({row["sheet"] for row in rows}),
        "items": len(key["items"]),
        "ratings": len(rows),
        "level": chosen.level,
        "systems": {
            name: {
                "mean": float(np.nanmean(ratings[:, s])) if (there := int((~np.isnan(ratings[:, s])).sum())) else None,
                "low": intervals[name].low,
                "high": intervals[name].high,
                "n": there if there else 0,
                "alpha": ordinal_alpha(ratings[:, s]),
            }
            for s, name in enumerate(names)
        },
        "differences": [_difference(names[0], name, statistics, chosen) for name in names[1:]],
        "alpha": ordinal_alpha(ratings.reshape(len(ratings), -1)),
    }
    write_json(key_path(workspace).with_name("human.json"), report)
    return report


def _table(key: Mapping[str, Any], rows: Sequence[Mapping[str, str]]) -> NDArray[np.float64]:
    """Ratings as (raters, systems, items), NaN where there is none."""
    raters = sorted(key["sheets"], key=int)
    table = np.full((len(raters), len(key["systems"]), len(key["items"])), np.nan)
    for row in rows:
        place = raters.index(row["sheet"]), key["systems"].index(row["system"]), int(row["item"]) - 1
        table[place] = float(row["rating"])
    return table


def _statistic(key: Mapping[str, Any], ratings: NDArray[np.float64]) -> Statistic:
    """The mean rating of one system from sums per cluster; `ratings` (raters, items)."""
    names = sorted({str(item["cluster"]) for item in key["items"]})
    clusters = np.array([names.index(str(item["cluster"])) for item in key["items"]], np.intp)
    there = ~np.isnan(ratings)
    columns = [np.where(there, ratings, 0.0).sum(axis=0), there.sum(axis=0).astype(float)]
    return Statistic(sums_by(clusters, len(names), columns), ratio)


def _difference(base: str, name: str, statistics: Mapping[str, Statistic], options: CompareOptions) -> dict[str, Any]:
    test = paired_test(
        statistics[base],
        statistics[name],
        replicates=options.replicates,
        permutations=options.permutations,
        level=options.level,
        power=options.power,
        seed=options.seed,
    )
    known = None if np.isnan(test.difference) else test.difference
    return {
        "base": base, "system": name, "difference": known, "low": test.low, "high": test.high, "p_value": test.p_value,
    }  # fmt: skip
