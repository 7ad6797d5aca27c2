"""From labelled clips to one rule's measure and bound, and how both do on people they were not set on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.exercise.rules import FormError
from qevd_bio.motion.bounds.candidates import Candidate
from qevd_bio.motion.bounds.options import CalibrateOptions
from qevd_bio.motion.bounds.roc import Area, area, area_with_interval, cut_of_precision

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class RuleClips:
    """What is known of one rule: its candidates' values (C, N) on N clips, the labels (N,), and whose they are (N,)."""

    error: FormError
    candidates: tuple[Candidate, ...]
    values: Array
    present: Mask
    people: NDArray[np.intp]

    def scores(self, number: int) -> Array:
        """Values of a candidate, turned so that more is more faulty."""
        values: Array = self.values[number]
        return values if self.candidates[number].above else -values

    def part(self, keep: Mask) -> RuleClips:
        """Only some of the clips."""
        people = np.unique(self.people[keep], return_inverse=True)[1].astype(np.intp)
        return RuleClips(self.error, self.candidates, self.values[:, keep], self.present[keep], people)


@dataclass(frozen=True)
class Chosen:
    """What the labels say: a candidate's number, its area, and the bound that is taken, in the quantity's unit.

    found  the bound that reaches the precision on these clips; NaN where none does, then `bound` is the old one
    """

    number: int
    area: Area
    bound: float
    found: float
    recall: float


@dataclass(frozen=True)
class HeldOut:
    """Clips of people that a bound was not set on: called faulty and so, called faulty, faulty."""

    hits: int
    called: int
    faulty: int
    judged: int

    @property
    def precision(self) -> float:
        return self.hits / self.called if self.called else math.nan

    @property
    def recall(self) -> float:
        return self.hits / self.faulty if self.faulty else math.nan


def enough(clips: RuleClips, options: CalibrateOptions) -> bool:
    """Whether the rule has labels of both kinds on clips where its own measure is known."""
    known = np.isfinite(clips.values[0])
    faulty = int((clips.present & known).sum())
    return min(faulty, int(known.sum()) - faulty) >= options.least


def choose(clips: RuleClips, options: CalibrateOptions) -> Chosen:
    """The rule's own measure, or another whose area is surely larger; its bound drawn towards the one that stands.

    The own measure stays unless the lower end of another's interval, widened for the number of candidates, lies above
    its area, and `switch` clips of each kind are there.
    """
    best, best_area = 0, _area_of(clips, 0, options)
    own_known = np.isfinite(clips.values[0])
    faulty = int((clips.present & own_known).sum())
    tried = len(clips.candidates) if min(faulty, int(own_known.sum()) - faulty) >= options.switch else 1
    for number in range(1, tried):
        known = np.isfinite(clips.values[number])
        if (known & own_known).sum() < own_known.sum():
            continue  # it must be seen wherever the present one is
        if area(clips.scores(number)[known], clips.present[known]) <= best_area.value:
            continue
        if _area_of(clips, number, options, 1.0 - 0.05 / tried).low > clips_area(clips):
            best, best_area = number, _area_of(clips, number, options)
    return _bound(clips, best, best_area, options)


def clips_area(clips: RuleClips) -> float:
    """Area of the rule's own measure."""
    known = np.isfinite(clips.values[0])
    return area(clips.scores(0)[known], clips.present[known])


def _area_of(clips: RuleClips, number: int, options: CalibrateOptions, level: float = 0.95) -> Area:
    known = np.isfinite(clips.values[number])
    people = np.unique(clips.people[known], return_inverse=True)[1].astype(np.intp)
    return area_with_interval(
        clips.scores(number)[known], clips.present[known], people, options.replicates, level, options.seed
    )


def _bound(clips: RuleClips, number: int, known_area: Area, options: CalibrateOptions) -> Chosen:
    candidate = clips.candidates[number]
    known = np.isfinite(clips.values[number])
    scores, present = clips.scores(number)[known], clips.present[known]
    before = standing(clips, number)
    cut = cut_of_precision(scores, present, options.precision)
    if cut is None:
        return Chosen(number, known_area, before, math.nan, math.nan)
    trust = present.sum() / (present.sum() + options.shrink)
    drawn = trust * cut.threshold + (1.0 - trust) * candidate.score(before)
    return Chosen(number, known_area, candidate.score(drawn), candidate.score(cut.threshold), cut.recall)


def standing(clips: RuleClips, number: int) -> float:
    """The bound that stands now; of another measure the value that as many of these clips lie beyond."""
    low, high = clips.error.bounds
    own = high if clips.candidates[0].above else low
    if number == 0:
        return own
    known = np.isfinite(clips.values[0])
    share = float((clips.scores(0)[known] > clips.candidates[0].score(own)).mean())
    scores = clips.scores(number)[np.isfinite(clips.values[number])]
    return clips.candidates[number].score(float(np.quantile(scores, 1.0 - share)))


def held_out(clips: RuleClips, options: CalibrateOptions) -> tuple[HeldOut, HeldOut]:
    """How the present rule and one set on other people do: nobody is in what was set and in what is tested."""
    before, after = (0, 0), (0, 0)
    judged = faulty = 0
    for fold in folds(clips.people, options):
        train, test = clips.part(~fold), clips.part(fold)
        own = test.scores(0)
        known = np.isfinite(own)
        judged, faulty = judged + int(known.sum()), faulty + int((test.present & known).sum())
        before = _count(before, own[known] > _own_bound(clips), test.present[known])
        kept = enough(train, options)
        made = choose(train, options) if kept else None
        number = made.number if made else 0
        bound = clips.candidates[number].score(made.bound) if made else _own_bound(clips)
        scores = test.scores(number)
        after = _count(after, scores[known] > bound, test.present[known])
    return HeldOut(*before, faulty, judged), HeldOut(*after, faulty, judged)


def _own_bound(clips: RuleClips) -> float:
    return clips.candidates[0].score(standing(clips, 0))


def _count(so_far: tuple[int, int], called: Mask, present: Mask) -> tuple[int, int]:
    return so_far[0] + int((called & present).sum()), so_far[1] + int(called.sum())


def folds(people: NDArray[np.intp], options: CalibrateOptions) -> Sequence[Mask]:
    """The clips of each fold's people, (N,) each."""
    count = int(people.max()) + 1
    number = count if options.folds == 0 else min(options.folds, count)
    home = np.random.default_rng(options.seed).permutation(count) % number
    return [home[people] == fold for fold in range(number)]
