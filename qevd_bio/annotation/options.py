"""Options of annotate, classify, intent and review; each default lives here once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AnnotateMethod = Literal["vlm", "rules"]
IntentMethod = Literal["rules", "llm", "both"]
ReviewTable = Literal["salient", "roles", "intents"]
REVIEW_TABLES: tuple[ReviewTable, ...] = ("salient", "roles", "intents")
ReviewSubject = Literal["salient", "roles", "intents", "feedback", "rewriting"]
"""What people review: a table, what coaches said, or what became of corrections."""
ANNOTATE_METHODS: tuple[AnnotateMethod, ...] = ("vlm", "rules")
ANNOTATE_MODEL = "Qwen/Qwen3-VL-30B-A3B-Instruct"
TEXT_MODEL = "gpt-4"


@dataclass(frozen=True)
class FrameOptions:
    """Frames shown for a segment: how many, evenly spread; longest side in pixels; JPEG quality 1-95."""

    count: int = 8
    size: int = 448
    quality: int = 85


@dataclass(frozen=True)
class AskOptions:
    """How a model is asked by the stages of this room."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    seed: int | None = None


@dataclass(frozen=True)
class SheetOptions:
    """Sheets on which people rate feedback: how many moments (200 in the paper), sheets (one a rater), and the draw."""

    count: int = 200
    raters: int = 3
    seed: int = 0
