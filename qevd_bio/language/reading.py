"""Reading a model's reply strictly: JSON or a Python literal, never executed, within stated limits."""

from __future__ import annotations

import ast
import json
import math
import re
from typing import Any

MAX_CHARACTERS = 20_000
MAX_DEPTH = 20
_FENCE = re.compile(r"^\s*```(?:json|python)?\s*\n(?P<body>.*?)\n?```\s*$", re.DOTALL | re.IGNORECASE)
_THOUGHT = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)


class Unreadable(ValueError):
    """A reply that does not say what was asked. `reason` is a short snake_case name that can be counted."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


def read_object(text: str) -> dict[str, Any]:
    """The one dictionary in a reply: alone, in a code fence, or with prose around it.

    Raises `Unreadable` for no text, too long a text, none or several dictionaries, one cut off, one that is
    neither JSON nor a Python literal, or numbers that are not finite.
    """
    if len(text) > MAX_CHARACTERS:
        raise Unreadable("too_long", f"{len(text)} characters, {MAX_CHARACTERS} allowed")
    body = _THOUGHT.sub("", text, count=1).strip()
    if not body:
        raise Unreadable("empty")
    fence = _FENCE.match(body)
    spans = _dictionaries(fence["body"] if fence else body)
    if len(spans) != 1:
        raise Unreadable("several_objects", f"{len(spans)} dictionaries in one reply")
    value = _literal(spans[0])
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise Unreadable("not_an_object", "the reply is not a dictionary with text keys")
    _check_finite(value)
    return value


def _dictionaries(text: str) -> list[str]:
    """Outermost {...} spans, braces inside quoted strings left aside."""
    spans: list[str] = []
    depth, start, quote, skip = 0, 0, "", False
    for i, char in enumerate(text):
        if skip:
            skip = False
        elif depth and quote:
            skip = char == "\\"
            quote = "" if char == quote else quote
        elif depth and char in "\"'":
            quote = char
        elif char == "{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Unreadable("too_deep")
            start = i if depth == 1 else start
        elif char == "}" and depth:
            depth -= 1
            if depth == 0:
                spans.append(text[start : i + 1])
    if depth:
        raise Unreadable("cut_off", "a dictionary begins and does not end")
    if not spans:
        raise Unreadable("no_object", "no dictionary in the reply")
    return spans


def _literal(span: str) -> Any:
    try:
        return json.loads(span, parse_constant=_refuse)
    except (ValueError, RecursionError):
        pass
    try:
        # Only literals: names, calls and operators raise ValueError; nothing is ever run.
        return ast.literal_eval(span)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise Unreadable("not_json", "neither JSON nor a Python literal") from error


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _check_finite(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable("not_finite", "a number is infinite or not a number")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple, set)) else ():
        _check_finite(item)
