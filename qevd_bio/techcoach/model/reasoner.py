"""The Context-aware TechPoint Reasoner: what the video says of each technical point, good and bad (Sec. 4.4).

Published: a query is the sum of the point's text, its type and a quality prompt; layers of cross-attention; embeddings
of points that the reference does not speak of are set to zero. Own: 2 layers, residual, no attention among queries.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from qevd_bio.techcoach.model.attention import Attention, FeedForward
from qevd_bio.techcoach.model.config import DIMENSIONS, QUALITIES, ModelConfig


class ReasonerLayer(nn.Module):
    """Cross-attention of queries to the video, then a feed-forward part."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.look = Attention(width, heads, dropout)
        self.forward_part = FeedForward(width, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.drop = nn.Dropout(dropout)

    def forward(self, queries: Tensor, video: Tensor) -> Tensor:
        queries = queries + self.drop(self.look(self.norms[0](queries), video))
        out: Tensor = queries + self.drop(self.forward_part(self.norms[1](queries)))
        return out


class TechPointReasoner(nn.Module):
    """Texts of the points (B, 7, E) and video (B, N, D) to quality embeddings (B, 7, 2, D); [..., 0, :] is strength."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.width
        self.parts = config.query
        self.text = nn.Linear(config.text_width, width)
        self.kind = nn.Parameter(torch.empty(DIMENSIONS, width))
        self.quality = nn.Parameter(torch.empty(QUALITIES, width))
        self.layers = nn.ModuleList(
            ReasonerLayer(width, config.heads, config.dropout) for _ in range(config.reasoner_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.align = nn.Linear(width, config.text_width)
        self.classify = nn.Linear(width, 1)
        for prompt in (self.kind, self.quality):
            nn.init.normal_(prompt, std=0.02)

    def queries(self, points: Tensor) -> Tensor:
        """(B, 7, 2, D): the broadcast sum of the parts that are in use."""
        found = points.new_zeros(len(points), DIMENSIONS, QUALITIES, self.kind.shape[-1])
        if "text" in self.parts:
            found = found + self.text(points)[:, :, None]
        if "type" in self.parts:
            found = found + self.kind[:, None]
        if "quality" in self.parts:
            found = found + self.quality
        return found

    def forward(self, points: Tensor, video: Tensor, mention: Tensor | None = None) -> Tensor:
        """`mention` (B, 7) booleans: embeddings of points that are not mentioned become zero, both sides of them."""
        found = self.queries(points).flatten(1, 2)
        for layer in self.layers:
            found = layer(found, video)
        quality = self.norm(found).unflatten(1, (DIMENSIONS, QUALITIES))
        if mention is not None:
            quality = quality * mention[:, :, None, None].to(quality.dtype)
        return quality
