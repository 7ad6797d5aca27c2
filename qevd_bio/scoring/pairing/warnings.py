"""What there is on both sides, and what is odd about predictions that can be scored: for `validate` and `score`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from qevd_bio.scoring.pairing.corpus import Corpus, beyond_end
from qevd_bio.scoring.pairing.predictions import SegmentPrediction

TIMINGS = ("official", "corrected")
ORACLE = "annotated"
"""Salient joints of this source in a test split: what people or a model said of the segment after seeing all of it."""

# Judged by eye on what the benchmark's systems do: ordinary ones stay well inside.
_FEW_DISTINCT = 0.05
_ENOUGH_TO_TELL = 20
_MOST_COMMON = 0.5
_RATE_HIGH, _RATE_LOW = 2.5, 0.4


def corpus_warnings(corpus: Corpus, segments: Sequence[SegmentPrediction], split: str) -> list[str]:
    """All warnings about predictions laid beside the segments of `split`."""
    found = degenerate(corpus)
    silent = corpus.run.count(False)
    if silent:
        found.append(f"{silent} of {len(corpus.run)} segments are not in the file: counted as silent")
    late = beyond_end(corpus)
    if late:
        found.append(f"{late} predictions are later than the end of their segment (official timing makes such times)")
    return [*found, *file_warnings(segments, split)]


def file_warnings(segments: Sequence[SegmentPrediction], split: str | None = None) -> list[str]:
    """Warnings that need no data set: empty texts, several or unknown timings, and splits other than `split`."""
    found: list[str] = []
    empty = sum(1 for segment in segments for text in segment.texts if not text.strip())
    if empty:
        found.append(f"{empty} predictions are empty texts: counted as predictions, never matched")
    timings = sorted({segment.timing for segment in segments if segment.timing})
    if len(timings) > 1:
        found.append(f"predictions of different timings in one file: {', '.join(timings)}")
    unknown = [timing for timing in timings if timing not in TIMINGS]
    if unknown:
        found.append(f"unknown timing {unknown[0][:40]!r}: known are {' and '.join(TIMINGS)}")
    oracle = sum(segment.salient == ORACLE for segment in segments)
    if oracle:
        found.append(
            f"oracle: contexts of {oracle} segments rest on annotated salient joints (--salient annotated), which no "
            "system can know of what it is tested on"
        )
    splits = Counter(segment.split for segment in segments if segment.split)
    if split is not None:
        found += [
            f"{count} segments say that they are of split {name[:60]!r}, not of {split}"
            for name, count in sorted(splits.items())
            if name != split
        ]
    elif len(splits) > 1:
        found.append(f"segments of different splits in one file: {', '.join(sorted(splits))}")
    return found


def counts(corpus: Corpus) -> dict[str, Any]:
    """How much there is on both sides, how varied and how dense it is."""
    return {
        "segments": len(corpus.segments),
        "segments_run": sum(corpus.run),
        "not_run": [f"{s.video}/{s.segment}" for s, run in zip(corpus.segments, corpus.run, strict=True) if not run],
        "minutes": corpus.minutes,
        "ground_truth": _side(corpus.truth.texts, corpus.minutes),
        "predicted": _side(corpus.predicted.texts, corpus.minutes),
    }


def _side(texts: Sequence[str], minutes: float) -> dict[str, Any]:
    return {
        "feedbacks": len(texts),
        "distinct_texts": len(set(texts)),
        "distinct_share": len(set(texts)) / len(texts) if texts else None,
        "per_minute": len(texts) / minutes if minutes > 0 and np.isfinite(minutes) else None,
    }


def degenerate(corpus: Corpus) -> list[str]:
    """Plain sentences about systems whose scores mislead: silent, repeating themselves, or talking all the time."""
    found = counts(corpus)
    said, truth = found["predicted"], found["ground_truth"]
    total = int(said["feedbacks"])
    if not total:
        return ["this system never speaks: all its scores are of silence"]
    warnings: list[str] = []
    text, times = Counter(corpus.predicted.texts).most_common(1)[0]
    if total >= _ENOUGH_TO_TELL and said["distinct_texts"] == 1:
        warnings.append(f"this system says one sentence only, {total} times: {text[:60]!r}")
    elif total >= _ENOUGH_TO_TELL and times / total >= _MOST_COMMON:
        warnings.append(f"{times} of {total} predictions are one sentence: {text[:60]!r}")
    elif total >= _ENOUGH_TO_TELL and said["distinct_share"] < _FEW_DISTINCT:
        beside = "" if truth["distinct_share"] is None else f" ({truth['distinct_share']:.1%} in the ground truth)"
        warnings.append(f"this system repeats itself: {said['distinct_share']:.1%} of its texts are distinct{beside}")
    rates = said["per_minute"], truth["per_minute"]
    if None not in rates and rates[1]:
        compared = f"{rates[0]:.1f} feedbacks a minute, the ground truth {rates[1]:.1f}"
        if rates[0] > _RATE_HIGH * rates[1]:
            warnings.append(f"this system speaks far too often: {compared}")
        elif rates[0] < _RATE_LOW * rates[1]:
            warnings.append(f"this system hardly speaks: {compared}")
    return warnings
