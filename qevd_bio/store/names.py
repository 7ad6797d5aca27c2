"""Names that become a part of a path: what could not stand in one is written as percent escapes."""

from __future__ import annotations

import re
from urllib.parse import unquote

from qevd_bio.store.hashing import hash_bytes

_PLAIN = re.compile(r"[\w .+@=,()\-]", re.UNICODE)
_FIRST = re.compile(r"[^\W.]", re.UNICODE)
_AS_IT_IS = re.compile(r"[^\W.](?:[\w .+@=,()\-]*[\w.+@=,()\-])?", re.UNICODE)
_SHORT = 50  # characters, of at most four bytes
# File systems allow 255 bytes; what is left holds a suffix such as `.parquet`.
_LONGEST_BYTES = 235


def safe_name(name: str) -> str:
    """`name` as one part of a path; `true_name` gives it back.

    Letters, digits, blanks and . _ + - = @ , ( ) stay as they are, so most names are their own path. Every other
    character, one of these punctuation marks or a blank at the beginning, and a blank at the end become percent
    escapes of their UTF-8 bytes. A name that is too long for a file system, or none at all (see `why_unsafe`), becomes
    a hash, which cannot be turned back.
    """
    if len(name) <= _SHORT and _AS_IT_IS.fullmatch(name):
        return name  # nearly every name, and there may be a hundred thousand
    if why_unsafe(name):
        return f"%-{hash_bytes(name.encode('utf-8', 'backslashreplace'))[:32]}"
    return _escape(name)


def why_unsafe(name: str) -> str:
    """Why no result can bear this name; empty where it can."""
    if 0 < len(name) <= _SHORT and _AS_IT_IS.fullmatch(name):
        return ""
    try:
        long = len(_escape(name).encode()) > _LONGEST_BYTES
    except UnicodeEncodeError:
        return "it is no valid Unicode"
    if not name:
        return "it is empty"
    return f"it is longer than {_LONGEST_BYTES} bytes, odd characters counted threefold" if long else ""


def _escape(name: str) -> str:
    return "".join(_escaped(char, at in (0, len(name) - 1), at == 0) for at, char in enumerate(name))


def true_name(part: str) -> str:
    """The name that `safe_name` made this part of a path from."""
    return unquote(part)


def _escaped(char: str, at_an_end: bool, first: bool) -> str:
    kept = _FIRST.fullmatch(char) if first else _PLAIN.fullmatch(char)
    if kept and not (at_an_end and char == " "):
        return char
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8"))
