"""Validation by what the coach says: `qevd-bio score`'s own matching and lexical metrics on held-out segments."""

from __future__ import annotations

from collections.abc import Sequence

from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.segments.data import SegmentSource
from qevd_bio.coach.segments.given import SegmentOutput
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.coach.training.examples import targets_of
from qevd_bio.scoring.measures import measure
from qevd_bio.scoring.options import MatchingOptions, ScoreOptions
from qevd_bio.scoring.pairing.matching import official_pairs

Said = Sequence[tuple[float, str]]


def generated_scores(coach: Coach, sources: Sequence[SegmentSource], context_every: int) -> dict[str, float]:
    """METEOR, ROUGE-L, temporal F-score (official protocol, `corrected` timing) and feedbacks said a segment."""
    ablations = coach.ablations
    options = GenerateOptions(
        timing="corrected",
        context_every=context_every,
        interval_steps=ablations.interval_steps if ablations.no_action_tokens else 0,
    )
    streamer = Streamer(coach, options)
    said: dict[str, Said] = {}
    for output in streamer.run(source.load() for source in sources):
        if isinstance(output, SegmentOutput):
            said[output.key] = [(spoken.time_s, spoken.text) for spoken in output.feedbacks]
    truth = {source.segment.key: targets_of(source.segment) for source in sources}
    return lexical_scores([(truth[key], spoken) for key, spoken in said.items()])


def lexical_scores(segments: Sequence[tuple[Said, Said]]) -> dict[str, float]:
    """Scores of (truth, predictions) of each segment, both (seconds from its start, text).

    A metric that this machine cannot compute (no WordNet) is left out.
    """
    tolerance = MatchingOptions().tolerance_s
    pairs: list[tuple[str, str]] = []
    right = spoken = hit = wanted = 0
    for truth, predictions in segments:
        times, texts = [t for t, _ in truth], [text for _, text in truth]
        own_times, own = [t for t, _ in predictions], [text for _, text in predictions]
        found = official_pairs(times, own_times, own, tolerance)
        pairs += [(texts[a], own[b]) for a, b in found]
        hit, wanted = hit + len(found), wanted + len(truth)
        right += len(official_pairs(own_times, times, texts, tolerance))
        spoken += len(predictions)
    precision, recall = right / max(spoken, 1), hit / max(wanted, 1)
    scores = {
        "temporal_f": 2 * precision * recall / (precision + recall) if right and hit else 0.0,
        "said": spoken / max(len(segments), 1),
    }
    for metric in ("meteor", "rouge_l"):
        outcome = measure(metric, {"official": pairs}, ScoreOptions(), None) if pairs else None
        if outcome is not None and outcome.reason is None:
            scores[metric] = outcome.measured["official"].value
    return scores
