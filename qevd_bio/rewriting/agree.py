"""Whether a measurement says what the trainer said: body parts and directions.

The trainer speaks loosely ("lower your body more"); each rule of `refs/` lists the body parts and direction words
with which a trainer points to it. Words are compared in one vocabulary, that of `refs/quantities.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from qevd_bio.feedback.intent import Intent

# Words of the intent rules (singular, finer) in the words of the exercise rules.
_PARTS = {
    "head": {"head", "neck"},
    "neck": {"neck", "head"},
    "shoulder": {"shoulders"},
    "shoulder blade": {"shoulders", "back"},
    "chest": {"chest", "back"},
    "back": {"back", "core", "chest"},
    "trunk": {"body", "chest", "back", "core"},
    "core": {"core", "back", "hips"},
    "hip": {"hips"},
    "glutes": {"glutes", "hips"},
    "arm": {"arms", "elbows"},
    "elbow": {"elbows", "arms"},
    "forearm": {"arms", "hands"},
    "wrist": {"wrists", "hands"},
    "hand": {"hands", "arms", "wrists"},
    "leg": {"legs", "knees", "thighs"},
    "thigh": {"thighs", "legs", "knees"},
    "knee": {"knees"},
    "shin": {"legs", "knees"},
    "ankle": {"ankles", "feet"},
    "foot": {"feet"},
    "heel": {"heels", "feet"},
    "toe": {"toes", "feet"},
}
_DIRECTIONS = {
    "lower": {"lower", "deeper", "down"},
    "higher": {"higher", "up"},
    "wider": {"wider", "out", "further"},
    "narrower": {"narrower", "in", "closer"},
    "faster": {"faster"},
    "slower": {"slower"},
    "straighter": {"straighter", "up", "further"},
    "bent": {"bend", "deeper"},
    "up": {"up", "higher"},
    "down": {"down", "lower", "deeper"},
    "in": {"in", "closer", "together"},
    "out": {"out", "wider"},
    "forward": {"forward"},
    "back": {"back"},
    "together": {"together", "closer", "narrower"},
    "apart": {"wider", "out", "further"},
    "closer": {"closer", "in"},
    "further": {"further", "deeper", "bigger"},
    "left": {"left", "level"},
    "right": {"right", "level"},
    "across": {"closer", "in"},
    "sideways": {"level", "still"},
}
_OPPOSITE = {
    "lower": "higher", "deeper": "higher", "down": "up", "higher": "lower", "up": "down", "forward": "back",
    "back": "forward", "in": "out", "out": "in", "wider": "narrower", "narrower": "wider", "further": "closer",
    "closer": "further", "straighter": "bend", "bend": "straighter", "faster": "slower", "slower": "faster",
    "bigger": "smaller", "smaller": "bigger",
}  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What the trainer asks for, in the words of the exercise rules.

    `wanted` are directions the person should move in, `faulty` those named as the mistake; `side` is "r", "l" or
    "" as far as the trainer names one.
    """

    parts: frozenset[str]
    wanted: frozenset[str]
    faulty: frozenset[str]
    side: str
    words: tuple[str, ...] = ()

    @property
    def vague(self) -> bool:
        """Names neither a body part nor a direction."""
        return not (self.parts or self.wanted or self.faulty)


@dataclass(frozen=True)
class Match:
    """How well a rule fits the trainer's words: `score` in 0..1; `contradicts` if it asks for the opposite."""

    score: float
    part: bool
    direction: bool
    contradicts: bool
    said: bool = False


def wish(intent: Intent, text: str = "") -> Wish:
    """Translate a feedback's intent into the words of the exercise rules; `text` is the feedback itself."""
    names = [part.removeprefix("left ").removeprefix("right ") for part in intent.body_parts]
    sides = {part[0] for part in intent.body_parts if part.startswith(("left ", "right "))}
    wanted = _translate((d for d in intent.directions if d not in intent.avoid), _DIRECTIONS)
    faulty = _translate(intent.avoid, _DIRECTIONS)
    return Wish(_translate(names, _PARTS), wanted, faulty, sides.pop() if len(sides) == 1 else "", plain_words(text))


def match(asked: Wish, parts: Iterable[str], directions: Iterable[str], side: str, says: Iterable[str] = ()) -> Match:
    """Compare what was asked with the words of one rule; `side` is that of the measurement.

    `says` are whole phrases that trainers use for the rule; one of them in the feedback is full agreement.
    """
    said = any(_contains(asked.words, plain_words(phrase)) for phrase in says)
    rule_parts, rule_directions = set(parts), set(directions)
    part = bool(asked.parts & rule_parts)
    opposite = {_OPPOSITE[word] for word in asked.faulty if word in _OPPOSITE}
    toward = asked.wanted | opposite
    direction = bool(toward & rule_directions)
    against = {_OPPOSITE[word] for word in toward if word in _OPPOSITE}
    contradicts = not direction and bool(against & rule_directions) and (part or not asked.parts)
    score = 1.0 if said else 0.6 * part + 0.4 * direction
    if asked.side and side and asked.side != side:
        score *= 0.25
    return Match(score, part or said, direction or said, contradicts and not said, said)


@lru_cache(maxsize=10_000)
def plain_words(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, without marks."""
    return tuple(re.findall(r"[a-z0-9]+", text.lower().replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")))


def _contains(words: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    """Whether `phrase` stands in `words`, word for word."""
    return bool(phrase) and any(words[i : i + len(phrase)] == phrase for i in range(len(words) - len(phrase) + 1))


def _translate(words: Iterable[str], table: dict[str, set[str]]) -> frozenset[str]:
    return frozenset(word for name in words for word in table.get(name, {name}))
