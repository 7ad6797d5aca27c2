"""The order-keeping assignment: never smaller than strict, the same from both sides, equal to trying all."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevd_bio.scoring.metrics.lexical import rouge_likeness
from qevd_bio.scoring.pairing.matching import strict_pairs
from qevd_bio.scoring.pairing.ordered import ordered_pairs

WORDS = ("", " ", "lower your hips", "lower your body", "nice", "keep going", "hips up")
SIDE = st.lists(st.tuples(st.integers(0, 40).map(lambda n: n / 5), st.sampled_from(WORDS)), max_size=7).map(sorted)
LIKENESS = rouge_likeness()
TOLERANCE = 1.5


def ordered(truth, predicted, meaning=0.0):
    return ordered_pairs(
        [t for t, _ in truth], [t for t, _ in predicted], [w for _, w in truth], [w for _, w in predicted],
        TOLERANCE, meaning, LIKENESS,
    )  # fmt: skip


def cost(truth, predicted, pairs, meaning):
    return sum(
        (1 - meaning) * abs(truth[i][0] - predicted[j][0]) / TOLERANCE
        + meaning * (1 - LIKENESS(truth[i][1], predicted[j][1]))
        for i, j in pairs
    )


def best_by_trying_all(truth, predicted, meaning):
    """(size, cost) of the best order-keeping matching, by exhaustion."""
    best = (0, 0.0)

    def extend(i, j, size, total):
        nonlocal best
        if size > best[0] or (size == best[0] and total < best[1]):
            best = (size, total)
        for a in range(i, len(truth)):
            for b in range(j, len(predicted)):
                near = abs(truth[a][0] - predicted[b][0]) < TOLERANCE
                if near and truth[a][1].strip() and predicted[b][1].strip():
                    extend(a + 1, b + 1, size + 1, total + cost(truth, predicted, [(a, b)], meaning))

    extend(0, 0, 0, 0.0)
    return best


@settings(max_examples=300, deadline=None)
@given(SIDE, SIDE, st.sampled_from([0.0, 0.3, 1.0]))
def test_equal_to_trying_all(truth, predicted, meaning):
    pairs = ordered(truth, predicted, meaning)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))
    assert all(abs(truth[i][0] - predicted[j][0]) < TOLERANCE for i, j in pairs)
    assert all(truth[i][1].strip() and predicted[j][1].strip() for i, j in pairs)
    size, total = best_by_trying_all(truth, predicted, meaning)
    assert len(pairs) == size
    assert cost(truth, predicted, pairs, meaning) == pytest.approx(total, abs=1e-7)


MANY = st.lists(st.tuples(st.floats(0, 60), st.sampled_from(WORDS)), max_size=60).map(sorted)


@settings(max_examples=150, deadline=None)
@given(MANY, MANY, st.sampled_from([0.0, 0.5, 1.0]))
def test_never_fewer_than_strict_and_the_same_with_roles_swapped(truth, predicted, meaning):
    pairs = ordered(truth, predicted, meaning)
    assert ordered(predicted, truth, meaning) == [(j, i) for i, j in pairs]
    sides = [t for t, _ in truth], [t for t, _ in predicted], [w for _, w in truth], [w for _, w in predicted]
    strict = strict_pairs(*sides, TOLERANCE)
    assert len(pairs) >= len(strict)
    if meaning == 0:
        assert cost(truth, predicted, pairs, 0) == pytest.approx(cost(truth, predicted, strict, 0), abs=1e-6)


def test_meaning_chooses_among_matchings_of_one_size():
    truth = [(1.0, "lower your hips")]
    predicted = [(1.1, "nice"), (1.9, "lower your hips")]
    assert ordered(truth, predicted) == [(0, 0)]
    assert ordered(truth, predicted, 0.5) == [(0, 1)]


def test_meaning_never_costs_a_match():
    # The best text for the second truth would leave the first one alone.
    truth = [(1.0, "nice"), (1.2, "hips up")]
    predicted = [(1.1, "hips up"), (1.3, "keep going")]
    assert ordered(truth, predicted, 1.0) == [(0, 0), (1, 1)]


def test_nothing_on_either_side():
    assert ordered([], [(1.0, "a")]) == ordered([(1.0, "a")], []) == ordered([], []) == []


def test_a_weight_needs_a_similarity():
    with pytest.raises(ValueError, match="similarity"):
        ordered_pairs([1.0], [1.0], ["a"], ["a"], 1.5, 0.5)


@pytest.mark.parametrize("tolerance", [1.5, 1e9])
def test_a_whole_benchmark_in_one_segment_takes_less_than_a_second(tolerance):
    """2,484 feedbacks against 2,600 predictions: with the papers' window, and with everything inside it."""
    random = np.random.default_rng(0)
    truth, predicted = np.sort(random.uniform(0, 9000, 2484)), np.sort(random.uniform(0, 9000, 2600))
    start = time.process_time()
    pairs = ordered_pairs(truth, predicted, ["x"] * 2484, ["y"] * 2600, tolerance)
    assert time.process_time() - start < 1.0
    assert len(pairs) == (
        2484 if tolerance > 100 else len(strict_pairs(truth, predicted, ["x"] * 2484, ["y"] * 2600, tolerance))
    )
