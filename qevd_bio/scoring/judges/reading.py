"""How the score is read from a judge's reply: a rule for own prompts, and one for each published LLM-Acc prompt."""

from __future__ import annotations

import ast
import math
import re
import warnings
from typing import Literal

from qevd_bio.language.reading import MAX_CHARACTERS, Unreadable, read_object

LOWEST, HIGHEST = 1, 5

Reading = Literal["whole", "released", "paper"]
"""`whole`: one dictionary with a whole number; `released`: as the released evaluation; `paper`: see `read_paper`."""

RULES: dict[Reading, str] = {
    "whole": "one-dictionary-whole-1-to-5",
    "released": "released-any-number",
    "paper": "paper-1-to-5",
}
"""What the signature says of each rule."""

_BRACES = re.compile(r"\{(.*?)\}")
# E.1's own example of a reply: a quoted key and a number, no braces.
_EXAMPLE = re.compile(r"\s*[\"'“”‘’„]?score[\"'“”‘’]?\s*:\s*(?P<score>\d+(?:\.\d+)?)\s*\.?\s*", re.IGNORECASE)
_STRAIGHT = str.maketrans("“”„‘’", '"""\'\'')


def read_score(text: str, reading: Reading = "whole") -> float:
    """The score in a reply by one of the rules. Raises Unreadable with the reason."""
    if reading == "released":
        return _released(text)
    if reading == "paper":
        return read_paper(text)
    value = _from_dictionary(text)
    if value != int(value):
        raise Unreadable("not_a_whole_number", f"{value:g}")
    return _in_range(value)


def read_paper(text: str) -> float:
    """A number from 1 to 5, as App. E.1 shows it (`“score”: 3.2`, alone) or in one dictionary.

    E.1 asks for an integer and shows 3.2: both count, and the share of numbers that are not whole is reported.
    Raises Unreadable with the reason.
    """
    bare = _EXAMPLE.fullmatch(text[:MAX_CHARACTERS])
    if bare is not None:
        return _in_range(float(bare["score"]))
    return _in_range(_from_dictionary(text.translate(_STRAIGHT)))


def read_as_published(text: str) -> float | None:
    """The score as the released evaluation reads it: any number in the one {...} of the reply, else None.

    It counts a 3.2, a 7 and a "4".
    """
    found = _BRACES.findall(text[:MAX_CHARACTERS])
    if len(found) != 1:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            score = float(ast.literal_eval("{" + found[0] + "}")["score"])
    except (SyntaxError, TypeError, ValueError, KeyError, MemoryError, RecursionError, OverflowError):
        return None
    return score if math.isfinite(score) else None


def _released(text: str) -> float:
    score = read_as_published(text)
    if score is not None:
        return score
    groups = len(_BRACES.findall(text[:MAX_CHARACTERS]))
    if groups == 1:
        raise Unreadable("no_score")
    raise Unreadable("empty" if not text.strip() else "no_object" if groups == 0 else "several_objects")


def _from_dictionary(text: str) -> float:
    try:
        value = read_object(text).get("score")
    except RecursionError as error:
        raise Unreadable("nested_too_deeply") from error
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unreadable("no_score" if value is None else "score_is_no_number", str(value)[:60])
    return float(value) if abs(value) < 1e15 else math.copysign(1e15, value)


def _in_range(value: float) -> float:
    if not LOWEST <= value <= HIGHEST:
        raise Unreadable("out_of_range", f"{value:g}")
    return value
