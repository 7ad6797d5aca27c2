"""Ground truth from a data set; annotations and timestamps are read, videos are not needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qevd_bio.dataset.opening import Dataset, open_dataset
from qevd_bio.scoring.pairing.corpus import SegmentReference
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_json


@dataclass(frozen=True)
class References:
    """All segments with feedback of one split; `participants` maps videos to people where that is known.

    `without_feedback` are segments that the official evaluation drops. `sha256` is that of what is scored
    against: videos, segments, times and texts.
    """

    source: str
    split: str
    segments: tuple[SegmentReference, ...]
    participants: Mapping[str, str]
    without_feedback: frozenset[tuple[str, int]]
    sha256: str


def load_references(data: Path, split: str, *, need_truth: bool = True) -> References:
    """The split's segments, texts as the official reader gives them, times from the segment's start.

    A data set with one split only is taken whatever its name. Where there is no ground truth (a competition release),
    raises UserError if `need_truth`; otherwise all its segments are given, without feedback.
    """
    dataset = open_dataset(data)
    chosen = _choose(dataset, split, data)
    segments: list[SegmentReference] = []
    silent: list[SegmentReference] = []
    people: dict[str, str] = {}
    for segment in dataset.segments(chosen, keep_empty=True):
        if segment.participant is not None:
            people[segment.video] = segment.participant
        (segments if segment.feedbacks else silent).append(
            SegmentReference(
                video=segment.video,
                segment=segment.index,
                exercise=segment.exercise_id or segment.exercise_written,
                duration_s=segment.duration_s,
                times=tuple(feedback.time_s for feedback in segment.feedbacks),
                texts=tuple(feedback.official_text for feedback in segment.feedbacks),
            )
        )
    if not segments and not need_truth:
        segments, silent = silent, []
    if not segments or (need_truth and not any(segment.texts for segment in segments)):
        raise UserError(
            f"split {chosen} holds no feedback to compare with",
            where=data,
            expected="a data set with ground truth (a competition release has none: predictions only)",
            fix="name the benchmark with --data",
        )
    empty = frozenset((segment.video, segment.segment) for segment in silent)
    content = [(s.video, s.segment, s.times, s.texts) for s in segments]
    return References(data.name, chosen, tuple(segments), people, empty, hash_json(content))


def _choose(dataset: Dataset, split: str, data: Path) -> str:
    if split in dataset.splits:
        return split
    if len(dataset.splits) == 1:
        return dataset.splits[0]
    raise UserError(
        f"no split {split!r}",
        where=data,
        expected=f"--split with one of {', '.join(dataset.splits) or 'none found'}",
        fix=f"qevd-bio score --split {dataset.splits[0]} …" if dataset.splits else None,
    )
