"""From matched pairs to measured metrics, and what each metric needs to be there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from qevd_bio.scoring.judges.llm_accuracy import Judged, judge_pairs
from qevd_bio.scoring.judges.prompts import llm_acc_prompt, own_prompt, published_prompt
from qevd_bio.scoring.metrics.measured import Measured, mean_of
from qevd_bio.scoring.options import JUDGED_METRICS, SCORE_NAMES, ScoreOptions
from qevd_bio.scoring.pairing.corpus import Alignment, Corpus
from qevd_bio.scoring.statistics import Statistic, f_score, share
from qevd_bio.store.errors import UserError
from qevd_bio.store.extras import is_installed

Pair = tuple[str, str]


@dataclass(frozen=True)
class MetricOutcome:
    """A text metric of both protocols: measured per protocol, or the reason why not. `judged` keeps raw replies."""

    metric: str
    measured: Mapping[str, Measured]
    reason: str | None = None
    judged: Mapping[str, Judged] | None = None


def missing(metric: str, options: ScoreOptions) -> str | None:
    """What `metric` lacks on this machine, with the command that mends it; None if it can be computed."""
    if metric == "meteor":
        from qevd_bio.scoring.metrics.wordnet import INSTALL, find_wordnet

        return None if find_wordnet(options.wordnet) else f"needs WordNet: {INSTALL}"
    if metric == "bertscore_f1":
        from qevd_bio.scoring.metrics.encoder import missing_for_bertscore

        return missing_for_bertscore(options.bertscore)
    if metric in JUDGED_METRICS:
        from qevd_bio.scoring.judges.judge_models import missing_for_judging

        return missing_for_judging(options.judge)
    if metric.startswith("bleu") and not is_installed("sacrebleu"):
        return "needs sacrebleu: pip install 'qevd-bio[metrics]'"
    return None


def check_prompts(options: ScoreOptions) -> None:
    """Read own prompts before anything is computed; raises UserError for a faulty one."""
    llm_acc_prompt(options.judge.prompt)
    if options.judge.bio_prompt is not None:
        own_prompt(options.judge.bio_prompt)


def measure(
    metric: str, pairs: Mapping[str, Sequence[Pair]], options: ScoreOptions, cache: Path | None
) -> MetricOutcome:
    """Compute a text metric for the pairs of each protocol; unavailable ones give an outcome with the reason.

    Pairs of all protocols go through per-pair metrics together, so that no pair is computed or paid twice.
    """
    reason = missing(metric, options)
    if reason is not None:
        return MetricOutcome(metric, {}, reason)
    try:
        if metric in JUDGED_METRICS:
            return _judge(metric, pairs, options, cache)
        if metric in _PER_CORPUS:
            return MetricOutcome(metric, {protocol: _PER_CORPUS[metric](found) for protocol, found in pairs.items()})
        joint = _PER_PAIR[metric]([pair for found in pairs.values() for pair in found], options)
    except UserError as error:
        # Other metrics are finished or can be: this one says why it is not, and the exit code tells.
        return MetricOutcome(metric, {}, str(error).replace("\n", "; "))
    return MetricOutcome(metric, _split(joint, pairs))


def _split(joint: Measured, pairs: Mapping[str, Sequence[Pair]]) -> dict[str, Measured]:
    found: dict[str, Measured] = {}
    start = 0
    for protocol, own in pairs.items():
        rows = slice(start, start + len(own))
        found[protocol] = Measured(joint.name, joint.items[rows], joint.sums[rows], joint.formula, joint.signature)
        start += len(own)
    return found


def _meteor(pairs: Sequence[Pair], options: ScoreOptions) -> Measured:
    from qevd_bio.scoring.metrics.lexical import ALPHA, BETA, GAMMA, meteor_scores
    from qevd_bio.scoring.metrics.tokens import WordTokenizer
    from qevd_bio.scoring.metrics.wordnet import find_wordnet, open_synonyms

    source = find_wordnet(options.wordnet)
    if source is None:  # `missing` has looked already; between the two the files can vanish.
        raise UserError("no WordNet", expected="WordNet's files", fix="apt-get install wordnet-base")
    synonyms = open_synonyms(source)
    tokenizer = WordTokenizer()
    items = meteor_scores(pairs, tokenizer, synonyms)
    synonyms.close()
    signature = {
        "alpha": f"{ALPHA:g}",
        "beta": f"{BETA:g}",
        "gamma": f"{GAMMA:g}",
        "tokens": f"nltk-words+punkt-{tokenizer.punkt}",
        "stems": "porter-nltk",
        "wordnet": f"{synonyms.version}@{synonyms.sha256[:8]}",
    }
    return mean_of("meteor", items, signature)


def _rouge(pairs: Sequence[Pair], options: ScoreOptions) -> Measured:
    from qevd_bio.scoring.metrics.lexical import rouge_l_scores

    return mean_of("rouge_l", rouge_l_scores(pairs), {"stems": "no", "tokens": "rouge_score", "measure": "f"})


def _bertscore(pairs: Sequence[Pair], options: ScoreOptions) -> Measured:
    from qevd_bio.scoring.metrics.semantic import bertscore

    return bertscore(pairs, options.bertscore)


def _bleu(order: int) -> Callable[[Sequence[Pair]], Measured]:
    def measured(pairs: Sequence[Pair]) -> Measured:
        from qevd_bio.scoring.metrics.ngrams import bleu

        found = bleu(pairs, order)
        parts = {**found.signature, "sacrebleu": version("sacrebleu"), "smooth": "exp", "tokens": "13a"}
        return Measured(found.name, found.items, found.sums, found.formula, parts)

    return measured


def _cider(pairs: Sequence[Pair]) -> Measured:
    from qevd_bio.scoring.metrics.ngrams import cider_d

    return cider_d(pairs)


_PER_PAIR: dict[str, Callable[[Sequence[Pair], ScoreOptions], Measured]] = {
    "meteor": _meteor,
    "rouge_l": _rouge,
    "bertscore_f1": _bertscore,
}
_PER_CORPUS: dict[str, Callable[[Sequence[Pair]], Measured]] = {
    "bleu_1": _bleu(1),
    "bleu_4": _bleu(4),
    "cider_d": _cider,
}


def _judge(
    metric: str, pairs: Mapping[str, Sequence[Pair]], options: ScoreOptions, cache: Path | None
) -> MetricOutcome:
    from qevd_bio.scoring.judges.judge_models import make_judges

    bio = options.judge.bio_prompt
    if metric == "llm_acc":
        prompt = llm_acc_prompt(options.judge.prompt)
    else:
        prompt = own_prompt(bio) if bio is not None else published_prompt(metric)
    judges = make_judges(options.judge, cache)
    joint = judge_pairs([pair for found in pairs.values() for pair in found], judges, prompt, options.judge)
    name = SCORE_NAMES[metric][0]
    judged: dict[str, Judged] = {}
    start = 0
    for protocol, found in pairs.items():
        rows = slice(start, start + len(found))
        ratings = {judge: scores[:, rows] for judge, scores in joint.ratings.items()}
        judged[protocol] = Judged(joint.items[rows], ratings, joint.replies[rows], joint.signature)
        start += len(found)
    measured = {protocol: mean_of(name, part.items, part.signature) for protocol, part in judged.items()}
    return MetricOutcome(metric, measured, judged=judged)


def temporal(corpus: Corpus, alignment: Alignment) -> dict[str, Statistic]:
    """Precision, recall and F of one protocol, with counts summed over segments per cluster."""
    clusters = corpus.cluster_of_segment
    count = len(corpus.cluster_names)
    matched_truth = clusters[corpus.truth.segment[alignment.recall[:, 0]]]
    matched_predicted = clusters[corpus.predicted.segment[alignment.precision[:, 1]]]
    sums = np.column_stack(
        [
            np.bincount(found, minlength=count)
            for found in (
                matched_predicted,
                clusters[corpus.predicted.segment],
                matched_truth,
                clusters[corpus.truth.segment],
            )
        ]
    ).astype(float)
    return {
        "temporal_f_score": Statistic(sums, f_score),
        "temporal_precision": Statistic(sums[:, 0:2], share),
        "temporal_recall": Statistic(sums[:, 2:4], share),
    }
