"""One row of a batch: the segment it streams, its place in the cache, the texts it has read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from qevd_bio.coach.model.action_tokens import ActionTokens, text_ids
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.segments.given import SegmentInput
from qevd_bio.coach.streaming.speaker import Speaker
from qevd_bio.store.errors import ItemError

ENDLESS = 10**9
"""Steps of a segment that goes on until somebody ends it."""


@dataclass
class Row:
    """State of one segment in the batch.

    front: columns kept for C_motion; prompt: token ids after it; context: C_motion's ids with the start token
    (empty without); position: column of the next token; history: tokens read after the prompt with the step of
    each vision token (-1 for others); generator: of sampling.
    """

    segment: SegmentInput
    speaker: Speaker
    prompt: list[int]
    front: int
    position: int
    generator: torch.Generator | None
    context_text: str | None = None
    context: list[int] = field(default_factory=list)
    morph_text: str | None = None
    morph: list[int] = field(default_factory=list)
    history: list[tuple[int, int]] = field(default_factory=list)
    updates: int = 0
    seconds: float = 0.0

    @property
    def place_of_context(self) -> int:
        """Column of C_motion's first token."""
        return self.front - len(self.context)

    def features(self, step: int, device: torch.device) -> Tensor:
        """(N, C) visual tokens of a step."""
        return torch.from_numpy(self.segment.features[step]).to(device)


class RowMaker:
    """Makes rows from segments: encodes prompt and contexts, checks that they fit."""

    def __init__(self, tokenizer: Any, tokens: ActionTokens, front: int, morph_limit: int, longest: int) -> None:
        self._tokenizer, self._tokens = tokenizer, tokens
        self.front, self._morph_limit, self._longest = front, morph_limit, longest
        self._known: dict[str, list[int]] = {}

    def make(self, segment: SegmentInput, options: GenerateOptions) -> Row:
        """A row at its beginning. ItemError for a segment without steps or with text longer than the model reads."""
        if not len(segment.features):
            raise ItemError("no_features", f"{segment.key}: no feature in this segment")
        steps = len(segment.features)
        if (self.front and len(segment.motion) != steps) or len(segment.morph) not in (0, steps):
            raise ItemError(
                "contexts_missing",
                f"{segment.key}: {len(segment.motion)} contexts for {steps} steps; qevd-bio analyze makes them",
            )
        prompt = text_ids(self._tokenizer, segment.prompt)
        prompt = prompt if self.front else [self._tokens.bos, *prompt]
        if self.front + len(prompt) + 2 > self._longest:
            raise ItemError(
                "text_too_long",
                f"{segment.key}: {self.front + len(prompt)} tokens before the video begins, "
                f"the model reads {self._longest} in all",
            )
        generator = None
        if options.temperature > 0:
            # Each segment has its own generator, so that its neighbours do not change what is said.
            generator = torch.Generator().manual_seed(_seed(options.seed, segment.key))
        speaker = Speaker(self._tokens, ENDLESS if segment.live else steps, options)
        return Row(segment, speaker, prompt, self.front, self.front + len(prompt), generator)

    def context(self, text: str, key: str) -> list[int]:
        """Ids of C_motion with the start token before it; ItemError where it is longer than its place."""
        ids = [self._tokens.bos, *self._ids(text + "\n")]
        if len(ids) > self.front:
            raise ItemError(
                "context_too_long",
                f"{key}: C_motion of {len(ids)} tokens, the model keeps {self.front} for it "
                "(qevd-bio analyze --max-tokens makes it shorter)",
            )
        return ids

    def morph(self, text: str, key: str) -> list[int]:
        """Ids of C_morph; ItemError where it is longer than its place."""
        ids = self._ids(text)
        if len(ids) > self._morph_limit:
            raise ItemError("context_too_long", f"{key}: C_morph of {len(ids)} tokens, at most {self._morph_limit}")
        return ids

    def _ids(self, text: str) -> list[int]:
        if text not in self._known:
            if len(self._known) > 4096:
                self._known.clear()
            self._known[text] = text_ids(self._tokenizer, text)
        return self._known[text]


def _seed(seed: int, key: str) -> int:
    from qevd_bio.store.hashing import hash_json

    return int(hash_json([seed, key])[:15], 16)
