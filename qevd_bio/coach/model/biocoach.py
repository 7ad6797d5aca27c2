"""BioCoach: Stream-VLM that also reads the measured motion (C_motion) and sees with the body's measures (C_morph)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from qevd_bio.coach.model.config import ModelConfig
from qevd_bio.coach.model.fusion import MorphFusion
from qevd_bio.coach.model.selector import JointSelector
from qevd_bio.coach.model.stream_vlm import StreamVLM
from qevd_bio.coach.model.turn_based import TurnVLM
from qevd_bio.coach.options import Ablations


class BioCoach(StreamVLM):
    """Stream-VLM with a joint selector and the fusion of vision and morphology (BioCoach, Sec. 3.3 and 3.5).

    C_motion is text in front of the prompt (`context_tokens` of the configuration); who streams updates it.
    """

    def __init__(self, config: ModelConfig, vocabulary: int | None = None, ablations: Ablations | None = None) -> None:
        super().__init__(config, vocabulary, ablations)
        self.selector = JointSelector(config.vision.dim, config.selector)
        self.fusion = MorphFusion(config.vision.dim, int(self.decoder.config.hidden_size), config.fusion)
        if next(self.fusion.parameters()).device.type != "meta":
            self.fusion.initialise()

    def fuse(self, features: Tensor, morph_ids: Tensor, known: Tensor, runs: Sequence[int] | None = None) -> Tensor:
        """Visual tokens (M, N, d) with C_morph's tokens (M, L), `known` (M, L) where these are not padding.

        With `runs` there is one text for each run of rows (see `MorphFusion.forward`).
        """
        if self.ablations.no_morphology and not self.ablations.matched:
            return features
        fused: Tensor = self.fusion(features, self.embed(morph_ids).detach(), known, runs)
        return fused

    def train_only(self, parts: Iterable[str]) -> int:
        count = super().train_only(parts)
        if not self.fusion.train_projection and self.fusion.meet.weight.requires_grad:
            self.fusion.meet.weight.requires_grad_(False)
            count -= self.fusion.meet.weight.numel()
        return count


def make_model(
    config: ModelConfig,
    vocabulary: int | None = None,
    *,
    ablations: Ablations | None = None,
    device: str = "cpu",
    seed: int = 0,
) -> StreamVLM:
    """A model of this configuration with random weights, the same for a seed; on "meta" only its shapes."""
    torch.manual_seed(seed)
    with torch.device(device):
        if config.kind == "biocoach":
            return BioCoach(config, vocabulary, ablations)
        if config.kind == "turn-based":
            return TurnVLM(config, vocabulary, ablations)
        return StreamVLM(config, vocabulary, ablations)
