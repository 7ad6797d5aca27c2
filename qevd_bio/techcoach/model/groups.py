"""Scores by groups, after PGMI: which of ten score groups a video is in, and where in it. An own, lean reading."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from qevd_bio.techcoach.model.config import ModelConfig
from qevd_bio.techcoach.model.reasoner import ReasonerLayer

HIGHEST = 10.0
_LAYERS = 2


class GroupScorer(nn.Module):
    """Learnt queries of the groups look at the video; the score is the expected centre plus offset."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.empty(config.groups, config.width))
        self.layers = nn.ModuleList(ReasonerLayer(config.width, config.heads, config.dropout) for _ in range(_LAYERS))
        self.belongs, self.offset = nn.Linear(config.width, 1), nn.Linear(config.width, 1)
        width = HIGHEST / config.groups
        self.register_buffer("centres", (torch.arange(config.groups) + 0.5) * width, persistent=False)
        nn.init.normal_(self.queries, std=0.02)

    def forward(self, video: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (B,) and group logits (B, G)."""
        found = self.queries.expand(len(video), -1, -1)
        for layer in self.layers:
            found = layer(found, video)
        logits, offsets = self.belongs(found).squeeze(-1), self.offset(found).squeeze(-1)
        scores = (logits.softmax(dim=-1) * (self.centres + offsets)).sum(dim=-1)
        return scores, logits

    def group_loss(self, logits: Tensor, scores: Tensor) -> Tensor:
        """Sum of the cross-entropy of the true groups."""
        count = logits.shape[-1]
        group = (scores / HIGHEST * count).long().clamp(0, count - 1)
        return functional.cross_entropy(logits, group, reduction="sum")
