"""`qevd-bio review --what rewriting`: people judge what was rewritten and what was kept; how much of it was right."""

from __future__ import annotations

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.annotation.review.decisions import ACCEPTED, CHANGED, add_reviews, read_reviews
from qevd_bio.annotation.review.importing import read_decisions
from qevd_bio.annotation.review.page import JUDGEMENTS, REWRITING, render, to_csv
from qevd_bio.dataset.opening import Dataset
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.explain import explain
from qevd_bio.rewriting.audit import AuditCurve
from qevd_bio.rewriting.choose import REASONS
from qevd_bio.rewriting.moments import Moment, moments
from qevd_bio.scoring.statistics import Statistic, bootstrap, ratio, sums_by
from qevd_bio.store.atomic import write_json, write_text
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_json
from qevd_bio.tables.rewritten import FEEDBACKS, KEPT, REWRITTEN, FeedbackRow
from qevd_bio.tables.workspace import Workspace

RIGHT, WRONG, CANNOT_TELL = JUDGEMENTS
_POINTS = 60
_ASKED = {
    True: "Rewritten: is the new sentence true of the picture and the curve?",
    False: "Kept: is it right that the words were kept, because what they say is not to be seen?",
}


def export(
    workspace: Workspace,
    page: Path,
    *,
    dataset: Dataset | None = None,
    only: Sequence[str] = (),
    undecided: bool = False,
) -> int:
    """Write the page and a CSV of the same name; pictures where the data set is given. Returns the rows.

    `only` are patterns of keys; `undecided` leaves out what somebody has judged.
    """
    judged = {review.key for review in read_reviews(workspace) if review.table == REWRITING}
    rows = [row for row in _corrections(workspace) if not (undecided and key_of(row) in judged)]
    rows = [row for row in rows if not only or any(fnmatch(key_of(row), pattern) for pattern in only)]
    if not rows:
        raise UserError("no correction to review", where=workspace.feedbacks, expected="other --only")
    catalogue = load((workspace.user_refs / "exercises",))
    videos = () if dataset is None else dataset.videos()
    found = {key_of(moment.row): moment for moment in moments(rows, workspace, videos)}
    shown = [_shown(found[key_of(row)], catalogue) for row in rows]
    write_text(page, render(REWRITING, shown))
    write_text(page.with_suffix(".csv"), to_csv(REWRITING, shown))
    return len(shown)


def _corrections(workspace: Workspace) -> list[FeedbackRow]:
    """Corrective feedback, the rewritten first."""
    if not workspace.feedbacks.is_file():
        raise UserError("there is nothing to review yet", where=workspace.feedbacks, fix="qevd-bio rewrite")
    rows = [row for row in FEEDBACKS.load(workspace.feedbacks) if row.status != KEPT]
    return sorted(rows, key=lambda row: (row.status != REWRITTEN, row.reason or "", row.split, row.video, row.span))


def key_of(row: FeedbackRow) -> str:
    """Names a row and what was decided of it: a judgement counts only while both stand."""
    return f"{row.split}/{row.video}/{row.span}/{hash_json([row.status, row.text])[:8]}"


def _shown(moment: Moment, catalogue: Any) -> dict[str, Any]:
    row, verdict = moment.row, moment.verdict
    new = row.status == REWRITTEN
    facts = [["question", _ASKED[new]], ["trainer", row.original], ["at", f"{moment.time_s:.2f} s"]]
    if not new:
        facts.append(["kept because", REASONS.get(row.reason or "", row.reason or "")])
    if verdict is not None:
        said = explain(verdict, catalogue.get(verdict.exercise))
        facts += [["measured", f"{said.what}: {said.much}"], ["sure", f"p {verdict.probability:.2f}"]]
    entry: dict[str, Any] = {
        "key": key_of(row),
        "value": None,
        "text": row.text if new else row.original,
        "facts": facts,
    }
    if moment.picture:
        entry["frames"] = ["data:image/jpeg;base64," + base64.b64encode(moment.picture).decode()]
    if moment.curve is not None:
        entry["curves"] = [_curve(moment.curve)]
    return entry


def _curve(curve: AuditCurve) -> dict[str, Any]:
    known = curve.values[np.isfinite(curve.values)]
    picks = np.linspace(0, len(known) - 1, min(_POINTS, len(known))).astype(int)
    unit = " degrees" if np.abs(known).max(initial=0.0) > 3.0 else ""
    values = [round(float(value), 0 if unit else 2) for value in known[picks]]
    return {"name": curve.label, "degrees": values, "unit": unit}


def take_back(workspace: Workspace, files: Sequence[Path], reviewer: str | None = None) -> int:
    """Keep the judgements of saved pages and filled CSVs; returns how many are new. UserError names the entry."""
    known = {REWRITING: [key_of(row) for row in _corrections(workspace)]}
    decisions = [one for path in files for one in read_decisions(path, REWRITING, reviewer, known)]
    return add_reviews(workspace, decisions)


def summary(workspace: Workspace, level: float = 0.95, replicates: int = 1000, seed: int = 0) -> dict[str, Any]:
    """How much of what was rewritten is right, with an interval that resamples people; also kept as JSON.

    Of several reviewers' judgements on one row the majority stands; "cannot tell" and ties do not count.
    """
    said = _majorities(workspace)
    rows = {key_of(row): row for row in _corrections(workspace)}
    judged = [(rows[key], verdict) for key, verdict in said.items() if key in rows]
    if not judged:
        raise UserError("no judgements yet", where=workspace.reviews, fix="qevd-bio review export --what rewriting")
    groups = {"rewritten": [(row, v) for row, v in judged if row.status == REWRITTEN]}
    groups |= {"kept": [(row, v) for row, v in judged if row.status != REWRITTEN]}
    for reason in sorted({row.reason or "" for row, _ in groups["kept"]}):
        groups[f"kept: {reason}"] = [(row, v) for row, v in groups["kept"] if (row.reason or "") == reason]
    report = {
        "level": level,
        "stale": sum(key not in rows for key in said),
        "groups": {name: _share(own, level, replicates, seed) for name, own in groups.items() if own},
    }
    write_json(workspace.annotations / "rewriting-judged.json", report)
    return report


def _majorities(workspace: Workspace) -> dict[str, str]:
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for review in read_reviews(workspace):
        if review.table == REWRITING:
            changed = json.loads(review.value or "null") if review.state == CHANGED else None
            votes[review.key][str(changed or (RIGHT if review.state == ACCEPTED else WRONG))] += 1
    found = {}
    for key, own in votes.items():
        best = max(own.values())
        first = [name for name, number in own.items() if number == best]
        found[key] = first[0] if len(first) == 1 else CANNOT_TELL
    return found


def _share(judged: Sequence[tuple[FeedbackRow, str]], level: float, replicates: int, seed: int) -> dict[str, Any]:
    told = [(row, verdict) for row, verdict in judged if verdict != CANNOT_TELL]
    names = sorted({row.participant or row.video for row, _ in told})
    clusters = np.array([names.index(row.participant or row.video) for row, _ in told], np.intp)
    right = np.array([verdict == RIGHT for _, verdict in told], dtype=float)
    entry: dict[str, Any] = {"judged": len(judged), "told": len(told), "right": int(right.sum())}
    if not told:
        return {**entry, "share": None, "low": None, "high": None}
    statistic = Statistic(sums_by(clusters, len(names), [right, np.ones(len(told))]), ratio)
    found = bootstrap({"share": statistic}, replicates, level, seed)["share"]
    return {**entry, "share": statistic.value, "low": found.low, "high": found.high}
