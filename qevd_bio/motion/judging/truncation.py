"""What of a repetition the clip does not show, and which rules must therefore stay unjudged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qevd_bio.exercise.measure import Moment
from qevd_bio.exercise.rules import Exercise, Measure
from qevd_bio.exercise.vocabulary import SHARES


@dataclass(frozen=True)
class Cut:
    """partial    the cycle is cut off by the clip, or one side's turn is missing
    only_side  the one side whose turn was seen, "" where both were or sides do not matter
    rest       the extreme (`min` or `max`) of the representative signal that may lie outside the clip
    """

    partial: bool = False
    only_side: str = ""
    rest: str = ""

    def seen(self, exercise: Exercise, moments: Mapping[str, Moment]) -> Mapping[str, Moment]:
        """The key frames that lie in what was seen."""
        if not self.partial:
            return moments
        keys = {key.name: key for key in exercise.keys}
        kept = {}
        for name, moment in moments.items():
            key = keys.get(name) or keys[name.rsplit("_", 1)[0]]
            other_side = self.only_side and key.sides == "both" and moment.side != self.only_side
            at_rest = key.of == "signal" and key.at == self.rest
            if not (other_side or at_rest):
                kept[name] = moment
        return kept

    def hides(self, rule: Measure, side: str) -> bool:
        """Whether the rule's measure needs what was not seen."""
        if not self.partial:
            return False
        other_side = bool(self.only_side) and side not in ("", self.only_side)
        whole = rule.quantity in ("cycle_duration", *SHARES) or rule.stat == "symmetry"
        return other_side or whole or (rule.at == "cycle" and rule.stat == self.rest)
