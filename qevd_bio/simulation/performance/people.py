"""Participants: body, skill, tempo, preferred mistakes, clothes; all drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.simulation.drawing.style import Style
from qevd_bio.simulation.options import Views

TEST_PEOPLE, TRAIN_PEOPLE = 7, 21
"""As many as QEVD-FIT-COACH has in its splits (QEVD paper, Table 2); the two groups do not overlap."""


@dataclass(frozen=True)
class SimulatedPerson:
    """One participant.

    skill      0..1: how rarely something goes wrong and how steady the movement is
    tempo      multiple of an exercise's usual duration
    tires      share by which range shrinks and duration grows over an exercise
    heeds      chance that a correction is followed by the next repetitions
    taste      seed of the preferred mistakes: the same person tends to the same ones
    """

    name: str
    skeleton: Skeleton
    style: Style
    skill: float
    tempo: float
    tires: float
    heeds: float
    taste: int


THIGH_OVER_SHANK = (0.9, 1.2)
"""Ratios of people in real views."""


def make_person(seed: int, split: str, number: int, views: Views = "level") -> SimulatedPerson:
    """Participant `number` of a split; the same seed gives the same person, with other proportions and clothes in
    real views."""
    person = _person(seed, split, number)
    if views == "level":
        return person
    draw = np.random.default_rng([seed, split == "train", number, 17])
    return replace(person, skeleton=_real_body(draw, person.skeleton), style=Style.real(int(draw.integers(1 << 30))))


def _person(seed: int, split: str, number: int) -> SimulatedPerson:
    draw = np.random.default_rng([seed, split == "train", number, 11])
    return SimulatedPerson(
        name=f"sim-{'train' if split == 'train' else 'test'}-{number:02d}",
        skeleton=_body(draw),
        style=Style.random(int(draw.integers(1 << 30))),
        skill=float(draw.uniform(0.2, 0.8)),
        tempo=float(draw.uniform(0.9, 1.12)),
        tires=float(draw.uniform(0.0, 0.06)),
        heeds=float(draw.uniform(0.6, 0.95)),
        taste=int(draw.integers(1 << 30)),
    )


def _body(draw: np.random.Generator) -> Skeleton:
    """A body of random stature; segments depart from the generic fractions by up to 4 %, both sides alike."""
    generic = Skeleton.from_stature(float(draw.uniform(1.55, 1.92)))
    lengths: dict[str, float] = {}
    for name, length in generic.lengths().items():
        right = f"{name[:-2]}_r"
        lengths[name] = lengths[right] if name.endswith("_l") else length * float(draw.uniform(0.96, 1.04))
    return generic.with_lengths(lengths)


def _real_body(draw: np.random.Generator, plain: Skeleton) -> Skeleton:
    """The body with a ratio of thigh to shank drawn from THIGH_OVER_SHANK and the other segments up to 7 % off."""
    lengths: dict[str, float] = {}
    leg = sum(plain.lengths()[f"{part}_r"] for part in ("thigh", "shank")) * float(draw.uniform(0.96, 1.04))
    ratio = float(draw.uniform(*THIGH_OVER_SHANK))
    own = {"thigh_r": leg * ratio / (1.0 + ratio), "shank_r": leg / (1.0 + ratio)}
    for name, length in plain.lengths().items():
        right = f"{name[:-2]}_r"
        lengths[name] = (
            lengths[right] if name.endswith("_l") else own.get(name, length * float(draw.uniform(0.94, 1.06)))
        )
    return plain.with_lengths(lengths)
