"""What the training loop trains: the published sum of three losses, validated on people held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from qevd_bio.learning.batches import hold_out
from qevd_bio.learning.options import LoopOptions
from qevd_bio.techcoach.model import losses
from qevd_bio.techcoach.model.checkpoint import Checkpoint, save_checkpoint
from qevd_bio.techcoach.model.whole import TechCoach
from qevd_bio.techcoach.options import TrainOptions
from qevd_bio.techcoach.training.examples import Batch, Examples

_ALIGN = {"l2": losses.l2_alignment, "infonce": losses.infonce_alignment, "margin": losses.margin_alignment}


class CoachLoss(nn.Module):
    """A batch to the sum over its instances of text + 0.1 · score + 0.3 · alignment, those that are switched on."""

    def __init__(self, model: TechCoach, options: TrainOptions) -> None:
        super().__init__()
        self.model, self.options = model, options

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """Unweighted sums over the batch by name."""
        out = self.model(batch.ids, batch.inputs)
        found: dict[str, Tensor] = {}
        if "text" in self.options.losses:
            found["text"] = losses.masked_tokens(out.logits, batch.targets)
        if "score" in self.options.losses:
            found["score"] = losses.squared_error(out.scores, batch.scores)
            if self.model.groups is not None and out.read.grouped is not None:
                found["groups"] = self.model.groups.group_loss(out.read.grouped[1], batch.scores)
        reasoner, quality = self.model.reasoner, out.read.quality
        if "align" in self.options.losses and reasoner is not None and quality is not None:
            if self.options.align == "cls":
                logits = reasoner.classify(quality).squeeze(-1)
                found["align"] = losses.classification(logits, batch.valid, batch.mentioned)
            else:
                found["align"] = _ALIGN[self.options.align](reasoner.align(quality), batch.comments, batch.valid)
        return found

    def weight(self, name: str) -> float:
        """What a term counts in the sum."""
        weights = {"score": self.options.score_weight, "groups": self.options.score_weight}
        return {**weights, "align": self.options.align_weight}.get(name, 1.0)

    def forward(self, batch: Batch) -> Tensor:
        total = batch.scores.new_zeros(())
        for name, value in self.terms(batch).items():
            total = total + self.weight(name) * value
        return total


class CoachTask:
    """A TechCoach with its training examples; a share of the people is held out to choose the checkpoint."""

    name, chooses = "techcoach", "loss"
    advice: Sequence[str] = ("a preset with a larger pool",)

    def __init__(self, checkpoint: Checkpoint, examples: Examples, options: TrainOptions, loop: LoopOptions) -> None:
        self._checkpoint, self._examples, self._batch = checkpoint, examples, loop.batch
        people = [one.participant or one.take for one in examples.instances]
        self._train, self._held = hold_out(people, loop.validation_share, loop.seed)
        self._loss = CoachLoss(checkpoint.model, options)
        self.module: nn.Module = self._loss
        self.lengths: Sequence[int] = [len(examples.captions[place]) for place in self._train]
        known = torch.tensor([examples.instances[place].score for place in self._train])
        last = checkpoint.model.assessor.score[-1]
        # The head begins at the mean score, so that the first steps are not spent on getting there (own).
        if isinstance(last, nn.Linear):
            nn.init.constant_(last.bias, float(known.mean()))
        _leave_out_unused(checkpoint.model, options)

    def collate(self, indices: Sequence[int]) -> Batch:
        """The batch of these training items."""
        return self._examples.batch([self._train[index] for index in indices])

    def weight(self, indices: Sequence[int]) -> float:
        """What the summed loss of these items is divided by."""
        return float(len(indices))

    def better(self, new: float, old: float) -> bool:
        """Whether `new` is the better value."""
        return new < old

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Means over held-out instances: the loss, and each term before weighing; masks are the same each time."""
        if not self._held:
            return {}
        device = next(self.module.parameters()).device
        sums: dict[str, float] = {"loss": 0.0}
        draw = torch.Generator().manual_seed(0)
        for first in range(0, len(self._held), self._batch):
            batch = self._examples.batch(self._held[first : first + self._batch], draw).to(device)
            for name, value in self._loss.terms(batch).items():
                sums[name] = sums.get(name, 0.0) + float(value)
                sums["loss"] += self._loss.weight(name) * float(value)
        return {name: value / len(self._held) for name, value in sums.items()}

    def save(self, folder: Path, about: Mapping[str, Any], tensors: dict[str, Tensor] | None = None) -> None:
        """Write a checkpoint; `tensors` are the weights where they are spread over processes."""
        own = None
        if tensors is not None:
            own = {name.removeprefix("model."): value for name, value in tensors.items()}
        save_checkpoint(folder, self._checkpoint, about, own)


def _leave_out_unused(model: TechCoach, options: TrainOptions) -> None:
    """Parameters that no loss reaches are not trained: several processes would wait for their gradients."""
    model.requires_grad_(True)
    if model.reasoner is not None:
        aligned = "align" in options.losses
        model.reasoner.align.requires_grad_(aligned and options.align != "cls")
        model.reasoner.classify.requires_grad_(aligned and options.align == "cls")
        for name, part in (
            ("text", model.reasoner.text),
            ("type", model.reasoner.kind),
            ("quality", model.reasoner.quality),
        ):
            part.requires_grad_(name in model.config.query)
    if "score" not in options.losses or model.groups is not None:
        model.assessor.score.requires_grad_(False)
    if "text" not in options.losses:
        own = model.assessor
        for module in (
            own.transform,
            own.transform_norm,
            own.decode,
            own.words,
            own.positions,
            own.types,
            own.text_norm,
        ):
            module.requires_grad_(False)
