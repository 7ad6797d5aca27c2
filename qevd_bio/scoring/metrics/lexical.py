"""METEOR and ROUGE-L of sentence pairs; each distinct pair is computed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from qevd_bio.scoring.metrics.porter import stem
from qevd_bio.scoring.metrics.tokens import WordTokenizer, rouge_tokens
from qevd_bio.scoring.metrics.wordnet import Synonyms

ALPHA, BETA, GAMMA = 0.9, 3.0, 0.5

Pair = tuple[str, str]
Alignment = list[tuple[int, int]]
Numbered = list[tuple[int, str]]


def meteor_scores(pairs: Sequence[Pair], tokenizer: WordTokenizer, synonyms: Synonyms) -> NDArray[np.float64]:
    """METEOR of (reference, prediction) pairs, shape (n,), as NLTK: exact, stem, then synonym matches.

    alpha 0.9, beta 3, gamma 0.5 (Lavie and Agarwal 2007, NLTK's `single_meteor_score`); 0 without a match.
    """
    words = {text: [token.lower() for token in tokenizer(text)] for pair in pairs for text in pair}
    # NLTK looks up synonyms of the stems, not of the words: its numbers depend on it.
    synonyms.preload(stem(word) for text in {pair[1] for pair in pairs} for word in words[text])
    return _each(pairs, lambda pair: meteor(words[pair[0]], words[pair[1]], synonyms))


def meteor(reference: Sequence[str], prediction: Sequence[str], synonyms: Callable[[str], frozenset[str]]) -> float:
    """METEOR of lower-case tokens."""
    matches = _align(reference, prediction, synonyms)
    if not matches:
        return 0.0
    precision, recall = len(matches) / len(prediction), len(matches) / len(reference)
    mean = (precision * recall) / (ALPHA * precision + (1 - ALPHA) * recall)
    breaks = sum(1 for (a, b), (c, d) in pairwise(matches) if c != a + 1 or d != b + 1)
    fragmentation = (breaks + 1) / len(matches)
    return float((1 - GAMMA * fragmentation**BETA) * mean)


def _align(reference: Sequence[str], prediction: Sequence[str], synonyms: Callable[[str], frozenset[str]]) -> Alignment:
    """Matched (prediction index, reference index), in order of the prediction.

    Three stages on what is left: equal words, equal stems, a synonym of the prediction's stem equal to the
    reference's. Each goes through the prediction from its end and takes the last free place.
    """
    matches: Alignment = []
    left_prediction, left_reference = list(enumerate(prediction)), list(enumerate(reference))
    left_prediction, left_reference = _equal(left_prediction, left_reference, matches)
    if left_prediction and left_reference:
        left_prediction = [(i, stem(word)) for i, word in left_prediction]
        left_reference = [(j, stem(word)) for j, word in left_reference]
        left_prediction, left_reference = _equal(left_prediction, left_reference, matches)
    if left_prediction and left_reference:
        _synonymous(left_prediction, left_reference, synonyms, matches)
    return sorted(matches)


def _equal(prediction: Numbered, reference: Numbered, matches: Alignment) -> tuple[Numbered, Numbered]:
    places = _places(reference)
    used: set[int] = set()
    left: Numbered = []
    for i, word in reversed(prediction):
        free = places.get(word)
        if free:
            j = free.pop()
            used.add(j)
            matches.append((i, j))
        else:
            left.append((i, word))
    return left[::-1], [(j, word) for j, word in reference if j not in used]


def _synonymous(
    prediction: Numbered, reference: Numbered, synonyms: Callable[[str], frozenset[str]], matches: Alignment
) -> None:
    places = _places(reference)
    for i, word in reversed(prediction):
        names = synonyms(word)
        best = max((name for name in places if places[name] and (name in names or name == word)),
                   key=lambda name: places[name][-1], default=None)  # fmt: skip
        if best is not None:
            matches.append((i, places[best].pop()))


def _places(words: Numbered) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for index, word in words:
        places[word].append(index)
    return dict(places)


def rouge_l_scores(pairs: Sequence[Pair]) -> NDArray[np.float64]:
    """ROUGE-L F-measures of (reference, prediction) pairs, shape (n,), as `rouge_score` without stemming."""
    tokens = {text: rouge_tokens(text) for pair in pairs for text in pair}
    return _each(pairs, lambda pair: rouge_l(tokens[pair[0]], tokens[pair[1]]))


def rouge_l(reference: Sequence[str], prediction: Sequence[str]) -> float:
    """F-measure of the longest common subsequence (Lin 2004); 0 where either side has no token."""
    if not reference or not prediction:
        return 0.0
    common = common_subsequence(reference, prediction)
    precision, recall = common / len(prediction), common / len(reference)
    return 2 * precision * recall / (precision + recall) if common else 0.0


def rouge_likeness() -> Callable[[str, str], float]:
    """ROUGE-L F-measure of two texts as a function that remembers tokens and pairs it has seen."""
    tokens = lru_cache(maxsize=None)(rouge_tokens)
    return lru_cache(maxsize=None)(lambda one, other: rouge_l(tokens(one), tokens(other)))


def common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, bit-parallel (Hyyrö 2004): one big-integer step a token."""
    masks: dict[str, int] = {}
    for index, token in enumerate(a):
        masks[token] = masks.get(token, 0) | (1 << index)
    full = (1 << len(a)) - 1
    row = full
    for token in b:
        hit = row & masks.get(token, 0)
        row = ((row + hit) | (row - hit)) & full
    return len(a) - row.bit_count()


def _each(pairs: Sequence[Pair], score: Callable[[Pair], float]) -> NDArray[np.float64]:
    values = {pair: score(pair) for pair in dict.fromkeys(pairs)}
    return np.array([values[pair] for pair in pairs], np.float64)
