"""One call over the wire with the official `openai` package: retried, paced, bounded, its key kept secret."""

from __future__ import annotations

import asyncio
import itertools
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from qevd_bio.language.budget import Budget
from qevd_bio.language.cache import Stored
from qevd_bio.language.completion import Malformed, NoCompletion, read_document, stored_from
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.pace import Pace
from qevd_bio.language.request import Messages, Request, wire_messages
from qevd_bio.language.sorting import Redirected, Trouble, sort_error, sort_status
from qevd_bio.store import extras
from qevd_bio.store.errors import ItemError, StopRun, UserError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

NO_KEY = "no-key-needed"
LONGEST_PAUSE_S = 900.0
"""A server that asks for a longer pause than this stops the run instead of holding it up."""
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
            http_client=openai.DefaultAsyncHttpxClient(
                verify=trust, timeout=options.timeout_s, event_hooks={"response": [stay_at_home]}
            ),
        )
        for _ in range(-(-options.concurrency // 4))
    ]


async def stay_at_home(response: Any) -> None:
    """Raise where a server sends us to another host: pictures and texts go only where the user said."""
    location = response.headers.get("location")
    if location is None or not 300 <= response.status_code < 400:
        return
    here = urlsplit(str(response.url))
    there = urlsplit(urljoin(str(response.url), location))
    if (there.scheme, there.hostname, there.port) != (here.scheme, here.hostname, here.port):
        raise Redirected(there.netloc.rpartition("@")[2])


class Wire:
    """Sends one request until it is answered, refused, or out of attempts."""

    def __init__(self, options: ClientOptions, budget: Budget, keep: Callable[[str, str], None]) -> None:
        """`keep(key, body)` is called with every completion as soon as it is here, before anything is read from it."""
        self.endpoint = endpoint_of(options.url)
        self._keep = keep
        self._options = options
        self._budget = budget
        self._secret = os.environ.get(options.key_variable, "")
        self._clients: list[AsyncOpenAI] = []
        self._turn: Iterator[AsyncOpenAI] = iter(())
        self.pace = Pace(options.concurrency, options.max_wait_s, self._rest)
        self._answered = False
        self._stop: StopRun | None = None
        self._stopped = asyncio.Event()
        # What the server turned out not to take: the JSON schema, or the older name of the output limit.
        self._no_schema = options.structured == "text"
        self._limit_name = "max_tokens"

    @property
    def stop(self) -> StopRun | None:
        """The condition that ends the run; once it is set no further call is sent and nobody rests."""
        return self._stop

    @stop.setter
    def stop(self, value: StopRun | None) -> None:
        self._stop = value
        if value is not None:
            self._stopped.set()

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

    async def close(self) -> None:
        """Close the connection to the server."""
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
            if trouble.kind == "paid":
                break
            self._stop_for_long_pause(trouble)
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

    def _stop_for_long_pause(self, trouble: Trouble) -> None:
        if trouble.retry_after_s is not None and trouble.retry_after_s > LONGEST_PAUSE_S:
            raise StopRun(
                f"the endpoint asks to wait {in_words(trouble.retry_after_s)} ({trouble.detail})",
                where=self.endpoint,
                fix="run the same command again then: what was answered is kept",
            )

    async def _pause(self, trouble: Trouble, attempt: int) -> None:
        self._budget.totals.retries += 1
        if trouble.kind == "slow":
            self.pace.slow_down(trouble.retry_after_s)
        if trouble.retry_after_s is None:
            await self._rest(self.pace.backoff_s(attempt - 1))
        elif trouble.kind == "retry":
            await self._rest(min(trouble.retry_after_s, self._options.max_wait_s))

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
        import openai

        held = self._budget.hold(messages, request.sampling.max_tokens)
        start = time.monotonic()
        used: tuple[int | None, int | None] = (None, None)
        try:
            async with asyncio.timeout(self._options.timeout_s):
                # `post`, not `chat.completions.create`: the same call without copying the body through models.
                # As text, not as a response: which HTTP library makes that one changed between openai's releases.
                content = await next(self._turn).post(
                    "/chat/completions", cast_to=str, body=self._body(request, messages)
                )
            completion = read_document(content)
            self._keep(key, self.redact(content))
            stored = self.stored(completion, request, messages, key, time.monotonic() - start)
            used = (stored.input_tokens, stored.output_tokens)
            return stored
        except TimeoutError:
            return Trouble("retry", "timeout", f"no reply within {self._options.timeout_s:g} s")
        except Malformed as error:
            return Trouble("paid", "malformed_response", self.redact(str(error)))
        except NoCompletion as error:
            return self._redacted(self._not_a_completion(error))
        except (openai.OpenAIError, Redirected) as error:
            return self._redacted(sort_error(error))
        finally:
            self._budget.settle(held, *used)

    def _not_a_completion(self, error: NoCompletion) -> Trouble:
        """What to do where a server said 200 and sent no completion."""
        if error.page and not self._answered:
            return Trouble("fatal", "web_page", str(error), fix="check --llm-url (it usually ends in /v1)")
        if error.status is not None:
            return sort_status(error.status, error.body, str(error), {})
        return Trouble("retry", "no_completion", str(error))

    def _redacted(self, trouble: Trouble) -> Trouble:
        return replace(trouble, detail=self.redact(trouble.detail))

    def _body(self, request: Request, messages: Messages) -> dict[str, Any]:
        body = chat_body(self._options.model, request, messages, None if self._no_schema else request.schema)
        body[self._limit_name] = body.pop("max_tokens")
        return body

    def stored(
        self, completion: Mapping[str, Any], request: Request, messages: Messages, key: str, seconds: float
    ) -> Stored:
        """A completion of this endpoint as it is kept. Raises Malformed."""
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


def in_words(seconds: float) -> str:
    """A duration as people say it: minutes below two hours, then hours."""
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
