from __future__ import annotations

import math

import numpy as np
import pytest

from qevd_bio.scoring.metrics.further import median_rank, pa_mpjpe, recall_at, relative_l2, retrieval_ranks, spearman
from qevd_bio.scoring.metrics.ngrams import bleu, cider_d
from qevd_bio.scoring.metrics.tokens import rouge_tokens
from tests.made_pairs import random_pairs


@pytest.mark.parametrize("order", [1, 4])
def test_bleu_equals_sacrebleu(order):
    sacrebleu = pytest.importorskip("sacrebleu.metrics")
    for seed, n in ((0, 300), (1, 7), (2, 1)):
        pairs = random_pairs(n, seed)
        peer = sacrebleu.BLEU(max_ngram_order=order)
        expected = peer.corpus_score([said for _, said in pairs], [[reference for reference, _ in pairs]]).score
        assert bleu(pairs, order).value == pytest.approx(expected, abs=1e-9)


def test_bleu_of_resampled_pairs_equals_sacrebleu():
    sacrebleu = pytest.importorskip("sacrebleu.metrics")
    pairs = random_pairs(40, 3)
    measured = bleu(pairs, 4)
    chosen = np.random.default_rng(0).integers(0, 40, 40)
    again = [pairs[i] for i in chosen]
    peer = sacrebleu.BLEU().corpus_score([said for _, said in again], [[reference for reference, _ in again]]).score
    assert float(measured.formula(measured.sums[chosen].sum(axis=0))) == pytest.approx(peer, abs=1e-9)


def cider_by_the_paper(pairs):
    """CIDEr-D straight from its definition, with dense vectors over all n-grams."""

    def grams(text, n):
        tokens = rouge_tokens(text)
        return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]

    scores = []
    for reference, said in pairs:
        total = 0.0
        for n in range(1, 5):
            space = sorted({gram for pair in pairs for text in pair for gram in grams(text, n)})
            frequency = [sum(gram in grams(r, n) for r, _ in pairs) for gram in space]
            idf = np.array([math.log(len(pairs) / max(1, f)) for f in frequency])
            a = np.array([grams(reference, n).count(gram) for gram in space]) * idf
            b = np.array([grams(said, n).count(gram) for gram in space]) * idf
            norm = np.linalg.norm(a) * np.linalg.norm(b)
            total += float(np.minimum(a, b) @ a / norm) if norm else 0.0
        gap = len(grams(said, 2)) - len(grams(reference, 2))
        scores.append(10 * math.exp(-(gap**2) / 72) * total / 4)
    return scores


def test_cider_d_equals_its_definition():
    pairs = random_pairs(25, 4)
    assert cider_d(pairs).items == pytest.approx(cider_by_the_paper(pairs), abs=1e-9)


def test_cider_d_equals_pycocoevalcap():
    scorer_module = pytest.importorskip("pycocoevalcap.cider.cider_scorer")
    pairs = random_pairs(200, 5)
    scorer = scorer_module.CiderScorer(n=4, sigma=6.0)
    for reference, said in pairs:
        scorer += (" ".join(rouge_tokens(said)), [" ".join(rouge_tokens(reference))])
    value, items = scorer.compute_score()
    measured = cider_d(pairs)
    assert measured.value == pytest.approx(value, abs=1e-9)
    assert measured.items == pytest.approx(items, abs=1e-9)


def test_spearman_equals_scipy_with_ties():
    stats = pytest.importorskip("scipy.stats")
    random_ = np.random.default_rng(0)
    for _ in range(20):
        a = random_.integers(0, 6, 30).astype(float)
        b = a + random_.normal(size=30)
        assert spearman(a, b).value == pytest.approx(stats.spearmanr(a, b).statistic)
    assert np.isnan(spearman(np.ones(5), np.arange(5.0)).value)


def test_relative_l2():
    truth, said = np.array([10.0, 50.0]), np.array([20.0, 50.0])
    assert relative_l2(truth, said, 0.0, 100.0).value == pytest.approx(0.005)
    with pytest.raises(ValueError, match="greater"):
        relative_l2(truth, said, 5.0, 5.0)


def test_retrieval():
    similarity = np.array([[0.9, 0.1, 0.5], [0.2, 0.3, 0.3], [0.5, 0.5, 0.5]])
    ranks = retrieval_ranks(similarity, np.array([0, 1, 2]))
    # Ties count against the system: a constant row puts the correct item last.
    assert ranks.tolist() == [1, 2, 3]
    assert recall_at(ranks, 2).value == pytest.approx(2 / 3)
    random_ = np.random.default_rng(0)
    for n in (1, 2, 9, 40):
        found = random_.integers(1, 30, n)
        assert median_rank(found).value == np.median(found)


def test_pa_mpjpe_ignores_similarity_transforms():
    rotations = pytest.importorskip("scipy.spatial.transform").Rotation
    random_ = np.random.default_rng(0)
    truth = random_.normal(size=(3, 17, 3))
    moved = 2.5 * truth @ rotations.random(3, random_state=1).as_matrix() + 7
    assert pa_mpjpe(truth, moved).value == pytest.approx(0, abs=1e-12)
    mirrored = truth * [-1, 1, 1]
    assert pa_mpjpe(truth, mirrored).value > 0.1


def test_pa_mpjpe_equals_a_numerical_search():
    optimize = pytest.importorskip("scipy.optimize")
    rotations = pytest.importorskip("scipy.spatial.transform").Rotation
    random_ = np.random.default_rng(1)
    truth, said = random_.normal(size=(17, 3)), random_.normal(size=(17, 3))

    def place(v):
        return v[3] * rotations.from_rotvec(v[:3]).apply(said) + v[4:]

    starts = [np.r_[rotations.random(random_state=k).as_rotvec(), 0.5, 0, 0, 0] for k in range(8)]
    found = [optimize.minimize(lambda v: ((place(v) - truth) ** 2).sum(), start) for start in starts]
    best = min(found, key=lambda result: result.fun)
    expected = np.linalg.norm(place(best.x) - truth, axis=1).mean()
    assert pa_mpjpe(truth[None], said[None]).value == pytest.approx(expected, abs=1e-4)


def test_intervals_work_for_every_form():
    from qevd_bio.scoring.statistics import bootstrap

    clusters = np.arange(30) % 6
    ranks = np.arange(1, 31)
    measured = [
        spearman(np.arange(30.0), np.arange(30.0) ** 2),
        median_rank(ranks),
        recall_at(ranks, 10),
        bleu(random_pairs(30, 6), 4),
    ]
    found = bootstrap({m.name: m.statistic(clusters, 6) for m in measured}, 200, 0.95, 0)
    for one in measured:
        low, high = found[one.name].low, found[one.name].high
        assert low - 1e-9 <= one.value <= high + 1e-9
