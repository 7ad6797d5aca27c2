"""Which pose change makes which rule of an exercise fail: refs/simulation/mistakes.yaml as typed data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.rules import FormError
from qevd_bio.exercise.schema import read_model
from qevd_bio.simulation.performance.moves import GROUPS, KINDS, Move
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import refs_path

CLEAR = {"deg": 6.0, "ratio": 0.08, "fraction": 0.03, "s": 0.15}
"""How far beyond a threshold a measure must be to be clearly a mistake, by unit; nearer than that is borderline."""


@dataclass(frozen=True)
class Mistake:
    """A form error that the simulator can make: the rule, and the move that just makes it clear."""

    exercise: str
    error: FormError
    move: Move


@cache
def mistakes() -> dict[str, dict[str, Mistake]]:
    """Exercise id -> rule id -> mistake. UserError names an entry that fits no rule or move."""
    path = refs_path("simulation", "mistakes.yaml")
    table = read_model(dict[str, dict[str, tuple[str, str, float]]], read_yaml(path), path)
    catalogue = load()
    found: dict[str, dict[str, Mistake]] = {}
    for exercise, entries in table.items():
        errors = {error.id: error for error in catalogue[exercise].errors} if exercise in catalogue else {}
        for rule, (kind, group, amount) in entries.items():
            if rule not in errors or kind not in KINDS or (group and group not in GROUPS):
                raise UserError(
                    f"{kind} {group} does not fit",
                    where=f"{path}: {exercise}.{rule}",
                    expected="a form error of the exercise, a kind of move and a group of channels",
                )
            mistake = Mistake(exercise, errors[rule], Move(kind, group, amount))
            found.setdefault(exercise, {})[rule] = mistake
    return found
