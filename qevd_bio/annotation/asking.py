"""How this room's stages ask a model: first all questions are answered into the cache, then each item reads its answer.

So the work-item mechanism sees quick, deterministic items, and an item's answer is found again by its alias without
decoding a frame. Nothing is asked twice, whatever is interrupted in between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from qevd_bio.annotation.options import AskOptions
from qevd_bio.language.batch import run_batch
from qevd_bio.language.budget import CallPlan, Totals, plan
from qevd_bio.language.cache import Cache, default_cache
from qevd_bio.language.client import complete_many
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.reading import Unreadable
from qevd_bio.language.request import Request, Sampling
from qevd_bio.store import extras
from qevd_bio.store.errors import ItemError, StopRun
from qevd_bio.store.hashing import hash_json
from qevd_bio.tables.workspace import Workspace


@dataclass(frozen=True)
class Asking:
    """Who is asked and how; `batch_wait_s` not None sends the questions through the provider's batch interface."""

    client: ClientOptions
    ask: AskOptions = field(default_factory=AskOptions)
    batch_wait_s: float | None = None
    say: Callable[[str], None] = print

    def sampling(self) -> Sampling:
        ask = self.ask
        return Sampling(ask.temperature, ask.top_p, ask.max_tokens, ask.seed)

    def settings(self) -> dict[str, Any]:
        """What of this changes a result. The endpoint is kept with each reply, not here: a server may move."""
        ask = self.ask
        return {
            "model": self.client.model,
            "temperature": ask.temperature,
            "top_p": ask.top_p,
            "max_tokens": ask.max_tokens,
            "seed": ask.seed,
            "structured": self.client.structured,
        }


def for_stage(asking: Asking, workspace: Workspace, stage: str, retry_failed: bool) -> Asking:
    """The same, with the workspace's cache where none is named, and the stage's name."""
    client = asking.client
    cache = client.cache if client.cache is not None else default_cache(workspace.annotations)
    return replace(asking, client=replace(client, cache=cache, stage=stage, retry_unreadable=retry_failed))


def alias_of(asking: Asking, *parts: Any) -> str:
    """Name of a question: what it is made from, with model, endpoint and sampling."""
    return hash_json([*parts, asking.settings(), asking.client.url.rstrip("/")])


def estimate(requests: Iterable[Request], asking: Asking) -> CallPlan:
    """What asking would send; sends nothing."""
    return plan(requests, asking.client)


def ask_all(requests: Callable[[], Iterable[Request]], asking: Asking) -> Totals:
    """Answer every request into the cache, one in memory at a time. Raises StopRun as `complete_many` does.

    `requests` gives them anew each time it is called.
    """
    extras.need("openai", what="asking a language model")
    if asking.batch_wait_s is not None:
        result = run_batch(requests, asking.client, wait_s=asking.batch_wait_s, say=asking.say)
        if result.running:
            raise StopRun(
                f"{result.running} batch(es) still running at the provider, {result.collected} replies collected",
                fix="run the same command later: it collects them and continues",
            )
    with complete_many(requests(), asking.client) as replies:
        for _ in replies:
            pass
    return replies.totals


@dataclass(frozen=True)
class Answered:
    """One kept answer."""

    text: str
    value: Any
    model: str
    prompt_hash: str
    image_times_s: tuple[float, ...]


def answer_of(cache: Cache, alias: str, read: Callable[[str], Any]) -> Answered:
    """The answer kept under an alias. Raises ItemError with the reason and the raw reply where there is none to use."""
    answer = cache.answer(alias)
    if answer is None:
        raise ItemError("not_asked", "no answer is kept for this item")
    stored = cache.get(answer.key) if answer.key else None
    text = "" if stored is None else stored.text
    if not answer.ok or stored is None:
        raise ItemError(answer.reason or "not_asked", raw_detail(answer.detail, text))
    try:
        value = read(text)
    except Unreadable as error:
        raise ItemError(error.reason, raw_detail(error.detail, text)) from error
    times = tuple(json.loads(stored.request).get("image_times_s", ()))
    return Answered(text, value, stored.server_model or stored.model, stored.prompt_hash, times)


_RAW = "\nraw reply: "


def raw_detail(detail: str, text: str) -> str:
    """A failure's detail with the raw reply behind it."""
    return f"{detail}{_RAW}{text}" if text else detail


def split_detail(detail: str) -> tuple[str, str | None]:
    """The two parts of `raw_detail`: the reason in words and the raw reply."""
    words, mark, text = detail.partition(_RAW)
    return words, text if mark else None
