"""Reading YAML into the declared types, with errors that name the file and the key."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import TypeAdapter, ValidationError

from qevd_bio.store.errors import UserError

T = TypeVar("T")

_MAX_BYTES = 1_000_000
_UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
_MISSING = ("missing", "missing_argument", "missing_keyword_only_argument")


class _Loader(yaml.CSafeLoader):
    """The safe loader, refusing keys that are given twice."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    mapping: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in mapping:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> object:
    """Parse one YAML file safely; UserError with the line for what is not YAML."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UserError(f"larger than {_MAX_BYTES:,} bytes", where=path, expected="a file of rules")
        return _Loader(path.read_text(encoding="utf-8")).get_single_data()
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})", where=path) from error
    except UnicodeDecodeError as error:
        raise UserError("is not UTF-8 text", where=path) from error
    except yaml.YAMLError as error:
        raise UserError(f"is not valid YAML: {_yaml_problem(error)}", where=path) from error


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "unreadable"
    return f"{problem} (line {mark.line + 1})" if mark else str(problem)


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
