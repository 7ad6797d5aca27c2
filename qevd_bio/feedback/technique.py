"""Which of seven technical dimensions a comment speaks of, and whether it praises or wants something better.

The dimensions are those of TechCoach (Li et al., AAAI 2026, App. C). The rules are own ones: a clause speaks of the
dimension that it names first, and is a weakness where a word of improvement stands in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DIMENSIONS = (
    "Head & Eyes",
    "Torso & Core",
    "Arms & Elbows",
    "Wrists & Hands",
    "Legs & Knees",
    "Feet & Heels",
    "Human-Object Interaction",
)
STRENGTH, WEAKNESS = 1, -1

_NAMED = (
    "head chin face eye eyes gaze neck vision",
    "torso trunk core back chest spine posture balance hip hips pelvis waist body",
    "arm arms elbow elbows shoulder shoulders",
    "wrist wrists hand hands finger fingers fingertips palm palms grip",
    "leg legs knee knees thigh thighs calf calves",
    "foot feet heel heels toe toes ankle ankles footwork footing",
    "ball hold holds rim basket backboard wall hoop rope dribble dribbling shot",
)
_DIMENSION = {word: place for place, words in enumerate(_NAMED) for word in words.split()}
_WANTING = re.compile(
    r"\b(could|should|needs?|must|improv\w*|instead|avoid|lack\w*|fail\w*|miss\w*|too|stiff|late|drops?|dropping"
    r"|collaps\w*|uneven|wobbl\w*|unsteady|weak\w*|work on|try|tries|careful|better|rushed|drift\w*|not enough)\b"
)
_PRAISE = re.compile(
    r"\b(good|well|great|nice|nicely|excellent|solid|strong|strongly|steady|smooth|smoothly|controlled|consistent"
    r"|precise|precisely|effective|effectively|commendable|confident|stable|perfect|active|relaxed)\b"
)
_NEGATED = re.compile(r"\b(?:not|never|no|isn't|aren't|wasn't|weren't|hardly|less)\s+(?:\w+\s+){0,2}$")
_CLAUSE = re.compile(r"(?<=[.!?;])\s+|,?\s+\b(?:but|however|although|though|whereas)\b,?\s*", re.IGNORECASE)
_WORD = re.compile(r"[a-z']+")
_SPELLING = re.compile(r"[^a-z]+")


@dataclass(frozen=True)
class Detail:
    """One clause that speaks of a dimension (0 … 6): a strength (1) or a weakness (-1)."""

    dimension: int
    polarity: int
    text: str


def dimension_index(name: str) -> int | None:
    """0 … 6 for a dimension's name; "&" and "and", case and spaces do not matter. None for another name."""
    return _BY_NAME.get(_spelt(name))


def _spelt(name: str) -> str:
    return _SPELLING.sub("", name.lower().replace("&", " and "))


_BY_NAME = {_spelt(name): place for place, name in enumerate(DIMENSIONS)}


def details(text: str) -> list[Detail]:
    """What the clauses of a text speak of, in their order; clauses that say nothing of a dimension are left out."""
    found = []
    for part in _CLAUSE.split(text.strip()):
        clause = part.strip(" ,")
        dimension, polarity = _dimension(clause), _polarity(clause)
        if dimension is not None and polarity:
            found.append(Detail(dimension, polarity, clause))
    return found


def mentioned(text: str) -> frozenset[tuple[int, int]]:
    """The (dimension, polarity) pairs that a text states."""
    return frozenset((detail.dimension, detail.polarity) for detail in details(text))


def _dimension(clause: str) -> int | None:
    return next((_DIMENSION[word] for word in _WORD.findall(clause.lower()) if word in _DIMENSION), None)


def _polarity(clause: str) -> int:
    plain = clause.lower()
    if _WANTING.search(plain):
        return WEAKNESS
    praise = _PRAISE.search(plain)
    if praise is None:
        return 0
    return WEAKNESS if _NEGATED.search(plain[: praise.start()]) else STRENGTH
