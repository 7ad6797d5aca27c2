"""Settings of the baselines; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TURN_S = 5.0
"""Seconds between two turns of a turn-based model (QEVD, App. E)."""


@dataclass(frozen=True)
class ShownFrames:
    """Frames that a model is shown at a turn: `count` of each 5 s window (0: the latest frame alone).

    `accumulate` keeps the frames of earlier windows.
    """

    count: int
    accumulate: bool = False


VISION_MODELS = {
    "instructblip": ShownFrames(0),
    "video-llava": ShownFrames(8),
    "video-llama": ShownFrames(8),
    "video-chatgpt": ShownFrames(20, accumulate=True),
    "llava-next": ShownFrames(8, accumulate=True),
    "llama-vid": ShownFrames(20, accumulate=True),
}
"""Frame settings of the six zero-shot models (QEVD, App. E.3). Which model answers is the endpoint's matter."""

ZERO_SHOT = "zero-shot-"

BASELINES = (
    "rules",
    "copy-context",
    "interval",
    "socratic",
    "socratic-context",
    *(f"{ZERO_SHOT}{name}" for name in VISION_MODELS),
)
"""Every system that `qevd-bio run --model` knows beside trained coaches."""

SOCRATIC = ("socratic", "socratic-context")
READ_MOTION = ("rules", "copy-context", "socratic-context")
"""Those that read what `qevd-bio analyze` writes."""
"""Language models that do not see: told the classes of the 3D CNN (QEVD, App. E.2), or C_motion."""

ASKING = tuple(name for name in BASELINES if name.startswith((ZERO_SHOT, "socratic")))
"""Those that ask a language model."""


@dataclass(frozen=True)
class BaselineOptions:
    """gap_s: least silence of copy-context. url, llm, temperature, max_tokens, seed: the model that is asked.

    side_by_side: segments whose turns are asked together; picture: longest side of a frame in pixels.
    local: a language model that is run here in the place of `url` and `llm` (`--language` of coach new); device: where.
    weights: the 3D CNN whose classes tell `socratic` of the user's doing, by the names in `labels` (default:
    label2int.json beside the weights).
    """

    gap_s: float = 4.0
    url: str | None = None
    llm: str = ""
    temperature: float = 0.0
    max_tokens: int = 64
    seed: int | None = None
    cache: Path | None = None
    side_by_side: int = 16
    picture: int = 448
    quality: int = 85
    local: str | None = None
    device: str = "auto"
    weights: Path | None = None
    labels: Path | None = None
