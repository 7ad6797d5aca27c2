"""Prompts are files with a name, a version and variables; they are filled in one pass.

A file has a head of `key: value` lines, then turns that begin with `--- system`, `--- user` or `--- assistant`.
A variable stands as {{name}}; what is put in is never looked at again, so data cannot add variables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qevd_bio.language.request import Image, Message
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_json
from qevd_bio.store.plain_data import why_unreadable

_TURN = re.compile(r"^--- (system|user|assistant)\s*$", re.MULTILINE)
_VARIABLE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Prompt:
    """One prompt file; `turns` are (role, template)."""

    name: str
    version: str
    variables: tuple[str, ...]
    turns: tuple[tuple[str, str], ...]

    def fill(self, values: Mapping[str, str], images: tuple[Image, ...] = ()) -> tuple[Message, ...]:
        """The messages; `images` stand before the text of the last turn. ValueError for other variables."""
        if set(values) != set(self.variables):
            raise ValueError(f"prompt {self.name} takes {sorted(self.variables)}, got {sorted(values)}")
        texts = [_VARIABLE.sub(lambda match: values[match[1]], template) for _, template in self.turns]
        last = len(texts) - 1
        return tuple(
            Message(role, (*(images if i == last else ()), text))
            for i, ((role, _), text) in enumerate(zip(self.turns, texts, strict=True))
        )

    def filled_hash(self, values: Mapping[str, str]) -> str:
        """Hash of the filled prompt (without images), short enough for a table."""
        return hash_json([self.name, self.version, [[m.role, m.parts] for m in self.fill(values)]])[:16]


def load_prompt(path: Path) -> Prompt:
    """Read one prompt file; UserError names what is missing or not declared."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(why_unreadable(error), where=path, expected="a prompt file") from error
    head, *rest = _TURN.split(text)
    fields = dict(line.split(":", 1) for line in head.strip().splitlines() if ":" in line)
    missing = [key for key in ("name", "version", "variables") if not fields.get(key, "").strip()]
    if missing or not rest:
        raise UserError(
            f"not a prompt: {'no turns' if not missing else 'no ' + ', '.join(missing)}",
            where=path,
            expected="lines name:, version:, variables:, then turns that begin with --- system or --- user",
        )
    turns = tuple((role, body.strip()) for role, body in zip(rest[::2], rest[1::2], strict=True))
    declared = tuple(name.strip() for name in fields["variables"].split(",") if name.strip())
    used = {name for _, body in turns for name in _VARIABLE.findall(body)}
    if used != set(declared):
        raise UserError(
            f"variables declared and used differ: {', '.join(sorted(used ^ set(declared)))}",
            where=path,
            expected="every variable both in the head and, as {{name}}, in a turn",
        )
    return Prompt(fields["name"].strip(), fields["version"].strip(), declared, turns)
