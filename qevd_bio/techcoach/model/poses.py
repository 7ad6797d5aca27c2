"""Joint angles as further tokens (an own variant, `--poses`): what the paper's App. D leaves for later."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STEPS = 16


def summarise(angles: Tensor) -> Tensor:
    """Angles (frames, dofs) in radians to (16, 3·dofs): mean, spread and total change in each sixteenth of the clip."""
    parts = torch.tensor_split(angles, STEPS)
    rows = []
    last = angles[:1]
    for part in parts:
        part = part if len(part) else last
        last = part[-1:]
        spread = part.std(dim=0, unbiased=False)
        rows.append(torch.cat([part.mean(dim=0), spread, part[-1] - part[0]]))
    return torch.stack(rows)


class PoseTokens(nn.Module):
    """Summaries (B, 16, 3·dofs) to tokens (B, 16, D)."""

    def __init__(self, dofs: int, width: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.Linear(3 * dofs, width), nn.GELU(), nn.Linear(width, width))
        self.when = nn.Parameter(torch.zeros(STEPS, width))
        nn.init.trunc_normal_(self.when, std=0.02)

    def forward(self, summaries: Tensor) -> Tensor:
        out: Tensor = self.project(summaries) + self.when
        return out
