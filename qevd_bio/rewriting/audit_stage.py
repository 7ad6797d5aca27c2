"""Collect what the audit page shows: rows, violations and the measured curves from the kinematics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from qevd_bio.exercise.expression import parse
from qevd_bio.exercise.vocabulary import NOT_CURVES, resolve, vocabulary
from qevd_bio.exercise.wording import sided
from qevd_bio.motion.cycles.curves import SeenCurves, skeleton_of
from qevd_bio.rewriting.audit import AuditCurve, Entry, page
from qevd_bio.rewriting.check import Mismatch
from qevd_bio.rewriting.evidence import MotionTables
from qevd_bio.rewriting.figures import figures
from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.leftovers import temporaries_in
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.rewritten import FEEDBACKS, KEPT, FeedbackRow
from qevd_bio.tables.verdicts import Verdict
from qevd_bio.tables.workspace import Workspace

# Seconds shown before and after the repetition.
_AROUND_S = 0.5


def write_audit(workspace: Workspace, mismatches: Sequence[Mismatch]) -> Path:
    """Write `audit.html` beside the rewritten data set and return its path."""
    rows = FEEDBACKS.load(workspace.feedbacks)
    corrective = [row for row in rows if row.status != KEPT]
    path = workspace.rewritten / "audit.html"
    entries = list(_entries(corrective, workspace))
    with (
        temporaries_in(workspace.manifests),
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8") as stream,
    ):
        for piece in page(entries, figures(rows), mismatches, "QEVD-bio-fit-coach: audit"):
            stream.write(piece)
    return path


def _entries(rows: Sequence[FeedbackRow], workspace: Workspace) -> Iterator[Entry]:
    tables = MotionTables(workspace)
    for (split, video), group in groupby(rows, key=lambda row: (row.split, row.video)):
        own = list(group)
        verdicts = tables.verdicts(split, video)
        named = {row.span: tuple(row.violation_ids or ()) or ((row.closest,) if row.closest else ()) for row in own}
        curves = VideoCurves(workspace.kinematics(split, video)) if any(named.values()) else None
        for row in own:
            seen = [verdicts[name] for name in named[row.span]]
            yield Entry(row, seen, curves.curve(seen[0]) if curves is not None and seen else None)


class VideoCurves:
    """Curves of one video's quantities."""

    def __init__(self, path: Path) -> None:
        self._kinematics = Kinematics.read(path)
        skeleton = skeleton_of(self._kinematics.skeleton_lengths, None)
        seen = self._kinematics
        angles = seen.angles.astype(np.float64)
        self._curves = SeenCurves(angles, seen.observed, seen.valid, skeleton, seen.root)

    def curve(self, verdict: Verdict) -> AuditCurve | None:
        """The curve of a verdict's quantity around its repetition; None for a duration or an unknown side."""
        quantity, side = verdict.quantity, verdict.side
        if quantity in NOT_CURVES:
            return None
        known = quantity in vocabulary().quantities
        expression = resolve(quantity, side) if known else parse(f"{quantity}_{side}" if side else quantity)
        if any(name.endswith(("_own", "_other")) for name in expression.names):
            return None
        start, end = verdict.start_s - _AROUND_S, verdict.end_s + _AROUND_S
        time_s = self._kinematics.time_s
        window = (time_s >= start) & (time_s <= end)
        values = np.asarray(expression.evaluate(self._curves), dtype=np.float64)[window]
        at = verdict.at_s
        # A statistic over the cycle (a range, a variation) is no point of the curve: the mark stands on the curve.
        value = float(np.interp(at, time_s[window], np.nan_to_num(values)))
        goal = verdict.goal if verdict.stat in ("value", "max", "min", "mean") else value
        words = vocabulary().quantities.get(quantity)
        label = sided(words.name if words else quantity.replace("_", " "), side)
        return AuditCurve(time_s[window], values, at, value, goal, label)
