"""Agreement against values worked out by hand and against an independent implementation."""

import numpy as np
import pytest

from qevd_bio.scoring.agreement import cohen_kappa, nominal_alpha, ordinal_alpha


def test_kappa_of_a_table_worked_out_by_hand():
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    # observed 35/50, by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5
    assert cohen_kappa(first, second) == pytest.approx(0.4)
    assert cohen_kappa(first, first) == 1.0
    assert cohen_kappa(["a", "b"], ["b", "a"]) == -1.0


def test_alpha_of_krippendorffs_own_nominal_example():
    """The 4 observers x 12 units of "Computing Krippendorff's Alpha-Reliability" (2011), section C: 0.743."""
    n = None
    ratings = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, n, n, n],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, n, 3],
        [n, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, n],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, n],
    ]
    assert nominal_alpha(ratings) == pytest.approx(0.743, abs=5e-4)


def test_two_categories_have_no_order_so_ordinal_alpha_agrees():
    random = np.random.default_rng(3)
    ratings = random.integers(0, 2, (3, 60)).astype(float)
    ratings[random.random(ratings.shape) < 0.2] = np.nan
    plain = [[None if np.isnan(v) else int(v) for v in row] for row in ratings]
    assert nominal_alpha(plain) == pytest.approx(ordinal_alpha(ratings))


def test_nothing_to_agree_on_is_none_not_a_number():
    assert cohen_kappa([], []) is None
    assert cohen_kappa([None, 1], [1, None]) is None
    assert cohen_kappa([1, 1], [1, 1]) is None
    assert nominal_alpha([[1, None], [None, 1]]) is None
    assert nominal_alpha([[1, 1], [1, 1]]) is None
