"""Words as numbers: a tokenizer that `transformers` reads (BERT's, as published), or the training texts' words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from qevd_bio.learning.language import read_tokenizer
from qevd_bio.store.atomic import write_json
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_json

WORDS_FILE, TOKENIZER_FOLDER = "words.json", "tokenizer"
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_TOKEN = re.compile(r"[a-z0-9']+|[^\w\s]")
_BEFORE_MARK = re.compile(r"\s+([.,;:!?)])")


class Vocabulary(Protocol):
    """Text to token ids and back. `first` and `last` stand around a text; `never` are tokens that are not said."""

    size: int
    pad: int
    first: int
    last: int
    mask: int
    never: tuple[int, ...]

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without marks around it."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, up to the first end mark."""

    def save(self, folder: Path) -> None:
        """Write what `read_vocabulary` reads."""


class WordVocabulary:
    """Lower-case words and punctuation marks (own, for small models)."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = [*_SPECIAL, *words]
        self._ids = {word: place for place, word in enumerate(self.words)}
        self.size = len(self.words)
        self.pad, self.unknown, self.first, self.last, self.mask = range(len(_SPECIAL))
        self.never: tuple[int, ...] = (self.pad, self.unknown, self.first, self.mask)

    @classmethod
    def of(cls, texts: Iterable[str]) -> WordVocabulary:
        """All words of the texts, the most frequent first."""
        counts = Counter(word for text in texts for word in _TOKEN.findall(text.lower()))
        return cls(sorted(counts, key=lambda word: (-counts[word], word)))

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without marks around it."""
        return [self._ids.get(word, self.unknown) for word in _TOKEN.findall(text.lower())]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, up to the first end mark."""
        kept = _until(ids, self.last)
        text = " ".join(self.words[i] for i in kept if i >= len(_SPECIAL))
        return _BEFORE_MARK.sub(r"\1", text)

    def save(self, folder: Path) -> None:
        """Write what `read_vocabulary` reads."""
        write_json(folder / WORDS_FILE, self.words[len(_SPECIAL) :], indent=None)


class PretrainedVocabulary:
    """A tokenizer in a folder; it must know a mask token."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer: Any = read_tokenizer(folder)
        names = ("pad", "cls", "sep", "mask")
        found = {name: getattr(self._tokenizer, f"{name}_token_id", None) for name in names}
        missing = [name for name, value in found.items() if value is None]
        if missing:
            raise UserError(
                f"the tokenizer has no {missing[0]} token", where=folder, expected="a tokenizer of BERT's kind"
            )
        self.pad, self.first, self.last, self.mask = (int(found[name] or 0) for name in names)
        self.size = len(self._tokenizer)
        unknown = getattr(self._tokenizer, "unk_token_id", None)
        self.never: tuple[int, ...] = (self.pad, self.first, self.mask, *(() if unknown is None else (int(unknown),)))

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without marks around it."""
        return [int(i) for i in self._tokenizer.encode(text, add_special_tokens=False)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, up to the first end mark."""
        return str(self._tokenizer.decode(_until(ids, self.last), skip_special_tokens=True)).strip()

    def save(self, folder: Path) -> None:
        """Write what `read_vocabulary` reads."""
        self._tokenizer.save_pretrained(folder / TOKENIZER_FOLDER)


def read_vocabulary(folder: Path) -> Vocabulary:
    """The vocabulary of a checkpoint folder. UserError where there is none."""
    if (folder / TOKENIZER_FOLDER).is_dir():
        return PretrainedVocabulary(folder / TOKENIZER_FOLDER)
    words = read_json(folder / WORDS_FILE, "a list of words")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UserError("is no list of words", where=folder / WORDS_FILE)
    return WordVocabulary(words)


def _until(ids: Sequence[int], last: int) -> list[int]:
    kept = list(ids)
    return kept[: kept.index(last)] if last in kept else kept
