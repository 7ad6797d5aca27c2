"""Attention and feed-forward layers of TechCoach's own parts; pre-norm."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Multi-head attention of queries (..., n, D) to `context` (..., m, D), by default to themselves."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, queries: Tensor, context: Tensor | None = None) -> Tensor:
        source = queries if context is None else context
        q, k, v = self._split(self.query(queries)), self._split(self.key(source)), self._split(self.value(source))
        drop = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(q, k, v, dropout_p=drop)
        found: Tensor = self.out(mixed.transpose(-2, -3).flatten(-2))
        return found

    def _split(self, values: Tensor) -> Tensor:
        return values.unflatten(-1, (self.heads, -1)).transpose(-2, -3)


class FeedForward(nn.Sequential):
    """Two layers with GELU between them, four times as wide inside."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__(nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * width, width))
