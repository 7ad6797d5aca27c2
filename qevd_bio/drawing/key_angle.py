"""Which angle of an exercise is drawn as an arc, and the band that it should reach."""

from __future__ import annotations

from dataclasses import dataclass

from qevd_bio.drawing.body import ANGLES
from qevd_bio.exercise.expression import parse
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import vocabulary


@dataclass(frozen=True)
class KeyAngle:
    """A quantity without its side ("knee_angle"), its band in degrees where a target has one, its name to people."""

    quantity: str
    band: tuple[float, float] | None
    name: str


def key_angle(exercise: Exercise) -> KeyAngle | None:
    """The angle at a joint that the exercise is first about: of its signal, else of its targets; None without one.

    The band is that of the target that lies furthest from rest (the squat's depth, not the standing leg).
    """
    signals = [exercise.signal.expression, *exercise.signal.alternatives]
    named = [_bare(name) for text in signals for name in parse(text).names]
    aimed = [target.quantity for target in exercise.targets]
    usable = [name for name in (*named, *aimed) if name in ANGLES]
    if not usable:
        return None
    quantity = next((name for name in usable if name in aimed), usable[0])
    bands = [t.range for t in exercise.targets if t.quantity == quantity and t.stat in ("value", "max")]
    band = max(bands, key=lambda pair: pair[1]) if bands else None
    return KeyAngle(quantity, band, vocabulary().quantities[quantity].name)


def _bare(name: str) -> str:
    return name[:-2] if name.endswith(("_r", "_l")) else name
