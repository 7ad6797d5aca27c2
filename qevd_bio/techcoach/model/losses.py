"""Losses of TechCoach, each as the sum over instances of a batch (the loop divides by their number).

Published: masked-token cross-entropy + 0.1 · squared error of the score + 0.3 · alignment (Eq. 3, B.2). Own: an
instance's alignment is the mean over its slots of the squared L2 distance averaged over channels; temperature, margin
and negatives of the two rivals.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SCORE_WEIGHT, ALIGN_WEIGHT = 0.1, 0.3
TEMPERATURE, MARGIN = 0.07, 0.2


def per_instance(values: Tensor, valid: Tensor) -> Tensor:
    """Sum over instances of the mean of `values` (B, 7, 2) over their valid slots; without one, nothing."""
    weights = valid.to(values.dtype)
    counts = weights.flatten(1).sum(dim=1)
    sums = (values * weights).flatten(1).sum(dim=1)
    return (sums / counts.clamp(min=1)).sum()


def l2_alignment(found: Tensor, wanted: Tensor, valid: Tensor) -> Tensor:
    """Distance of projected embeddings (B, 7, 2, E) to the comments' text features; valid slots count."""
    return per_instance((found - wanted).square().mean(dim=-1), valid)


def infonce_alignment(found: Tensor, wanted: Tensor, valid: Tensor) -> Tensor:
    """Each valid slot's embedding must be nearest to its own comment among all valid comments of the batch."""
    if not valid.any():
        return found.sum() * 0.0
    ours, theirs = (functional.normalize(values[valid], dim=-1) for values in (found, wanted))
    logits = ours @ theirs.T / TEMPERATURE
    losses = functional.cross_entropy(logits, torch.arange(len(ours), device=logits.device), reduction="none")
    spread = found.new_zeros(valid.shape).masked_scatter(valid, losses)
    return per_instance(spread, valid)


def margin_alignment(found: Tensor, wanted: Tensor, valid: Tensor) -> Tensor:
    """A slot's own comment must be nearer than the next valid comment of the batch, by a margin."""
    if not valid.any():
        return found.sum() * 0.0
    ours, theirs = found[valid], wanted[valid]
    near = (ours - theirs).square().mean(dim=-1)
    far = (ours - theirs.roll(1, dims=0)).square().mean(dim=-1)
    spread = found.new_zeros(valid.shape).masked_scatter(valid, functional.relu(near - far + MARGIN))
    return per_instance(spread, valid)


def classification(logits: Tensor, valid: Tensor, mention: Tensor) -> Tensor:
    """TP-CLS: is there a strength, is there a weakness (B, 7, 2)? Asked of mentioned points only."""
    losses = functional.binary_cross_entropy_with_logits(logits, valid.to(logits.dtype), reduction="none")
    return per_instance(losses, mention[:, :, None].expand_as(valid))


def masked_tokens(logits: Tensor, targets: Tensor, ignore: int = -100) -> Tensor:
    """Sum over instances of the mean cross-entropy over their masked tokens; logits (B, L, V), targets (B, L)."""
    losses = functional.cross_entropy(logits.transpose(1, 2), targets, ignore_index=ignore, reduction="none")
    counts = (targets != ignore).sum(dim=1).clamp(min=1)
    return (losses.sum(dim=1) / counts).sum()


def squared_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Sum of squared errors of scores (B,) on their raw scale."""
    return (found - wanted).square().sum()
