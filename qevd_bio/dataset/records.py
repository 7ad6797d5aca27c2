"""JSON annotation files as checked Python values: lists of records, keys, types, paths."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.names import why_unsafe

Record = Mapping[str, Any]


def read_records(path: Path, expected: str) -> list[Any]:
    """The JSON list in `path`.

    Raises UserError where there is no such file, it holds no JSON list, or a key stands twice in one object: which of
    the two is meant, nobody can know.
    """
    if path.is_dir():
        raise UserError("a folder stands where an annotation file is expected", where=path, expected=expected)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError("no such file", where=path, expected=expected) from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"not UTF-8 text (byte {error.start})", where=path, expected=expected, fix="save the file as UTF-8"
        ) from error
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", where=path, expected=expected) from error
    twice: list[tuple[dict[str, Any], str]] = []

    def once(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            keys = [key for key, _ in items]
            twice.append((found, next(key for key in keys if keys.count(key) > 1)))
        return found

    try:
        records = json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise UserError(
            f"not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})",
            where=path,
            expected=expected,
            fix="copy the file from the data set again",
        ) from error
    except RecursionError:
        raise UserError("JSON nested too deeply", where=path, expected=expected) from None
    except ValueError as error:  # a number of more digits than Python takes
        raise UserError(f"not usable JSON: {error}", where=path, expected=expected) from error
    if not isinstance(records, list):
        raise UserError(f"holds {kind_of(records)}", where=path, expected=expected)
    if twice:
        holder, key = twice[0]
        place = next((f" of record {i}" for i, record in enumerate(records) if _holds(record, holder)), "")
        raise UserError(
            f"key {key!r} stands twice in one object{place}",
            where=path,
            expected="each key once",
            fix="delete one of the two, or copy the file from the data set again",
        )
    return records


def _holds(value: object, wanted: object) -> bool:
    """Whether `wanted` itself lies in the JSON value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is wanted or any(_holds(item, wanted) for item in inner)


def kind_of(value: object) -> str:
    """The JSON kind of `value`, for messages."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def get(record: Record, key: str) -> Any:
    """record[key]; raises ItemError("missing_key")."""
    if key not in record:
        raise ItemError("missing_key", f"key {key!r} is missing; found {', '.join(map(repr, record)) or 'no keys'}")
    return record[key]


def get_text(record: Record, key: str) -> str:
    """record[key] as text; raises ItemError for a missing key or another type."""
    value = get(record, key)
    if not isinstance(value, str):
        raise ItemError("wrong_type", f"{key} is {kind_of(value)}, expected a text")
    return value


def get_list(record: Record, key: str, check: Callable[[object], bool], what: str) -> list[Any]:
    """record[key] as a list whose entries all pass `check`; raises ItemError naming the first that does not."""
    values = get(record, key)
    if not isinstance(values, list):
        raise ItemError("wrong_type", f"{key} is {kind_of(values)}, expected a list of {what}")
    for index, value in enumerate(values):
        if not check(value):
            shown = "NaN or infinite" if isinstance(value, float) else kind_of(value)
            raise ItemError("wrong_type", f"{key}[{index}] is {shown}, expected {what}")
    return values


def check_unicode(key: str, texts: Iterable[str]) -> None:
    """Raise ItemError("bad_text") for half a surrogate pair, which JSON can spell but no file can hold."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ItemError("bad_text", f"{key}: {text[:60]!r} is no valid Unicode") from error


def is_text(value: object) -> bool:
    """Whether the JSON value is a string."""
    return type(value) is str


def is_flag(value: object) -> bool:
    """Whether the JSON value is true or false."""
    return type(value) is bool


def is_time(value: object) -> bool:
    """Whether `value` is a finite number (true and false are none)."""
    if type(value) is int:
        return abs(value) < 2**63
    return type(value) is float and math.isfinite(value)


def inner_path(folder: Path, written: str) -> Path:
    """`written`, a path from an annotation file, below `folder`.

    Raises ItemError("unsafe_path") for one that is absolute, goes up (`..`), or has a backslash or control
    character: an annotation file must not make the toolkit read or name files outside the data set.
    """
    path = PurePosixPath(written)
    odd = "\\" in written or ":" in written or not written.isprintable() or len(written.encode()) > 255
    if not written or odd or path.is_absolute() or ".." in path.parts or not path.name:
        raise ItemError("unsafe_path", f"path {written[:120]!r} is not a plain path inside the data set")
    return folder.joinpath(*path.parts)


def stem_of(written: str) -> str:
    """The file name of a checked path without its suffix; raises ItemError where it cannot name results."""
    stem = PurePosixPath(written).stem
    if problem := "it is that of a hidden file" if stem.startswith(".") else why_unsafe(stem):
        raise ItemError("unsafe_path", f"{stem[:80]!r} cannot name results: {problem}")
    return stem
