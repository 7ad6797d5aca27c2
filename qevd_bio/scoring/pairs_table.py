"""`pairs.parquet`: every ground truth and every prediction, matched or not, with all values and raw judge replies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from qevd_bio.scoring.judges.llm_accuracy import Judged
from qevd_bio.scoring.metrics.measured import Measured
from qevd_bio.scoring.options import SCORE_NAMES
from qevd_bio.scoring.pairing.corpus import Alignment, Corpus
from qevd_bio.store.columns import Column, Table, arrow_type
from qevd_bio.store.errors import UserError

VALUE_NAMES = tuple(name for metric, names in SCORE_NAMES.items() if metric != "temporal" for name in names)
REPLY_NAMES = ("llm_acc_replies", "llm_bio_acc_replies")

PAIRS = Table(
    "pairs",
    version=1,
    columns=(
        Column("protocol", "string", meaning="official or strict", nullable=False),
        Column("role", "string", meaning="pair, ground_truth (unmatched) or prediction (unmatched)", nullable=False),
        Column("video", "string", meaning="video of the segment; empty for a list of pairs", nullable=False),
        Column(
            "segment", "int32", meaning="position of the segment in its video; -1 for a list of pairs", nullable=False
        ),
        Column("cluster", "string", meaning="resampling unit: participant or video", nullable=False),
        Column("exercise", "string", meaning="exercise of the segment", nullable=False),
        Column("truth_index", "int32", meaning="position of the ground truth in its segment"),
        Column("truth_time_s", "float64", unit="s", meaning="time from the segment's start"),
        Column("truth_text", "string", meaning="ground truth"),
        Column("truth_intent", "string", meaning="intent of the ground truth, where it was classified"),
        Column("predicted_index", "int32", meaning="position of the prediction in its segment"),
        Column("predicted_time_s", "float64", unit="s", meaning="time from the segment's start"),
        Column("predicted_text", "string", meaning="prediction"),
        Column("delta_s", "float64", unit="s", meaning="prediction minus ground truth"),
        Column("precision_match", "bool", meaning="is this prediction matched in the walk from predictions to truth"),
        *(Column(name, "float64", meaning=f"{name} of the pair; null where missing") for name in VALUE_NAMES),
        *(Column(name, "json", meaning="raw replies: judge, repeat, score, reason, text") for name in REPLY_NAMES),
    ),
)


def pair_rows(
    corpus: Corpus,
    alignment: Alignment,
    measured: Mapping[str, Measured],
    judged: Mapping[str, Judged],
    intents: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Rows of one protocol: its pairs, then unmatched ground truth, then unmatched predictions."""
    precise = set(alignment.precision[:, 1].tolist())
    place = {"truth": _positions(corpus.truth.segment), "predicted": _positions(corpus.predicted.segment)}
    rows: list[dict[str, Any]] = []
    for k, (g, p) in enumerate(alignment.recall.tolist()):
        row = _truth(corpus, alignment, g, place["truth"], intents) | _predicted(corpus, p, place["predicted"], precise)
        row["role"] = "pair"
        if row["predicted_time_s"] is not None and row["truth_time_s"] is not None:
            row["delta_s"] = row["predicted_time_s"] - row["truth_time_s"]
        for name, metric in measured.items():
            row[name] = None if np.isnan(metric.items[k]) else float(metric.items[k])
        for name, found in judged.items():
            replies = [reply.as_json() for reply in found.replies[k]]
            row[f"{name}_replies"] = json.dumps(replies, ensure_ascii=False)
        rows.append(row)
    matched_truth, matched_predicted = set(alignment.recall[:, 0].tolist()), set(alignment.recall[:, 1].tolist())
    for g in range(len(corpus.truth.texts)):
        if g not in matched_truth:
            rows.append({**_truth(corpus, alignment, g, place["truth"], intents), "role": "ground_truth"})
    for p in range(len(corpus.predicted.texts)):
        if p not in matched_predicted:
            where = _segment(corpus, alignment, int(corpus.predicted.segment[p]))
            rows.append({**where, **_predicted(corpus, p, place["predicted"], precise), "role": "prediction"})
    return rows


def columns_of(rows: list[dict[str, Any]]) -> dict[str, pa.Array]:
    """Rows as Arrow columns, built from buffers: `pa.array` of a list imports pandas, a quarter of a second."""
    columns: dict[str, pa.Array] = {}
    for column in PAIRS.columns:
        values = [row.get(column.name) for row in rows]
        kind = arrow_type(column.type)
        there = pa.py_buffer(np.packbits([value is not None for value in values], bitorder="little").tobytes())
        columns[column.name] = pa.Array.from_buffers(kind, len(rows), [there, *_buffers(values, kind)])
    return columns


def _buffers(values: list[Any], kind: pa.DataType) -> list[pa.Buffer]:
    if pa.types.is_string(kind):
        encoded = [b"" if value is None else value.encode("utf-8") for value in values]
        offsets = np.cumsum([0, *(len(text) for text in encoded)], dtype=np.int64)
        if offsets[-1] > np.iinfo(np.int32).max:
            raise UserError("more than 2 GB of text in one column", expected="predictions of ordinary length")
        return [pa.py_buffer(offsets.astype(np.int32).tobytes()), pa.py_buffer(b"".join(encoded))]
    filled = [0 if value is None else value for value in values]
    if pa.types.is_boolean(kind):
        return [pa.py_buffer(np.packbits(np.array(filled, bool), bitorder="little").tobytes())]
    return [pa.py_buffer(np.array(filled, kind.to_pandas_dtype()).tobytes())]


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
        "truth_time_s": _known(corpus.truth.times[g]),
        "truth_text": text,
        "truth_intent": intents.get(text),
    }


def _predicted(corpus: Corpus, p: int, positions: list[int], precise: set[int]) -> dict[str, Any]:
    return {
        "predicted_index": positions[p],
        "predicted_time_s": _known(corpus.predicted.times[p]),
        "predicted_text": corpus.predicted.texts[p],
        "precision_match": p in precise,
    }


def _known(time: float) -> float | None:
    return None if np.isnan(time) else float(time)


def _positions(segments: Any) -> list[int]:
    """Position of each item within its segment; segments are in rising order."""
    starts: dict[int, int] = {}
    return [i - starts.setdefault(s, i) for i, s in enumerate(segments.tolist())]
