"""References and predictions laid side by side: flat lists of feedback, segment by segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevd_bio.scoring.pairing.matching import official_pairs, strict_pairs
from qevd_bio.scoring.pairing.ordered import Similarity, ordered_pairs
from qevd_bio.scoring.pairing.predictions import PredictionIssue, SegmentPrediction

# Official timing lets predicted times run past the end of the video by about a second a feedback; times
# farther out than this are not seconds from the segment's start at all.
BEYOND_S = 600.0


@dataclass(frozen=True, slots=True)
class SegmentReference:
    """Ground truth of one segment; times in seconds from its start, as is `duration_s`."""

    video: str
    segment: int
    exercise: str
    duration_s: float
    times: tuple[float, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """All feedback of one side, flat: segment position, time and text of each."""

    segment: NDArray[np.intp]
    times: NDArray[np.float64]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, segments: Sequence[tuple[Sequence[float], Sequence[str]]]) -> Side:
        """From times and texts per segment, in the order of the segments."""
        lengths = [len(times) for times, _ in segments]
        return cls(
            np.repeat(np.arange(len(segments)), lengths),
            np.array([time for times, _ in segments for time in times], np.float64),
            tuple(text for _, texts in segments for text in texts),
        )


@dataclass(frozen=True)
class Corpus:
    """`clusters[s]` names the resampling unit (participant or video) of segment s; `run[s]`: was it run."""

    segments: tuple[SegmentReference, ...]
    clusters: tuple[str, ...]
    run: tuple[bool, ...]
    truth: Side
    predicted: Side

    @cached_property
    def cluster_names(self) -> tuple[str, ...]:
        """The clusters (participants or videos), each once, in order of appearance."""
        return tuple(dict.fromkeys(self.clusters))

    @cached_property
    def cluster_of_segment(self) -> NDArray[np.intp]:
        """Index into `cluster_names` of each segment."""
        index = {name: i for i, name in enumerate(self.cluster_names)}
        return np.array([index[name] for name in self.clusters], np.intp)

    @property
    def minutes(self) -> float:
        """Length of all segments together."""
        return sum(segment.duration_s for segment in self.segments) / 60


def join(
    references: Sequence[SegmentReference],
    predictions: Sequence[SegmentPrediction],
    participants: Mapping[str, str] | None = None,
    without_feedback: frozenset[tuple[str, int]] = frozenset(),
) -> tuple[Corpus, list[PredictionIssue]]:
    """References with what was predicted for each; segments without a line count as silent, not run.

    Predictions for segments `without_feedback` are left aside, as the official evaluation drops those segments.
    The issues name predictions for segments that do not exist and times far beyond the segment.
    """
    known = {(reference.video, reference.segment): reference for reference in references}
    videos = {reference.video for reference in references}
    said: dict[tuple[str, int], SegmentPrediction] = {}
    issues: list[PredictionIssue] = []
    for prediction in predictions:
        key = (prediction.video, prediction.segment)
        if key in without_feedback:
            continue
        problem = _problem(prediction, known.get(key), videos, references)
        if problem is not None:
            issues.append(PredictionIssue(prediction.line, *problem))
        else:
            said[key] = prediction
    spoken = [said.get((reference.video, reference.segment)) for reference in references]
    silent: tuple[tuple[float, ...], tuple[str, ...]] = ((), ())
    corpus = Corpus(
        segments=tuple(references),
        clusters=tuple((participants or {}).get(r.video, r.video) for r in references),
        run=tuple(prediction is not None for prediction in spoken),
        truth=Side.of([(r.times, r.texts) for r in references]),
        predicted=Side.of([(p.times, p.texts) if p is not None else silent for p in spoken]),
    )
    return corpus, issues


def _problem(
    prediction: SegmentPrediction,
    reference: SegmentReference | None,
    videos: set[str],
    references: Sequence[SegmentReference],
) -> tuple[str, str] | None:
    if prediction.video not in videos:
        some = ", ".join(sorted(videos)[:5])
        return f"video {prediction.video!r} is not in the data set", f"one of its {len(videos)} videos: {some}, …"
    if reference is None:
        indices = ", ".join(str(r.segment) for r in references if r.video == prediction.video)
        return f"video {prediction.video!r} has no segment {prediction.segment}", f"a segment of {indices}"
    if prediction.times and prediction.times[-1] > reference.duration_s + BEYOND_S:
        return (
            f"a feedback at {prediction.times[-1]:g} s in a segment of {reference.duration_s:g} s",
            "times in seconds from the segment's start",
        )
    return None


def beyond_end(corpus: Corpus) -> int:
    """Number of predictions later than their segment's end (the official timing makes some)."""
    ends = np.array([segment.duration_s for segment in corpus.segments])
    return int((corpus.predicted.times > ends[corpus.predicted.segment]).sum())


@dataclass(frozen=True)
class Alignment:
    """Matches of one protocol, as (ground truth, prediction) positions in the corpus's flat lists.

    `recall` pairs carry the text metrics; `precision` pairs are those of the walk with roles swapped (in
    the other protocols the same ones).
    """

    protocol: str
    recall: NDArray[np.intp]
    precision: NDArray[np.intp]


def align(
    corpus: Corpus, protocol: str, tolerance_s: float, meaning: float = 0.0, similarity: Similarity | None = None
) -> Alignment:
    """Match every segment of the corpus by one protocol (`official`, `strict` or `ordered`).

    `meaning` is the weight of the texts' `similarity` in the protocol `ordered`.
    """
    recall: list[tuple[int, int]] = []
    precision: list[tuple[int, int]] = []
    truth_edges = _edges(corpus.truth, len(corpus.segments))
    predicted_edges = _edges(corpus.predicted, len(corpus.segments))
    for s in range(len(corpus.segments)):
        g, p = int(truth_edges[s]), int(predicted_edges[s])
        truth = corpus.truth.times[g : truth_edges[s + 1]]
        predicted = corpus.predicted.times[p : predicted_edges[s + 1]]
        texts = corpus.truth.texts[g : truth_edges[s + 1]]
        said = corpus.predicted.texts[p : predicted_edges[s + 1]]
        if protocol == "official":
            recall += [(g + i, p + j) for i, j in official_pairs(truth, predicted, said, tolerance_s)]
            precision += [(g + i, p + j) for j, i in official_pairs(predicted, truth, texts, tolerance_s)]
        elif protocol == "strict":
            recall += [(g + i, p + j) for i, j in strict_pairs(truth, predicted, texts, said, tolerance_s)]
        else:
            found = ordered_pairs(truth, predicted, texts, said, tolerance_s, meaning, similarity)
            recall += [(g + i, p + j) for i, j in found]
    return Alignment(protocol, _array(recall), _array(precision if protocol == "official" else recall))


def _edges(side: Side, segments: int) -> NDArray[np.intp]:
    return np.concatenate([[0], np.cumsum(np.bincount(side.segment, minlength=segments))]).astype(np.intp)


def _array(pairs: list[tuple[int, int]]) -> NDArray[np.intp]:
    return np.array(pairs, np.intp).reshape(-1, 2)
