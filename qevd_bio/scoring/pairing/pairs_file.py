"""The matched pairs that the official evaluation saves: a JSON list of {"GT": …, "Pred": …}."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qevd_bio.scoring.pairing.predictions import read_bytes
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import once

_EXPECTED = 'a JSON list of {"GT": "...", "Pred": "..."}'


def is_pairs_file(data: bytes) -> bool:
    """A file that starts with a list holds pairs (or is refused); predictions start with an object."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """(ground truth, prediction) of every pair; raises UserError naming the pair that is wrong."""
    return parse_pairs(read_bytes(path), path)


def parse_pairs(data: bytes, path: Path) -> list[tuple[str, str]]:
    """`read_pairs` for bytes already read."""
    try:
        value: Any = json.loads(data.decode("utf-8-sig"), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise UserError(f"not JSON ({str(error)[:100]})", where=path, expected=_EXPECTED) from error
    if not isinstance(value, list) or not value:
        raise UserError("no pairs in this file", where=path, expected=_EXPECTED)
    if any(isinstance(item, dict) and "feedbacks" in item for item in value):
        raise UserError(
            "this is a JSON array of segments",
            where=path,
            expected="JSONL: one segment a line, no brackets around them and no commas between them",
            fix=f"jq -c '.[]' {path} > {path.stem}-lines.jsonl",
        )
    pairs: list[tuple[str, str]] = []
    for position, item in enumerate(value):
        texts = [item.get(key) for key in ("GT", "Pred")] if isinstance(item, dict) else [None]
        if not all(isinstance(text, str) and _writable(text) for text in texts):
            raise UserError(f"pair {position} is no pair of texts", where=path, expected=_EXPECTED)
        pairs.append((str(texts[0]), str(texts[1])))
    return pairs


def _writable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
