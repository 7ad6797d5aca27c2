"""The rules of a stream, token by token, for one segment: what may follow, when a feedback ends, what is skipped.

No model in here: it is told the token that the model would like and says what stands in the sequence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from qevd_bio.coach.model.tokens import ActionTokens
from qevd_bio.coach.options import STEP_HZ, GenerateOptions
from qevd_bio.coach.segments.data import Spoken

Decode = Callable[[Sequence[int]], str]


@dataclass
class Speaker:
    """State of one segment of `steps` features. `step` is the last one seen; `output` all tokens but the prompt's.

    `pending` is the token that the model reads next (None when the segment is over).
    """

    tokens: ActionTokens
    steps: int
    options: GenerateOptions
    step: int = 0
    pending: int | None = None
    output: list[int] = field(default_factory=list)
    cut: bool = False
    _said: list[tuple[int, list[int]]] = field(default_factory=list)
    _running: list[int] | None = None

    def __post_init__(self) -> None:
        # The released loop stops one step before the features end; `official` keeps that.
        self._last = self.steps - 2 if self.options.timing == "official" else self.steps - 1
        if self._last >= 0:
            self._read(self.tokens.next)

    @property
    def sees(self) -> bool:
        """Whether the pending token is a vision token."""
        return self.pending == self.tokens.next

    def choose(self, wish: int) -> int:
        """The token that follows, where the model would like `wish`."""
        if self._running is None:
            return self._outside(wish)
        too_long = self.options.timing == "corrected" and len(self._running) >= self.options.max_tokens
        if wish in (self.tokens.next, self.tokens.feedback) or too_long:
            return self.tokens.end
        return wish

    def _outside(self, wish: int) -> int:
        every = self.options.interval_steps
        if every:
            # Without action tokens: asked at fixed intervals, and only then.
            due = self.pending == self.tokens.next and (self.step + 1) % every == 0
            return self.tokens.feedback if due else self.tokens.next
        return wish if wish == self.tokens.feedback else self.tokens.next

    def take(self, wish: int) -> None:
        """Append what follows; moves on in the video, into or out of a feedback."""
        token = self.choose(wish)
        if token == self.tokens.feedback:
            self._running = []
            self._said.append((self.step, self._running))
        elif token == self.tokens.end:
            said = len(self._running or ())
            self._running = None
            if self.options.timing == "corrected":
                self.step += steps_while_speaking(said, self.options.tokens_per_second)
        elif token == self.tokens.next:
            self.step += 1
        elif self._running is not None:
            self._running.append(token)
        if self._running is None and self.step > self._last:
            self.output.append(token)
            self.pending = None
            return
        self._read(token)

    def stop(self) -> None:
        """End the segment here: its sequence is as long as the model can read. A running feedback is dropped."""
        self.pending, self.cut = None, True
        if self._running is not None:
            self._said.pop()
            self._running = None

    def feedbacks(self, times: Sequence[float], decode: Decode) -> list[Spoken]:
        """What was said, with its times; `times` (T,) are those of the steps from the segment's start."""
        if self.options.timing == "official":
            return official_times(self.output, self.tokens, decode, self.options.tokens_per_second)
        spoken = [Spoken(float(times[step]), decode(ids), len(ids)) for step, ids in self._said]
        return [one for one in spoken if one.text]

    def _read(self, token: int) -> None:
        self.output.append(token)
        self.pending = token


TOKENS_PER_SECOND = 12.0


def official_times(
    output: Sequence[int],
    tokens: ActionTokens,
    decode: Callable[[Sequence[int]], str],
    tokens_per_second: float = TOKENS_PER_SECOND,
) -> list[Spoken]:
    """Feedbacks of an output (prompt and all), timed as the official evaluation does.

    The released code means to skip what is shown while the coach speaks, but never counts the length of the running
    feedback: no step is skipped, yet the speaking time is added (docs/coach.md). This is that reckoning.

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
