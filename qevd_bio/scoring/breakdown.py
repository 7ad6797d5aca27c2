"""Scores by exercise, intent, time in the segment and matching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.scoring.metrics.measured import Measured
from qevd_bio.scoring.pairing.corpus import Alignment, Corpus
from qevd_bio.scoring.statistics import f_score, share

TIME_EDGES_S = (10.0, 20.0, 30.0)

Labels = Sequence[str]


def breakdown(
    corpus: Corpus,
    alignment: Alignment,
    measured: Mapping[str, Measured],
    intents: Mapping[str, str],
) -> list[dict[str, Any]]:
    """One row per group: counts, temporal scores, and the mean of each text metric over the group's pairs.

    Pairs belong to the group of their ground truth. Intent is that of the ground truth, as `intents` names them
    (empty: no such rows); they have recall, but no precision.
    """
    rows: list[dict[str, Any]] = []
    for by, truth, predicted in _groupings(corpus, alignment, intents):
        for group in sorted({*truth, *predicted} - {""}):
            rows.append(_row(by, group, truth, predicted, corpus, alignment, measured))
    return rows


def _groupings(corpus: Corpus, alignment: Alignment, intents: Mapping[str, str]) -> list[tuple[str, Labels, Labels]]:
    exercise = [segment.exercise for segment in corpus.segments]
    found: list[tuple[str, Labels, Labels]] = [
        ("exercise", [exercise[s] for s in corpus.truth.segment], [exercise[s] for s in corpus.predicted.segment]),
        ("time in segment", _time_bins(corpus.truth.times), _time_bins(corpus.predicted.times)),
    ]
    matched_truth = set(alignment.recall[:, 0].tolist())
    matched_predicted = set(alignment.precision[:, 1].tolist())
    found.append(
        (
            "matching",
            ["matched" if i in matched_truth else "unmatched" for i in range(len(corpus.truth.texts))],
            ["matched" if i in matched_predicted else "unmatched" for i in range(len(corpus.predicted.texts))],
        )
    )
    if intents:
        found.append(("intent", [intents[text] for text in corpus.truth.texts], [""] * len(corpus.predicted.texts)))
    return found


def _time_bins(times: NDArray[np.float64]) -> list[str]:
    edges = ["0", *(f"{edge:g}" for edge in TIME_EDGES_S)]
    names = [f"{a}–{b} s" for a, b in pairwise(edges)] + [f"from {edges[-1]} s"]
    return [names[i] for i in np.searchsorted(TIME_EDGES_S, times, side="right")]


def _row(
    by: str,
    group: str,
    truth: Labels,
    predicted: Labels,
    corpus: Corpus,
    alignment: Alignment,
    measured: Mapping[str, Measured],
) -> dict[str, Any]:
    in_truth = np.array([label == group for label in truth], bool)
    in_predicted = np.array([label == group for label in predicted], bool)
    pairs = in_truth[alignment.recall[:, 0]]
    counts = np.array(
        [in_predicted[alignment.precision[:, 1]].sum(), in_predicted.sum(), pairs.sum(), in_truth.sum()], float
    )
    row: dict[str, Any] = {
        "protocol": alignment.protocol,
        "by": by,
        "group": group,
        "ground_truth": int(counts[3]),
        "predicted": int(counts[1]),
        "matched_ground_truth": int(counts[2]),
        "matched_predicted": int(counts[0]),
        "words_ground_truth": _words(corpus.truth.texts, in_truth),
        "words_predicted": _words(corpus.predicted.texts, in_predicted),
    }
    if by != "matching":
        row["temporal_recall"] = float(share(counts[2:4]))
    if by not in ("matching", "intent"):
        row["temporal_precision"] = float(share(counts[0:2]))
        row["temporal_f_score"] = float(f_score(counts))
    for name, metric in measured.items():
        value = float(metric.formula(metric.sums[pairs].sum(axis=0)))
        row[name] = None if np.isnan(value) else value
    return row


def _words(texts: Sequence[str], chosen: NDArray[np.bool_]) -> float | None:
    lengths = [len(texts[i].split()) for i in np.nonzero(chosen)[0].tolist()]
    return float(np.mean(lengths)) if lengths else None
