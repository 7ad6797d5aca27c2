"""Vision enters the language model: cross-attention after the MLP of some decoder layers (QEVD, Sec. 4).

A vision token attends to the visual tokens of its own step alone; other tokens receive nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from qevd_bio.coach.model.config import CrossAttentionConfig, VisionConfig

_EPS = 1e-5


@dataclass
class Vision:
    """Visual tokens of the vision tokens in a batch of sequences.

    rows, columns (M,): where the M vision tokens stand; features (M, N, C): the tokens of each one's step;
    normal (M, N, C): these with mean 0 and variance 1, which every layer's LayerNorm begins with (`normalised`).
    """

    rows: Tensor
    columns: Tensor
    features: Tensor
    normal: Tensor | None = None

    def normalised(self, dtype: torch.dtype) -> Vision:
        """The same in the number format of the layers that read it, normalised once for all of them."""
        device = self.features.device.type
        if torch.is_autocast_enabled(device):
            dtype = torch.get_autocast_dtype(device)
        features = self.features.to(dtype)
        return replace(self, features=features, normal=_normal(features).to(dtype))


def _normal(features: Tensor, eps: float = _EPS) -> Tensor:
    return nn.functional.layer_norm(features, features.shape[-1:], eps=eps)


class CrossAttention(nn.Module):
    """Dot-product attention from one hidden state (D) to N visual tokens (C): Q = W_q h, K = W_k v, V = MLP(v).

    Scores are divided by the square root of the whole attention width, whatever the number of heads. Since there
    is one query a step, W_k is applied to the query and the MLP's last layer to the weighted sum: the same
    numbers for a small part of the work (no key or value of full width is ever made).
    """

    def __init__(self, hidden: int, vision: int, width: int, heads: int, inner: int = 0) -> None:
        super().__init__()
        inner = inner or vision
        self.heads = heads
        self.scale = 1.0 / math.sqrt(width)
        self.hidden_attn_fc = nn.Linear(hidden, width, bias=False)
        self.feat_attn_keys_fc = nn.Linear(vision, width, bias=False)
        self.vision_projector = nn.Sequential(
            nn.LayerNorm(vision, eps=_EPS),
            nn.Linear(vision, inner, bias=False),
            nn.GELU(),
            nn.Linear(inner, width, bias=False),
        )
        self.out_fc = nn.Linear(width, hidden, bias=False)

    def forward(self, hidden: Tensor, features: Tensor, normal: Tensor | None = None) -> Tensor:
        """(M, D) hidden states and (M, N, C) visual tokens to (M, D), to be added to the hidden states.

        `normal` are the visual tokens normalised, where they are at hand.
        """
        query = self._by_head(self.hidden_attn_fc(hidden), -1)
        key_weight = self._by_head(self.feat_attn_keys_fc.weight, 0)
        asked = torch.einsum("mha,hac->mhc", query, key_weight)
        scores = torch.einsum("mhc,mnc->mhn", asked, features) * self.scale
        weights = scores.softmax(dim=-1)
        inner = self._inner(_normal(features) if normal is None else normal)
        mixed = torch.einsum("mhn,mnc->mhc", weights, inner)
        value_weight = self._by_head(self.vision_projector.get_parameter("3.weight"), 0)
        values = torch.einsum("mhc,hac->mha", mixed, value_weight).flatten(-2)
        update: Tensor = self.out_fc(values)
        return update

    def _inner(self, normal: Tensor) -> Tensor:
        """The value MLP up to its last layer; LayerNorm's own gain and offset are folded into the linear layer."""
        gain, offset = (self.vision_projector.get_parameter(name) for name in ("0.weight", "0.bias"))
        weight = self.vision_projector.get_parameter("1.weight")
        return nn.functional.gelu(nn.functional.linear(normal, weight * gain, weight @ offset))

    def _by_head(self, values: Tensor, dim: int) -> Tensor:
        """Split dimension `dim` (0 or -1) into heads and the width of each."""
        split = (self.heads, values.shape[dim] // self.heads)
        shape = (*split, *values.shape[1:]) if dim == 0 else (*values.shape[:-1], *split)
        return values.reshape(shape)


class CrossAttentionStack(nn.Module):
    """One layer's cross-attention, under the released checkpoints' names (`attn_layers.0`)."""

    def __init__(self, attention: CrossAttention) -> None:
        super().__init__()
        self.attn_layers = nn.ModuleList([attention])

    def forward(self, hidden: Tensor, vision: Vision) -> Tensor:
        """(B, L, D) hidden states to the same with the vision tokens updated."""
        place = (vision.rows, vision.columns)
        update = self.attn_layers[0](hidden[place], vision.features.to(hidden.dtype), vision.normal)
        return hidden.index_put(place, update.to(hidden.dtype), accumulate=True)


def attach(decoder: Any, config: CrossAttentionConfig, vision: VisionConfig) -> None:
    """Give the named layers of a decoder (LLaMA's family) an `xattn_layer` that runs after them.

    A layer passes on what it is called with, so `vision=Vision(…)` given to the decoder reaches each of them.
    """
    width = int(decoder.config.hidden_size)
    for index in config.layers:
        attention = CrossAttention(width, vision.dim, config.dim, config.heads, config.inner)
        decoder.layers[index].xattn_layer = CrossAttentionStack(attention)
        decoder.layers[index].register_forward_hook(_after_layer, with_kwargs=True)


def _after_layer(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
    vision = kwargs.get("vision")
    if vision is None or not len(vision.rows):
        return output
    if isinstance(output, tuple):
        return (layer.xattn_layer(output[0], vision), *output[1:])
    return layer.xattn_layer(output, vision)
