"""Every ground truth and every prediction, matched or not, with all values and raw judge replies, as rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from qevd_bio.scoring.judges.llm_accuracy import Judged
from qevd_bio.scoring.metrics.measured import Measured
from qevd_bio.scoring.pairing.corpus import Alignment, Corpus
from qevd_bio.tables.pairs import PAIR, PREDICTION_ONLY, TRUTH_ONLY, PairRow


def pair_rows(
    corpus: Corpus,
    alignment: Alignment,
    measured: Mapping[str, Measured],
    judged: Mapping[str, Judged],
    intents: Mapping[str, str],
) -> list[PairRow]:
    """Rows of one protocol: its pairs, then unmatched ground truth, then unmatched predictions."""
    precise = set(alignment.precision[:, 1].tolist())
    place = {"truth": _positions(corpus.truth.segment), "predicted": _positions(corpus.predicted.segment)}
    rows: list[PairRow] = []
    for k, (g, p) in enumerate(alignment.recall.tolist()):
        row = _truth(corpus, alignment, g, place["truth"], intents) | _predicted(corpus, p, place["predicted"], precise)
        row["role"] = PAIR
        row["delta_s"] = row["predicted_time_s"] - row["truth_time_s"]
        for name, metric in measured.items():
            row[name] = float(metric.items[k])
        for name, found in judged.items():
            replies = [reply.as_json() for reply in found.replies[k]]
            row[f"{name}_replies"] = json.dumps(replies, ensure_ascii=False)
        rows.append(PairRow(**row))
    matched_truth, matched_predicted = set(alignment.recall[:, 0].tolist()), set(alignment.recall[:, 1].tolist())
    for g in range(len(corpus.truth.texts)):
        if g not in matched_truth:
            rows.append(PairRow(**_truth(corpus, alignment, g, place["truth"], intents), role=TRUTH_ONLY))
    for p in range(len(corpus.predicted.texts)):
        if p not in matched_predicted:
            where = _segment(corpus, alignment, int(corpus.predicted.segment[p]))
            rows.append(PairRow(**where, **_predicted(corpus, p, place["predicted"], precise), role=PREDICTION_ONLY))
    return rows


def _segment(corpus: Corpus, alignment: Alignment, s: int) -> dict[str, Any]:
    segment = corpus.segments[s]
    return {
        "protocol": alignment.protocol,
        "video": segment.video,
        "segment": segment.segment,
        "cluster": corpus.clusters[s],
        "exercise": segment.exercise,
    }


def _truth(
    corpus: Corpus, alignment: Alignment, g: int, positions: list[int], intents: Mapping[str, str]
) -> dict[str, Any]:
    text = corpus.truth.texts[g]
    return {
        **_segment(corpus, alignment, int(corpus.truth.segment[g])),
        "truth_index": positions[g],
        "truth_time_s": float(corpus.truth.times[g]),
        "truth_text": text,
        "truth_intent": intents.get(text),
    }


def _predicted(corpus: Corpus, p: int, positions: list[int], precise: set[int]) -> dict[str, Any]:
    return {
        "predicted_index": positions[p],
        "predicted_time_s": float(corpus.predicted.times[p]),
        "predicted_text": corpus.predicted.texts[p],
        "precision_match": p in precise,
    }


def _positions(segments: Any) -> list[int]:
    """Position of each item within its segment; segments are in rising order."""
    starts: dict[int, int] = {}
    return [i - starts.setdefault(s, i) for i, s in enumerate(segments.tolist())]
