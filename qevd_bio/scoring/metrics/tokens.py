"""Word tokens as NLTK's `word_tokenize` gives them, without loading NLTK for ordinary sentences.

Loading NLTK takes over a second, more than all the scoring. So sentences of the usual characters are
split here by the same rules (Treebank tokens with NLTK's changes; sentence ends as an untrained Punkt
finds them), and any text outside that class is handed to NLTK itself. Equality is tested on random text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

# Quotes, doubled apostrophes and other alphabets have rules of their own: those texts go to NLTK.
_SYMBOLS = r"\u00b0\u00b1\u00d7\u2013\u2014\u2026\u2264\u2265"
_ORDINARY = re.compile(
    rf"(?!.*'')[ !#-&(-_a-~'\t\n{_SYMBOLS}\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]*",
    re.S,
)

_LEADING_APOSTROPHE = re.compile(r"(?<!\w)'(?!(?:re|ve|ll|[mtsdn])\b)(?=\w)", re.IGNORECASE)
_FINAL_PERIOD = re.compile(r"(?<=[^.])\.([\])}>\"' ]*)\s*$")
_PAUSE = re.compile(r"([:,])(\D)")
_FINAL_PAUSE = re.compile(r"([:,])$")
_ALONE = re.compile(r"\.{2,}|[;@#$%&?!\u2012-\u2015]")
_APOSTROPHE_THEN_SPACE = re.compile(r"(?<=[^'])' ")
_BRACKET_STAR_OR_DASHES = re.compile(r"[][(){}<>*]|--")
_SPACES = re.compile(r"\s+")
_CLITIC = re.compile(r"(?<=[^' ])('[sSmMdD]?) ")
_LONG_CLITIC = re.compile(r"(?<=[^' ])('(?:ll|LL|re|RE|ve|VE)|n't|N'T) ")
_JOINED = re.compile(r"\b(?:(can)(not)|(d)('ye)|(gim)(me)|(gon)(na)|(got)(ta)|(lem)(me)|(more)('n))\b", re.IGNORECASE)
_WANNA = re.compile(r"\b(wan)(na)(?=\s)", re.IGNORECASE)
_TIS = re.compile(r" ('t)(is|was)\b", re.IGNORECASE)


def sentence_tokens(sentence: str) -> list[str]:
    """Tokens of one sentence of ordinary characters: NLTKWordTokenizer's rules without those for quotes."""
    text = _LEADING_APOSTROPHE.sub("' ", sentence)
    text = _FINAL_PERIOD.sub(r" . \1 ", text)
    text = _PAUSE.sub(r" \1 \2", text)
    text = _FINAL_PAUSE.sub(r" \1 ", text)
    text = _ALONE.sub(r" \g<0> ", text)
    text = _APOSTROPHE_THEN_SPACE.sub(" ' ", text)
    text = _BRACKET_STAR_OR_DASHES.sub(r" \g<0> ", text)
    text = _SPACES.sub(" ", f" {text} ")
    text = _CLITIC.sub(r" \1 ", text)
    text = _LONG_CLITIC.sub(r" \1 ", text)
    text = _JOINED.sub(_split_joined, text)
    text = _WANNA.sub(r" \1 \2 ", text)
    text = _TIS.sub(r" \1 \2 ", text)
    return text.split()


def _split_joined(match: re.Match[str]) -> str:
    first, second = (part for part in match.groups() if part is not None)
    return f" {first} {second} "


# A period inside the text: what stands before it in its word, and what follows.
_PERIOD = re.compile(r"\.(?=\s+\S|[)\";}\]*:@'({\[!?])")
_LAST_WORD = re.compile(r"['!?]?[^\s)\";}\]*:@'({\[!?]*$")
_NUMBER = re.compile(r"-?[.,]?\d[\d,.\-]*\.")


def _is_break(text: str, period: int) -> bool | None:
    """Does an untrained Punkt end a sentence at this period? None where its rules need NLTK to decide.

    Without training every word with a period ends a sentence, but for numbers before a small letter or
    punctuation, and for single letters.
    """
    before = re.split(r"\s", text[:period])[-1]
    if before.endswith(".") and text[period + 1].isspace():
        return False  # Dots in a row are a token of their own, wherever the sentence ends.
    following = text[period + 1 :].split(None, 1)
    if ".." in before + "." or "--" in before or not text[period + 1].isspace():
        return None
    after = following[0]
    if after[0] in "')]}":
        return None
    word = _LAST_WORD.search(before)
    tail = (word.group() if word else "").lstrip("&#,-") + "."
    single_letter = len(tail) == 2 and (tail[0].isalpha() or tail[0] == "_")
    if not single_letter and not _NUMBER.fullmatch(tail):
        return True
    if any(mark in after for mark in ".?!") or any(mark in before for mark in "?!"):
        return None
    if after[0] in ";:,":
        return False
    return not (after[0].islower() or (single_letter and after[0].isupper()))


def _sentences(text: str) -> list[str] | None:
    """`text` cut after each inner period that ends a sentence (other ends change no token); None: ask NLTK."""
    cuts: list[int] = []
    for match in _PERIOD.finditer(text):
        decision = _is_break(text, match.start())
        if decision is None:
            return None
        if decision:
            cuts.append(match.end())
    edges = [0, *cuts, len(text)]
    return [text[a:b].strip() for a, b in pairwise(edges)]


class WordTokenizer:
    """`tokens(text)` equals NLTK's `word_tokenize(text)`; each distinct text is split once.

    `punkt` names the sentence splitter: "trained" (NLTK's `punkt_tab`, found on NLTK's data path) or
    "untrained" (Punkt without training data: differs only after abbreviations such as "e.g.").
    """

    def __init__(self, punkt: str | None = None) -> None:
        self.punkt = punkt or ("trained" if find_punkt() else "untrained")
        self._tokens = lru_cache(maxsize=None)(self._split)

    def __call__(self, text: str) -> list[str]:
        return self._tokens(text)

    def _split(self, text: str) -> list[str]:
        if _ORDINARY.fullmatch(text):
            sentences = _sentences(text) if self.punkt == "untrained" or not _PERIOD.search(text) else None
            if sentences is not None:
                return [token for sentence in sentences for token in sentence_tokens(sentence)]
        return _nltk_split(self.punkt)(text)


@cache
def _nltk_split(punkt: str) -> Callable[[str], list[str]]:
    from nltk.tokenize import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer, PunktTokenizer

    sentences = PunktTokenizer("english") if punkt == "trained" else PunktSentenceTokenizer()
    words = NLTKWordTokenizer()
    return lambda text: [token for sentence in sentences.tokenize(text) for token in words.tokenize(sentence)]


def find_punkt() -> Path | None:
    """Folder or archive of NLTK's `punkt_tab`, or None."""
    from qevd_bio.scoring.metrics.wordnet import nltk_data_folders

    for folder in nltk_data_folders():
        for name in ("punkt_tab/english", "punkt_tab.zip"):
            path = folder / "tokenizers" / name
            if path.exists():
                return path
    return None


_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]+")


def rouge_tokens(text: str) -> list[str]:
    """Tokens as `rouge_score` makes them without stemming: runs of a–z and 0–9 of the lower-cased text."""
    return _NOT_ALPHANUMERIC.sub(" ", text.lower()).split()
