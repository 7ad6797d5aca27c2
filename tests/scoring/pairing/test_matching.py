from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from qevd_bio.scoring.pairing import matching
from qevd_bio.scoring.pairing.matching import official_pairs, strict_pairs


def texts(times):
    return ["x"] * len(times)


def test_official_takes_the_nearest_within_the_window():
    assert official_pairs([1.0, 5.0], [1.4, 4.0, 9.0], texts([0] * 3), 1.5) == [(0, 0), (1, 1)]


def test_official_window_is_open():
    assert official_pairs([0.0], [1.5], ["x"], 1.5) == []
    assert official_pairs([0.0], [np.nextafter(1.5, 0)], ["x"], 1.5) == [(0, 0)]


def test_official_ties_go_to_the_first():
    assert official_pairs([2.0], [1.0, 3.0], ["x", "x"], 1.5) == [(0, 0)]


def test_official_nearest_already_taken_is_no_match_even_with_another_in_the_window():
    # Both truths are nearest to the prediction at 1.0; the one at 2.2 is in the window of the second, too.
    assert official_pairs([0.9, 1.2], [1.0, 2.2], ["x", "x"], 1.5) == [(0, 0)]
    assert strict_pairs([0.9, 1.2], [1.0, 2.2], ["a", "b"], ["x", "x"], 1.5) == [(0, 0), (1, 1)]


def test_official_never_goes_back():
    # The second truth's nearest prediction lies before the first match.
    assert official_pairs([5.0, 3.0], [3.1, 5.1], ["x", "x"], 1.5) == [(0, 1)]


def test_official_skips_empty_texts_on_the_offered_side_only():
    assert official_pairs([1.0], [1.0], [""], 1.5) == []
    assert official_pairs([1.0], [1.0], [" "], 1.5) == [(0, 0)]


def test_official_precision_and_recall_come_from_different_walks():
    truth, predicted = [0.0, 1.0, 2.0], [1.0]
    assert official_pairs(truth, predicted, ["x"], 1.5) == [(0, 0)]
    assert official_pairs(predicted, truth, texts(truth), 1.5) == [(0, 1)]


def test_nothing_on_either_side():
    for truth, predicted in (([], [1.0]), ([1.0], []), ([], [])):
        assert official_pairs(truth, predicted, texts(predicted), 1.5) == []
        assert strict_pairs(truth, predicted, texts(truth), texts(predicted), 1.5) == []


def test_blocks_do_not_change_the_walk(monkeypatch):
    random_ = random.Random(0)
    truth = sorted(random_.uniform(0, 60) for _ in range(40))
    predicted = sorted(random_.uniform(0, 60) for _ in range(50))
    whole = official_pairs(truth, predicted, texts(predicted), 1.5)
    monkeypatch.setattr(matching, "_BLOCK_CELLS", 70)
    assert official_pairs(truth, predicted, texts(predicted), 1.5) == whole


def walk(walked, offered, said, tolerance):
    """The official rule, word by word, without numpy."""
    pairs, used, last = [], set(), -1
    for i, time in enumerate(walked):
        best = min(range(len(offered)), key=lambda j: ((offered[j] - time) ** 2, j)) if offered else None
        if best is None:
            continue
        if abs(offered[best] - time) < tolerance and best > last and best not in used and said[best] != "":
            pairs.append((i, best))
            used.add(best)
            last = best
    return pairs


def best_by_trying_all(truth, predicted, tolerance):
    """(size, total |Δt|) of the best order-preserving matching, by exhaustion."""
    best = (0, 0.0)

    def extend(i, j, size, total):
        nonlocal best
        if size > best[0] or (size == best[0] and total < best[1] - 1e-12):
            best = (size, total)
        for a in range(i, len(truth)):
            for b in range(j, len(predicted)):
                if abs(truth[a] - predicted[b]) < tolerance:
                    extend(a + 1, b + 1, size + 1, total + abs(truth[a] - predicted[b]))

    extend(0, 0, 0, 0.0)
    return best


@pytest.mark.parametrize("seed", range(5))
def test_both_protocols_against_plain_rules(seed):
    random_ = random.Random(seed)
    for _ in range(150):
        digits = random_.choice([0, 1, 3])
        truth = sorted(round(random_.uniform(0, 8), digits) for _ in range(random_.randint(0, 6)))
        predicted = sorted(round(random_.uniform(0, 8), digits) for _ in range(random_.randint(0, 6)))
        said = [random_.choice(["x", "x", ""]) for _ in predicted]
        assert official_pairs(truth, predicted, said, 1.5) == walk(truth, predicted, said, 1.5)
        pairs = strict_pairs(truth, predicted, texts(truth), texts(predicted), 1.5)
        assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))
        size, total = best_by_trying_all(truth, predicted, 1.5)
        assert len(pairs) == size
        assert sum(abs(truth[i] - predicted[j]) for i, j in pairs) == pytest.approx(total, abs=1e-9)


def test_strict_is_the_same_with_roles_swapped_in_size_and_cost():
    random_ = random.Random(7)
    for _ in range(100):
        a = sorted(random_.uniform(0, 20) for _ in range(12))
        b = sorted(random_.uniform(0, 20) for _ in range(9))
        one = strict_pairs(a, b, texts(a), texts(b), 1.5)
        other = strict_pairs(b, a, texts(b), texts(a), 1.5)
        assert len(one) == len(other)
        cost = sum(abs(a[i] - b[j]) for i, j in one)
        assert cost == pytest.approx(sum(abs(b[i] - a[j]) for i, j in other))


def test_strict_ignores_blank_texts():
    assert strict_pairs([1.0], [1.0, 1.2], ["a"], [" ", "x"], 1.5) == [(0, 1)]


def test_strict_of_long_segments_is_linear_in_the_window():
    times = [i * 0.5 for i in range(20_000)]
    assert len(strict_pairs(times, times, texts(times), texts(times), 1.5)) == 20_000
