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


Loss = Literal["text", "score", "align"]
Alignment = Literal["l2", "infonce", "margin", "cls"]
System = Literal["techcoach", "swinbert", "pgmi"]


@dataclass(frozen=True)
class TrainOptions:
    """What a model is trained with; the defaults are TechCoach as published.

    losses, align, query   rows of Tables 3 and 4
    score_weight, align_weight   0.1 and 0.3 as published (App. B.2)
    views        "none" is a control: features are zero, so only texts and the mention mask are left
    mention      "oracle" as published: the model is told which points the reference speaks of, also at test
    poses        own: joint angles of the features folder as further tokens
    system       swinbert: without technical points; pgmi: score groups and a prompt instead (own, lean readings)
    encoder      frozen encoder of texts; published: microsoft/deberta-xlarge. "words" (own) needs no model
    mask_share, most_masked   as SwinBERT and PGMI
    """

    losses: tuple[Loss, ...] = ("text", "score", "align")
    align: Alignment = "l2"
    query: tuple[str, ...] = ("text", "type", "quality")
    score_weight: float = 0.1
    align_weight: float = 0.3
    views: Views = "ego+exo"
    mention: Mention = "oracle"
    poses: bool = False
    system: System = "techcoach"
    encoder: str = "words"
    mask_share: float = 0.5
    most_masked: int = 95


VARIANTS: dict[str, dict[str, object]] = {
    "full": {},
    "mse-only": {"losses": ("score",)},
    "mtm-only": {"losses": ("text",)},
    "no-align": {"losses": ("text", "score")},
    "tp-cls": {"align": "cls"},
    "infonce": {"align": "infonce"},
    "margin": {"align": "margin"},
    "ego": {"views": "ego"},
    "exo": {"views": "exo"},
    "query-text": {"query": ("text",)},
    "query-type": {"query": ("type",)},
    "query-text-type": {"query": ("text", "type")},
    "swinbert": {"system": "swinbert", "losses": ("text", "score")},
    "pgmi": {"system": "pgmi", "losses": ("text", "score")},
    "text-only": {"views": "none"},
    "no-mask": {"mention": "none"},
    "poses": {"poses": True},
}
"""Rows of Tables 2 to 4 and own controls: name -> what differs from the full model."""

WARM_UP_SHARE = 0.1
"""Share of the steps in which the learning rate rises (published); then it falls along a line."""
