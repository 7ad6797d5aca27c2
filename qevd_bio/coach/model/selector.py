"""A_theta: which joints matter in this exercise, from visual tokens (BioCoach, Sec. 3.3, Supp. 11.1)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.coach.model.config import SelectorConfig

JOINTS = len(JOINT_NAMES)


class JointSelector(nn.Module):
    """Pooled visual tokens (…, d) to a score for each of the 24 joints: three layers, ReLU, dropout."""

    def __init__(self, dim: int, config: SelectorConfig) -> None:
        super().__init__()
        widths = (dim, *config.hidden)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(config.dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], JOINTS))
        self.top_k = config.top_k

    def forward(self, pooled: Tensor) -> Tensor:
        """Logits (…, 24); the scores s are their sigmoid."""
        logits: Tensor = self.layers(pooled)
        return logits

    @torch.inference_mode()
    def choose(self, features: Tensor) -> tuple[str, ...]:
        """J* of a session, in the order of the 24 joints, from its first steps (T, N, d) or (T, d, H, W)."""
        self.eval()
        scores = self(pool(features.to(next(self.parameters()).dtype)))
        # A stable sort: equal scores are decided by the order of the joints, not by the machine.
        best = scores.argsort(descending=True, stable=True)[: self.top_k].tolist()
        return tuple(JOINT_NAMES[index] for index in sorted(best))


def pool(features: Tensor) -> Tensor:
    """Mean over a window's steps and visual tokens: (T, N, d) or (T, d, H, W) to (d,)."""
    if features.ndim == 4:
        features = features.flatten(-2).transpose(-1, -2)
    return features.mean(dim=(0, 1))


def balanced_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy in which salient and other joints weigh the same (BioCoach, Sec. 3.8).

    logits, targets (B, 24). Each class's mean over the batch counts half; a class that is absent counts nothing.
    """
    each = nn.functional.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="none")
    positive = targets.bool()
    halves = [each[chosen].mean() for chosen in (positive, ~positive) if chosen.any()]
    return torch.stack(halves).mean()


def accuracy(logits: Tensor, targets: Tensor, top_k: int) -> float:
    """Share of the salient joints that are among the `top_k` best, mean over the rows that have any."""
    best = logits.topk(min(top_k, logits.shape[-1]), dim=-1).indices
    hit = torch.zeros_like(targets, dtype=torch.bool).scatter(-1, best, True) & targets.bool()
    salient = targets.bool().sum(-1)
    rows = salient > 0
    return float((hit.sum(-1)[rows] / salient[rows]).mean()) if rows.any() else float("nan")
