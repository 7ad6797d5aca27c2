"""Visual tokens grounded in the body's measurements: z = F + CrossAttn(F, m, m) (BioCoach, Sec. 3.5, Supp. 12.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from qevd_bio.coach.model.config import FusionConfig


class MorphFusion(nn.Module):
    """8-head cross-attention in the visual space (d = 1280, d_k = d / heads = 160), with a residual.

    The language model embeds C_morph in its own width, the paper's m_t stands in the visual width d: a linear map
    `meet` without bias leads from one to the other. It starts orthogonal, so that it keeps lengths and angles as
    well as the smaller width allows. Scores are divided by sqrt(d_k), the multi-head reading of Eq. 11's sqrt(d).
    """

    def __init__(self, dim: int, language: int, config: FusionConfig) -> None:
        super().__init__()
        if dim % config.heads:
            raise ValueError(f"{config.heads} heads do not divide {dim}")
        self.heads = config.heads
        self.meet = nn.Linear(language, dim, bias=False)
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim, bias=False) for _ in range(4))
        self.gain = config.gain
        self.train_projection = config.train_projection

    def initialise(self) -> None:
        """Xavier uniform with gain 0.1 for W_Q, W_K, W_V, W_O: at first hardly more than the visual tokens."""
        for layer in (self.q, self.k, self.v, self.o):
            nn.init.xavier_uniform_(layer.weight, gain=self.gain)
        # The decomposition behind it exists for float32 alone.
        start = nn.init.orthogonal_(torch.empty_like(self.meet.weight, dtype=torch.float32))
        with torch.no_grad():
            self.meet.weight.copy_(start)

    def forward(self, features: Tensor, morph: Tensor, known: Tensor, runs: Sequence[int] | None = None) -> Tensor:
        """Fuse (M, N, d) visual tokens with (R, L, width) embedded measurements; `known` (R, L) marks real tokens.

        Without `runs` each row of features has a text of its own (R = M). With it the first runs[0] rows share
        text 0, the next runs[1] text 1, and so on. A row without any known token keeps its visual tokens.
        """
        memory = self.meet(morph.to(self.meet.weight.dtype))
        any_known = known.any(dim=-1)
        mask = known | ~any_known[:, None]
        if runs is None:
            update = self._each(features.to(memory.dtype), memory, mask) * any_known[:, None, None]
        else:
            update = self._shared(features.to(memory.dtype), memory * any_known[:, None, None], mask, runs)
        fused: Tensor = features + update.to(features.dtype)
        return fused

    def _each(self, features: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        query, key, value = (
            layer(source).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, source in ((self.q, features), (self.k, memory), (self.v, memory))
        )
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        update: Tensor = self.o(mixed.transpose(1, 2).flatten(-2))
        return update

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _shared(self, features: Tensor, memory: Tensor, mask: Tensor, runs: Sequence[int]) -> Tensor:
        """The same numbers for rows that share a text: W_Q and W_O are applied to its few tokens.

        A visual token then costs 2·heads·L·d products instead of 2·d².
        """
        count, length, dim = memory.shape
        key, value = (layer(memory).view(count, length, self.heads, -1) for layer in (self.k, self.v))
        asked = torch.einsum("rlha,hac->rchl", key, self.q.weight.view(self.heads, -1, dim)).flatten(2)
        given = torch.einsum("rlha,cha->rhlc", value, self.o.weight.view(dim, self.heads, -1)).flatten(1, 2)
        asked = asked * (dim // self.heads) ** -0.5
        hidden = torch.zeros(count, length, device=memory.device, dtype=memory.dtype).masked_fill(~mask, -torch.inf)
        updates = []
        for number, rows in enumerate(torch.split(features, list(runs))):
            scores = (rows @ asked[number]).view(*rows.shape[:-1], self.heads, length) + hidden[number]
            updates.append(scores.softmax(-1).flatten(-2).to(given.dtype) @ given[number])
        return torch.cat(updates)
