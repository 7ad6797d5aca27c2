"""Technical points and strengths and weaknesses by rules, for tests, trials and simulated data: no model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qevd_bio.feedback.technique import DIMENSIONS, STRENGTH, details

_PERSON = {"Rock Climbing": "climber", "Basketball": "player", "Soccer": "player"}
_GENERAL = (
    "keep the head up and the eyes on what comes next",
    "keep the torso steady and the core braced",
    "move the arms freely, with the elbows close to the body",
    "keep the wrists loose and the hands ready",
    "keep the knees slightly bent and drive with the legs",
    "place the feet under the body and land softly, heels last",
)
_OBJECT = {
    "Basketball": "keep the ball under control and meet the basket with a soft touch",
    "Soccer": "keep the ball close and meet it with a firm, even touch",
    "Rock Climbing": "test each hold before it takes the weight and move evenly between holds",
}


@dataclass(frozen=True)
class Annotation:
    """What is said of one instance: by dimension what is good and what could be better, and the comment on it all.

    `well` and `improve` have seven entries, empty where nothing was said.
    """

    well: tuple[str, ...]
    improve: tuple[str, ...]
    summary: str

    @property
    def slots(self) -> int:
        """How many of the fourteen places are filled."""
        return sum(map(bool, (*self.well, *self.improve)))


def points_by_rules(scenario: str, task: str) -> tuple[str, ...]:
    """Seven technical points of a task, in general words."""
    person = _PERSON.get(scenario, "person")
    objects = _OBJECT.get(scenario, "use the space and the equipment with care")
    return tuple(f"For {task}, the {person} should {text}." for text in (*_GENERAL, objects))


def annotate_by_rules(remarks: Sequence[str]) -> Annotation:
    """Sort the clauses of the remarks by dimension and polarity; the comment joins them, strengths first."""
    well: list[list[str]] = [[] for _ in DIMENSIONS]
    improve: list[list[str]] = [[] for _ in DIMENSIONS]
    for remark in remarks:
        for detail in details(remark):
            side = well if detail.polarity == STRENGTH else improve
            sentence = _sentence(detail.text)
            if sentence not in side[detail.dimension]:
                side[detail.dimension].append(sentence)
    said = tuple(" ".join(texts) for texts in well), tuple(" ".join(texts) for texts in improve)
    return Annotation(*said, summarise(*said))


def summarise(well: Sequence[str], improve: Sequence[str]) -> str:
    """One paragraph: strengths, then weaknesses, each in the order of the dimensions."""
    return " ".join(text for text in (*well, *improve) if text)


def _sentence(clause: str) -> str:
    text = clause.strip()
    return text[:1].upper() + text[1:].rstrip(".!?;") + "."
