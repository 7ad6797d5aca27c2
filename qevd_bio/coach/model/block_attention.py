"""Attention of training sequences in blocks: what the mask would take away is never computed.

A version of C_motion sees itself alone; the stream sees what it said before and the version of its own step. With
dense masks ten versions of 100 tokens cost as if each token saw all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

NAME = "qevd_bio_blocks"
"""This attention's name in `transformers`; without `blocks` it is the ordinary one."""


@dataclass(frozen=True)
class Block:
    """Some tokens (n,) of a batch that see some others (m,), both as places in its B·L tokens; seen (n, m) bool."""

    queries: NDArray[np.int64]
    keys: NDArray[np.int64]
    seen: NDArray[np.bool_]


@dataclass(frozen=True)
class BlockGroup:
    """G blocks of like shape side by side, padded: queries (G, n), keys (G, m), seen (G, 1, n, m).

    real, places: which of the G·n queries are no padding, and where in the batch these stand.
    """

    queries: Tensor
    keys: Tensor
    seen: Tensor
    real: Tensor
    places: Tensor

    def to(self, device: torch.device) -> BlockGroup:
        """The same on `device`."""
        return BlockGroup(*(value.to(device, non_blocking=True) for value in vars(self).values()))


def blocks_of(version: NDArray[np.int64], reads: NDArray[np.int64], first: int) -> tuple[list[Block], list[Block]]:
    """Blocks of one sequence whose first token stands at `first` in its batch: of its contexts, of its stream.

    version (L,): the context that each token belongs to, -1 for the stream; reads (L,): the context it sees.
    """
    contexts = {int(v): np.flatnonzero(version == v) for v in np.unique(version[version >= 0])}
    own = [Block(first + at, first + at, np.tri(len(at), dtype=bool)) for at in contexts.values()]
    stream = np.flatnonzero(version == -1)
    read = reads[stream]
    streams = []
    for number in np.unique(read):
        places = np.flatnonzero(read == number)
        before = stream[: places[-1] + 1]
        context = contexts.get(int(number), stream[:0])
        seen = np.ones((len(places), len(context) + len(before)), dtype=bool)
        seen[:, len(context) :] = np.arange(len(before))[None, :] <= places[:, None]
        streams.append(Block(first + stream[places], first + np.concatenate((context, before)), seen))
    return own, streams


def grouped(blocks: Sequence[Block]) -> BlockGroup:
    """Blocks padded to the largest of them. A query that is padding sees all, and is thrown away."""
    count = len(blocks)
    width, length = max(len(block.queries) for block in blocks), max(len(block.keys) for block in blocks)
    queries, keys = np.zeros((count, width), np.int64), np.zeros((count, length), np.int64)
    real, seen = np.zeros((count, width), bool), np.zeros((count, width, length), bool)
    for number, block in enumerate(blocks):
        rows, columns = len(block.queries), len(block.keys)
        queries[number, :rows], keys[number, :columns] = block.queries, block.keys
        real[number, :rows] = True
        seen[number, :rows, :columns] = block.seen
        seen[number, rows:] = True
    places = queries[real]
    found = (queries, keys, seen[:, None], np.flatnonzero(real), places)
    return BlockGroup(*map(torch.from_numpy, found))


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    blocks: Sequence[BlockGroup] = (),
    sliding_window: int | None = None,
    softcap: float | None = None,
    columns: bool = False,
    **others: Any,
) -> tuple[Tensor, None]:
    """Attention as `transformers` calls it: query (B, H, L, D), key and value (B, K, L, D) to (B, L, H, D).

    sliding_window: a token sees no further back (Mistral, Gemma). softcap: scores stay below it (Gemma 2). columns:
    keys stand at the positions 0, 1, … (a cache); else at those of the queries (`position_ids`).
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    positions = others.get("position_ids")
    if not blocks:
        mask = _windowed(attention_mask, positions, key.shape[2], columns, sliding_window)
        if softcap:
            mask = mask if mask is not None else causal_mask(query.shape[2], query.device)
            return _capped(query, key, value, mask, scaling, dropout, softcap).transpose(1, 2), None
        done: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, mask, scaling=scaling, dropout=dropout, **others
        )
        return done
    rows, heads, length, width = query.shape
    flat = [whole.transpose(1, 2).flatten(0, 1) for whole in (query, key, value)]
    result = torch.zeros_like(flat[0])
    for group in blocks:
        asked, shown, given = (
            whole.index_select(0, at.flatten()).view(*at.shape, -1, width).transpose(1, 2)
            for whole, at in zip(flat, (group.queries, group.keys, group.keys), strict=True)
        )
        seen = group.seen
        if sliding_window and positions is not None:
            place = positions.expand(rows, length).flatten()
            seen = seen & _near(place[group.queries], place[group.keys], sliding_window)[:, None]
        if softcap:
            mixed = _capped(asked, shown, given, seen, scaling, dropout, softcap)
        else:
            mixed = torch.nn.functional.scaled_dot_product_attention(
                asked, shown, given, seen, dropout, scale=scaling, enable_gqa=heads != key.shape[1]
            )
        kept = mixed.transpose(1, 2).flatten(0, 1).index_select(0, group.real)
        result = result.index_copy(0, group.places, kept)
    return result.view(rows, length, heads, width), None


def causal_mask(length: int, device: torch.device | None = None) -> Tensor:
    """(1, 1, L, L) bool: each token sees itself and what stands before it."""
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()[None, None]


def _near(query: Tensor, key: Tensor, window: int) -> Tensor:
    """(…, n, m): whether a key at position (…, m) lies less than `window` before a query at (…, n)."""
    return query[..., :, None] - key[..., None, :] < window


def _windowed(
    mask: Tensor | None, positions: Tensor | None, keys: int, columns: bool, window: int | None
) -> Tensor | None:
    """`mask` (B, 1, L, K), or the causal one, without what lies `window` positions back; None where that is nothing."""
    if not window or positions is None or int(positions.max()) < window:
        return mask
    places = torch.arange(keys, device=positions.device)[None] if columns else positions
    if mask is None:
        mask = causal_mask(keys, positions.device)
    return mask & _near(positions, places, window)[:, None]


def _capped(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scaling: float | None, dropout: float, cap: float
) -> Tensor:
    """Attention (B, H, L, D) whose scores are bent to stay between -cap and cap; `mask` is True where a key is seen."""
    groups = query.shape[1] // key.shape[1]
    key, value = (whole.repeat_interleave(groups, dim=1) for whole in (key, value))
    scores = query @ key.transpose(-1, -2) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    scores = (torch.tanh(scores / cap) * cap).masked_fill(~mask, -torch.inf)
    weights = scores.float().softmax(-1).to(query.dtype)
    return torch.dropout(weights, dropout, train=dropout > 0) @ value


def register() -> str:
    """Make this attention known to `transformers`; returns its name."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, attend)
    return NAME
