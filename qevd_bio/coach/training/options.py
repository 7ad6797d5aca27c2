"""Options of training, with the papers' values as defaults; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["auto", "no", "bf16", "fp16"]
Device = Literal["auto", "cpu"]


@dataclass(frozen=True)
class LoopOptions:
    """One training stage. What is not published is an own choice (docs/training.md says which).

    batch: sequences a step over all processes and micro-batches; micro_batch: sequences that one device takes at
    once (0: its whole share), changes memory and speed alone. steps: stop there, 0 for `epochs`. patience: stop
    after so many validations without a better one, 0 never. validate_every, save_every: steps, 0 once an epoch.
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
    schedule: Literal["constant", "cosine"] = "constant"
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
        """The options that change the result of a step; a run is resumed with the same ones alone."""
        free = {"micro_batch", "epochs", "steps", "save_every", "compile", "device", "activation_checkpointing"}
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in free}


@dataclass(frozen=True)
class CoachData:
    """How segments become training sequences.

    alpha: weight of `<next>` (0.1, both papers' action-token weight). context_every: C_motion is read anew every
    so many steps; each version costs some 100 tokens of the sequence. max_tokens: of longer sequences the
    last steps are left out. generate: validation segments whose feedback is also generated and scored, 0 for none.
    """

    alpha: float = 0.1
    context_every: int = 12
    max_tokens: int = 4096
    generate: int = 8


COACH = LoopOptions(precision="auto")
"""Stage 2 of BioCoach (Sec. 3.8): AdamW, 2e-5, batch 8."""

SELECTOR = LoopOptions(precision="auto", epochs=50, patience=5)
"""Stage 1 of BioCoach (Supp. 11.4): until the joint accuracy converges."""

SHORT_CLIPS = LoopOptions(precision="auto", learning_rate=5e-6, batch=32, epochs=2)
"""Stream-VLM on short clips (QEVD, App. D.2)."""

LONG_VIDEOS = LoopOptions(precision="auto", learning_rate=1e-6, batch=32, epochs=2)
"""Stream-VLM on long videos, with LoRA (QEVD, App. D.3)."""

VISION = LoopOptions(
    learning_rate=1e-4, batch=32, epochs=500, beta2=0.999, weight_decay=0.0, clip_norm=0.0, validation_share=0.1
)
"""The 3D CNN on labelled clips (QEVD, App. D.1): Adam, 1e-4, batch 32, 500 epochs."""

CROP_FRAMES = 64
"""Frames of a random crop, four seconds at 16 Hz (QEVD, App. D.1)."""
