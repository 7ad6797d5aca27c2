"""Frame by frame through the backbone: warm-up at a video's start, then one feature every four frames."""

from __future__ import annotations

import torch
from torch import Tensor

from qevd_bio.coach.vision.backbone import FRAMES_PER_FEATURE, Backbone


class FeatureStream:
    """Takes preprocessed frames (3, H, W) one at a time; each starts afresh, as one video must.

    The first frame is fed `warm_up` extra times, and what the network gives for these is dropped. `chunk`
    frames go through the network together; it changes speed alone.
    """

    def __init__(self, backbone: Backbone, warm_up: int = 12, chunk: int = FRAMES_PER_FEATURE) -> None:
        if warm_up % FRAMES_PER_FEATURE or chunk % FRAMES_PER_FEATURE:
            raise ValueError(f"warm-up and chunk must be multiples of {FRAMES_PER_FEATURE}")
        self._backbone = backbone.eval()
        self._warm_up, self._chunk = warm_up, chunk
        self._memory: list[Tensor | None] | None = None
        self._waiting: list[Tensor] = []
        self._started = False

    def push(self, frame: Tensor) -> Tensor | None:
        """Features (n, 1280, 7, 5) where a chunk is complete, else None."""
        if not self._started:
            self._started = True
            if self._warm_up:
                self._run([frame] * self._warm_up)
        self._waiting.append(frame)
        return self._flush(self._chunk) if len(self._waiting) == self._chunk else None

    def finish(self) -> Tensor | None:
        """Features of the frames still waiting; up to three frames at the end give none."""
        return self._flush(len(self._waiting) // FRAMES_PER_FEATURE * FRAMES_PER_FEATURE)

    def _flush(self, frames: int) -> Tensor | None:
        taken, self._waiting = self._waiting[:frames], self._waiting[frames:]
        return self._run(taken) if taken else None

    @torch.inference_mode()
    def _run(self, frames: list[Tensor]) -> Tensor:
        device = next(self._backbone.parameters()).device
        features, self._memory = self._backbone(torch.stack(frames)[None].to(device), self._memory)
        found: Tensor = features[0].float().cpu()
        return found
