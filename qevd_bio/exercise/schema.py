"""Reading YAML into the declared types, with errors that name the file and the key."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from qevd_bio.store.errors import UserError

T = TypeVar("T")

_UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
_MISSING = ("missing", "missing_argument", "missing_keyword_only_argument")


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def read_model(model: type[T], data: object, path: Path, place: str = "") -> T:
    """Turn parsed YAML into `model`; UserError names the file, the key and what was expected."""
    try:
        adapter: TypeAdapter[Any] = _adapter(cast(Any, model))
        return cast(T, adapter.validate_python(data))
    except ValidationError as error:
        # A misspelt key is unknown and missing at once; the unknown one says more.
        first = min(error.errors(), key=lambda item: item["type"] not in _UNKNOWN)
        keys = ".".join(str(part) for part in first["loc"])
        where = ": ".join(part for part in (str(path), place, keys) if part)
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise UserError(
            _problem(first["type"], first.get("input")) + more, where=where, expected=_expected(first)
        ) from error


def _problem(kind: str, value: object) -> str:
    if kind in _MISSING:
        return "this key is missing"
    if kind in _UNKNOWN:
        return "this key is not known"
    return f"{str(value)[:80]!r} does not fit"


def _expected(error: Any) -> str | None:
    if error["type"] in _MISSING:
        return None
    if error["type"] in _UNKNOWN:
        return "a key of docs/exercises.md; quote texts that hold a comma"
    return re.sub(r"^Input should be ", "", str(error["msg"]))
