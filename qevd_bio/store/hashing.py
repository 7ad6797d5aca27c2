"""Content hashes: what a result was made from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from qevd_bio.store.errors import UserError


def hash_file(path: str | Path) -> str:
    """SHA-256 of a file's content, as hex. Raises UserError where it cannot be read."""
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", where=path, expected="a readable file") from error


def hash_bytes(data: bytes) -> str:
    """SHA-256 of `data`, as hex."""
    return hashlib.sha256(data).hexdigest()


def hash_json(value: Any) -> str:
    """SHA-256 of `value` written as JSON with sorted keys, as hex; paths count as their text."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return hash_bytes(text.encode("utf-8"))


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be part of a fingerprint")
