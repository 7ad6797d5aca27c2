"""BLEU-1 and CIDEr as the COCO caption evaluation computes them, one reference a text.

CIDEr there is CIDEr-D (clipped, with a penalty on length); `cider_plain` is the original without both. Tokens are
lower-case words without punctuation, close to PTB's.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from qevd_bio.scoring.metrics.measured import Measured, mean_of
from qevd_bio.scoring.statistics import Array

Pair = tuple[str, str]
Gram = tuple[str, ...]
SIGMA = 6.0
_ORDERS = 4
_NOT = re.compile(r"n't\b")
_TOKEN = re.compile(r"n't|'(?:s|re|ve|ll|d|m)\b|[a-z0-9]+(?:[-.][a-z0-9]+)*")
_TOKENS = {"tokens": "lower-case words without punctuation, near PTB", "references": "1"}
# What the original adds to counts, so that nothing is divided by zero.
_TINY, _SMALL = 1e-15, 1e-9


def caption_tokens(text: str) -> list[str]:
    """Words of a text as the caption metrics count them."""
    return _TOKEN.findall(_NOT.sub(" n't", text.lower()))


def caption_bleu_1(pairs: Sequence[Pair]) -> Measured:
    """Corpus BLEU-1 of (reference, prediction) pairs, 0 to 1, with the brevity penalty of the whole corpus."""
    rows = []
    for reference, prediction in pairs:
        there, said = Counter(caption_tokens(reference)), Counter(caption_tokens(prediction))
        rows.append([(there & said).total(), said.total(), there.total()])
    sums = np.array(rows, float).reshape(len(rows), 3)
    return Measured("bleu_1", _bleu_1(sums), sums, _bleu_1, {**_TOKENS, "implementation": "as COCO captions"})


def _bleu_1(sums: Array) -> Array:
    """Rows of (matches, length of the predictions, of the references) to BLEU-1."""
    matches, length, reference = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (matches + _TINY) / (length + _SMALL)
        ratio = (length + _TINY) / (reference + _SMALL)
        value = np.where(ratio < 1, value * np.exp(1 - 1 / ratio), value)
    return np.asarray(np.where(reference > 0, value, np.nan))


def caption_cider(pairs: Sequence[Pair]) -> Measured:
    """CIDEr-D of (reference, prediction) pairs: mean of items, which the original scales by 10."""
    return _cider(pairs, "cider_d", clipped=True)


def cider_plain(pairs: Sequence[Pair]) -> Measured:
    """CIDEr without clipping and without the penalty on length, scaled by 10."""
    return _cider(pairs, "cider", clipped=False)


def _cider(pairs: Sequence[Pair], name: str, clipped: bool) -> Measured:
    grams = {text: _grams(caption_tokens(text)) for pair in pairs for text in pair}
    frequency: Counter[Gram] = Counter(gram for reference, _ in pairs for gram in grams[reference])
    documents = math.log(max(1, len(pairs)))
    weighed = {
        text: {gram: count * (documents - math.log(max(1, frequency[gram]))) for gram, count in found.items()}
        for text, found in grams.items()
    }
    values = {pair: _item(weighed[pair[0]], weighed[pair[1]], clipped) for pair in dict.fromkeys(pairs)}
    if clipped:
        values = {pair: value * _penalty(grams[pair[0]], grams[pair[1]]) for pair, value in values.items()}
    signature = {**_TOKENS, "idf": "these references", "sigma": f"{SIGMA:g}" if clipped else "none", "scale": "10"}
    return mean_of(name, np.array([values[pair] for pair in pairs], float), signature)


def _grams(tokens: Sequence[str]) -> Counter[Gram]:
    return Counter(tuple(tokens[i : i + n]) for n in range(1, _ORDERS + 1) for i in range(len(tokens) - n + 1))


def _item(reference: dict[Gram, float], prediction: dict[Gram, float], clipped: bool) -> float:
    """Mean cosine of the tf-idf vectors of the four orders, times 10."""
    total = 0.0
    for order in range(1, _ORDERS + 1):
        there = {gram: weight for gram, weight in reference.items() if len(gram) == order}
        said = {gram: weight for gram, weight in prediction.items() if len(gram) == order}
        norms = math.sqrt(sum(w * w for w in there.values()) * sum(w * w for w in said.values()))
        if norms:
            shared = ((min(w, there[g]) if clipped else w) * there[g] for g, w in said.items() if g in there)
            total += sum(shared) / norms
    return 10.0 * total / _ORDERS


def _penalty(reference: Counter[Gram], prediction: Counter[Gram]) -> float:
    # The original measures length in bigrams.
    lengths = [sum(n for gram, n in found.items() if len(gram) == 2) for found in (reference, prediction)]
    return math.exp(-((lengths[1] - lengths[0]) ** 2) / (2 * SIGMA**2))
