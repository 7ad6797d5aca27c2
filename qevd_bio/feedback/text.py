"""Bringing a coach's sentence into a plain form: case, contractions, slang, stretched words, slips of the pen.

Everything here is deterministic and needs no model: the rules in `intent_rules` read the result.
"""

import re
import unicodedata
from functools import lru_cache

from qevd_bio.feedback.words import KNOWN, REPLACEMENTS

_QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "…": ".", "–": ",", "—": ","})
_CONTRACTIONS = (
    (r"\bcan't\b|\bcannot\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"\bain't\b", "is not"),
    (r"\blet's\b", "let us"),
    (r"n't\b", " not"),
    (r"\b(that|it|there|here|what|where|how|who|he|she|this)'s\b", r"\1 is"),
    (r"'re\b", " are"),
    (r"'ve\b", " have"),
    (r"'ll\b", " will"),
    (r"'m\b", " am"),
    (r"\b(i|you|we|it|that)'d\b", r"\1 would"),
    (r"'em\b", "them"),
    (r"'s\b", ""),
)
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_WORD = re.compile(r"[a-z]+|\d+")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
# A clause ends at punctuation, at a turn ("but"), or where "and"/"now" opens a new instruction or statement.
_TURN = re.compile(
    r"[.!?;:,]+|\b(?:but|however|although|though|yet|except|only that|otherwise)\b"
    r"|\b(?:and|so|then|now|just)\b(?= (?:do not|try|keep|bend|lower|lift|raise|push|pull|bring|get|go|make"
    r"|remember|focus|watch"
    r"|straighten|squeeze|tuck|drive|drop|slow (?:it |things )?down|speed|you|your|let us|that is|reach|extend"
    r"|jump|stop|switch|start|begin)\b)"
    r"|(?<=\bjob) (?=keep|try|bend|lower|lift|raise|go|get|do not|remember|focus|watch|make|bring)"
    r"|(?<=\bwork) (?=keep|try|bend|lower|lift|raise|go|get|do not|remember|focus|watch|make|bring)"
)


def normalise(text: str) -> str:
    """Lower-case words and sentence marks only: "Don't let ur kneees cave!" -> "do not let your knees cave!"."""
    plain = unicodedata.normalize("NFKC", text).translate(_QUOTES).lower()
    for pattern, replacement in _CONTRACTIONS:
        plain = re.sub(pattern, replacement, plain)
    plain = re.sub(r"(?<=\w)-(?=\w)", " ", plain)
    plain = re.sub(r"[^a-z0-9.!?;:,\s]", " ", plain)
    plain = re.sub(r"\s+", " ", _WORD.sub(lambda m: _plain_word(m.group()), plain)).strip()
    # Some words were one and have become two ("dont" -> "do not"); the count of words is no longer the original's.
    return re.sub(r"\s+([.!?;:,])", r"\1", plain)


def clauses(plain: str) -> list[str]:
    """Parts of a normalised sentence that can be judged on their own, in order, without their punctuation."""
    parts = (re.sub(r"\s+", " ", part).strip() for part in _TURN.split(plain))
    return [part for part in parts if part]


@lru_cache(maxsize=16384)
def _plain_word(word: str) -> str:
    """One word after slang, stretching and a single slip (one letter wrong, missing, doubled or two swapped)."""
    if word in REPLACEMENTS:
        return REPLACEMENTS[word]
    if _STRETCHED.search(word):
        for keep in (r"\1", r"\1\1"):
            short = _STRETCHED.sub(keep, word)
            if short in KNOWN:
                return short
        word = _STRETCHED.sub(r"\1", word)
    if word in KNOWN or len(word) < 3 or word.isdigit() or _inflected(word):
        return word
    return min(_one_slip(word), default=word)


def _inflected(word: str) -> bool:
    """Whether the word is a form of a known one: "locked", "touches", "bouncier"."""
    for ending in ("s", "es", "d", "ed", "ing", "er", "est", "ly", "y", "ier", "ily", "ies", "ness", "ful", "able"):
        stem = word.removesuffix(ending)
        if (
            stem != word
            and len(stem) > 2
            and (stem in KNOWN or stem + "e" in KNOWN or stem[:-1] in KNOWN or stem + "y" in KNOWN)
        ):
            return True
    return False


def _one_slip(word: str) -> set[str]:
    """Known words one slip away that begin with the same letter; short words only gain a letter, to stay safe."""
    cuts = [(word[:i], word[i:]) for i in range(1, len(word) + 1)]
    grown = {a + c + b for a, b in cuts for c in _ALPHABET}
    if len(word) == 3:
        return {w for w in grown if w in {"keep", "knee", "back", "lift", "bend", "your"}}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    shrunk = {a + b[1:] for a, b in cuts if b}
    changed = {a + c + b[1:] for a, b in cuts if b for c in _ALPHABET}
    near = grown | swapped | (shrunk | changed if len(word) > 4 else set())
    return {w for w in near if w in KNOWN and len(w) > 3}
