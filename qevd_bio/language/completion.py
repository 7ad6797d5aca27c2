"""What a server sent, as a reply that is kept: chat completions in the dresses that servers give them."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from qevd_bio.language.cache import Stored
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.request import Image, Messages, Request, plain_messages
from qevd_bio.store.hashing import hash_json

_TEXT_PARTS = ("text", "output_text")
_MOST_WORDS = 300
_MOST_TOKENS = 2**40


class NoCompletion(ValueError):
    """The server answered with something else, in its own words; `status` as a server of errors would have sent it.

    `page` is true for a web page: then the address is probably not that of an API.
    """

    def __init__(self, words: str, *, status: int | None = None, body: object = None, page: bool = False) -> None:
        super().__init__(words)
        self.status = status
        self.body = body
        self.page = page


class Malformed(ValueError):
    """A completion that was answered (and paid for) but has a form that this version does not read."""


def read_document(content: str) -> dict[str, Any]:
    """The JSON object of a completion. Raises NoCompletion for a page, an error object or anything else."""
    start = content.lstrip()[:200].lower()
    if start.startswith(("<!doctype", "<html", "<?xml", "<head", "<body")):
        raise NoCompletion(f"the server sent a web page: {page_words(content)}", page=True)
    try:
        document = json.loads(content)
    except ValueError as error:
        raise NoCompletion(f"the server sent no JSON: {plain_words(content)!r}") from error
    if not isinstance(document, dict):
        raise NoCompletion(f"the server sent no JSON object: {plain_words(content)!r}")
    choices = document.get("choices")
    if isinstance(choices, list) and choices:
        return document
    fault = document.get("error")
    if fault:
        words = fault.get("message") if isinstance(fault, dict) else fault
        status = _whole(fault.get("code")) if isinstance(fault, dict) else None
        known = status if status is not None and 400 <= status < 600 else None
        raise NoCompletion(f"the server sent an error: {plain_words(str(words or fault))}", status=known, body=fault)
    raise NoCompletion(f"the server sent no choices: {plain_words(content)!r}")


def stored_from(
    completion: Mapping[str, Any],
    *,
    request: Request,
    messages: Messages,
    key: str,
    endpoint: str,
    options: ClientOptions,
    seconds: float,
    redact: Callable[[str], str] = str,
) -> Stored:
    """A completion as it is kept. Raises Malformed for one whose text cannot be found."""
    text, refusal, finish = _message(completion)
    usage = completion.get("usage")
    tokens = usage if isinstance(usage, dict) else {}
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
        text=redact(text or refusal),
        finish=finish,
        refusal=bool(refusal),
        input_tokens=_tokens(tokens, "prompt_tokens", "input_tokens"),
        output_tokens=_tokens(tokens, "completion_tokens", "output_tokens"),
        seconds=seconds,
        unix=time.time(),
    )


def _message(completion: Mapping[str, Any]) -> tuple[str, str, str]:
    """(text, refusal, reason for the end) of the first choice."""
    choices = completion.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        raise Malformed(f"a reply whose first choice is {type(first).__name__}")
    message = first.get("message")
    if message is None:
        message = {"content": first.get("text")}
    elif isinstance(message, str):
        message = {"content": message}
    if not isinstance(message, dict):
        raise Malformed(f"a reply whose message is {type(message).__name__}")
    text, refused = _content(message.get("content"))
    refusal = message.get("refusal")
    return text, refusal if isinstance(refusal, str) else refused, str(first.get("finish_reason") or "")


def _content(content: Any) -> tuple[str, str]:
    """(text, refusal) of a message's content: a string, nothing, one part, or a list of parts."""
    if content is None or isinstance(content, str):
        return content or "", ""
    parts = content if isinstance(content, list) else [content]
    texts, refusals = [], []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict) and isinstance(part.get("text"), str) and part.get("type", "text") in _TEXT_PARTS:
            texts.append(part["text"])
        elif isinstance(part, dict) and isinstance(part.get("refusal"), str):
            refusals.append(part["refusal"])
        elif not isinstance(part, dict) or "type" not in part:
            raise Malformed("a reply whose content is not text")
        # Parts of other declared types (reasoning, tool calls, images) hold nothing of the answer.
    if parts and not texts and not refusals:
        raise Malformed("a reply without a part of text")
    return "".join(texts), "".join(refusals)


def _tokens(usage: Mapping[str, Any], *names: str) -> int:
    """How many tokens a server says it used; 0 where it says nothing that is a count."""
    for name in names:
        count = _whole(usage.get(name))
        if count is not None and 0 <= count < _MOST_TOKENS:
            return count
    return 0


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def page_words(page: str) -> str:
    """The visible words of a web page: text without scripts, styles and tags."""
    page = re.sub(r"(?is)<(script|style)\b.*?(</\1\s*>|$)", " ", page[:20_000])
    return plain_words(html.unescape(re.sub(r"(?s)<[^>]*(>|$)", " ", page)))


def plain_words(text: str) -> str:
    """The beginning of a server's text on one line."""
    return " ".join(text.split())[:_MOST_WORDS]
