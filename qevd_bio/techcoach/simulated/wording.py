"""Sentences of simulated experts: for each dimension and polarity a few synonyms, and the noise of spoken remarks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

STRENGTHS = (
    ("The head stays up with good vision ahead", "The eyes are well focused on the target", "The gaze is steady"),
    ("The torso is stable", "The core is well engaged", "The posture is controlled and solid"),
    ("The arms move in a smooth line", "The elbows stay nicely close", "The shoulders are relaxed"),
    ("The wrists snap with great timing", "The hands are soft and well placed", "The fingers give precise control"),
    ("The knees bend well before the effort", "The legs drive strongly", "The legs work in an effective way"),
    ("The feet are placed with good accuracy", "The heels land smoothly", "The footwork is consistent"),
    ("The {thing} stays under excellent control", "The {thing} is met with a nice soft touch",
     "Contact with the {thing} is consistent"),
)  # fmt: skip
WEAKNESSES = (
    ("The head drops and should stay up", "The eyes need to stay on the target", "The gaze wanders too much"),
    ("The torso leans too far", "The core should be engaged more", "The posture could be more upright"),
    ("The arms are too stiff", "The elbows should stay closer", "The shoulders need to relax"),
    ("The wrists could be looser", "The hands are late", "The fingers should spread more"),
    ("The knees need to bend more", "The legs should drive harder", "The knees collapse inward"),
    ("The feet are too close together", "The heels should stay light", "The footwork could be quicker"),
    ("The {thing} should be met earlier", "Contact with the {thing} is too hard", "The {thing} needs a softer touch"),
)
_FILLERS = ("Yeah, ", "Okay, so ", "You know, ", "Right here, ", "And again, ", "")
_EMPTY_TALK = ("Let us look at this moment again.", "This is the part that I wanted to show.", "So here we go.")
SHORT = ("Nice.", "Okay.", "Again.")
"""Remarks too short to mean anything."""
ABSENT = ("", None, "none", "N/A")
"""How a released file may write a slot without a comment."""


def sentence(dimension: int, polarity: int, thing: str, draw: np.random.Generator) -> str:
    """One of the synonyms, with its full stop."""
    choices = (STRENGTHS if polarity > 0 else WEAKNESSES)[dimension]
    return choices[int(draw.integers(len(choices)))].format(thing=thing) + "."


def spoken(sentences: Sequence[str], draw: np.random.Generator) -> list[str]:
    """The same sentences as experts say them: in another order, with fillers, and with talk that says nothing."""
    order = draw.permutation(len(sentences))
    said = []
    for place in order:
        filler = _FILLERS[int(draw.integers(len(_FILLERS)))]
        text = sentences[place]
        said.append(filler + (text[0].lower() + text[1:] if filler else text))
    if draw.random() < 0.3:
        said.insert(int(draw.integers(len(said) + 1)), _EMPTY_TALK[int(draw.integers(len(_EMPTY_TALK)))])
    return said
