"""All metrics of descriptive coaching, each with an interval over takes; what cannot be computed says why."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.scoring.descriptive.inputs import Matched
from qevd_bio.scoring.descriptive.opinions import opinions_by_model, opinions_by_rules
from qevd_bio.scoring.descriptive.options import JUDGED, RULES, SCORES, DescriptiveOptions
from qevd_bio.scoring.metrics.captions import caption_bleu_1, caption_cider, cider_plain
from qevd_bio.scoring.metrics.further import relative_l2, spearman
from qevd_bio.scoring.metrics.measured import Measured, mean_of
from qevd_bio.scoring.statistics import bootstrap
from qevd_bio.store.errors import UserError

PERCENT = 100.0
_EVEN = 1e-9


@dataclass(frozen=True)
class Value:
    """One metric, times 100 as the paper prints it; None with a reason where it is withheld or undefined.

    `n` counts what has a value, `takes` the clusters of the interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    takes: int = 0
    reason: str = ""
    signature: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


def measure_all(matched: Matched, options: DescriptiveOptions, cache: Path | None) -> dict[str, Value]:
    """Every metric asked for, in the order asked."""
    found: dict[str, Value] = {}
    scores = _scores(matched, options) if set(options.metrics) & set(SCORES) else {}
    judged: dict[str, dict[str, Value]] = {}
    for name in options.metrics:
        if name in SCORES:
            found[name] = scores[name]
        elif name in RULES or name in JUDGED:
            group = "rule" if name in RULES else "gpt"
            if group not in judged:
                judged[group] = _judged(group, matched, options, cache)
            found[name] = judged[group][name]
        else:
            found[name] = _text(name, matched, options)
    return found


def _scores(matched: Matched, options: DescriptiveOptions) -> dict[str, Value]:
    """ρ over instances and over takes, and RL2 with three ranges."""
    places = matched.scored()
    if not places:
        return dict.fromkeys(SCORES, Value(None, reason="the predictions hold no scores"))
    truth = np.array([matched.instances[place].score for place in places])
    said = np.array([p.score for place in places if (p := matched.predictions[place]) is not None], float)
    found = {"spearman": _value(_rank(truth, said), matched, places, options)}
    takes: dict[str, list[int]] = defaultdict(list)
    for row, place in enumerate(places):
        takes[matched.instances[place].take].append(row)
    by_take = [np.array([values[rows].mean() for rows in takes.values()]) for values in (truth, said)]
    first = [places[rows[0]] for rows in takes.values()]
    found["spearman_takes"] = _value(_rank(*by_take), matched, first, options)
    spread = float(truth.max() - truth.min())
    ranges = {
        "relative_l2": (options.low, options.high),
        "relative_l2_9": (1.0, 10.0),
        "relative_l2_data": (float(truth.min()), float(truth.max())),
    }
    for name, (low, high) in ranges.items():
        if high - low <= 0:
            found[name] = Value(None, reason=f"all true scores are {low:g}", n=len(places))
            continue
        made = relative_l2(truth, said, low, high)
        constant = PERCENT * relative_l2(truth, np.full_like(truth, truth.mean()), low, high).value
        more = {"range": [low, high], "constant_mean": constant, "data_range": spread}
        found[name] = _value(made, matched, places, options, more)
    return found


def _rank(truth: np.ndarray[Any, Any], said: np.ndarray[Any, Any]) -> Measured:
    made = spearman(truth, said)
    ties = {"truth": f"{1 - len(np.unique(truth)) / max(len(truth), 1):.3f}", "ranks": "average"}
    return Measured(
        made.name, made.items, made.sums, made.formula, {"share-tied": ties["truth"], "ties": ties["ranks"]}
    )


def _text(name: str, matched: Matched, options: DescriptiveOptions) -> Value:
    places = matched.commented()
    if not places:
        return Value(None, reason="the predictions hold no comments")
    try:
        made = _TEXTS[name](_pairs(matched, places), options)
    except UserError as error:
        return Value(None, reason=str(error).replace("\n", "; "))
    return _value(made, matched, places, options)


def _judged(group: str, matched: Matched, options: DescriptiveOptions, cache: Path | None) -> dict[str, Value]:
    names = RULES if group == "rule" else JUDGED
    places = matched.commented()
    if not places:
        return dict.fromkeys(names, Value(None, reason="the predictions hold no comments"))
    pairs = _pairs(matched, places)
    if group == "rule":
        opinions = opinions_by_rules(pairs)
    elif options.judge.model is None:
        return dict.fromkeys(names, Value(None, reason="needs a judge: --judge MODEL with --judge-url URL"))
    else:
        opinions = opinions_by_model(pairs, options.judge, cache)
    more = {"unreadable": dict(opinions.reasons)} if opinions.reasons else {}
    return {name: _value(made, matched, places, options, more) for name, made in opinions.measured(group).items()}


def _pairs(matched: Matched, places: Sequence[int]) -> list[tuple[str, str]]:
    said = [matched.predictions[place] for place in places]
    texts = ["" if one is None or one.commentary is None else one.commentary for one in said]
    return [(matched.instances[place].summary, text) for place, text in zip(places, texts, strict=True)]


def _value(
    made: Measured, matched: Matched, places: Sequence[int], options: DescriptiveOptions, more: Mapping[str, Any] = {}
) -> Value:
    clusters, count = matched.clusters(places)
    value = made.value
    if math.isnan(value):
        return Value(None, n=made.n, takes=count, reason="undefined: one side is constant, or nothing has a value",
                     signature=made.signature, more=more)  # fmt: skip
    statistic = made.statistic(clusters, count)
    own = options.interval
    found = bootstrap({"it": statistic}, own.replicates, own.level, own.seed)["it"]
    low, high = (None if edge is None else PERCENT * edge for edge in (found.low, found.high))
    return Value(PERCENT * value, low, high, made.n, count, signature=made.signature, more=more)


def _meteor(pairs: Sequence[tuple[str, str]], options: DescriptiveOptions) -> Measured:
    from qevd_bio.scoring.metrics.lexical import meteor_scores
    from qevd_bio.scoring.metrics.tokens import WordTokenizer
    from qevd_bio.scoring.metrics.wordnet import INSTALL, find_wordnet, open_synonyms

    source = find_wordnet(options.wordnet)
    if source is None:
        raise UserError(f"needs WordNet: {INSTALL}")
    synonyms, tokenizer = open_synonyms(source), WordTokenizer()
    try:
        items = meteor_scores(pairs, tokenizer, synonyms)
        signature = {"implementation": "NLTK's METEOR", "wordnet": synonyms.version, "punkt": tokenizer.punkt}
    finally:
        synonyms.close()
    return mean_of("meteor", items, signature)


def _bertscore(pairs: Sequence[tuple[str, str]], options: DescriptiveOptions) -> Measured:
    from qevd_bio.scoring.metrics.encoder import missing_for_bertscore
    from qevd_bio.scoring.metrics.semantic import bertscore

    missing = missing_for_bertscore(options.bertscore)
    if missing is not None:
        raise UserError(missing)
    return bertscore(pairs, options.bertscore)


_TEXTS: dict[str, Callable[[Sequence[tuple[str, str]], DescriptiveOptions], Measured]] = {
    "bleu_1": lambda pairs, _: caption_bleu_1(pairs),
    "cider_d": lambda pairs, _: caption_cider(pairs),
    "cider": lambda pairs, _: cider_plain(pairs),
    "meteor": _meteor,
    "bertscore_f1": _bertscore,
}
