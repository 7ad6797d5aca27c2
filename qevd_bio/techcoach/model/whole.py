"""A TechCoach: enhancer, reasoner and assessor together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qevd_bio.techcoach.model.assessor import Assessor
from qevd_bio.techcoach.model.config import ModelConfig
from qevd_bio.techcoach.model.enhancer import ContextEnhancer
from qevd_bio.techcoach.model.groups import GroupScorer
from qevd_bio.techcoach.model.poses import PoseTokens
from qevd_bio.techcoach.model.reasoner import TechPointReasoner


@dataclass(frozen=True)
class Inputs:
    """What a model sees of B instances.

    views    view -> features (B, T, H, W, C)
    points   text features of the technical points (B, 7, E)
    mention  (B, 7) which points the reference speaks of; None: the model is not told
    poses    (B, 16, 3·dofs) summaries of joint angles, None without them
    """

    views: Mapping[str, Tensor]
    points: Tensor
    mention: Tensor | None = None
    poses: Tensor | None = None

    def to(self, device: torch.device) -> Inputs:
        """The same on `device`."""
        mention = None if self.mention is None else self.mention.to(device)
        poses = None if self.poses is None else self.poses.to(device)
        views = {name: value.to(device) for name, value in self.views.items()}
        return Inputs(views, self.points.to(device), mention, poses)


@dataclass(frozen=True)
class Read:
    """What was read of the inputs: video tokens (B, N, D), quality embeddings (B, 7, 2, D) or None, group scores."""

    video: Tensor
    quality: Tensor | None
    grouped: tuple[Tensor, Tensor] | None


@dataclass(frozen=True)
class Output:
    """Word logits (B, L, V), scores (B,), and what was read."""

    logits: Tensor
    scores: Tensor
    read: Read


class TechCoach(nn.Module):
    """The model; with `reasoner` off it is SwinBERT on the same features, with `groups` PGMI-like."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.enhancer = ContextEnhancer(config)
        self.reasoner = TechPointReasoner(config) if config.reasoner else None
        self.assessor = Assessor(config)
        self.poses = PoseTokens(config.poses, config.width) if config.poses else None
        self.groups = GroupScorer(config) if config.groups else None

    def read(self, inputs: Inputs) -> Read:
        """Video tokens (joint angles behind them, where there are any), quality embeddings and group scores."""
        video = self.enhancer(inputs.views)
        if self.poses is not None and inputs.poses is not None:
            video = torch.cat([video, self.poses(inputs.poses)], dim=1)
        quality = None if self.reasoner is None else self.reasoner(inputs.points, video, inputs.mention)
        return Read(video, quality, None if self.groups is None else self.groups(video))

    def forward(self, ids: Tensor, inputs: Inputs) -> Output:
        """Text `ids` (B, L), some of them masked."""
        read = self.read(inputs)
        logits, scores = self.assessor(ids, read.quality, read.video)
        return Output(logits, scores if read.grouped is None else read.grouped[0], read)


def parameters_by_part(config: ModelConfig) -> dict[str, int]:
    """Numbers of parameters, counted on the meta device: nothing is allocated.

    `text_generator` is what the paper counts: the assessor without its score head.
    """
    with torch.device("meta"):
        model = TechCoach(config)
    found = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    head = sum(p.numel() for p in model.assessor.score.parameters())
    return {**found, "text_generator": found["assessor"] - head, "all": sum(p.numel() for p in model.parameters())}
