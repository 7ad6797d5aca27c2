"""The 23 exercises of QEVD (its Table 5), the spellings met in the data, and how a spelling finds its exercise.

Names and aliases live in `refs/exercises/<id>.yaml`; files of the same form in `<workspace>/refs/exercises/`
add exercises or aliases. Only the keys `id`, `name` and `aliases` are read here.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import parse_yaml, read_text
from qevd_bio.store.resources import refs_path

Side = Literal["left", "right"]
_KEYS = ("id", "name", "aliases")
_TOP_KEY = re.compile(r"(\w+)\s*:")
_LEVELS = frozenset({"beginner", "beginners", "intermediate", "advanced"})
_SIDE_FILL = frozenset({"side", "sides", "arm", "leg", "and", "both"})
_IRREGULAR = {"feet": "foot"}


@dataclass(frozen=True)
class Name:
    """An exercise as found: `id` and `canonical` name it, `side` and `original` keep what was written."""

    id: str
    canonical: str
    side: Side | None
    original: str


@dataclass(frozen=True)
class NameBook:
    """Exercise names by id and exercises by normalised spelling."""

    names: dict[str, str]
    keys: dict[str, str]

    def lookup(self, text: str) -> Name | None:
        """The exercise that `text` names, or None."""
        words, side = _words(text)
        for candidate in (words, [word for word in words if word not in _LEVELS]):
            found = self.keys.get(_key(candidate))
            if found is not None:
                return Name(found, self.names[found], side, text)
        return None

    def find(self, text: str) -> Name:
        """The exercise that `text` names; raises UserError with the closest names otherwise."""
        name = self.lookup(text)
        if name is None:
            close = self.suggest(text)
            hint = f"did you mean {' or '.join(close)}?" if close else f"one of {', '.join(self.names.values())}"
            raise UserError(
                f"unknown exercise {text[:80]!r}",
                expected=hint,
                fix="use such a name, or add refs/exercises/<id>.yaml (id, name, aliases) to the workspace",
            )
        return name

    def suggest(self, text: str, n: int = 3) -> list[str]:
        """Canonical names whose spelling is close to `text`, best first."""
        keys = difflib.get_close_matches(_key(_words(text)[0]), self.keys, n=2 * n, cutoff=0.55)
        return list(dict.fromkeys(self.names[self.keys[key]] for key in keys))[:n]


def find(text: str, user_refs: Path | None = None) -> Name:
    """`NameBook.find` in the shipped names, extended by those in `user_refs` (`<workspace>/refs`)."""
    return load_names(user_refs).find(text)


def load_names(user_refs: Path | None = None) -> NameBook:
    """The shipped names, extended by `user_refs/exercises/*.yaml`.

    Raises UserError for a file that cannot be read, or that claims another exercise's spelling.
    """
    folders = [refs_path("exercises")]
    if user_refs is not None:
        folders.append(user_refs / "exercises")
    files = tuple(file for folder in folders for file in sorted(folder.glob("*.yaml")))
    return _load(tuple((file, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=8)
def _load(files: tuple[tuple[Path, int], ...]) -> NameBook:
    names: dict[str, str] = {}
    keys: dict[str, str] = {}
    origin: dict[str, Path] = {}
    for file, _ in files:
        entry = _read(file)
        names[entry["id"]] = entry["name"]
        for spelling in (entry["id"], entry["name"], *entry["aliases"]):
            key = _key(_words(spelling)[0])
            if not key:
                raise UserError(f"alias {spelling!r} names no exercise", where=file)
            if keys.setdefault(key, entry["id"]) != entry["id"]:
                raise UserError(
                    f"{spelling!r} already names {names[keys[key]]!r}",
                    where=file,
                    expected="each spelling belongs to one exercise",
                    fix=f"remove it here or in {origin[key]}",
                )
            origin.setdefault(key, file)
    return NameBook(names, keys)


def _read(file: Path) -> dict[str, Any]:
    expected = "YAML with the keys id (text), name (text) and aliases (list of texts)"
    text = read_text(file)
    entry = parse_yaml(_top_part(text), file)
    if not (isinstance(entry, dict) and "id" in entry and "name" in entry):
        entry = parse_yaml(text, file)
    if not isinstance(entry, dict):
        raise UserError("not a mapping", where=file, expected=expected)
    aliases = entry.get("aliases") or []
    texts = [entry.get("id"), entry.get("name"), *(aliases if isinstance(aliases, list) else [None])]
    if not all(isinstance(value, str) and value.strip() for value in texts):
        raise UserError("id, name or aliases missing or not text", where=file, expected=expected)
    return {"id": entry["id"], "name": entry["name"], "aliases": aliases}


def _top_part(text: str) -> str:
    """The lines of the three top-level keys alone: such files are long, and 23 are read at each start."""
    kept, keep = [], False
    for line in text.splitlines():
        top = _TOP_KEY.match(line)
        if top:
            keep = top[1] in _KEYS
        if keep:
            kept.append(line)
    return "\n".join(kept)


def _words(text: str) -> tuple[list[str], Side | None]:
    """Lower-case words without hyphens and punctuation, and the side that they name."""
    words = re.findall(r"[^\W_]+", text.casefold().replace("'", ""))
    sides = {word for word in words if word in ("left", "right")}
    if not sides:
        return words, None
    plain = [word for word in words if word not in sides and word not in _SIDE_FILL]
    side: Side | None = None if len(sides) == 2 else ("left" if "left" in sides else "right")
    return plain, side


def _key(words: list[str]) -> str:
    return "".join(_singular(word) for word in words)


def _singular(word: str) -> str:
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return _IRREGULAR.get(word, word)
