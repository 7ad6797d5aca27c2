"""Rows of a batch: what each segment has read and said, and the cache of keys and values that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from qevd_bio.coach.model.tokens import ActionTokens, text_ids
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.segments.contexts import fitted
from qevd_bio.coach.segments.data import SegmentInput
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

    def __init__(
        self,
        tokenizer: Any,
        tokens: ActionTokens,
        prompt: Callable[[str], list[int]],
        front: int,
        morph_limit: int,
        longest: int,
    ) -> None:
        self._tokenizer, self._tokens, self._prompt = tokenizer, tokens, prompt
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
        prompt = self._prompt(segment.prompt)
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
        """Ids of C_motion with the start token before it, shortened where its place is too short.

        ItemError for one that cannot be made short enough.
        """
        shorter = fitted(text, self.front, lambda read: 1 + len(self._ids(read + "\n")))
        ids = [self._tokens.bos, *self._ids(shorter + "\n")]
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


_BLOCK = 64


class RowCache:
    """Keys and values of several sequences side by side, each of its own length, in buffers made beforehand.

    Buffers (rows, columns, heads, size) for each layer, and which columns of each row hold something. A token's column
    is its position. Columns before `front` belong to C_motion, which ends just before the prompt, so that a new one
    can be written there without touching what follows.
    """

    def __init__(
        self,
        layers: int,
        rows: int,
        columns: int,
        heads: int,
        size: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        shape = (rows, columns, heads, size)
        self.keys = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(layers)]
        self.values = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(layers)]
        self.filled = torch.zeros(rows, columns, dtype=torch.bool, device=device)
        self.device = device

    @property
    def columns(self) -> int:
        return self.filled.shape[1]

    def grow(self, columns: int) -> None:
        """Make room for `columns` columns; what is there stays."""
        more = columns - self.columns
        if more <= 0:
            return
        for buffers in (self.keys, self.values):
            for layer, old in enumerate(buffers):
                added = old.new_zeros(old.shape[0], more, *old.shape[2:])
                buffers[layer] = torch.cat((old, added), dim=1)
        self.filled = torch.cat((self.filled, self.filled.new_zeros(len(self.filled), more)), dim=1)

    def move(self, source: int, target: int) -> None:
        """Copy row `source` to row `target`, and empty `source`."""
        if source != target:
            for buffers in (self.keys, self.values):
                for buffer in buffers:
                    buffer[target] = buffer[source]
            self.filled[target] = self.filled[source]
        self.filled[source] = False

    def reading(self, rows: slice | Tensor, columns: Tensor, real: Tensor) -> CacheView:
        """A view for one pass over new tokens at `columns` (r, q) of `rows`; `real` (r, q) is False for padding."""
        return CacheView(self, rows, columns, real)


class CacheView:
    """What one forward pass writes and sees: a stand-in for transformers' cache."""

    def __init__(self, cache: RowCache, rows: slice | Tensor, columns: Tensor, real: Tensor) -> None:
        self._cache, self._columns, self._rows = cache, columns, rows
        self._numbers = torch.arange(len(cache.filled), device=cache.device)[rows][:, None]
        cache.filled[self._numbers, columns] = real
        self._width = min(cache.columns, -(-(int(columns.max()) + 1) // _BLOCK) * _BLOCK)

    def mask(self) -> Tensor:
        """(r, 1, q, width) bool: a token sees the filled columns up to its own; padding sees itself alone."""
        numbers = torch.arange(self._width, device=self._cache.device)
        filled = self._cache.filled[self._rows, : self._width][:, None]
        own = self._columns[..., None]
        return ((filled & (numbers <= own)) | (numbers == own))[:, None]

    def update(self, key: Tensor, value: Tensor, layer: int, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """Store new keys and values (r, heads, q, size); give back all of these rows' (r, heads, width, size)."""
        found = []
        for buffers, new in ((self._cache.keys, key), (self._cache.values, value)):
            buffers[layer][self._numbers, self._columns] = new.transpose(1, 2)
            found.append(buffers[layer][self._rows, : self._width].transpose(1, 2))
        return found[0], found[1]

    def get_seq_length(self, layer: int = 0) -> int:
        """Columns seen; transformers asks for it."""
        return self._width
