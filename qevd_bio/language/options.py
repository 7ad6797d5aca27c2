"""Options of the client of language models; each default lives here once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Structured = Literal["auto", "schema", "text"]
STRUCTURED: tuple[Structured, ...] = ("auto", "schema", "text")


@dataclass(frozen=True)
class ClientOptions:
    """How an OpenAI-compatible endpoint is asked. Only `url` and `model` change what a reply can be.

    `structured`: "schema" sends the JSON schema, "text" never does, "auto" sends it and continues without
    where the server refuses it. `cache` is the SQLite file that keeps every reply; None keeps none.
    Prices are US dollars a million tokens; None means unknown.
    """

    url: str = "http://127.0.0.1:8000/v1"
    model: str = "Qwen/Qwen3-VL-30B-A3B-Instruct"
    key_variable: str = "OPENAI_API_KEY"
    stage: str = "ask"
    cache: Path | None = None
    structured: Structured = "auto"
    concurrency: int = 64
    timeout_s: float = 120.0
    attempts: int = 8
    max_wait_s: float = 60.0
    tries: int = 2
    retry_unreadable: bool = False
    max_calls: int | None = None
    max_cost: float | None = None
    price_in: float | None = None
    price_out: float | None = None
