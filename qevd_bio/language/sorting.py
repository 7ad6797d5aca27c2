"""Sorting what can go wrong on the wire: try again, slow down, give up on this question, or stop the run."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["retry", "slow", "bad_request", "paid", "fatal"]


@dataclass(frozen=True)
class Trouble:
    """One failed call: what to do about it, a countable reason, the server's words, and its Retry-After in seconds."""

    kind: Kind
    reason: str
    detail: str
    retry_after_s: float | None = None
    fix: str = ""


_FIXES = {
    401: "check the key in the environment variable named by --llm-key-variable",
    402: "the account has no credit: add some, or name another --llm-url",
    403: "the key may not use this model: check the account's rights, or choose another --model",
    404: "check --llm-url (it usually ends in /v1) and --model; the server's /models lists what it has",
}
_QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "access_terminated")


class Redirected(Exception):
    """The server sends us to another host; nothing was sent there."""


def sort_error(error: Exception) -> Trouble:
    """What to do about an exception of the `openai` package (or of reading its HTTP body)."""
    import openai

    if isinstance(error, Redirected):
        return Trouble(
            "fatal",
            "redirected",
            f"it sends pictures and texts on to another host ({error}), which is not followed",
            fix="name that host with --llm-url if you trust it",
        )
    if isinstance(error, openai.APITimeoutError):
        return Trouble("retry", "timeout", "no reply in time")
    if isinstance(error, openai.APIStatusError):
        return sort_status(error.status_code, error.body, str(error.message), dict(error.response.headers))
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__ or error
        return Trouble("retry", "connection", f"{type(cause).__name__}: {cause}")
    return Trouble("retry", "malformed_response", f"{type(error).__name__}: {error}")


def sort_status(status: int, body: Any, message: str, headers: dict[str, str]) -> Trouble:
    """What to do about an HTTP status, the server's own message and its headers."""
    code = str(body.get("code") or body.get("type") or "") if isinstance(body, dict) else ""
    detail = f"HTTP {status}: {message}"[:500]
    if code in _QUOTA or status == 402:
        return Trouble("fatal", "quota", detail, fix=_FIXES[402])
    if status == 429:
        return Trouble("slow", "rate_limit", detail, retry_after(headers))
    if status in (401, 403, 404):
        return Trouble(
            "fatal", {401: "key_refused", 403: "forbidden", 404: "not_found"}[status], detail, fix=_FIXES[status]
        )
    if status >= 500 or status in (408, 409, 425):
        return Trouble("retry", "server_error", detail, retry_after(headers))
    return Trouble("bad_request", "refused_request", detail)


def retry_after(headers: dict[str, str]) -> float | None:
    """Seconds that the server asks to wait (`Retry-After` in seconds or as a date, `retry-after-ms`), or None."""
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wait = float(lower[name]) * unit
        except (KeyError, ValueError):
            continue
        return wait if 0 <= wait < 1e7 else None
    try:
        moment = email.utils.parsedate_to_datetime(lower["retry-after"])
    except (KeyError, ValueError, TypeError):
        return None
    return max(0.0, moment.timestamp() - time.time())
