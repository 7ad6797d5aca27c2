"""Options of the coach's commands, with their defaults; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qevd_bio.motion.options import Evidence, Salient

STEP_HZ = 4.0
"""Features a second: one `<next>` token each (QEVD, Sec. 4)."""

EncoderName = Literal["3d-cnn", "image"]
Timing = Literal["official", "corrected"]
ContextUpdate = Literal["fast", "exact", "start"]
RANDOM = "random"
"""Weights that are none: a network as it is before training, for trying things out."""


@dataclass(frozen=True)
class FeatureOptions:
    """How videos become features; the defaults are those of the released extraction.

    `rate_hz` frames a second are taken by time, the first is fed `warm_up` extra times, every four give one
    feature. `height_over_width` is the crop, `height` x `width` the size in pixels after it.
    """

    encoder: EncoderName = "3d-cnn"
    rate_hz: float = 16.0
    warm_up: int = 12
    height_over_width: float = 1.4
    height: int = 224
    width: int = 160


@dataclass(frozen=True)
class Ablations:
    """What is switched off: the rows of BioCoach Table 3 and of QEVD Table 4. All off is the full model.

    `no_selector` reads contexts of all 24 joints, or with `listed_joints` of the exercise's own list.
    `tau_s` is the history that the joint selector sees (paper: 3 s = 12 steps; its ablation: 2 s), `window_s` that
    from which contexts are made, 0 for the whole session. `matched` leaves the place of what is removed, with a text
    that says nothing in it: everything that is trained stays.
    `image_encoder` uses per-frame image features instead of the 3D CNN's; `no_pretraining` starts the
    cross-attention from random weights; `no_action_tokens` speaks every `interval_s` instead of when it wants.
    """

    no_selector: bool = False
    listed_joints: bool = False
    no_motion_context: bool = False
    no_morphology: bool = False
    image_encoder: bool = False
    no_pretraining: bool = False
    no_action_tokens: bool = False
    matched: bool = False
    tau_s: float = 3.0
    window_s: float = 0.0
    interval_s: float = 5.0

    @property
    def salient(self) -> Salient:
        """Where the joints come from that contexts speak of."""
        if not self.no_selector:
            return "selector"
        return "exercise" if self.listed_joints else "all"

    @property
    def tau_steps(self) -> int:
        return round(self.tau_s * STEP_HZ)

    @property
    def interval_steps(self) -> int:
        return round(self.interval_s * STEP_HZ)


TABLE_3 = {
    "full": Ablations(),
    "no-selector": Ablations(no_selector=True),
    "no-motion-context": Ablations(no_motion_context=True),
    "no-morphology": Ablations(no_morphology=True),
    "tau-2s": Ablations(tau_s=2.0, window_s=2.0),
}
"""Rows of BioCoach Table 3 by name."""

BESIDE_TABLE_3 = {
    "tau-3s": Ablations(window_s=3.0),
    "no-selector-exercise": Ablations(no_selector=True, listed_joints=True),
    "no-motion-context-matched": Ablations(no_motion_context=True, matched=True),
    "no-morphology-matched": Ablations(no_morphology=True, matched=True),
}
"""What stands beside these rows: the paper's window of 3 s, the other reading of "no selection", and the two contexts
taken away without taking away weights."""

QEVD_TABLE_4 = {
    "no-3d-cnn": Ablations(image_encoder=True),
    "no-pretraining": Ablations(no_pretraining=True),
    "no-action-tokens": Ablations(no_action_tokens=True),
}
"""Ablations of QEVD Table 4 by name."""

VARIANTS = {**TABLE_3, **BESIDE_TABLE_3, **QEVD_TABLE_4}

Read = Literal["measured", "blank", "none"]


@dataclass(frozen=True)
class ContextsRead:
    """What a coach reads of C_motion and C_morph: what was measured, one sentence that says nothing, or none."""

    motion: Read = "none"
    morph: Read = "none"

    @property
    def measured(self) -> bool:
        """Whether it reads anything that `qevd-bio analyze` makes."""
        return "measured" in (self.motion, self.morph)


@dataclass(frozen=True)
class MotionWish:
    """Which contexts are wanted: where J* comes from, what it may rest on, and the window (0: the whole session).

    None: as the coach was made or trained.
    """

    salient: Salient | None = None
    window_s: float | None = None
    evidence: Evidence = "causal"


AS_TRAINED = MotionWish()


@dataclass(frozen=True)
class GenerateOptions:
    """How a segment is streamed and spoken to.

    timing: how predicted times are computed, and whether steps pass unseen while the coach speaks.
    temperature: 0 is greedy; above it tokens are sampled, reproducibly by `seed` and segment.
    max_tokens: a longer feedback is cut. tokens_per_second: speed of speech (QEVD).
    context: what happens to what was read when C_motion changes (docs/coach.md): "fast" reads only the new
    context, "exact" reads everything again, "start" keeps the first. context_every: C_motion is looked at every
    so many steps. interval_steps: speak every so many steps instead of when the model wants (0: when it wants).
    rows: segments side by side; it changes no result.
    """

    timing: Timing = "official"
    temperature: float = 0.0
    seed: int = 0
    max_tokens: int = 128
    tokens_per_second: float = 12.0
    context: ContextUpdate = "fast"
    context_every: int = 1
    rows: int = 16
    interval_steps: int = 0

    def result_settings(self) -> dict[str, object]:
        """The options that change a result."""
        return {k: getattr(self, k) for k in self.__dataclass_fields__ if k != "rows"}


@dataclass(frozen=True)
class SequenceOptions:
    """How training sequences are made.

    alpha: weight of `<next>` in the loss. context: how C_motion stands in a sequence, "fast" as in streaming,
    "start" the first alone, "none". context_every: as for streaming. interval_steps: feedback at fixed intervals
    (no action tokens), 0 for its own time.
    """

    alpha: float = 0.1
    context: Literal["fast", "start", "none"] = "fast"
    context_every: int = 1
    interval_steps: int = 0
