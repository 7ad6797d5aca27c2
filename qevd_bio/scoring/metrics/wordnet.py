"""What METEOR needs of WordNet, as a compact index built once from the dictionary's own files.

NLTK reads all of WordNet at each start (over two seconds). Here one SQLite file in the cache maps each
entry to the one-word names of its synonym sets; looking up a corpus's words takes milliseconds. The
base forms of a word follow `morphy`, as NLTK has it: exceptions if the word has any, else detached endings.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from qevd_bio.scoring.cache import cache_folder
from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_bytes, hash_json

_FORMAT = 1
_PARTS = ("noun", "verb", "adj", "adv")
_FILES = tuple(f"{kind}.{part}" for part in _PARTS for kind in ("index", "data")) + tuple(f"{p}.exc" for p in _PARTS)

_ENDINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "noun": (
        ("s", ""), ("ses", "s"), ("ves", "f"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"),
        ("men", "man"), ("ies", "y"),
    ),
    "verb": (("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    "adj": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "adv": (),
}  # fmt: skip

INSTALL = "apt-get install wordnet-base, or python -m nltk.downloader wordnet, or name a folder with --wordnet"


@dataclass(frozen=True)
class WordNetSource:
    """WordNet's files: a folder, or NLTK's `wordnet.zip`."""

    path: Path

    def read(self, name: str) -> bytes:
        """Content of one file, such as `data.noun`."""
        if self.path.suffix == ".zip":
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(f"wordnet/{name}")
        return (self.path / name).read_bytes()

    def identity(self) -> str:
        """Changes when the files change; does not read them."""
        files = [self.path] if self.path.suffix == ".zip" else [self.path / name for name in _FILES]
        stats = [file.stat() for file in files]
        return hash_json([_FORMAT, str(self.path.resolve()), [(s.st_size, s.st_mtime_ns) for s in stats]])

    def is_whole(self) -> bool:
        """Are all files there that the index is made of?"""
        if self.path.suffix != ".zip":
            return all((self.path / name).is_file() for name in _FILES)
        try:
            with zipfile.ZipFile(self.path) as archive:
                return {f"wordnet/{name}" for name in _FILES} <= set(archive.namelist())
        except (OSError, zipfile.BadZipFile):
            return False


def nltk_data_folders() -> list[Path]:
    """The folders in which NLTK looks for data, in its order."""
    named = [Path(part) for part in os.environ.get("NLTK_DATA", "").split(os.pathsep) if part]
    own = [Path(sys.prefix) / part for part in ("nltk_data", "share/nltk_data", "lib/nltk_data")]
    shared = [Path(p) for p in ("/usr/share/nltk_data", "/usr/local/share/nltk_data", "/usr/lib/nltk_data")]
    return [*named, Path.home() / "nltk_data", *own, *shared]


def find_wordnet(chosen: Path | None = None) -> WordNetSource | None:
    """WordNet's files: at `chosen` if given, else NLTK's data, else Debian's; None where there are none.

    Raises UserError if `chosen` lacks a file.
    """
    if chosen is not None:
        source = WordNetSource(chosen)
        if not chosen.exists() or not source.is_whole():
            raise UserError(
                "these are not WordNet's files",
                where=chosen,
                expected=f"a folder (or NLTK's wordnet.zip) with {', '.join(_FILES[:2])}, …, adv.exc",
                fix="apt-get install wordnet-base and leave --wordnet out",
            )
        return source
    places = [folder / "corpora" / name for folder in nltk_data_folders() for name in ("wordnet", "wordnet.zip")]
    for place in (*places, Path("/usr/share/wordnet")):
        if place.exists() and WordNetSource(place).is_whole():
            return WordNetSource(place)
    return None


class Synonyms:
    """Synonyms of words from the compact index; `version` and `sha256` say of which WordNet."""

    def __init__(self, index: Path) -> None:
        self._connection = sqlite3.connect(f"file:{quote(str(index))}?mode=ro&immutable=1", uri=True)
        about = dict(self._connection.execute("SELECT key, value FROM about"))
        self.version: str = about["version"]
        self.sha256: str = about["sha256"]
        self._sets: dict[str, frozenset[str]] = {}

    def preload(self, words: Iterable[str]) -> None:
        """Look up all `words` at once."""
        missing = sorted(set(words) - self._sets.keys())
        forms = {form for word in missing for part in _PARTS for form in _detached(word, part)} | set(missing)
        bases = {
            (part, form): base.split(" ")
            for part, form, base in self._select("SELECT part, form, bases FROM exceptions WHERE form IN", missing)
        }
        forms.update(base for found in bases.values() for base in found)
        names = {
            (part, form): found.split(" ")
            for part, form, found in self._select("SELECT part, form, names FROM entries WHERE form IN", sorted(forms))
        }
        for word in missing:
            found: set[str] = set()
            for part in _PARTS:
                for form in (word, *bases.get((part, word), _detached(word, part))):
                    found.update(names.get((part, form), ()))
            found.discard("")
            self._sets[word] = frozenset(found)

    def __call__(self, word: str) -> frozenset[str]:
        """One-word names in all synonym sets of `word` (lower case) and of its base forms."""
        if word not in self._sets:
            self.preload([word])
        return self._sets[word]

    def close(self) -> None:
        """Close the index; sets looked up so far stay available."""
        self._connection.close()

    def _select(self, query: str, forms: list[str]) -> Iterator[tuple[str, str, str]]:
        for start in range(0, len(forms), 500):
            block = forms[start : start + 500]
            yield from self._connection.execute(f"{query} ({','.join('?' * len(block))})", block)


def open_synonyms(source: WordNetSource) -> Synonyms:
    """The compact index of `source`, built first where it is not in the cache."""
    path = cache_folder("wordnet") / f"{source.identity()[:20]}.sqlite"
    if not path.is_file():
        build_index(source, path)
    try:
        return Synonyms(path)
    except (sqlite3.DatabaseError, KeyError):
        # A damaged cache file is only a cache file.
        build_index(source, path)
        return Synonyms(path)


def build_index(source: WordNetSource, path: Path) -> None:
    """Write the compact index of `source` to `path` (some seconds, once)."""
    contents = {name: source.read(name) for name in _FILES}
    version = re.search(rb"Word[nN]et (\d+\.\d+|\d+\+?) Copyright", contents["data.adj"])
    digest = hash_bytes(b"".join(hash_bytes(contents[name]).encode() for name in _FILES))
    with atomic_path(path) as temporary, closing(sqlite3.connect(temporary)) as connection:
        for table, value in (("entries", "names"), ("exceptions", "bases")):
            connection.execute(
                f"CREATE TABLE {table} (form TEXT, part TEXT, {value} TEXT, PRIMARY KEY (form, part)) WITHOUT ROWID"
            )
        connection.execute("CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT)")
        for part in _PARTS:
            names = _synset_names(contents[f"data.{part}"])
            entries = ((form, part, " ".join(_union(names, at))) for form, at in _entries(contents[f"index.{part}"]))
            connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", entries)
            lines = (line.split() for line in contents[f"{part}.exc"].decode("utf-8").splitlines())
            rows = ((words[0], part, " ".join(words[1:])) for words in lines if words)
            connection.executemany("INSERT OR REPLACE INTO exceptions VALUES (?, ?, ?)", rows)
        about = {"version": version[1].decode() if version else "unknown", "sha256": digest}
        connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
        connection.commit()


def _detached(word: str, part: str) -> list[str]:
    return [word[: len(word) - len(old)] + new for old, new in _ENDINGS[part] if word.endswith(old)]


def _entries(index: bytes) -> Iterator[tuple[str, list[str]]]:
    """Each entry with the offsets of its synonym sets: "lemma pos count pointers … offsets"."""
    for line in index.decode("utf-8").splitlines():
        if not line.startswith(" "):
            fields = line.split()
            yield fields[0], fields[-int(fields[2]) :]


def _synset_names(data: bytes) -> dict[str, list[str]]:
    """Names of each synonym set without a blank: "offset file pos count(hex) name id name id …"."""
    names: dict[str, list[str]] = {}
    for line in data.decode("utf-8").splitlines():
        if not line.startswith(" "):
            fields = line.split(" | ", 1)[0].split(" ")
            words = fields[4 : 4 + 2 * int(fields[3], 16) : 2]
            # An adjective's place marker, as in "able(p)", is no part of the name.
            names[fields[0]] = [word.split("(", 1)[0] for word in words if "_" not in word]
    return names


def _union(names: dict[str, list[str]], offsets: list[str]) -> list[str]:
    return list(dict.fromkeys(name for offset in offsets for name in names[offset]))
