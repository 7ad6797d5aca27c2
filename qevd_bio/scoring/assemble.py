"""All scores of one protocol: values, intervals, coverage, signatures, and reasons where there is no value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qevd_bio.scoring.inputs import Inputs
from qevd_bio.scoring.judges.llm_accuracy import (
    Judged,
    agreement,
    judged_share,
    odd_scores,
    spread,
    unreadable_reasons,
)
from qevd_bio.scoring.judges.reading import read_as_published
from qevd_bio.scoring.measures import MetricOutcome, missing, temporal
from qevd_bio.scoring.metrics.measured import Measured
from qevd_bio.scoring.options import METRICS, SCORE_NAMES, ScoreOptions
from qevd_bio.scoring.results import Coverage, Score, signature
from qevd_bio.scoring.statistics import NO_INTERVAL, Interval, Statistic, bootstrap
from qevd_bio.store.version import __version__

NO_TIMES = "a list of matched pairs holds no times: temporal scores, strict and ordered need predictions as JSONL"


def protocol_scores(
    protocol: str, inputs: Inputs, outcomes: Mapping[str, MetricOutcome], options: ScoreOptions
) -> dict[str, Score]:
    """All scores of one protocol; metrics that were not chosen say so."""
    make = _Maker(protocol, inputs, options)
    statistics: dict[str, tuple[Statistic, int, Mapping[str, str]]] = {}
    if inputs.timed and "temporal" in options.chosen():
        corpus = inputs.corpus
        sizes = (
            len(corpus.truth.texts) + len(corpus.predicted.texts),
            len(corpus.predicted.texts),
            len(corpus.truth.texts),
        )
        for (name, found), n in zip(temporal(corpus, inputs.alignments[protocol]).items(), sizes, strict=True):
            statistics[name] = (found, n, {})
    for metric, outcome in outcomes.items():
        if protocol in outcome.measured:
            one = outcome.measured[protocol]
            statistics[SCORE_NAMES[metric][0]] = (make.statistic(one), one.n, one.signature)
    wanted = options.interval
    intervals = bootstrap({n: s[0] for n, s in statistics.items()}, wanted.replicates, wanted.level, wanted.seed)
    scores: dict[str, Score] = {}
    for metric in METRICS:
        for name in SCORE_NAMES[metric]:
            if name in statistics:
                scores[name] = make.score(name, *statistics[name], intervals[name], outcomes.get(metric))
            elif metric in options.chosen() or metric in METRICS[:6]:
                scores[name] = make.withheld(name, _reason(metric, protocol, inputs, outcomes, options))
    return scores


def _reason(
    metric: str, protocol: str, inputs: Inputs, outcomes: Mapping[str, MetricOutcome], options: ScoreOptions
) -> str:
    if metric not in options.chosen():
        lacks = missing(metric, options)
        return f"not computed: add {metric} to --metrics" + (f"; {lacks}" if lacks else "")
    if not inputs.timed and (metric == "temporal" or protocol != "official"):
        return NO_TIMES
    return outcomes[metric].reason or "not computed"


class _Maker:
    """Makes the scores of one protocol: coverage and signature are the same for all."""

    def __init__(self, protocol: str, inputs: Inputs, options: ScoreOptions) -> None:
        self._protocol = protocol
        self._options = options
        self._corpus = inputs.corpus
        self._alignment = inputs.alignments.get(protocol)
        self._oracle = inputs.oracle
        self._coverage = Coverage(None, None)
        if self._alignment is not None and inputs.timed:
            matched = len(self._alignment.recall)
            truth, predicted = len(inputs.corpus.truth.texts), len(inputs.corpus.predicted.texts)
            self._coverage = Coverage(matched / truth, matched / predicted if predicted else None)

    def statistic(self, measured: Measured) -> Statistic:
        """The metric's sums per cluster of this protocol's pairs."""
        assert self._alignment is not None
        corpus = self._corpus
        clusters = corpus.cluster_of_segment[corpus.truth.segment[self._alignment.recall[:, 0]]]
        return measured.statistic(clusters, len(corpus.cluster_names))

    def score(
        self,
        name: str,
        statistic: Statistic,
        n: int,
        parts: Mapping[str, str],
        found: Interval,
        outcome: MetricOutcome | None,
    ) -> Score:
        """One score; a judged one is withheld where too few replies could be read."""
        judged = outcome.judged[self._protocol] if outcome is not None and outcome.judged else None
        details = _judged_details(judged) if judged is not None else {}
        value: float | None = statistic.value
        reason: str | None = None
        if judged is not None and n and details["judged_share"] < self._options.judge.min_judged:
            value = None
            reason = (
                f"only {details['judged_share']:.1%} of the judge's replies could be read "
                f"(--min-judged {self._options.judge.min_judged:g}): {details['unreadable']}"
            )
        elif value is None or np.isnan(value):
            value, reason = None, "no matched pair"
        if value is None:
            found = NO_INTERVAL
        return Score(
            value=value,
            low=found.low,
            high=found.high,
            standard_error=found.standard_error,
            n=n,
            coverage=self._coverage,
            signature=self._signature(name, parts),
            reason=reason,
            details=details,
        )

    def withheld(self, name: str, reason: str) -> Score:
        """A score that has no value."""
        return Score(None, None, None, None, 0, self._coverage, self._signature(name, {}), reason)

    def _signature(self, name: str, parts: Mapping[str, str]) -> str:
        matching = self._options.matching
        if self._protocol == "ordered":
            parts = {"meaning": f"{matching.meaning:g}*rouge-l" if matching.meaning else "no", **parts}
        if self._oracle:
            parts = {**parts, "salient": "annotated (oracle)"}
        return signature(name, self._protocol, matching.tolerance_s, parts, __version__)


def _judged_details(judged: Judged) -> dict[str, Any]:
    first = next(iter(judged.ratings.values()))
    details: dict[str, Any] = {
        "judged_share": judged_share(first),
        "unreadable": unreadable_reasons(judged.replies),
        "judges": {name: float(np.nanmean(r)) if (~np.isnan(r)).any() else None for name, r in judged.ratings.items()},
    }
    own = next(iter(judged.ratings))
    texts = [reply.text for replies in judged.replies for reply in replies if reply.judge == own]
    loose = [value for value in map(read_as_published, texts) if value is not None]
    # What the released evaluation would have averaged from the same replies.
    details["as_published"] = {"value": float(np.mean(loose)) if loose else None, "n": len(loose)}
    details |= odd_scores(first)
    if (repeated := spread(first)) is not None:
        details["spread"] = repeated
    found = agreement(judged.ratings)
    return {**details, "krippendorff_alpha": found} if found else details


def interval_about(inputs: Inputs, options: ScoreOptions) -> dict[str, Any]:
    """How the intervals were made."""
    clusters = len(inputs.corpus.cluster_names)
    about: dict[str, Any] = {
        "method": "percentile bootstrap",
        "clustered_by": inputs.about["clusters"],
        "clusters": clusters,
        "replicates": options.interval.replicates,
        "level": options.interval.level,
        "seed": options.interval.seed,
    }
    return about if clusters > 1 else {**about, "note": "one cluster only: no interval"}
