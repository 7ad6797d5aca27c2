"""Instances as batches: features, texts as vectors and as tokens with some of them masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from qevd_bio.feedback.technique import DIMENSIONS
from qevd_bio.store.errors import UserError
from qevd_bio.tables.coaching import CoachingInstance
from qevd_bio.techcoach.data.features import POSES, FeatureFolder
from qevd_bio.techcoach.model.config import ModelConfig
from qevd_bio.techcoach.model.poses import summarise
from qevd_bio.techcoach.model.vocabulary import Vocabulary
from qevd_bio.techcoach.model.whole import Inputs
from qevd_bio.techcoach.options import TrainOptions

IGNORE = -100
_KEPT_VALUES = 2**28
_MASK, _RANDOM = 0.8, 0.1


@dataclass(frozen=True)
class Batch:
    """B instances: what the model sees, masked text (B, L) with its targets, comments as vectors, scores.

    comments (B, 7, 2, E); valid (B, 7, 2) which of them there are; mentioned (B, 7); scores (B,).
    """

    inputs: Inputs
    ids: Tensor
    targets: Tensor
    comments: Tensor
    valid: Tensor
    mentioned: Tensor
    scores: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on `device`."""
        moved = {field.name: getattr(self, field.name).to(device) for field in fields(self)}
        return replace(self, **moved)


class Examples:
    """Instances with their features and text vectors; features are kept in memory while they are few."""

    def __init__(
        self, instances: Sequence[CoachingInstance], folder: FeatureFolder, config: ModelConfig,
        vocabulary: Vocabulary, vectors: Mapping[str, Tensor], options: TrainOptions,
    ) -> None:  # fmt: skip
        self.instances, self.config, self.options = list(instances), config, options
        self._folder, self._vocabulary, self._vectors = folder, vocabulary, vectors
        needed = [*config.views, *([POSES] if config.poses else [])] if options.views != "none" else []
        missing = folder.missing([one.id for one in instances], needed)
        if missing:
            raise UserError(
                f"{len(missing)} feature files are missing", where=missing[0],
                expected="an array of each view and instance", fix="write them, or leave the instances out",
            )  # fmt: skip
        size = sum(torch.Size(folder.views[view]).numel() for view in config.views) * len(self.instances)
        self._kept: dict[str, dict[str, Tensor]] | None = {} if size <= _KEPT_VALUES else None
        self.captions = [vocabulary.encode(one.summary)[: config.longest - 2] for one in self.instances]
        self.cut = sum(len(vocabulary.encode(one.summary)) > config.longest - 2 for one in self.instances)
        self.prompts = [self.prompt(one, one.score) for one in self.instances]

    def prompt(self, one: CoachingInstance, score: float) -> list[int]:
        """Tokens before the comment: task, score and what to attend to, for a PGMI-like model; none for the others."""
        if self.options.system != "pgmi":
            return []
        names = [name for name, there in zip(DIMENSIONS, one.mention, strict=True) if there]
        parts = ", ".join(names).lower() if self.options.mention == "oracle" else "all points"
        room = self.config.assessor.positions - self.config.longest
        return self._vocabulary.encode(f"{one.task} with a score of {score:.0f}: attend to {parts}.")[:room]

    def inputs(self, places: Sequence[int]) -> Inputs:
        """What the model sees of these instances."""
        chosen = [self.instances[place] for place in places]
        loaded = [self._load(one) for one in chosen]
        views = {name: torch.stack([found[name].float() for found in loaded]) for name in self.config.views}
        points = torch.stack([torch.stack([self._vectors[text] for text in one.points]) for one in chosen])
        told = torch.tensor([one.mention for one in chosen]) if self.options.mention == "oracle" else None
        poses = torch.stack([found[POSES] for found in loaded]) if self.config.poses else None
        return Inputs(views, points, told, poses)

    def batch(self, places: Sequence[int], draw: torch.Generator | None = None) -> Batch:
        """These instances with half of their text masked; `draw` None takes torch's own generator."""
        chosen = [self.instances[place] for place in places]
        rows = [self._masked(self.captions[place], self.prompts[place], draw) for place in places]
        longest = max(len(ids) for ids, _ in rows)
        ids = torch.full((len(rows), longest), self._vocabulary.pad)
        targets = torch.full((len(rows), longest), IGNORE)
        for row, (tokens, wanted) in enumerate(rows):
            ids[row, : len(tokens)], targets[row, : len(tokens)] = tokens, wanted
        slots = [[list(pair) for pair in zip(one.well, one.improve, strict=True)] for one in chosen]
        width = self.config.text_width
        comments = torch.stack(
            [torch.stack([self._vectors[t] if t else torch.zeros(width) for p in one for t in p]) for one in slots]
        ).reshape(len(chosen), len(DIMENSIONS), 2, width)
        valid = torch.tensor([[[bool(text) for text in pair] for pair in one] for one in slots])
        scores = torch.tensor([one.score for one in chosen], dtype=torch.float32)
        return Batch(self.inputs(places), ids, targets, comments, valid, valid.any(dim=2), scores)

    def _load(self, one: CoachingInstance) -> dict[str, Tensor]:
        if self._kept is not None and one.id in self._kept:
            return self._kept[one.id]
        blind = self.options.views == "none"
        found = {
            view: torch.zeros(self._folder.views[view]) if blind else torch.from_numpy(self._folder.load(view, one.id))
            for view in self.config.views
        }
        found = {view: values.half() for view, values in found.items()}
        if self.config.poses:
            angles = torch.zeros(1, self.config.poses) if blind else torch.from_numpy(self._folder.load_poses(one.id))
            found[POSES] = summarise(angles)
        if self._kept is not None:
            self._kept[one.id] = found
        return found

    def _masked(
        self, caption: Sequence[int], prompt: Sequence[int], draw: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """Prompt, first mark, caption and end mark with a share of caption and end mark masked, and the targets."""
        words = self._vocabulary
        whole = torch.tensor([*prompt, words.first, *caption, words.last])
        start, count = len(prompt) + 1, len(caption) + 1
        masked = min(max(round(self.options.mask_share * count), 1), self.options.most_masked)
        places = start + torch.randperm(count, generator=draw)[:masked]
        targets = torch.full_like(whole, IGNORE)
        targets[places] = whole[places]
        fate = torch.rand(masked, generator=draw)
        random = torch.randint(words.size, (masked,), generator=draw)
        put = torch.where(fate < _MASK, words.mask, torch.where(fate < _MASK + _RANDOM, random, whole[places]))
        whole[places] = put
        return whole, targets


def texts_of(instances: Sequence[CoachingInstance]) -> list[str]:
    """All texts whose vectors a model needs."""
    texts = {text for one in instances for text in (*one.points, *one.well, *one.improve) if text}
    return sorted(texts)
