"""A very small language for signals: numbers, names, + - *, parentheses, min, max and abs.

`0.5*(knee_angle_r + knee_angle_l)` is read into a tree and evaluated on arrays. Nothing is ever
handed to the Python interpreter, so a file of exercises cannot run code.
Written here because general evaluators allow far more than these rules mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from qevd_bio.store.errors import UserError

Array: TypeAlias = NDArray[np.float64]
Series: TypeAlias = Callable[[str], Array]

_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[-+*(),]))")
_FUNCTIONS = {"min": (1, None), "max": (1, None), "abs": (1, 1)}
_MAX_TOKENS = 200


@dataclass(frozen=True)
class Node:
    """One node: `kind` is number, name, +, -, *, neg, or a function's name."""

    kind: str
    parts: tuple[Node, ...] = ()
    number: float = 0.0
    name: str = ""


@dataclass(frozen=True)
class Expression:
    """A parsed expression; `text` is what was written."""

    text: str
    root: Node

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the quantities used, in the order of their first use."""
        return tuple(dict.fromkeys(node.name for node in _walk(self.root) if node.kind == "name"))

    def evaluate(self, series: Series) -> Array:
        """Evaluate on arrays: `series(name)` gives (T,), angles in degrees. NaN stays NaN."""
        return np.asarray(_evaluate(self.root, series), dtype=np.float64)

    @lru_cache(maxsize=1024)  # noqa: B019 - expressions are few, small and shared
    def sided(self, side: str) -> Expression:
        """Replace the endings `_own` and `_other` by the given side (`r` or `l`) and its opposite."""
        return Expression(f"{self.text} [{side}]", _sided(self.root, side))

    @property
    def has_sides(self) -> bool:
        """Whether a name ends in `_own` or `_other`."""
        return any(name.endswith(("_own", "_other")) for name in self.names)


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """Read an expression; UserError says at which character it stops making sense."""
    tokens = list(_tokens(text))
    if len(tokens) > _MAX_TOKENS:
        raise UserError(f"expression of {len(tokens)} tokens", expected=f"at most {_MAX_TOKENS}")
    parser = _Parser(text, tokens)
    root = parser.sum()
    parser.end()
    return Expression(text, root)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            position += len(text[position:]) - len(text[position:].lstrip())
            raise _error(text, position, "a number, a name or one of + - * ( ) ,")
        kind = str(match.lastgroup)
        yield kind, match.group(kind), match.start(kind)
        position = match.end()


def _error(text: str, position: int, expected: str) -> UserError:
    return UserError(f"expression {text!r} cannot be read at character {position + 1}", expected=expected)


class _Parser:
    """Recursive descent: sum -> product -> factor."""

    def __init__(self, text: str, tokens: list[tuple[str, str, int]]) -> None:
        self.text, self.tokens, self.at = text, tokens, 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> tuple[str, str, int]:
        if self.at >= len(self.tokens):
            raise _error(self.text, len(self.text), wanted or "a number, a name or (")
        token = self.tokens[self.at]
        if wanted and token[1] != wanted:
            raise _error(self.text, token[2], repr(wanted))
        self.at += 1
        return token

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise _error(self.text, self.tokens[self.at][2], "an operator or the end")

    def sum(self) -> Node:
        node = self.product()
        while self.peek() in ("+", "-"):
            operator = self.take()[1]
            node = Node(operator, (node, self.product()))
        return node

    def product(self) -> Node:
        node = self.factor()
        while self.peek() == "*":
            self.take()
            node = Node("*", (node, self.factor()))
        return node

    def factor(self) -> Node:
        kind, value, position = self.take()
        if kind == "number":
            return Node("number", number=float(value))
        if value == "-":
            return Node("neg", (self.factor(),))
        if value == "(":
            node = self.sum()
            self.take(")")
            return node
        if kind != "name":
            raise _error(self.text, position, "a number, a name or (")
        return self.call(value, position) if self.peek() == "(" else Node("name", name=value)

    def call(self, function: str, position: int) -> Node:
        if function not in _FUNCTIONS:
            raise _error(self.text, position, "one of the functions min, max, abs")
        self.take("(")
        parts = [self.sum()]
        while self.peek() == ",":
            self.take()
            parts.append(self.sum())
        self.take(")")
        if function == "abs" and len(parts) != 1:
            raise _error(self.text, position, "abs with one argument")
        return Node(function, tuple(parts))


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for part in node.parts:
        yield from _walk(part)


def _sided(node: Node, side: str) -> Node:
    if node.kind == "name":
        return Node("name", name=sided_name(node.name, side))
    return Node(node.kind, tuple(_sided(part, side) for part in node.parts), node.number, node.name)


def sided_name(name: str, side: str) -> str:
    """`hip_flexion_own`, "r" -> `hip_flexion_r`; `hip_flexion_other`, "r" -> `hip_flexion_l`; others unchanged."""
    if name.endswith("_own"):
        return name.removesuffix("own") + side
    if name.endswith("_other"):
        return name.removesuffix("other") + opposite(side)
    return name


def opposite(side: str) -> str:
    """`r` <-> `l`."""
    return {"r": "l", "l": "r"}[side]


def _evaluate(node: Node, series: Series) -> Array:
    if node.kind == "number":
        return np.float64(node.number)  # type: ignore[return-value]
    if node.kind == "name":
        return np.asarray(series(node.name), dtype=np.float64)
    parts = [_evaluate(part, series) for part in node.parts]
    if node.kind == "+":
        return parts[0] + parts[1]
    if node.kind == "-":
        return parts[0] - parts[1]
    if node.kind == "*":
        return parts[0] * parts[1]
    if node.kind == "neg":
        return -parts[0]
    if node.kind == "abs":
        return np.abs(parts[0])
    combine = np.minimum if node.kind == "min" else np.maximum
    result = parts[0]
    for part in parts[1:]:
        result = combine(result, part)
    return np.asarray(result)
