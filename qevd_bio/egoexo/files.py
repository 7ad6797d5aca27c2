"""JSON files of Ego-Exo4D: large, sometimes wrapped, and read with one clear error for what does not fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import why_unreadable

DOWNLOAD = "egoexo -o FOLDER --parts metadata annotations expert_commentary"


def read_large_json(path: Path, expected: str) -> Any:
    """The value in a JSON file of any size; UserError where it is missing, cut off or no JSON."""
    try:
        with path.open(encoding="utf-8") as stream:
            return json.load(stream)
    except FileNotFoundError as error:
        raise UserError("no such file", where=path, expected=expected, fix=DOWNLOAD) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(why_unreadable(error), where=path, expected=expected) from error
    except ValueError as error:
        raise UserError(
            f"is not valid JSON: {error}", where=path, expected=expected, fix="download the file again"
        ) from error


def unwrapped(value: Any, key: str = "annotations") -> Any:
    """What a file holds under `key`, or the whole where it has no such wrapper: both forms are in use."""
    return value[key] if isinstance(value, Mapping) and key in value else value


def field(entry: Any, name: str, kind: type | tuple[type, ...], where: Path, place: str) -> Any:
    """`entry[name]` of the wanted type; UserError names the file and the place otherwise."""
    value = entry.get(name) if isinstance(entry, Mapping) else None
    # JSON has no class for booleans among its numbers, Python does.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        wanted = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        raise UserError(f"{place}: {name} is {value!r}"[:200], where=where, expected=f"{name}: {wanted}")
    return value
