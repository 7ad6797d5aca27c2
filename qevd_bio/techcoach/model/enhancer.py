"""The Spatial-Temporal Context Enhancer: clip features to video tokens that know of their surroundings (Sec. 4.3, B.2).

Published: views joined on channels, a linear layer, 4 blocks of spatial and temporal attention and a feed-forward part,
after TimeSformer. Own: the order (time before space), pre-norm, learnt places, pooling before.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from qevd_bio.techcoach.model.attention import Attention, FeedForward
from qevd_bio.techcoach.model.config import ModelConfig


class SpaceTimeBlock(nn.Module):
    """Each cell attends to its own place in time, then to its own time in space."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.time, self.space = Attention(width, heads, dropout), Attention(width, heads, dropout)
        self.forward_part = FeedForward(width, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.drop = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T, S, D), S places."""
        along_time = self.norms[0](tokens).transpose(1, 2)
        tokens = tokens + self.drop(self.time(along_time).transpose(1, 2))
        tokens = tokens + self.drop(self.space(self.norms[1](tokens)))
        out: Tensor = tokens + self.drop(self.forward_part(self.norms[2](tokens)))
        return out


class ContextEnhancer(nn.Module):
    """Features of the views to video tokens (B, T·H·W, D); views not in use are zero, so that shapes stay."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        steps, rows, columns = config.cells
        self.pool, self.channels = config.pool, dict(config.views)
        self.project = nn.Linear(config.channels, config.width)
        self.when = nn.Parameter(torch.zeros(steps, 1, config.width))
        self.where = nn.Parameter(torch.zeros(1, rows * columns, config.width))
        self.blocks = nn.ModuleList(
            SpaceTimeBlock(config.width, config.heads, config.dropout) for _ in range(config.enhancer_layers)
        )
        self.norm = nn.LayerNorm(config.width)
        for place in (self.when, self.where):
            nn.init.trunc_normal_(place, std=0.02)

    def join(self, views: Mapping[str, Tensor]) -> Tensor:
        """Views (B, T, H, W, C) to pooled cells (B, T', S, ΣC), channels in the configuration's order."""
        some = next(iter(views.values()))
        parts = [views.get(name, some.new_zeros(*some.shape[:-1], size)) for name, size in self.channels.items()]
        joined = torch.cat(parts, dim=-1)
        if self.pool != (1, 1, 1):
            moved = functional.avg_pool3d(joined.movedim(-1, 1), self.pool)
            joined = moved.movedim(1, -1)
        return joined.flatten(2, 3)

    def forward(self, views: Mapping[str, Tensor]) -> Tensor:
        tokens = self.project(self.join(views)) + self.when + self.where
        for block in self.blocks:
            tokens = block(tokens)
        out: Tensor = self.norm(tokens).flatten(1, 2)
        return out
