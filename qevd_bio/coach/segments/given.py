"""What the coach is given for one segment, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.coach.streaming.timing import Spoken


@dataclass
class SegmentInput:
    """One segment: features (T, N, C), step times (T,) in seconds from its start, the prompt.

    `motion` and `morph` are C_motion and C_morph of each step (length T), or empty where the model reads none.
    `live`: the end is not known; these are lists then, and grow while the segment runs.
    """

    key: str
    features: NDArray[np.float32]
    times: NDArray[np.float64]
    prompt: str
    motion: Sequence[str] = ()
    morph: Sequence[str] = ()
    live: bool = False


@dataclass
class SegmentOutput:
    """What was said in a segment; `output` are all tokens, `cut` says that the model could read no further.

    `extra` goes into the segment's line and record as it is.
    """

    key: str
    feedbacks: list[Spoken]
    output: list[int]
    cut: bool
    context_updates: int = 0
    seconds: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)
