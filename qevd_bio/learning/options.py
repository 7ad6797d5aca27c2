"""Options of the training loop; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["auto", "no", "bf16", "fp16"]
Device = Literal["auto", "cpu"]


@dataclass(frozen=True)
class LoopOptions:
    """One training stage. What is not published is an own choice (docs/training.md says which).

    batch: items a step over all processes and micro-batches; micro_batch: items that one device takes at once
    (0: its whole share), changes memory and speed alone. steps: stop there, 0 for `epochs`. patience: stop after so
    many validations without a better one, 0 never. validate_every, save_every: steps, 0 once an epoch.
    precision: "auto" is settled by model and machine before the loop begins.
    """

    learning_rate: float = 2e-5
    batch: int = 8
    micro_batch: int = 0
    epochs: int = 5
    steps: int = 0
    beta1: float = 0.9
    beta2: float = 0.95
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    warm_up_steps: int = 0
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    validate_every: int = 0
    save_every: int = 200
    patience: int = 0
    validation_share: float = 0.1
    seed: int = 0
    precision: Precision = "no"
    activation_checkpointing: bool = False
    compile: bool = False
    device: Device = "auto"

    def result_settings(self) -> dict[str, object]:
        """The options that change the result of a step; a run is continued with the same ones alone."""
        free = {"micro_batch", "epochs", "steps", "save_every", "compile", "device", "activation_checkpointing"}
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in free}
