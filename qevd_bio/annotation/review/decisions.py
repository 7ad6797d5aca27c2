"""People's decisions: kept apart from the tables, and applied whenever a table is written.

A table made again does not lose what people decided; a decision on a row that is no longer there stays in the record.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

from qevd_bio.annotation.salient import in_order, vector_of
from qevd_bio.scoring.agreement import cohen_kappa, nominal_alpha
from qevd_bio.tables.annotations import PROPOSED, REVIEWS, TABLES, VALUE, Reviewed, ReviewRow
from qevd_bio.tables.workspace import Workspace

A = TypeVar("A", bound=Reviewed)
ACCEPTED, CHANGED, REJECTED = "accepted", "changed", "rejected"
STATES = (ACCEPTED, CHANGED, REJECTED)
RULE_OF = {"static": "variance", "dynamic": "key_frame"}


def read_reviews(workspace: Workspace) -> list[ReviewRow]:
    """All decisions, oldest first; [] where there are none."""
    path = workspace.reviews
    return sorted(REVIEWS.load(path), key=lambda row: row.at) if path.is_file() else []


def add_reviews(workspace: Workspace, decisions: Sequence[ReviewRow]) -> int:
    """Keep decisions; of one reviewer on one row the latest stands. Returns how many are new or changed."""
    kept = {(row.table, row.key, row.reviewer): row for row in read_reviews(workspace)}
    changed = 0
    for decision in decisions:
        name = (decision.table, decision.key, decision.reviewer)
        old = kept.get(name)
        if old is None or (old.at <= decision.at and old != decision):
            kept[name] = decision
            changed += 1
    REVIEWS.save(workspace.reviews, sorted(kept.values(), key=lambda row: (row.table, row.at, row.key, row.reviewer)))
    return changed


def apply_reviews(table: str, rows: Sequence[A], reviews: Sequence[ReviewRow]) -> list[A]:
    """Rows with the latest decision on each: state, reviewer, time, comment, and the changed value."""
    latest = {review.key: review for review in reviews if review.table == table}
    result = []
    for row in rows:
        before = proposal(table, row)
        fresh = _with_value(table, row, before) if row.review_state == CHANGED else row
        review = latest.get(row.key)
        state = PROPOSED if review is None else review.state
        decided: dict[str, Any] = {"review_state": state, "reviewer": None, "reviewed_at": None, "comment": None}
        if review is not None:
            decided |= {"reviewer": review.reviewer, "reviewed_at": review.at, "comment": review.comment}
        decided["proposed"] = None
        if review is not None and state == CHANGED:
            fresh = _with_value(table, fresh, json.loads(review.value or "null"))
            decided["proposed"] = before
        result.append(replace(fresh, **decided))
    return result


def proposal(table: str, row: Reviewed) -> Any:
    """The value that was proposed before any reviewer changed it."""
    return getattr(row, "proposed" if row.review_state == CHANGED else VALUE[table])


def _with_value(table: str, row: A, value: Any) -> A:
    """The row with another value, and the columns that follow from it."""
    if table == "salient":
        joints = None if value is None else list(in_order(value))
        changed: dict[str, Any] = {"joints": joints, "vector": None if joints is None else vector_of(joints)}
    elif table == "roles":
        changed = {"role": value, "rule": RULE_OF.get(value)}
    else:
        changed = {VALUE[table]: value}
    return replace(row, **changed)


def refresh(workspace: Workspace, table: str, path: Path) -> None:
    """Write a table again with the decisions that are kept by now."""
    about = TABLES[table].read_metadata(path)
    rows = apply_reviews(table, TABLES[table].load(path), read_reviews(workspace))
    TABLES[table].save(path, rows, metadata=about["metadata"], history=about["history"])


def reviewers_agreement(table: str, reviews: Sequence[ReviewRow], rows: Sequence[Reviewed]) -> dict[str, Any]:
    """Agreement of reviewers on the final value of the rows that several of them judged.

    Salient joints are compared joint by joint. `kappa` is Cohen's for each pair, `alpha` Krippendorff's over all.
    """
    proposals = {row.key: proposal(table, row) for row in rows}
    said: dict[str, dict[str, Any]] = defaultdict(dict)
    for review in reviews:
        if review.table != table or review.state == REJECTED or review.key not in proposals:
            continue
        value = json.loads(review.value or "null") if review.state == CHANGED else proposals[review.key]
        said[review.reviewer][review.key] = value
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
