"""The simulated coach's words: phrases from refs/simulation/phrases.yaml, put together in great variety."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np

from qevd_bio.exercise.rules import Exercise, FormError
from qevd_bio.simulation.performance.session import Remark
from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import refs_path

LABELS = {
    "start": "motivational", "reminder": "reminder", "correct": "corrective", "again": "corrective",
    "acknowledge": "motivational", "count": "count", "cheer": "motivational", "hold": "motivational",
    "summary": "summary",
}  # fmt: skip
"""Kind of remark -> intent, in the words of `annotation.intent`."""

_NO_PART = ("speed", "faster", "slower")


@dataclass(frozen=True)
class Line:
    """A sentence, its intent, and for a correction what it names."""

    text: str
    label: str
    parts: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()


@cache
def phrases() -> dict[str, Any]:
    """The scripted coach's phrases, by occasion."""
    return cast("dict[str, Any]", read_yaml(refs_path("simulation", "phrases.yaml")))


class SentencePicker:
    """Chooses sentences; recent ones are avoided so that a workout does not repeat itself."""

    def __init__(self, draw: np.random.Generator) -> None:
        self._draw = draw
        self._recent: list[str] = []

    def pick(self, options: list[str]) -> str:
        """One of the options that was not used lately."""
        fresh = [option for option in options if option not in self._recent] or options
        chosen = fresh[int(self._draw.integers(len(fresh)))]
        self._recent = [*self._recent[-7:], chosen]
        return chosen

    def say(self, remark: Remark, exercise: Exercise) -> Line:
        """The sentence for a remark."""
        if remark.kind in ("correct", "again"):
            return self._correction({error.id: error for error in exercise.errors}[remark.rule])
        kind = remark.kind
        if kind == "summary":
            counted = remark.good and exercise.category != "hold" and self._draw.random() < 0.3
            kind = "summary_counted" if counted else "summary_good" if remark.good else "summary_mixed"
        count = exercise.cycle.count
        units = count.unit if remark.number == 1 else count.plural
        text = self.pick(phrases()[kind]).format(name=exercise.name, n=remark.number, units=units)
        return Line(text, LABELS[remark.kind])

    def _correction(self, error: FormError) -> Line:
        """One of the rule's own phrases, or a direction said of one of its body parts."""
        known = [direction for direction in error.directions if direction in phrases()["directions"]]
        part, direction = "", ""
        if not known or self._draw.random() < 0.5:
            core = self.pick(list(error.says))
        else:
            direction = known[int(self._draw.integers(min(len(known), 2)))]
            part = error.parts[int(self._draw.integers(min(len(error.parts), 2)))]
            template = self.pick(phrases()["directions"][direction])
            core = template.format(part=part)
            part = part if "{part}" in template else ""
        said = self.pick(phrases()["lead"]) + core + self.pick(phrases()["tail"])
        text = said[0].upper() + said[1:] + ("!" if self._draw.random() < 0.4 else ".")
        return Line(text, "corrective", (part,) if part else (), (direction,) if direction else ())

    def announce(self, name: str, first: bool) -> str:
        """The sentence that announces an exercise."""
        return self.pick(phrases()["transition_first" if first else "transition"]).format(name=name)

    def finish(self) -> str:
        """The sentence that ends the workout."""
        return self.pick(phrases()["finish"])
