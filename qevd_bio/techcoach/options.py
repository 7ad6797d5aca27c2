"""Options of the TechCoach commands; each default lives here once (standard library only).

"Own" marks what the paper does not say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Method = Literal["rules", "llm"]
Leaks = Literal["refuse", "drop", "keep"]
Origin = Literal["task", "take"]
Kind = Literal["egoexo", "exercises"]
Mention = Literal["oracle", "none"]
Views = Literal["ego+exo", "ego", "exo", "none"]

SCENARIOS = ("Basketball", "Soccer", "Rock Climbing")
"""Parent tasks of Ego-Exo4D that the paper takes (basketball, soccer, bouldering)."""

PUBLISHED_COUNTS = {"train": 3769, "val": 1074}
"""Instances of EE4D-DescCoach by split (Sec. 5.1)."""


@dataclass(frozen=True)
class BuildOptions:
    """How takes become instances.

    window_s    published
    origin, lag_s, min_words   own: where the windows begin, how long after an event an expert speaks, and how many
                words the longest remark must have to count
    leaks       own: what to do with participants on both sides of the split
    method      rules (tests and the own simulator), or a language model (published: GPT-4o)
    coach_score own: how many comments the model rates from 0 to 5
    """

    window_s: float = 8.0
    origin: Origin = "task"
    lag_s: float = 0.0
    min_words: int = 5
    scenarios: tuple[str, ...] = SCENARIOS
    leaks: Leaks = "refuse"
    method: Method = "rules"
    coach_score: int = 0


@dataclass(frozen=True)
class SimulateOptions:
    """What is simulated (own): takes of `take_s` seconds by `participants` people; a quarter of them are the val split.

    strength, noise: size of what a dimension writes into the features, and of the noise around it.
    """

    takes: int = 40
    participants: int = 16
    take_s: float = 40.0
    seed: int = 0
    channels: int = 32
    grid: tuple[int, int, int] = (16, 8, 8)
    strength: float = 2.0
    noise: float = 1.0
