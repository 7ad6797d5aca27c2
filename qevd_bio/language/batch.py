"""The provider's batch interface: half the price, within a day. Batches fill the cache; the normal run reads from it.

Each batch is written down before anything waits: first our own mark, then the provider's id. A run that was cut off
between the two finds its batch again by the mark, which the provider keeps as metadata.
"""

from __future__ import annotations

import io
import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qevd_bio.language.cache import Cache
from qevd_bio.language.completion import Malformed, stored_from
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.request import Request, request_key
from qevd_bio.language.sorting import sort_error
from qevd_bio.language.wire import NO_KEY, chat_body, endpoint_of
from qevd_bio.store.errors import StopRun, UserError

if TYPE_CHECKING:
    from openai import OpenAI

MOST_REQUESTS = 20_000
MOST_BYTES = 90_000_000
_ENDED = ("completed", "expired", "cancelled", "failed")


@dataclass(frozen=True)
class BatchResult:
    """What one pass did: requests submitted, replies collected, lines that failed, batches still running."""

    submitted: int
    collected: int
    failed: int
    running: int


def run_batch(
    requests: Callable[[], Iterable[Request]],
    options: ClientOptions,
    *,
    wait_s: float,
    poll_s: float = 30.0,
    say: Callable[[str], None] = print,
) -> BatchResult:
    """Submit what the cache lacks, wait at most `wait_s`, and put what is ready into the cache.

    `requests` is called again when replies are collected, so that none has to be kept in memory. A batch still
    running at the end is collected by the next run.
    """
    if options.cache is None:
        raise UserError("--batch needs a cache", fix="name one with --cache")
    import openai

    service = _Service(options)
    try:
        submitted = service.submit(requests())
        say(f"batch: {submitted} questions submitted; waiting up to {wait_s:g} s")
        collected = failed = 0
        end = time.monotonic() + wait_s
        while True:
            done, bad, running = service.collect(requests)
            collected, failed = collected + done, failed + bad
            left = end - time.monotonic()
            if not running or left <= 0:
                return BatchResult(submitted, collected, failed, running)
            say(f"batch: {running} still running at the provider")
            time.sleep(min(poll_s, max(left, 0.0)))
    except openai.OpenAIError as error:
        trouble = sort_error(error)
        raise StopRun(
            f"the batch interface failed: {trouble.detail}", where=service.endpoint, fix=trouble.fix
        ) from error
    finally:
        service.close()


class _Service:
    def __init__(self, options: ClientOptions) -> None:
        self.endpoint = endpoint_of(options.url)
        self._options = options
        self._cache = Cache(options.cache)
        self._client = _sync_client(options)

    def close(self) -> None:
        self._client.close()
        self._cache.close()

    def submit(self, requests: Iterable[Request]) -> int:
        """Send the requests that are neither in the cache nor in a batch under way; returns how many."""
        waiting = {key for _, _, _, keys in self._pending() for key in keys}
        for mark, identity, _, keys in self._pending():
            if identity is None:
                self._find_again(mark, keys)
        lines = self._lines(requests, waiting)
        sent = 0
        while first := next(lines, None):
            sent += self._send(itertools.chain([first], lines))
        return sent

    def _pending(self) -> list[tuple[str, str | None, str, list[str]]]:
        return self._cache.batches(self.endpoint, self._options.model, self._options.stage)

    def _lines(self, requests: Iterable[Request], waiting: set[str]) -> Iterator[tuple[str, bytes]]:
        for request in requests:
            if request.alias and self._cache.answer(request.alias) is not None:
                continue
            built = request.built()
            messages = () if callable(built.messages) else built.messages
            key = request_key(self.endpoint, self._options.model, built)
            if key in waiting or self._cache.get(key) is not None:
                continue
            waiting.add(key)
            schema = None if self._options.structured == "text" else request.schema
            body = chat_body(self._options.model, request, messages, schema)
            line = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
            yield key, json.dumps(line, ensure_ascii=False).encode() + b"\n"

    def _send(self, lines: Iterator[tuple[str, bytes]]) -> int:
        """One batch of as many lines as fit; the mark is kept before the upload, the id right after."""
        buffer, keys = io.BytesIO(), []
        for key, line in lines:
            buffer.write(line)
            keys.append(key)
            if len(keys) >= MOST_REQUESTS or buffer.tell() >= MOST_BYTES:
                break
        mark = uuid.uuid4().hex
        self._note(mark, None, "submitting", keys)
        buffer.seek(0)
        file = self._client.files.create(file=("batch.jsonl", buffer), purpose="batch")
        batch = self._client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"qevd_bio": mark},
        )
        self._note(mark, batch.id, "submitted", keys)
        return len(keys)

    def _find_again(self, mark: str, keys: list[str]) -> None:
        for batch in itertools.islice(self._client.batches.list(limit=100), 1000):
            if (batch.metadata or {}).get("qevd_bio") == mark:
                self._note(mark, batch.id, "submitted", keys)
                return
        self._note(mark, None, "collected", [])

    def _note(self, mark: str, identity: str | None, state: str, keys: list[str]) -> None:
        self._cache.note_batch(mark, identity, self.endpoint, self._options.model, self._options.stage, state, keys)

    def collect(self, requests: Callable[[], Iterable[Request]]) -> tuple[int, int, int]:
        """(replies put into the cache, lines that failed, batches still running)."""
        done = bad = running = 0
        for mark, identity, _, keys in self._pending():
            if identity is None:
                continue
            batch = self._client.batches.retrieve(identity)
            if batch.status not in _ENDED:
                running += 1
                continue
            if batch.output_file_id:
                text = self._client.files.content(batch.output_file_id).text
                good, wrong = self._keep(text, requests)
                done, bad = done + good, bad + wrong
            self._note(mark, identity, "collected", keys)
        return done, bad, running

    def _keep(self, text: str, requests: Callable[[], Iterable[Request]]) -> tuple[int, int]:
        replies: dict[str, dict[str, Any]] = {}
        bad = 0
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                response = entry.get("response") or {}
                if response.get("status_code") == 200 and isinstance(response.get("body"), dict):
                    replies[str(entry["custom_id"])] = response["body"]
                else:
                    bad += 1
            except (ValueError, KeyError, TypeError, AttributeError):
                bad += 1
        good = 0
        for request in requests():
            built = request.built()
            key = request_key(self.endpoint, self._options.model, built)
            if key not in replies:
                continue
            messages = () if callable(built.messages) else built.messages
            body = replies.pop(key)
            self._cache.keep_unread(key, json.dumps(body))
            try:
                self._cache.put(
                    stored_from(
                        body,
                        request=built,
                        messages=messages,
                        key=key,
                        endpoint=self.endpoint,
                        options=self._options,
                        seconds=0.0,
                    )
                )
                good += 1
            except Malformed:
                bad += 1
        return good, bad


def _sync_client(options: ClientOptions) -> OpenAI:
    import os

    import openai

    key = os.environ.get(options.key_variable, "") or NO_KEY
    return openai.OpenAI(api_key=key, base_url=endpoint_of(options.url), max_retries=5, timeout=options.timeout_s)
