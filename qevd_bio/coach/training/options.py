"""Options of training a coach, with the papers' values as defaults; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qevd_bio.coach.options import AS_TRAINED, MotionWish
from qevd_bio.learning.options import LoopOptions


@dataclass(frozen=True)
class CoachData:
    """How segments become training sequences.

    alpha: weight of `<next>`; None: 0.1 for BioCoach (Sec. 3.6), 1 for Stream-VLM, whose paper gives none
    (plain cross-entropy, App. D). context_every: C_motion is read anew every
    so many steps; each version costs some 100 tokens of the sequence. max_tokens: of longer sequences the
    last steps are left out. generate: validation segments whose feedback is also generated and scored, 0 for none.
    motion: which contexts are read; None in it: as the model's variant and selector say.
    """

    alpha: float | None = None
    context_every: int = 12
    max_tokens: int = 4096
    generate: int = 8
    motion: MotionWish = AS_TRAINED


BIOCOACH_ALPHA = 0.1
"""Weight of `<next>` in BioCoach's loss (Sec. 3.6)."""

ShortParts = Literal["cross-attention", "all"]
"""What Stream-VLM's second stage changes: "only the adapter (cross-attention layer) weights" (QEVD, Sec. 4), or the
language model too ("end-to-end", the same section and App. D.2): the paper says both."""


@dataclass(frozen=True)
class RewardOptions:
    """How streams are sampled and rewarded (no paper gives values; ours).

    samples: streams of each segment. kl: weight of the divergence from the supervised model. temperature: of sampling.
    max_tokens: a longer feedback is cut.
    """

    samples: int = 8
    kl: float = 0.05
    temperature: float = 1.0
    max_tokens: int = 64


REWARD = LoopOptions(precision="auto", learning_rate=1e-5, batch=4, epochs=1)
"""The reward stage; values of our own."""

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
