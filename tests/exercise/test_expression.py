"""The signal language: values, precedence, sides, and where it stops reading."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.exercise.expression import parse, sided_name
from qevd_bio.store.errors import UserError

CURVES = {"a": np.array([1.0, 2.0, np.nan]), "b": np.array([3.0, -4.0, 5.0]), "hip_r": np.ones(3), "hip_l": np.zeros(3)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", [4, -2, np.nan]),
        ("a - b - b", [-5, 10, np.nan]),
        ("0.5*(a + b)", [2, -1, np.nan]),
        ("a + 2*b", [7, -6, np.nan]),
        ("-a*b", [-3, 8, np.nan]),
        ("max(b, 0, 4)", [4, 4, 5]),
        ("min(a, b)", [1, -4, np.nan]),
        ("abs(b) - -1", [4, 5, 6]),
    ],
)
def test_values(text: str, expected: list[float]) -> None:
    np.testing.assert_allclose(parse(text).evaluate(CURVES.__getitem__), expected)


def test_names_in_order_of_use() -> None:
    assert parse("b + max(a, b)*c_r").names == ("b", "a", "c_r")


def test_sides() -> None:
    split = parse("hip_own - hip_other")
    assert split.has_sides
    assert split.sided("r").names == ("hip_r", "hip_l")
    np.testing.assert_array_equal(split.sided("l").evaluate(CURVES.__getitem__), -np.ones(3))
    assert sided_name("trunk", "r") == "trunk"


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("", 1), ("a +", 4), ("a b", 3), ("(a", 3), ("a / b", 3), ("a.__class__", 2), ("eval(a)", 1), ("abs(a, b)", 1),
        ("max()", 5), ("a ** b", 4), ("__import__('os')", 12), ("a; b", 2),
    ],
)  # fmt: skip
def test_what_is_not_an_expression_is_refused(text: str, character: int) -> None:
    with pytest.raises(UserError, match=f"at character {character}"):
        parse(text)


def test_length_is_bounded() -> None:
    with pytest.raises(UserError, match="tokens"):
        parse("+".join(["a"] * 500))
    with pytest.raises(UserError, match="tokens"):
        parse("(" * 5000 + "a" + ")" * 5000)
