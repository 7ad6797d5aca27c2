"""Every exercise of every video in one line each: what the page's search, filters and comparison work on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from qevd_bio.reporting.content.collect import Collector
from qevd_bio.reporting.content.views import IndexRow, LaneSummary, SegmentView, rule_words
from qevd_bio.store.hashing import hash_json
from qevd_bio.tables.by_video import VideoKey


def index_rows(collector: Collector, keys: Sequence[VideoKey]) -> Iterator[IndexRow]:
    """The rows of these videos in the order in which the page shows their exercises; no video is opened."""
    several = len({split for split, _ in keys}) > 1
    for place, key in enumerate(keys):
        name = "/".join(key) if several else key[1]
        for number, view in enumerate(collector.segments(key)):
            yield _row(place, number, name, view)


def _row(place: int, number: int, name: str, view: SegmentView) -> IndexRow:
    scores = [rep.score for rep in view.reps if math.isfinite(rep.score)]
    lanes = (
        LaneSummary(
            lane.run,
            tuple(sorted(p.truth for p in lane.predictions if p.truth is not None)),
            sum(p.truth is None for p in lane.predictions),
            hash_json([p.text for p in lane.predictions])[:12],
        )
        for lane in view.lanes
    )
    return IndexRow(
        video=place,
        segment=number,
        name=name,
        start_s=view.start_s,
        exercise=view.exercise,
        participant=view.participant,
        repetitions=sum(rep.units for rep in view.reps) if view.analysed else None,
        faults=len(view.faults) if view.analysed else None,
        rules=tuple(sorted({rule_words(fault.rule) for fault in view.faults})),
        similarity=sum(scores) / len(scores) if scores else math.nan,
        feedbacks=len(view.truths),
        intents=tuple(sorted({truth.intent for truth in view.truths if truth.intent})),
        decisions=view.decisions,
        lanes=tuple(lanes),
    )
