"""Score baselines on the same frozen features, pooled over space: own, lean readings of published systems.

MLP: pooled features. USDL (Tang et al. 2020): a distribution over score bins. CoRe (Yu et al. 2021): the difference to
an exemplar, by groups. TPT (Bai et al. 2022): the same by parts of the action that queries find in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

HIGHEST = 10.0
_BINS, _BIN_SD = 101, 5.0
_LEAVES = 16
_PARTS = 5
_RANK_WEIGHT, _SPARSE_WEIGHT, _RANK_MARGIN = 0.1, 0.1, 0.05


@dataclass(frozen=True)
class ScoreBatch:
    """Features (B, T, C) and scores (B,); exemplars (B, K, T, C) with their scores (B, K)."""

    features: Tensor
    scores: Tensor
    exemplars: Tensor
    exemplar_scores: Tensor

    def to(self, device: torch.device) -> ScoreBatch:
        """The same on `device`."""
        return ScoreBatch(*(value.to(device) for value in vars(self).values()))


class Regressor(nn.Module):
    """Made from the number of channels and the training scores; `forward` gives a batch's sum of losses."""

    def __init__(self, channels: int, scores: Sequence[float]) -> None:
        super().__init__()

    def predict(self, batch: ScoreBatch) -> Tensor:
        """Scores (B,)."""
        raise NotImplementedError


