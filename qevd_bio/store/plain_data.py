"""YAML and JSON that people write: read safely, and refused where a key is given twice.

TOML needs no such care: its own rules forbid a key twice, and tomllib keeps them.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import yaml

from qevd_bio.store.errors import UserError

_MAX_BYTES = 1_000_000


class _Loader(yaml.CSafeLoader):
    """The safe loader, refusing keys that are given twice."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    mapping: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable):
            raise yaml.constructor.ConstructorError(None, None, "a key is a list or mapping", key_node.start_mark)
        if key in mapping:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Any:
    """Parse one YAML file safely; UserError with the line for what is not YAML."""
    return parse_yaml(read_text(path), path)


def parse_yaml(text: str, path: Path) -> Any:
    """The same for text that was read from `path`."""
    try:
        return _Loader(text).get_single_data()
    except yaml.YAMLError as error:
        raise UserError(f"is not valid YAML: {_yaml_problem(error)}", where=path) from error


def read_json(path: Path, expected: str | None = None) -> Any:
    """Parse one JSON file; UserError with the place for what is not JSON, a key given twice or NaN.

    `expected` says in that error what the file should hold.
    """
    try:
        return json.loads(read_text(path), object_pairs_hook=once, parse_constant=_no_constant)
    except ValueError as error:
        raise UserError(f"is not valid JSON: {error}", where=path, expected=expected) from error


def why_unreadable(error: OSError | UnicodeDecodeError) -> str:
    """What is wrong with a text file, in the words of a message."""
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8 text"
    return "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"


def read_text(path: Path) -> str:
    """A text file of settings or rules; UserError for one that is missing, too large or not UTF-8."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UserError(f"larger than {_MAX_BYTES:,} bytes", where=path, expected="a file of settings or rules")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(why_unreadable(error), where=path) from error


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object's keys and values as a dict, for json's `object_pairs_hook`; ValueError for a key given twice."""
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise ValueError(f"key {key!r} is given twice")
        mapping[key] = value
    return mapping


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "unreadable"
    return f"{problem} (line {mark.line + 1})" if mark else str(problem)
