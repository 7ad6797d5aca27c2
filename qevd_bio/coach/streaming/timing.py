"""When a predicted feedback is said: the official evaluation's reckoning, and the time in the video.

The released code means to skip what is shown while the coach speaks, but never counts the length of the running
feedback: no step is skipped, yet the speaking time is added (docs/coach.md). `official_times` is that reckoning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qevd_bio.coach.model.action_tokens import ActionTokens
from qevd_bio.coach.options import STEP_HZ

TOKENS_PER_SECOND = 12.0


@dataclass(frozen=True)
class Spoken:
    """One predicted feedback: seconds from the segment's start, its text and its number of tokens (0: not counted)."""

    time_s: float
    text: str
    tokens: int


def official_times(
    output: Sequence[int],
    tokens: ActionTokens,
    decode: Callable[[Sequence[int]], str],
    tokens_per_second: float = TOKENS_PER_SECOND,
) -> list[Spoken]:
    """Feedbacks of an output (prompt and all), timed as the official evaluation does.

    t_k = sum over j <= k of gap_j / 4 + sum over j < k of (n_j + 1) / 12; gap_1 = vision tokens before the first
    feedback - 2, gap_j = those between feedback j-1 and j. An empty feedback is dropped with its gap, and the one
    before it no longer adds speaking time. One that never ends is dropped.
    """
    ids = list(output)
    start = ids.index(tokens.next) if tokens.next in ids else len(ids)
    ids = ids[start:]
    begins = [place for place, token in enumerate(ids) if token == tokens.feedback]
    ends = [place for place, token in enumerate(ids) if token == tokens.end]
    spoken: list[Spoken] = []
    time, speaking = 0.0, 0.0
    # As released: the k-th beginning belongs to the k-th end; the first gap counts from the second token.
    for index, (begin, end) in enumerate(zip(begins, ends, strict=False)):
        before = ends[index - 1] if index else 1
        text = decode(ids[begin + 1 : end])
        if not text:
            speaking = 0.0
            continue
        time += (begin - before - 1) / STEP_HZ + speaking
        speaking = (end - begin) / tokens_per_second
        spoken.append(Spoken(time, text, end - begin - 1))
    return spoken


def steps_while_speaking(tokens: int, tokens_per_second: float = TOKENS_PER_SECOND) -> int:
    """Steps that pass unseen while a feedback of `tokens` tokens is said."""
    return math.floor(tokens / tokens_per_second * STEP_HZ)