def _layers(*sizes: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for first, second in pairwise(sizes):
        parts += [nn.Linear(first, second), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


class PooledMLP(Regressor):
    """Features averaged over time, through an MLP."""

    def __init__(self, channels: int, scores: Sequence[float]) -> None:
        super().__init__(channels, scores)
        self.net = _layers(channels, 256, 128, 1)
        self.mean = sum(scores) / len(scores)

    def predict(self, batch: ScoreBatch) -> Tensor:
        out: Tensor = self.net(batch.features.mean(dim=1)).squeeze(-1) + self.mean
        return out

    def forward(self, batch: ScoreBatch) -> Tensor:
        return (self.predict(batch) - batch.scores).square().sum()


class USDL(Regressor):
    """A distribution over 101 bins of 0 to 10; the target is a Gaussian (5 bins wide) around the true score."""

    bins: Tensor

    def __init__(self, channels: int, scores: Sequence[float]) -> None:
        super().__init__(channels, scores)
        self.net = _layers(channels, 1024, 256, 128, _BINS)
        self.register_buffer("bins", torch.linspace(0, HIGHEST, _BINS), persistent=False)

    def target(self, scores: Tensor) -> Tensor:
        """(B, 101) probabilities."""
        sd = _BIN_SD * HIGHEST / (_BINS - 1)
        weights = torch.exp(-0.5 * ((self.bins - scores[:, None]) / sd) ** 2)
        return weights / weights.sum(dim=1, keepdim=True)

    def forward(self, batch: ScoreBatch) -> Tensor:
        logits = self.net(batch.features.mean(dim=1)).log_softmax(dim=-1)
        return functional.kl_div(logits, self.target(batch.scores), reduction="sum")

    def predict(self, batch: ScoreBatch) -> Tensor:
        return self.bins[self.net(batch.features.mean(dim=1)).argmax(dim=-1)]


class CoRe(Regressor):
    """The difference to an exemplar: which of 16 groups of differences, and where in it; the mean over exemplars."""

    edges: Tensor

    def __init__(self, channels: int, scores: Sequence[float]) -> None:
        super().__init__(channels, scores)
        self.net = _layers(2 * channels + 1, 256, 128)
        self.leaf, self.within = nn.Linear(128, _LEAVES), nn.Linear(128, _LEAVES)
        # Groups hold equally many differences of training pairs.
        self.register_buffer("edges", torch.tensor(leaf_edges(scores)), persistent=True)

    def _pair(self, batch: ScoreBatch) -> tuple[Tensor, Tensor]:
        """Leaf logits and places within leaves, (B, K, 16) each."""
        count = batch.exemplars.shape[1]
        own = batch.features.mean(dim=1)[:, None].expand(-1, count, -1)
        joined = torch.cat([own, batch.exemplars.mean(dim=2), batch.exemplar_scores[..., None] / HIGHEST], dim=-1)
        found = functional.relu(self.net(joined))
        return self.leaf(found), self.within(found).sigmoid()

    def forward(self, batch: ScoreBatch) -> Tensor:
        logits, within = self._pair(batch)
        wanted = batch.scores[:, None] - batch.exemplar_scores
        leaf = torch.bucketize(wanted, self.edges[1:-1]).clamp(0, _LEAVES - 1)
        low, high = self.edges[leaf], self.edges[leaf + 1]
        place = ((wanted - low) / (high - low).clamp(min=1e-3)).clamp(0, 1)
        named = functional.cross_entropy(logits.flatten(0, 1), leaf.flatten(), reduction="none")
        inside = (within.gather(-1, leaf[..., None]).squeeze(-1) - place).square().flatten()
        return (named + inside).view_as(wanted).mean(dim=1).sum()

    def predict(self, batch: ScoreBatch) -> Tensor:
        logits, within = self._pair(batch)
        leaf = logits.argmax(dim=-1)
        low, high = self.edges[leaf], self.edges[leaf + 1]
        difference = low + within.gather(-1, leaf[..., None]).squeeze(-1) * (high - low)
        return (batch.exemplar_scores + difference).mean(dim=1)


class TPT(Regressor):
    """Five queries find parts in time, in order and each in few steps; parts of clip and exemplar are compared."""

    def __init__(self, channels: int, scores: Sequence[float]) -> None:
        super().__init__(channels, scores)
        width = 64
        self.key, self.value = nn.Linear(channels, width), nn.Linear(channels, width)
        self.queries = nn.Parameter(0.02 * torch.randn(_PARTS, width))
        self.where = nn.Parameter(torch.zeros(64, width))
        self.net = _layers(_PARTS * width, 128, 1)

    def parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (..., T, C) to parts (..., 5, 64) and attention (..., 5, T)."""
        steps = features.shape[-2]
        keys = self.key(features) + self.where[:steps]
        attention = (self.queries @ keys.transpose(-1, -2) / keys.shape[-1] ** 0.5).softmax(dim=-1)
        return attention @ self.value(features), attention

    def predict(self, batch: ScoreBatch) -> Tensor:
        own, _ = self.parts(batch.features)
        others, _ = self.parts(batch.exemplars)
        difference = self.net((own[:, None] - others).flatten(2)).squeeze(-1)
        scores: Tensor = (batch.exemplar_scores + difference).mean(dim=1)
        return scores

    def forward(self, batch: ScoreBatch) -> Tensor:
        own, attention = self.parts(batch.features)
        others, _ = self.parts(batch.exemplars)
        difference = self.net((own[:, None] - others).flatten(2)).squeeze(-1)
        wanted = batch.scores[:, None] - batch.exemplar_scores
        places = torch.linspace(0, 1, attention.shape[-1], device=attention.device)
        centres = (attention * places).sum(dim=-1)
        spread = (attention * (places - centres[..., None]).abs()).sum(dim=-1).sum()
        disorder = functional.relu(centres[:, :-1] - centres[:, 1:] + _RANK_MARGIN).sum()
        error: Tensor = (difference - wanted).square().mean(dim=1).sum()
        return error + _RANK_WEIGHT * disorder + _SPARSE_WEIGHT * spread


REGRESSORS: dict[str, type[Regressor]] = {"mlp": PooledMLP, "usdl": USDL, "core": CoRe, "tpt": TPT}


def leaf_edges(scores: Sequence[float]) -> list[float]:
    """Seventeen edges of sixteen groups with equally many differences between training scores."""
    values = torch.tensor(list(scores), dtype=torch.float32)
    differences = (values[:, None] - values[None, :]).flatten()
    edges = torch.quantile(differences, torch.linspace(0, 1, _LEAVES + 1))
    # Scores of takes repeat, and so would edges.
    return (edges + torch.linspace(-1e-3, 1e-3, _LEAVES + 1)).tolist()
