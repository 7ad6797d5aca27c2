"""People's decisions: kept apart from the tables, and applied whenever a table is written.

A table made again does not lose what people decided; a decision on a row that is no longer there stays in the record.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from qevd_bio.annotation.salient import in_order, vector_of
from qevd_bio.scoring.agreement import cohen_kappa, nominal_alpha
from qevd_bio.tables.annotations import REVIEWS, TABLES, UNREVIEWED, VALUE, row_key
from qevd_bio.tables.workspace import Workspace

STATES = ("accepted", "changed", "rejected")
RULE_OF = {"static": "variance", "dynamic": "key_frame"}


def reviews_path(workspace: Workspace) -> Path:
    """Where all decisions are kept."""
    return workspace.annotations / "reviews.parquet"


def read_reviews(workspace: Workspace) -> list[dict[str, Any]]:
    """All decisions, oldest first; [] where there are none."""
    path = reviews_path(workspace)
    return sorted(REVIEWS.read_rows(path), key=lambda row: str(row["at"])) if path.is_file() else []


def add_reviews(workspace: Workspace, decisions: Sequence[Mapping[str, Any]]) -> int:
    """Keep decisions; of one reviewer on one row the latest stands. Returns how many are new or changed."""
    kept = {(row["table"], row["key"], row["reviewer"]): row for row in read_reviews(workspace)}
    changed = 0
    for decision in decisions:
        name = (decision["table"], decision["key"], decision["reviewer"])
        old = kept.get(name)
        if old is None or (old["at"] <= decision["at"] and dict(old) != dict(decision)):
            kept[name] = dict(decision)
            changed += 1
    rows = sorted(kept.values(), key=lambda row: (row["table"], row["at"], row["key"], row["reviewer"]))
    REVIEWS.write(reviews_path(workspace), rows)
    return changed


def apply_reviews(
    table: str, rows: Sequence[dict[str, Any]], reviews: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows with the latest decision on each: state, reviewer, time, comment, and the changed value."""
    latest = {review["key"]: review for review in reviews if review["table"] == table}
    column = VALUE[table]
    result = []
    for row in rows:
        before = row.get("proposed") if row.get("review_state") == "changed" else row.get(column)
        fresh = {**row, **UNREVIEWED, "proposed": None}
        if row.get("review_state") == "changed":
            fresh = _with_value(table, fresh, before)
        review = latest.get(row_key(table, row))
        if review is not None:
            fresh |= {
                "review_state": review["state"],
                "reviewer": review["reviewer"],
                "reviewed_at": review["at"],
                "comment": review["comment"],
            }
            if review["state"] == "changed":
                fresh = _with_value(table, {**fresh, "proposed": before}, json.loads(review["value"]))
        result.append(fresh)
    return result


def _with_value(table: str, row: dict[str, Any], value: Any) -> dict[str, Any]:
    """The row with another value, and the columns that follow from it."""
    if table == "salient":
        joints = None if value is None else list(in_order(value))
        return {**row, "joints": joints, "vector": None if joints is None else vector_of(joints)}
    if table == "roles":
        return {**row, "role": value, "rule": RULE_OF.get(value)}
    return {**row, VALUE[table]: value}


def refresh(workspace: Workspace, table: str, path: Path) -> None:
    """Write a table again with the decisions that are kept by now."""
    about = TABLES[table].read_metadata(path)
    rows = apply_reviews(table, TABLES[table].read_rows(path), read_reviews(workspace))
    TABLES[table].write(path, rows, metadata=about["metadata"], history=about["history"])


def reviewers_agreement(
    table: str, reviews: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Agreement of reviewers on the final value of the rows that several of them judged.

    Salient joints are compared joint by joint. `kappa` is Cohen's for each pair, `alpha` Krippendorff's over all.
    """
    proposals = {
        row_key(table, row): row["proposed"] if row["review_state"] == "changed" else row[VALUE[table]] for row in rows
    }
    said: dict[str, dict[str, Any]] = defaultdict(dict)
    for review in reviews:
        if review["table"] != table or review["state"] == "rejected" or review["key"] not in proposals:
            continue
        value = json.loads(review["value"]) if review["state"] == "changed" else proposals[review["key"]]
        said[review["reviewer"]][review["key"]] = value
    people = sorted(said)
    keys = sorted({key for values in said.values() for key in values})
    ratings = [_units(table, [said[person].get(key) for key in keys]) for person in people]
    pairs = {f"{a} / {b}": cohen_kappa(ratings[i], ratings[j]) for (i, a), (j, b) in combinations(enumerate(people), 2)}
    both = sum(sum(key in said[person] for person in people) >= 2 for key in keys)
    return {
        "reviewers": people,
        "rows_judged_by_several": both,
        "kappa": pairs,
        "alpha": nominal_alpha(ratings) if len(people) > 1 else None,
    }


def _units(table: str, values: Sequence[Any]) -> list[Any]:
    """What is compared: the values, or for joint sets 24 zeros and ones a row (None where not judged)."""
    if table != "salient":
        return list(values)
    return [bit for value in values for bit in (vector_of(value) if value is not None else [None] * 24)]
