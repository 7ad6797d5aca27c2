from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from qevd_bio.scoring.agreement import ordinal_alpha
from qevd_bio.scoring.statistics import (
    Statistic,
    bootstrap,
    f_score,
    interval,
    mean_statistic,
    paired_test,
    ratio,
    resamples,
    share,
)

SETTINGS = {"replicates": 1000, "permutations": 2000, "level": 0.95, "power": 0.8, "seed": 0}


def test_formulas():
    assert ratio(np.array([3.0, 4.0])) == 0.75
    assert np.isnan(ratio(np.array([0.0, 0.0])))
    assert share(np.array([0.0, 0.0])) == 0.0
    # P = 1/2, R = 1/4.
    assert f_score(np.array([1.0, 2.0, 1.0, 4.0])) == pytest.approx(1 / 3)
    assert f_score(np.zeros(4)) == 0.0


def test_resamples_draw_whole_clusters():
    weights = resamples(7, 500, 3)
    assert weights.shape == (500, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert (resamples(7, 500, 3) == weights).all()
    assert (resamples(7, 500, 4) != weights).any()


def test_missing_items_do_not_count():
    values = np.array([1.0, np.nan, 3.0, np.nan])
    statistic = mean_statistic(values, np.array([0, 0, 1, 2]), 3)
    assert statistic.value == 2.0
    assert statistic.sums.tolist() == [[1, 1], [3, 1], [0, 0]]


def test_bootstrap_by_the_rule():
    random_ = np.random.default_rng(0)
    sums = np.column_stack([random_.normal(5, 1, 12), np.ones(12)])
    found = bootstrap({"m": Statistic(sums, ratio)}, 400, 0.9, 5)["m"]
    weights = resamples(12, 400, 5)
    means = [(row * sums[:, 0]).sum() / 12 for row in weights]
    assert found.low == pytest.approx(np.quantile(means, 0.05))
    assert found.high == pytest.approx(np.quantile(means, 0.95))
    assert found.standard_error == pytest.approx(np.std(means, ddof=1))


def test_bootstrap_covers_as_often_as_it_says():
    random_ = np.random.default_rng(1)
    hits = 0
    for trial in range(200):
        sums = np.column_stack([random_.normal(1.0, 1.0, 40), np.ones(40)])
        found = bootstrap({"m": Statistic(sums, ratio)}, 300, 0.95, trial)["m"]
        hits += found.low <= 1.0 <= found.high
    assert 0.88 <= hits / 200 <= 0.99


def test_one_cluster_has_no_interval():
    found = bootstrap({"m": Statistic(np.array([[1.0, 2.0]]), ratio)}, 100, 0.95, 0)["m"]
    assert (found.low, found.high, found.standard_error) == (None, None, None)


def test_undefined_replicates_are_left_out():
    assert interval(np.array([np.nan, 1.0, np.nan, 3.0]), 0.5).replicates == 2
    assert interval(np.array([np.nan, 1.0]), 0.5).low is None


def test_equal_systems():
    sums = np.column_stack([np.arange(20.0), np.full(20, 10.0)])
    test = paired_test(Statistic(sums, ratio), Statistic(sums.copy(), ratio), **SETTINGS)
    assert test.difference == 0
    assert test.p_value == 1.0
    assert test.low == test.high == 0


def test_exact_permutation_of_few_clusters():
    first = np.array([[1.0, 4.0], [2.0, 4.0], [3.0, 4.0], [1.0, 4.0]])
    second = np.array([[3.0, 4.0], [3.0, 4.0], [4.0, 4.0], [2.0, 4.0]])
    test = paired_test(Statistic(first, ratio), Statistic(second, ratio), **SETTINGS)
    observed = (second[:, 0] - first[:, 0]).sum()
    signs = itertools.product((1, -1), repeat=4)
    extreme = sum(abs((np.array(s) * (second[:, 0] - first[:, 0])).sum()) >= observed - 1e-12 for s in signs)
    assert test.p_value == extreme / 16
    assert test.permutations == 16


def test_random_permutation_finds_a_clear_difference_and_no_false_one():
    random_ = np.random.default_rng(2)
    base = random_.normal(0.5, 0.1, 60)
    ones = np.ones(60)
    better = Statistic(np.column_stack([base + random_.normal(0.1, 0.05, 60), ones]), ratio)
    same = Statistic(np.column_stack([base + random_.normal(0.0, 0.05, 60), ones]), ratio)
    first = Statistic(np.column_stack([base, ones]), ratio)
    assert paired_test(first, better, **SETTINGS).p_value < 0.001
    assert paired_test(first, same, **SETTINGS).p_value > 0.01


def test_detectable_difference_is_found_with_the_stated_power():
    random_ = np.random.default_rng(3)
    noise, ones = random_.normal(0, 0.1, 50), np.ones(50)
    first = Statistic(np.column_stack([np.zeros(50), ones]), ratio)
    test = paired_test(first, Statistic(np.column_stack([noise, ones]), ratio), **SETTINGS)
    assert test.detectable == pytest.approx(2.8016 * 0.1 / np.sqrt(50), rel=0.2)
    found = 0
    for trial in range(100):
        shifted = random_.normal(test.detectable, 0.1, 50)
        settings = {**SETTINGS, "permutations": 300, "seed": trial}
        found += paired_test(first, Statistic(np.column_stack([shifted, ones]), ratio), **settings).p_value <= 0.05
    assert 0.65 <= found / 100 <= 0.95


def test_a_thousand_replicates_of_four_systems_are_quick():
    random_ = np.random.default_rng(4)
    names = [f"m{i}" for i in range(12)]
    start = time.perf_counter()
    for _ in range(4):
        systems = {name: Statistic(random_.random((74, 4)) * 10, f_score) for name in names}
        bootstrap(systems, 1000, 0.95, 0)
    assert time.perf_counter() - start < 2


N = np.nan
# K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C: ordinal α = 0.815.
PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
)


