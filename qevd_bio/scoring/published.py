"""The papers' result tables, to stand above one's own rows."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path

BENCHMARKS = {
    "original": ("qevd_fit_coach.csv", "QEVD-FIT-COACH, original feedback"),
    "bio": ("qevd_bio_fit_coach.csv", "QEVD-bio-fit-coach, biomechanical feedback"),
}
COLUMNS = ("meteor", "rouge_l", "bertscore_f1", "llm_acc", "llm_bio_acc", "temporal_f_score")


@dataclass(frozen=True)
class PublishedRow:
    """One system in a paper's table; values are kept as printed there ("0.50"), absent where the table has none."""

    method: str
    group: str
    values: Mapping[str, str]
    note: str
    source: str


def choose_benchmark(name: str, references: str) -> str:
    """`name`, or for `auto` the one that the data set's name tells: "bio" in it means the rewritten feedback.

    Raises UserError for another name.
    """
    if name == "auto":
        return "bio" if "bio" in references.lower() else "original"
    if name not in BENCHMARKS:
        raise UserError(f"no published table {name!r}", where="--benchmark", expected=f"auto, {', '.join(BENCHMARKS)}")
    return name


def published_rows(benchmark: str) -> list[PublishedRow]:
    """Rows of a benchmark (`original` or `bio`), in the order of the papers."""
    path: Path = refs_path("published", BENCHMARKS[benchmark][0])
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            PublishedRow(
                method=row["method"],
                group=row["group"],
                values={name: row[name] for name in COLUMNS if row[name]},
                note=row["note"],
                source=row["source"],
            )
            for row in csv.DictReader(stream)
        ]
