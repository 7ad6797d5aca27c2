"""Visual tokens grounded in the body's measurements: z = F + CrossAttn(F, m, m) (BioCoach, Sec. 3.5, Supp. 12.1)."""

from __future__ import annotations

from torch import Tensor, nn

from qevd_bio.coach.config import FusionConfig


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
        nn.init.orthogonal_(self.meet.weight)

    def forward(self, features: Tensor, morph: Tensor, known: Tensor) -> Tensor:
        """Fuse (M, N, d) visual tokens with (M, L, width) embedded measurements; `known` (M, L) marks real tokens.

        A row without any known token keeps its visual tokens as they are.
        """
        memory = self.meet(morph.to(self.meet.weight.dtype))
        query, key, value = (
            layer(source).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, source in (
                (self.q, features.to(memory.dtype)),
                (self.k, memory),
                (self.v, memory),
            )
        )
        any_known = known.any(dim=-1)
        mask = (known | ~any_known[:, None])[:, None, None, :]
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        update = self.o(mixed.transpose(1, 2).flatten(-2)) * any_known[:, None, None]
        fused: Tensor = features + update.to(features.dtype)
        return fused
