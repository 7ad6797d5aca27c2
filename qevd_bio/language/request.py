"""What is asked of a language model, what came back, and the key under which it is kept."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from qevd_bio.store.hashing import hash_json


@dataclass(frozen=True)
class Image:
    """An encoded picture; only its hash goes into keys and logs. `time_s` is when it was taken in its video."""

    data: bytes
    mime: str = "image/jpeg"
    time_s: float | None = None

    @cached_property
    def sha256(self) -> str:
        """Hash of the encoded picture: what identifies it in the cache."""
        return hashlib.sha256(self.data).hexdigest()

    def url(self) -> str:
        """The picture as a data URL."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True)
class Message:
    """One turn: `role` is system, user or assistant; `parts` are texts and images in order."""

    role: str
    parts: tuple[str | Image, ...]


Messages = Sequence[Message]


@dataclass(frozen=True)
class Sampling:
    """How the reply is drawn."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    seed: int | None = None


@dataclass(frozen=True)
class Request:
    """One question.

    `messages` may be a function, called only when the question has to be sent (frames are then decoded late).
    `read` turns a reply's text into a value or raises `Unreadable`; without it any text is an answer.
    `alias` names the question by what it is made from, so that an answered one needs no messages at all.
    `sample` tells repeated questions apart. `id` is the caller's own name for it.
    """

    id: str
    messages: Messages | Callable[[], Messages]
    sampling: Sampling = Sampling()
    schema: Mapping[str, Any] | None = None
    sample: int = 0
    read: Callable[[str], Any] | None = None
    alias: str = ""
    prompt_hash: str = ""

    def built(self) -> Request:
        """The same question with its messages at hand."""
        return replace(self, messages=tuple(self.messages())) if callable(self.messages) else self


@dataclass(frozen=True)
class Reply:
    """The outcome of one request: `ok` with `value` (if it has a reader) and `text`, or a `reason` and `detail`.

    `input_tokens` and `output_tokens` sum over all calls this answer took, `calls` counts those sent in this run
    (0 when everything came from the cache). `key` names the deciding entry of the cache.
    """

    id: str
    ok: bool
    text: str = ""
    value: Any = None
    reason: str = ""
    detail: str = ""
    model: str = ""
    key: str = ""
    prompt_hash: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    calls: int = 0
    repaired: bool = False

    @property
    def cached(self) -> bool:
        """Whether the reply came from the cache, without a call."""
        return self.calls == 0


def plain_messages(messages: Messages) -> list[dict[str, Any]]:
    """Messages as JSON data with each image's hash in its place."""
    return [
        {"role": m.role, "parts": [p if isinstance(p, str) else {"sha256": p.sha256, "mime": p.mime} for p in m.parts]}
        for m in messages
    ]


def wire_messages(messages: Messages) -> list[dict[str, Any]]:
    """Messages as the protocol wants them; a turn of one text stays a plain string (old servers know no parts)."""
    wire: list[dict[str, Any]] = []
    for message in messages:
        if len(message.parts) == 1 and isinstance(message.parts[0], str):
            wire.append({"role": message.role, "content": message.parts[0]})
            continue
        parts = [
            {"type": "text", "text": part}
            if isinstance(part, str)
            else {"type": "image_url", "image_url": {"url": part.url()}}
            for part in message.parts
        ]
        wire.append({"role": message.role, "content": parts})
    return wire


def request_key(endpoint: str, model: str, request: Request, generation: int = 0) -> str:
    """SHA-256 of everything that decides the reply: endpoint, model, messages, images, sampling, schema, sample.

    `generation` counts fresh tries of a question whose earlier reply could not be read.
    """
    if callable(request.messages):
        raise ValueError("build the request before asking for its key")
    sampling = request.sampling
    return hash_json(
        {
            "endpoint": endpoint,
            "model": model,
            "messages": plain_messages(request.messages),
            "sampling": [sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.seed],
            "schema": request.schema,
            "sample": request.sample,
            "generation": generation,
        }
    )
