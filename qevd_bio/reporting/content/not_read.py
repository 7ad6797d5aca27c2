"""Corrections that kept their words, by reason: what the page shows so that a person can judge them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qevd_bio.dataset.opening import Dataset
from qevd_bio.rewriting.moments import Moment, moments
from qevd_bio.store.errors import UserError
from qevd_bio.tables.rewritten import UNSUPPORTED, FeedbackRow
from qevd_bio.tables.workspace import Workspace

MOST_A_REASON = 12


@dataclass(frozen=True)
class NotRead:
    """For each reason, the most frequent first: how many corrections, and the first of them with what was measured."""

    counts: Mapping[str, int]
    shown: Mapping[str, tuple[Moment, ...]]
    meanings: Mapping[str, str]


def not_read(
    rows: Sequence[FeedbackRow], meanings: Mapping[str, str], workspace: Workspace, dataset: Dataset | None
) -> NotRead | None:
    """None where every correction was rewritten."""
    kept = [row for row in rows if row.status == UNSUPPORTED]
    counts = Counter(row.reason or "" for row in kept)
    chosen = [row for reason in counts for row in [r for r in kept if (r.reason or "") == reason][:MOST_A_REASON]]
    try:
        found = list(moments(chosen, workspace, () if dataset is None else dataset.videos()))
    except UserError:  # a missing or damaged table costs the measurements, not the page
        found = [Moment(row, None, None, row.start_s) for row in chosen]
    shown = {reason: tuple(one for one in found if (one.row.reason or "") == reason) for reason in counts}
    return NotRead(dict(counts.most_common()), shown, meanings) if kept else None
