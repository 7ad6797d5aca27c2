"""Scored runs: their scores, and what each system said in each segment."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qevd_bio.reporting.content.views import Missing, Prediction, RunView, TrainerFeedback
from qevd_bio.reporting.html import short
from qevd_bio.scoring.options import PROTOCOLS
from qevd_bio.scoring.results import SCORES_FILE, Scores, read_scores
from qevd_bio.store.errors import UserError
from qevd_bio.tables.pairs import PAIR, PAIRS, PairRow
from qevd_bio.tables.workspace import Workspace, pairs_of

Key = tuple[str, str, int]
"""Split, video, segment."""

PROTOCOL = PROTOCOLS[0]
_NAME = 60
_SHOWN_VALUES = ("meteor", "rouge_l", "bertscore_f1", "llm_acc")


@dataclass
class SegmentPairs:
    """One segment of one run, times from the segment's start; `exercise` as the reference names it."""

    exercise: str
    truths: dict[int, TrainerFeedback] = field(default_factory=dict)
    predictions: list[Prediction] = field(default_factory=list)


@dataclass(frozen=True)
class ScoredRun:
    """A run with its pairs by segment, by the official protocol."""

    view: RunView
    references: str
    segments: Mapping[Key, SegmentPairs]


def find_scores(folder: Path) -> list[Path]:
    """Every folder of scores below `folder`, by name."""
    return sorted(path.parent for path in folder.glob(f"*/{SCORES_FILE}"))


def chosen_scores(workspace: Workspace, folders: Sequence[Path]) -> list[Path]:
    """The folders that were named, else every folder of scores of the workspace."""
    return [folder.expanduser() for folder in folders] or find_scores(workspace.all_scores)


def read_runs(folders: Iterable[Path], strict: bool) -> tuple[list[ScoredRun], list[Missing]]:
    """All runs that can be read, and what could not be; a fault is a UserError if `strict`."""
    runs: list[ScoredRun] = []
    missing: list[Missing] = []
    for folder in folders:
        try:
            scores = read_scores(folder)
        except UserError as error:
            if strict:
                raise
            missing.append(Missing(f"scores of {folder.name}: {error.problem}", error.fix or ""))
            continue
        name = _unique(short(scores.name, _NAME), [run.view.name for run in runs])
        runs.append(_run(folder if folder.is_dir() else folder.parent, name, scores, missing))
    return runs, missing


def _run(folder: Path, name: str, scores: Scores, missing: list[Missing]) -> ScoredRun:
    segments: Mapping[Key, SegmentPairs] = {}
    path = pairs_of(folder)
    if path.is_file():
        try:
            split = str(scores.inputs.get("references", "")).rpartition("/")[2] or str(scores.options.get("split", ""))
            segments = pairs_by_segment(PAIRS.load(path), split)
        except UserError as error:
            missing.append(Missing(f"feedback of {name}: {error.problem}", error.fix or ""))
    else:
        missing.append(Missing(f"feedback of {name}: no {path.name} beside its scores", "qevd-bio score --preds FILE"))
    timed = any(key[2] >= 0 for key in segments)
    if segments and not timed:
        missing.append(Missing(f"{name} is a list of matched pairs: it has no times, so no place in the timelines"))
    return ScoredRun(RunView(name, scores, timed), str(scores.inputs.get("references_sha256", "")), segments)


def _unique(name: str, taken: Sequence[str]) -> str:
    if name not in taken:
        return name
    return next(candidate for n in range(2, len(taken) + 3) if (candidate := f"{name} ({n})") not in taken)


def pairs_by_segment(rows: Iterable[PairRow], split: str) -> dict[Key, SegmentPairs]:
    """Pairs of the official protocol by segment; what has no time is left out."""
    found: dict[Key, SegmentPairs] = {}
    for row in rows:
        if row.protocol != PROTOCOL:
            continue
        pairs = found.setdefault((split, row.video, row.segment), SegmentPairs(row.exercise))
        if row.truth_index is not None and math.isfinite(row.truth_time_s):
            truth = TrainerFeedback(row.truth_time_s, row.truth_text or "", row.truth_intent or "")
            pairs.truths[row.truth_index] = truth
        if row.predicted_index is not None and math.isfinite(row.predicted_time_s):
            values = {name: value for name, value in row.values.items() if name in _SHOWN_VALUES}
            matched = row.truth_index if row.role == PAIR else None
            delta = row.delta_s if math.isfinite(row.delta_s) else None
            pairs.predictions.append(Prediction(row.predicted_time_s, row.predicted_text or "", matched, delta, values))
    return found


def comparable(runs: Sequence[ScoredRun]) -> tuple[list[ScoredRun], list[Missing]]:
    """The runs that share one ground truth, so that one timeline can hold them, and a word about the others."""
    timed = [run for run in runs if run.view.timed]
    if not timed:
        return [], []
    common = Counter(run.references for run in timed).most_common(1)[0][0]
    others = [run.view.name for run in timed if run.references != common]
    word = "scored against other feedback than the rest: not in the timelines (a page of its own shows it)"
    return [run for run in timed if run.references == common], [Missing(f"{name} was {word}") for name in others]