def test_alpha_of_the_published_example():
    assert ordinal_alpha(PUBLISHED) == pytest.approx(0.815, abs=5e-4)


def alpha_by_pairs(ratings):
    """α from all ordered pairs of judgements, without coincidence matrices."""
    units = [column[~np.isnan(column)] for column in ratings.T]
    units = [unit for unit in units if len(unit) >= 2]
    pooled = np.concatenate(units)

    def distance(a, b):
        low, high = min(a, b), max(a, b)
        count = sum((pooled >= low) & (pooled <= high))
        return (count - (sum(pooled == low) + sum(pooled == high)) / 2) ** 2 if a != b else 0.0

    observed = sum(
        sum(distance(a, b) for i, a in enumerate(u) for j, b in enumerate(u) if i != j) / (len(u) - 1) for u in units
    )
    expected = sum(distance(a, b) for i, a in enumerate(pooled) for j, b in enumerate(pooled) if i != j)
    return 1 - (observed / len(pooled)) / (expected / (len(pooled) * (len(pooled) - 1)))


def test_alpha_against_its_definition():
    random_ = np.random.default_rng(0)
    for _ in range(15):
        ratings = random_.integers(1, 6, (random_.integers(2, 5), 12)).astype(float)
        ratings[random_.random(ratings.shape) < 0.25] = N
        assert ordinal_alpha(ratings) == pytest.approx(alpha_by_pairs(ratings), abs=1e-12)


def test_alpha_where_there_is_nothing_to_agree_on():
    assert ordinal_alpha(np.array([[3.0, 3.0], [3.0, 3.0]])) is None
    assert ordinal_alpha(np.array([[3.0, N], [N, 2.0]])) is None
    assert ordinal_alpha(np.zeros((2, 0))) is None
    assert ordinal_alpha(np.array([[1.0, 5.0], [1.0, 5.0]])) == 1.0
