"""One call over the wire with the official `openai` package: retried, paced, bounded, its key kept secret."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qevd_bio.language.budget import Budget
from qevd_bio.language.cache import Stored
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.pace import Pace
from qevd_bio.language.request import Image, Messages, Request, plain_messages, wire_messages
from qevd_bio.language.sorting import Trouble, sort_error
from qevd_bio.store import extras
from qevd_bio.store.errors import ItemError, StopRun, UserError
from qevd_bio.store.hashing import hash_json

if TYPE_CHECKING:
    from openai import AsyncOpenAI

NO_KEY = "no-key-needed"
_SLOWED_MOST = 40


def endpoint_of(url: str) -> str:
    """The endpoint's URL in one spelling; raises UserError for anything that is not plain http(s)."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"{url!r} is no endpoint", expected="--llm-url http://HOST:PORT/v1")
    if parts.username or parts.password or parts.query:
        raise UserError(
            "the endpoint's URL must not hold a password or a query",
            expected="the key in an environment variable, named by --llm-key-variable",
        )
    return url.rstrip("/")


def open_clients(options: ClientOptions) -> list[AsyncOpenAI]:
    """Official clients; their own retries are off, since `Wire` sorts errors itself.

    One for every four parallel calls: a connection pool looks at each of its connections for each call, which costs
    more than the call itself when 64 share one pool.
    """
    extras.need("openai", what="asking a language model")
    import openai

    key = os.environ.get(options.key_variable, "") or NO_KEY
    trust = ssl.create_default_context()
    return [
        openai.AsyncOpenAI(
            api_key=key,
            base_url=endpoint_of(options.url),
            max_retries=0,
            timeout=options.timeout_s,
            http_client=openai.DefaultAsyncHttpxClient(verify=trust, timeout=options.timeout_s),
        )
        for _ in range(-(-options.concurrency // 4))
    ]


class Wire:
    """Sends one request until it is answered, refused, or out of attempts."""

    def __init__(self, options: ClientOptions, budget: Budget) -> None:
        self.endpoint = endpoint_of(options.url)
        self._options = options
        self._budget = budget
        self._secret = os.environ.get(options.key_variable, "")
        self._clients: list[AsyncOpenAI] = []
        self._turn: Iterator[AsyncOpenAI] = iter(())
        self.pace = Pace(options.concurrency, options.max_wait_s)
        self._answered = False
        self.stop: StopRun | None = None
        # What the server turned out not to take: the JSON schema, or the older name of the output limit.
        self._no_schema = options.structured == "text"
        self._limit_name = "max_tokens"

    async def close(self) -> None:
        for client in self._clients:
            await client.close()

    async def send(self, request: Request, messages: Messages, key: str) -> Stored:
        """The server's reply. Raises ItemError after the last attempt, StopRun for what holds for all questions."""
        trouble = Trouble("retry", "no_attempt", "")
        attempt = slowed = 0
        while attempt < self._options.attempts:
            used_schema = request.schema is not None and not self._no_schema
            async with self.pace.turn():
                if self.stop is not None:
                    raise self.stop
                outcome = await self._once(request, messages, key)
            if isinstance(outcome, Stored):
                self._answered = True
                self.pace.went_well()
                return outcome
            trouble = outcome
            if trouble.kind == "fatal":
                raise StopRun(f"the endpoint refuses: {trouble.detail}", where=self.endpoint, fix=trouble.fix)
            if trouble.kind == "bad_request":
                if self._adapt(trouble, used_schema):
                    continue
                break
            # A server that is only busy gets more patience, but not without end.
            slowed += trouble.kind == "slow"
            attempt += trouble.kind != "slow" or slowed > _SLOWED_MOST
            if attempt < self._options.attempts:
                await self._pause(trouble, attempt + min(slowed, 6))
        if trouble.reason == "connection" and not self._answered:
            raise StopRun(
                f"cannot be reached ({trouble.detail})",
                where=self.endpoint,
                expected="a running OpenAI-compatible server",
                fix="start it, or name another with --llm-url",
            )
        raise ItemError(trouble.reason, trouble.detail)

    async def _pause(self, trouble: Trouble, attempt: int) -> None:
        self._budget.totals.retries += 1
        if trouble.kind == "slow":
            self.pace.slow_down(trouble.retry_after_s)
        if trouble.retry_after_s is None:
            await asyncio.sleep(self.pace.backoff_s(attempt - 1))
        elif trouble.kind == "retry":
            await asyncio.sleep(min(trouble.retry_after_s, self._options.max_wait_s))

    def _adapt(self, trouble: Trouble, used_schema: bool) -> bool:
        """Whether leaving out what this server does not know is worth another call."""
        text = trouble.detail.lower()
        if "max_completion_tokens" in text and self._limit_name == "max_tokens":
            self._limit_name = "max_completion_tokens"
            return True
        hints = ("response_format", "json_schema", "guided", "grammar", "schema", "structured", "unsupported", "extra")
        if used_schema and self._options.structured == "auto" and any(hint in text for hint in hints):
            self._no_schema = True
            return True
        return False

    async def _once(self, request: Request, messages: Messages, key: str) -> Stored | Trouble:
        if not self._clients:
            # Opened at the first call: a run that finds everything in the cache needs none.
            self._clients = open_clients(self._options)
            self._turn = itertools.cycle(self._clients)
        import httpx2
        import openai

        held = self._budget.hold(messages, request.sampling.max_tokens)
        start = time.monotonic()
        used: tuple[int | None, int | None] = (None, None)
        try:
            async with asyncio.timeout(self._options.timeout_s):
                # `post`, not `chat.completions.create`: the same call without copying the body through models.
                raw = await next(self._turn).post(
                    "/chat/completions", cast_to=httpx2.Response, body=self._body(request, messages)
                )
            completion = json.loads(raw.content)
            stored = self._stored(completion, request, messages, key, time.monotonic() - start)
            used = (stored.input_tokens, stored.output_tokens)
            return stored
        except TimeoutError:
            return Trouble("retry", "timeout", f"no reply within {self._options.timeout_s:g} s")
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, IndexError) as error:
            trouble = sort_error(error)
            return Trouble(
                trouble.kind, trouble.reason, self.redact(trouble.detail), trouble.retry_after_s, trouble.fix
            )
        finally:
            self._budget.settle(held, *used)

    def _body(self, request: Request, messages: Messages) -> dict[str, Any]:
        body = chat_body(self._options.model, request, messages, None if self._no_schema else request.schema)
        body[self._limit_name] = body.pop("max_tokens")
        return body

    def _stored(self, completion: Any, request: Request, messages: Messages, key: str, seconds: float) -> Stored:
        if not isinstance(completion, dict):
            raise ValueError("a reply that is not a JSON object")
        return stored_from(
            completion,
            request=request,
            messages=messages,
            key=key,
            endpoint=self.endpoint,
            options=self._options,
            seconds=seconds,
            redact=self.redact,
        )

    def redact(self, text: str) -> str:
        """`text` without the key, should a server or proxy repeat it."""
        return text.replace(self._secret, "[key]") if len(self._secret) >= 4 else text


def chat_body(model: str, request: Request, messages: Messages, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """The JSON body of one chat completion."""
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": model,
        "messages": wire_messages(messages),
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if schema is not None:
        name = {"name": "answer", "schema": dict(schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": name}
    return body


def stored_from(
    completion: Mapping[str, Any],
    *,
    request: Request,
    messages: Messages,
    key: str,
    endpoint: str,
    options: ClientOptions,
    seconds: float,
    redact: Any = str,
) -> Stored:
    """A completion as it is kept. Raises ValueError, TypeError, KeyError-like errors for one that is malformed."""
    choices = completion.get("choices")
    if not isinstance(choices, list) or not choices:
        raise ValueError("a reply without choices")
    message = choices[0].get("message") or {}
    usage = completion.get("usage") or {}
    text, refusal = message.get("content"), message.get("refusal")
    if text is not None and not isinstance(text, str):
        raise ValueError("a reply whose content is not text")
    sampling = request.sampling
    asked = {
        "messages": plain_messages(messages),
        "image_times_s": [p.time_s for m in messages for p in m.parts if isinstance(p, Image)],
        "sampling": [sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.seed],
        "schema": None if request.schema is None else hash_json(request.schema),
        "sample": request.sample,
    }
    return Stored(
        key=key,
        stage=options.stage,
        endpoint=endpoint,
        model=options.model,
        server_model=redact(str(completion.get("model") or "")),
        prompt_hash=request.prompt_hash,
        request=json.dumps(asked, ensure_ascii=False),
        text=redact(text or (refusal if isinstance(refusal, str) else "") or ""),
        finish=str(choices[0].get("finish_reason") or ""),
        refusal=bool(refusal),
        input_tokens=int(usage.get("prompt_tokens") or 0),
        output_tokens=int(usage.get("completion_tokens") or 0),
        seconds=seconds,
        unix=time.time(),
    )
