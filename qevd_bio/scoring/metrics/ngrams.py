"""BLEU (statistics by sacrebleu) and CIDEr-D of sentence pairs, one reference each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from qevd_bio.scoring.metrics.measured import Measured, mean_of
from qevd_bio.scoring.metrics.tokens import rouge_tokens
from qevd_bio.scoring.statistics import Array, Formula

Pair = tuple[str, str]


def bleu(pairs: Sequence[Pair], order: int) -> Measured:
    """Corpus BLEU up to `order`-grams, 0–100, of (reference, prediction) pairs; `exp` smoothing, 13a tokens.

    The counts come from sacrebleu, one call a distinct pair; the value equals its `corpus_score`. Items are
    sentence values by the same formula.
    """
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(max_ngram_order=order)
    formula = _bleu_formula(order)
    counts: dict[Pair, list[float]] = {}
    for pair in dict.fromkeys(pairs):
        found = metric.corpus_score([pair[1]], [[pair[0]]])
        counts[pair] = [found.sys_len, found.ref_len, *found.counts, *found.totals]
    sums = np.array([counts[pair] for pair in pairs], float).reshape(len(pairs), 2 + 2 * order)
    signature = {"implementation": "sacrebleu"}
    if pairs:
        short = metric.get_signature().format(short=True)
        signature["sacrebleu"] = str(short).replace("|", ",")
    return Measured(f"bleu_{order}", formula(sums), sums, formula, signature)


def _bleu_formula(order: int) -> Formula:
    def formula(sums: Array) -> Array:
        """Rows of (prediction length, reference length, matches 1…order, totals 1…order) to BLEU."""
        lengths, references = sums[..., 0], sums[..., 1]
        correct, total = sums[..., 2 : 2 + order], sums[..., 2 + order :]
        with np.errstate(divide="ignore", invalid="ignore"):
            short = np.where(lengths > 0, np.exp(1 - references / lengths), 0.0)
            penalty = np.where(lengths < references, short, 1.0)
            # Each order without a match halves the assumed precision once more (mteval-v13a).
            halvings = np.cumsum(correct == 0, axis=-1)
            precision = np.where(correct > 0, correct / total, 1.0 / (2.0**halvings * total))
            value = 100 * penalty * np.exp(np.log(precision).mean(axis=-1))
        value = np.where(correct.any(axis=-1) & (total > 0).all(axis=-1), value, 0.0)
        return np.where(lengths + references > 0, value, np.nan)

    return formula


def cider_d(pairs: Sequence[Pair], sigma: float = 6.0) -> Measured:
    """CIDEr-D of (reference, prediction) pairs (Vedantam et al. 2015): mean of items, scaled by 10.

    n-grams of 1 to 4 lower-cased alphanumeric tokens, weighed by their rarity among these references; clipped,
    with a Gaussian penalty (`sigma`) on the difference in length.
    """
    grams = {text: _grams(rouge_tokens(text)) for pair in pairs for text in pair}
    frequency: Counter[tuple[str, ...]] = Counter()
    for reference, _ in pairs:
        frequency.update(grams[reference].keys())
    logarithm = math.log(max(1, len(pairs)))
    vectors = {text: _vectors(found, frequency, logarithm) for text, found in grams.items()}
    values = {pair: _cider_item(vectors[pair[0]], vectors[pair[1]], sigma) for pair in dict.fromkeys(pairs)}
    items = np.array([values[pair] for pair in pairs], float)
    signature = {"tokens": "lower-case alphanumeric", "sigma": f"{sigma:g}", "idf": "references of the matched pairs"}
    return mean_of("cider_d", items, signature)


Grams = Counter[tuple[str, ...]]
Vectors = tuple[list[dict[tuple[str, ...], float]], list[float], int]


def _grams(tokens: Sequence[str]) -> Grams:
    return Counter(tuple(tokens[i : i + n]) for n in range(1, 5) for i in range(len(tokens) - n + 1))


def _vectors(grams: Grams, frequency: Grams, logarithm: float) -> Vectors:
    """tf-idf of the n-grams of each order, their norms, and the length in bigrams (as the original counts it)."""
    weights: list[dict[tuple[str, ...], float]] = [{} for _ in range(4)]
    for gram, count in grams.items():
        weights[len(gram) - 1][gram] = count * (logarithm - math.log(max(1.0, frequency[gram])))
    norms = [math.sqrt(sum(w * w for w in vector.values())) for vector in weights]
    return weights, norms, sum(count for gram, count in grams.items() if len(gram) == 2)


def _cider_item(reference: Vectors, prediction: Vectors, sigma: float) -> float:
    total = 0.0
    for n in range(4):
        there, said = reference[0][n], prediction[0][n]
        norm = reference[1][n] * prediction[1][n]
        if norm:
            total += sum(min(w, there[gram]) * there[gram] for gram, w in said.items() if gram in there) / norm
    penalty = math.exp(-((prediction[2] - reference[2]) ** 2) / (2 * sigma**2))
    return 10 * penalty * total / 4
