"""LLM-Acc and LLM-Bio-Acc: judges rate matched pairs from 1 to 5; what cannot be read is missing, never a score."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qevd_bio.language.reading import Unreadable
from qevd_bio.scoring.agreement import ordinal_alpha
from qevd_bio.scoring.judges.prompts import JudgePrompt
from qevd_bio.scoring.judges.reading import HIGHEST, LOWEST, RULES, Reading, read_score
from qevd_bio.scoring.options import JudgeOptions

Pair = tuple[str, str]


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

    def ask(self, questions: Iterable[JudgeQuestion]) -> Generator[JudgeAnswer]:
        """One answer for each question; closing it early lets paid calls under way finish."""


@dataclass(frozen=True)
class JudgeReply:
    """A judge's reply as it is kept: raw text, the score if it could be read, else the reason."""

    judge: str
    repeat: int
    text: str
    score: float | None
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
        # Closed here, not when memory is tidied: after Ctrl-C that is what waits for the calls under way.
        with closing(judge.ask(_questions(distinct, prompt, options))) as answers:
            for answer in answers:
                reply = _reply(judge.name, answer, prompt.reading)
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


def _reply(judge: str, answer: JudgeAnswer, reading: Reading) -> JudgeReply:
    if answer.reason:
        return JudgeReply(judge, answer.repeat, answer.text, None, answer.reason)
    try:
        return JudgeReply(judge, answer.repeat, answer.text, read_score(answer.text, reading), "")
    except Unreadable as error:
        return JudgeReply(judge, answer.repeat, answer.text, None, error.reason)


def _mean(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    there = ~np.isnan(scores)
    counts = there.sum(axis=0)
    total = np.where(there, scores, 0.0).sum(axis=0)
    means: NDArray[np.float64] = np.full(len(counts), np.nan)
    np.divide(total, counts, out=means, where=counts > 0)
    return means


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
        "reading": RULES[prompt.reading],
    }


def judged_share(ratings: NDArray[np.float64]) -> float:
    """Share of replies that could be read, of (repeats, pairs); NaN without any."""
    return float((~np.isnan(ratings)).mean()) if ratings.size else float("nan")


def odd_scores(ratings: NDArray[np.float64]) -> dict[str, int]:
    """How many counted scores are not whole, and how many lie outside 1 to 5 (the released reading takes both)."""
    there = ratings[~np.isnan(ratings)]
    outside = int(((there < LOWEST) | (there > HIGHEST)).sum())
    return {"not_whole": int((there != np.round(there)).sum()), "out_of_range": outside}


def spread(ratings: NDArray[np.float64]) -> dict[str, Any] | None:
    """How far judgements of (repeats, pairs) differ between repeats; None for one repeat.

    `means` of each repeat, their standard deviation `sd_of_means` (None where fewer than two have a score), and
    `sd_within_pairs`: the pairs' standard deviations over repeats, pooled (root of their mean variance).
    """
    if len(ratings) < 2:
        return None
    there = ~np.isnan(ratings)
    means = [float(row[kept].mean()) if kept.any() else None for row, kept in zip(ratings, there, strict=True)]
    known = [mean for mean in means if mean is not None]
    several = ratings[:, there.sum(axis=0) >= 2]
    within = float(np.sqrt(np.nanvar(several, axis=0, ddof=1).mean())) if several.size else None
    return {
        "means": means,
        "sd_of_means": float(np.std(known, ddof=1)) if len(known) > 1 else None,
        "sd_within_pairs": within,
    }


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
