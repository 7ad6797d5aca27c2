"""LLM-Acc and LLM-Bio-Acc: judges rate matched pairs from 1 to 5; what cannot be read is missing, never a score."""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qevd_bio.language.reading import MAX_CHARACTERS, Unreadable, read_object
from qevd_bio.scoring.agreement import ordinal_alpha
from qevd_bio.scoring.judges.prompts import JudgePrompt
from qevd_bio.scoring.options import JudgeOptions

LOWEST, HIGHEST = 1, 5
Pair = tuple[str, str]

RULE = (
    f"the reply holds exactly one dictionary, whose 'score' is a whole number from {LOWEST} to {HIGHEST}; "
    "any other reply is missing"
)


@dataclass(frozen=True)
class JudgeQuestion:
    """One judgement to make: the turns (role, text), its repeat and the seed to sample with."""

    pair: int
    repeat: int
    turns: tuple[tuple[str, str], ...]
    seed: int
    prompt_hash: str


@dataclass(frozen=True)
class JudgeAnswer:
    """What came back: the raw text, or why there is none."""

    pair: int
    repeat: int
    text: str
    reason: str = ""


class Judge(Protocol):
    """Anything that answers questions, in any order."""

    @property
    def name(self) -> str:
        """Model name for the signature."""

    def ask(self, questions: Iterable[JudgeQuestion]) -> Iterator[JudgeAnswer]:
        """One answer for each question."""


@dataclass(frozen=True)
class JudgeReply:
    """A judge's reply as it is kept: raw text, the score if it could be read, else the reason."""

    judge: str
    repeat: int
    text: str
    score: int | None
    reason: str

    def as_json(self) -> dict[str, Any]:
        """For the pairs table."""
        return {
            "judge": self.judge,
            "repeat": self.repeat,
            "score": self.score,
            "reason": self.reason,
            "text": self.text,
        }


@dataclass(frozen=True)
class Judged:
    """`items` (pairs,): mean of the readable scores of the first judge, NaN without any.

    `ratings[judge]` is (repeats, pairs), NaN where unreadable; `replies[pair]` keeps every raw reply.
    """

    items: NDArray[np.float64]
    ratings: dict[str, NDArray[np.float64]]
    replies: tuple[tuple[JudgeReply, ...], ...]
    signature: dict[str, str] = field(default_factory=dict)


def read_score(text: str) -> int:
    """The score in a reply by the one rule (see RULE). Raises Unreadable with the reason."""
    try:
        value = read_object(text).get("score")
    except RecursionError as error:
        raise Unreadable("nested_too_deeply") from error
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unreadable("no_score" if value is None else "score_is_no_number", str(value)[:60])
    if value != int(value):
        raise Unreadable("not_a_whole_number", f"{value:g}")
    if not LOWEST <= value <= HIGHEST:
        raise Unreadable("out_of_range", f"{value:g}")
    return int(value)


_BRACES = re.compile(r"\{(.*?)\}")


def read_as_published(text: str) -> float | None:
    """The score as the published evaluation reads it: any number in the one {...} of the reply, else None.

    Kept beside our own reading only, to compare with published means: it counts a 3.2 and a 7.
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


def judge_pairs(pairs: Sequence[Pair], judges: Sequence[Judge], prompt: JudgePrompt, options: JudgeOptions) -> Judged:
    """Have each judge rate each distinct pair `options.repeats` times.

    Pairs with the same two texts share their judgements: a text said a hundred times is not paid a hundred times.
    """
    distinct = list(dict.fromkeys(pairs))
    position = {pair: i for i, pair in enumerate(distinct)}
    back = np.array([position[pair] for pair in pairs], np.intp)
    ratings: dict[str, NDArray[np.float64]] = {}
    kept: list[list[JudgeReply]] = [[] for _ in distinct]
    for judge in judges:
        scores = np.full((options.repeats, len(distinct)), np.nan)
        for answer in judge.ask(_questions(distinct, prompt, options)):
            reply = _reply(judge.name, answer)
            kept[answer.pair].append(reply)
            if reply.score is not None:
                scores[answer.repeat, answer.pair] = reply.score
        ratings[judge.name] = scores[:, back]
    for replies in kept:
        replies.sort(key=lambda reply: ([j.name for j in judges].index(reply.judge), reply.repeat))
    first = ratings[judges[0].name]
    return Judged(
        items=_mean(first),
        ratings=ratings,
        replies=tuple(tuple(kept[i]) for i in back),
        signature=_signature(judges[0], prompt, options),
    )


def _questions(pairs: Sequence[Pair], prompt: JudgePrompt, options: JudgeOptions) -> Iterator[JudgeQuestion]:
    digest = prompt.sha256
    for repeat in range(options.repeats):
        for index, (truth, predicted) in enumerate(pairs):
            yield JudgeQuestion(index, repeat, prompt.fill(truth, predicted), options.seed + repeat, digest)


def _reply(judge: str, answer: JudgeAnswer) -> JudgeReply:
    if answer.reason:
        return JudgeReply(judge, answer.repeat, answer.text, None, answer.reason)
    try:
        return JudgeReply(judge, answer.repeat, answer.text, read_score(answer.text), "")
    except Unreadable as error:
        return JudgeReply(judge, answer.repeat, answer.text, None, error.reason)


def _mean(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    there = ~np.isnan(scores)
    counts = there.sum(axis=0)
    total = np.where(there, scores, 0.0).sum(axis=0)
    return np.divide(total, counts, out=np.full(len(counts), np.nan), where=counts > 0)


def _signature(judge: Judge, prompt: JudgePrompt, options: JudgeOptions) -> dict[str, str]:
    return {
        "model": judge.name,
        "prompt": prompt.name,
        "prompt-hash": prompt.sha256[:12],
        "temperature": f"{options.temperature:g}",
        "top-p": f"{options.top_p:g}",
        "max-tokens": str(options.max_tokens),
        "repeats": str(options.repeats),
        "seed": str(options.seed),
        "reading": "one-dictionary-whole-1-to-5",
    }


def judged_share(ratings: NDArray[np.float64]) -> float:
    """Share of replies that could be read, of (repeats, pairs); NaN without any."""
    return float((~np.isnan(ratings)).mean()) if ratings.size else float("nan")


def agreement(ratings: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    """Ordinal Krippendorff's α: of each judge's repeats, and between judges (their means over repeats)."""
    within = {name: ordinal_alpha(scores) for name, scores in ratings.items() if len(scores) > 1}
    found: dict[str, Any] = {"repeats": within} if within else {}
    if len(ratings) > 1:
        found["judges"] = ordinal_alpha(np.array([_mean(scores) for scores in ratings.values()]))
    return found


def unreadable_reasons(replies: Iterable[Sequence[JudgeReply]]) -> dict[str, int]:
    """How often replies were missing, by reason."""
    counts: dict[str, int] = {}
    for reply in (reply for of_pair in replies for reply in of_pair):
        if reply.reason:
            counts[reply.reason] = counts.get(reply.reason, 0) + 1
    return dict(sorted(counts.items()))
