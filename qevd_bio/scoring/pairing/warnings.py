"""What is odd about predictions, though they can be scored: said by `validate` first, and by `score`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from qevd_bio.scoring.breakdown import degenerate
from qevd_bio.scoring.pairing.corpus import Corpus, beyond_end
from qevd_bio.scoring.pairing.predictions import SegmentPrediction

TIMINGS = ("official", "corrected")


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
