"""Training sequences: system prompt, one `<next>` a step, each feedback at its time (QEVD, App. D.3).

With C_motion a sequence also holds every version of it in front of the prompt. All versions stand at the same
positions; each token sees the one that held at its own step, exactly as when streaming with `fast` contexts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.coach.model.tokens import ActionTokens
from qevd_bio.coach.options import SequenceOptions

IGNORED = -100


@dataclass(frozen=True)
class TrainingSequence:
    """One sequence of L tokens.

    ids, positions (L,); targets (L,): the token that should follow, IGNORED where nothing is learnt; weights (L,)
    of each target in the loss; steps (L,): the step that a vision token sees, -1 for others; version (L,): the
    C_motion that a token belongs to (-1: none, it is prompt or stream); reads (L,): the C_motion it sees.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]
    steps: NDArray[np.int64]
    version: NDArray[np.int64]
    reads: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)

    def mask(self) -> NDArray[np.bool_]:
        """(L, L), True where a token (row) sees another (column)."""
        before = np.tri(len(self), dtype=bool)
        stream = self.version == -1
        within = self.version[:, None] == self.version[None, :]
        context = (~stream)[None, :] & stream[:, None] & (self.version[None, :] == self.reads[:, None])
        seen: NDArray[np.bool_] = (within & before) | context
        return seen


@dataclass(frozen=True)
class TimedText:
    """A feedback's tokens (without action tokens) and its time in seconds from the segment's start."""

    time_s: float
    ids: tuple[int, ...]


def build_sequence(
    prompt: Sequence[int],
    times: Sequence[float],
    feedbacks: Sequence[TimedText],
    tokens: ActionTokens,
    options: SequenceOptions,
    *,
    contexts: Sequence[Sequence[int]] = (),
    front: int = 0,
) -> TrainingSequence:
    """The sequence of one segment with T steps at `times` (seconds from its start).

    prompt: ids (with start token where there is no C_motion). contexts: C_motion's ids of each step, start token
    included, each at most `front` long; empty for none. A feedback follows the first step at or after its time
    (the coach has then seen that moment), or, where another feedback stands there, the next free one. One after
    the last step is said at the last step.
    """
    with_contexts = bool(contexts) and options.context != "none"
    versions, of_step = context_versions(contexts, options) if with_contexts else ([], [-1] * len(times))
    said = _by_step(times, feedbacks, options.interval_steps)
    ids: list[int] = list(prompt)
    steps = [-1] * len(prompt)
    reads = [of_step[0] if times else -1] * len(prompt)
    for step in range(len(times)):
        words = [tokens.feedback, *said[step], tokens.end] if step in said else []
        ids += [tokens.next, *words]
        steps += [step] + [-1] * len(words)
        reads += [of_step[step]] * (1 + len(words))
    targets, weights = _targets(ids, len(prompt), tokens, options)
    start = front if with_contexts else 0
    positions = list(range(start, start + len(ids)))
    blocks = [token for version in versions for token in version]
    places = [front - len(version) + place for version in versions for place in range(len(version))]
    owner = [number for number, version in enumerate(versions) for _ in version]
    return TrainingSequence(
        ids=np.array(blocks + ids, dtype=np.int64),
        positions=np.array(places + positions, dtype=np.int64),
        targets=np.array([IGNORED] * len(blocks) + targets, dtype=np.int64),
        weights=np.array([0.0] * len(blocks) + weights, dtype=np.float32),
        steps=np.array([-1] * len(blocks) + steps, dtype=np.int64),
        version=np.array(owner + [-1] * len(ids), dtype=np.int64),
        reads=np.array(owner + reads, dtype=np.int64),
    )


def context_versions(contexts: Sequence[Sequence[int]], options: SequenceOptions) -> tuple[list[list[int]], list[int]]:
    """The different contexts in their order, and which one holds at each step."""
    versions: list[list[int]] = []
    of_step = []
    for step in range(len(contexts)):
        held = 0 if options.context == "start" else step // options.context_every * options.context_every
        ids = list(contexts[held])
        if not versions or versions[-1] != ids:
            versions.append(ids)
        of_step.append(len(versions) - 1)
    return versions, of_step


def _by_step(times: Sequence[float], feedbacks: Sequence[TimedText], every: int) -> dict[int, tuple[int, ...]]:
    """Tokens of the feedback said after each step.

    With `every`, feedback comes after each `every` steps alone: the last one of that interval, else nothing.
    """
    said: dict[int, tuple[int, ...]] = {}
    last = len(times) - 1
    for feedback in sorted(feedbacks, key=lambda one: one.time_s):
        step = int(np.searchsorted(np.asarray(times), feedback.time_s - 1e-9))
        if every:
            said[min(-(-(step + 1) // every) * every - 1, last)] = feedback.ids
            continue
        step = min(step, last)
        while step in said and step < last:
            step += 1
        if step not in said:
            said[step] = feedback.ids
    if every:
        for step in range(every - 1, len(times), every):
            said.setdefault(step, ())
    return said


def _targets(
    ids: list[int], prompt: int, tokens: ActionTokens, options: SequenceOptions
) -> tuple[list[int], list[float]]:
    """What should follow each token, and its weight: alpha for `<next>`, 1 for feedback, 0 in the prompt.

    The stream's first vision token is given, not learnt; after the last token a further `<next>` is expected.
    At fixed intervals when to speak is given too: there only the words are learnt.
    """
    following = [*ids[1:], tokens.next]
    targets, weights = [], []
    for place, token in enumerate(following):
        learnt = place >= prompt
        if options.interval_steps and token in (tokens.next, tokens.feedback):
            learnt = False
        targets.append(token if learnt else IGNORED)
        weights.append((options.alpha if token == tokens.next else 1.0) if learnt else 0.0)
    return targets, weights


def short_sequence(
    prompt: Sequence[int], steps: int, question: Sequence[int], answer: Sequence[int], tokens: ActionTokens
) -> TrainingSequence:
    """Prompt, `steps` vision tokens, question, answer between the feedback tokens.

    Learnt are `<next>` (after the first, which is given) and the answer with its end; all weigh 1, as published.
    The question, and that it is answered then, are given.
    """
    ids = [*prompt, *[tokens.next] * steps, *question, tokens.feedback, *answer, tokens.end]
    first_answer = len(prompt) + steps + len(question) + 1
    following = [*ids[1:], IGNORED]
    learnt = [
        (len(prompt) <= place < len(prompt) + steps - 1) or (first_answer - 1 <= place < len(ids) - 1)
        for place in range(len(ids))
    ]
    count = len(ids)
    return TrainingSequence(
        ids=np.array(ids, np.int64),
        positions=np.arange(count),
        targets=np.where(learnt, following, IGNORED).astype(np.int64),
        weights=np.array(learnt, np.float32),
        steps=np.array([p - len(prompt) if 0 <= p - len(prompt) < steps else -1 for p in range(count)], np.int64),
        version=np.full(count, -1),
        reads=np.full(count, -1),
    )
