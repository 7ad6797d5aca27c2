"""Keys and values of several sequences side by side, each of its own length, in buffers made beforehand.

A token's column is its position. Columns before `front` belong to C_motion, which ends just before the prompt, so
that a new one can be written there without touching what follows.
"""

from __future__ import annotations

import torch
from torch import Tensor

_BLOCK = 64


class RowCache:
    """Buffers (rows, columns, heads, size) for each layer, and which columns of each row hold something."""

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

    def reading(self, rows: slice | Tensor, columns: Tensor, real: Tensor) -> Reading:
        """A view for one pass over new tokens at `columns` (r, q) of `rows`; `real` (r, q) is False for padding."""
        return Reading(self, rows, columns, real)


class Reading:
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
