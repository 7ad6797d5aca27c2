"""The table beside scores: every ground truth and every prediction, matched or not, with values and judges' replies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa

from qevd_bio.store.columns import arrow_type
from qevd_bio.store.errors import UserError
from qevd_bio.tables.rows import NAN, Cell, RowTable, row

VALUE_NAMES = ("meteor", "rouge_l", "bertscore_f1", "llm_acc", "llm_bio_acc", "bleu_1", "bleu_4", "cider_d")
"""Columns that hold a metric's value."""
PAIR, TRUTH_ONLY, PREDICTION_ONLY = "pair", "ground_truth", "prediction"


@row
class PairRow:
    """One matched pair, or one side of none; times from the segment's start."""

    protocol: Annotated[str, Cell("official or strict")]
    role: Annotated[str, Cell("pair, ground_truth (unmatched) or prediction (unmatched)")]
    video: Annotated[str, Cell("video of the segment; empty for a list of pairs")]
    segment: Annotated[int, Cell("position of the segment in its video; -1 for a list of pairs")]
    cluster: Annotated[str, Cell("resampling unit: participant or video")]
    exercise: Annotated[str, Cell("exercise of the segment")]
    truth_index: Annotated[int | None, Cell("position of the ground truth in its segment")] = None
    truth_time_s: Annotated[float, Cell("time from the segment's start", "s", null=NAN)] = NAN
    truth_text: Annotated[str | None, Cell("ground truth")] = None
    truth_intent: Annotated[str | None, Cell("intent of the ground truth, where it was classified")] = None
    predicted_index: Annotated[int | None, Cell("position of the prediction in its segment")] = None
    predicted_time_s: Annotated[float, Cell("time from the segment's start", "s", null=NAN)] = NAN
    predicted_text: Annotated[str | None, Cell("prediction")] = None
    delta_s: Annotated[float, Cell("prediction minus ground truth", "s", null=NAN)] = NAN
    precision_match: Annotated[
        bool | None, Cell("is this prediction matched in the walk from predictions to truth")
    ] = None
    meteor: Annotated[float, Cell("meteor of the pair; null where missing", null=NAN)] = NAN
    rouge_l: Annotated[float, Cell("rouge_l of the pair; null where missing", null=NAN)] = NAN
    bertscore_f1: Annotated[float, Cell("bertscore_f1 of the pair; null where missing", null=NAN)] = NAN
    llm_acc: Annotated[float, Cell("llm_acc of the pair; null where missing", null=NAN)] = NAN
    llm_bio_acc: Annotated[float, Cell("llm_bio_acc of the pair; null where missing", null=NAN)] = NAN
    bleu_1: Annotated[float, Cell("bleu_1 of the pair; null where missing", null=NAN)] = NAN
    bleu_4: Annotated[float, Cell("bleu_4 of the pair; null where missing", null=NAN)] = NAN
    cider_d: Annotated[float, Cell("cider_d of the pair; null where missing", null=NAN)] = NAN
    llm_acc_replies: Annotated[str | None, Cell("raw replies: judge, repeat, score, reason, text", type="json")] = None
    llm_bio_acc_replies: Annotated[str | None, Cell("raw replies: judge, repeat, score, reason, text", type="json")] = (
        None
    )

    @property
    def values(self) -> dict[str, float]:
        """Metric -> value, those that are there."""
        known = ((name, float(getattr(self, name))) for name in VALUE_NAMES)
        return {name: value for name, value in known if math.isfinite(value)}


PAIRS = RowTable.of("pairs", 1, PairRow)


def write_pairs(path: Path, rows: Iterable[PairRow], metadata: Mapping[str, Any]) -> None:
    """Write rows atomically. Built from buffers: `pa.array` of a list imports pandas, a quarter of a second."""
    plain = PAIRS.columns_of(rows)
    columns = {column.name: _column(plain[column.name], arrow_type(column.type)) for column in PAIRS.columns}
    PAIRS.write(path, columns, metadata=metadata)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    there = pa.py_buffer(np.packbits([value is not None for value in values], bitorder="little").tobytes())
    return pa.Array.from_buffers(kind, len(values), [there, *_buffers(values, kind)])


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
