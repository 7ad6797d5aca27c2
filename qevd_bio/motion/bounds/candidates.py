"""What could tell a fault: the rule's own measure, and other quantities of the same joints with other statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from qevd_bio.anatomy.derived import QUANTITIES
from qevd_bio.exercise.measure import key_frames, readings
from qevd_bio.exercise.rules import PAUSE, Exercise, FormError, Measure, Side, Statistic
from qevd_bio.exercise.vocabulary import NOT_CURVES, joint_names, resolve, vocabulary
from qevd_bio.motion.cycles.curves import SeenCurves, Window
from qevd_bio.tables.motion import CycleRow

OVER_CYCLE: tuple[Statistic, ...] = ("max", "min", "mean", "range")


@dataclass(frozen=True)
class Candidate:
    """A measure and the side of its bound that is faulty: `above` or below."""

    measure: Measure
    above: bool

    @property
    def name(self) -> str:
        """In words for tables: "knee_angle max each, below"."""
        m = self.measure
        at = "" if m.at == "cycle" else f" at {m.at}"
        side = "" if m.side == "none" else f" {m.side}"
        return f"{m.quantity} {m.stat}{at}{side}, {'above' if self.above else 'below'}"

    def score(self, value: float) -> float:
        """The value, turned so that more is more faulty."""
        return value if self.above else -value


def own_candidate(error: FormError) -> Candidate:
    """The rule as it stands; a bound on both sides counts by the upper one."""
    return Candidate(plain(error), np.isfinite(error.bounds[1]))


def plain(measure: Measure) -> Measure:
    """The measure alone, without the rule around it."""
    return _measure(measure.quantity, measure.side, measure.stat, measure.at)


def candidates_of(error: FormError, exercise: Exercise) -> tuple[Candidate, ...]:
    """The rule's own measure first, then every quantity of its joints, by every statistic, in both directions."""
    found = [own_candidate(error)]
    if error.at == PAUSE or error.quantity in NOT_CURVES:
        return tuple(found)
    keys = {key.name: key for key in exercise.keys}
    sides = error.side in ("own", "other")
    for name in _quantities(error):
        wording = vocabulary().quantities[name]
        if "_own" in wording.expression and not sides:
            continue
        side: Side = "none" if not wording.sided else (error.side if sides else "each")
        places: list[tuple[Statistic, str]] = [(stat, "cycle") for stat in OVER_CYCLE if not sides]
        places += [("value", at) for at in (keys if error.at == "cycle" else (error.at,))]
        for stat, at in places:
            if sides and (at == "cycle" or keys[at].sides == "none"):
                continue
            for above in (True, False):
                made = Candidate(_measure(name, side, stat, at), above)
                if made not in found:
                    found.append(made)
    return tuple(found)


def _measure(quantity: str, side: Side, stat: Statistic, at: str) -> Measure:
    return Measure(quantity=quantity, side=side, stat=stat, at=at, source="LABELS", confidence="medium")


def _quantities(error: FormError) -> list[str]:
    """Curves that concern one of the rule's joints."""
    wanted = set(joint_names(error.joints))
    found = []
    for name, wording in vocabulary().quantities.items():
        if name in NOT_CURVES or wording.plane == "none":
            continue
        names = resolve(name, "r" if wording.sided or "_own" in wording.expression else "").names
        if any(QUANTITIES[n].needs_root or QUANTITIES[n].over_time for n in names):
            continue
        if wanted & {joint for n in names for joint in QUANTITIES[n].joints}:
            found.append(name)
    return found


class SegmentReadings:
    """The readings of candidates in the repetitions of one segment: its curves and their cycles."""

    def __init__(self, exercise: Exercise, curves: SeenCurves, time_s: np.ndarray, cycles: Sequence[CycleRow]) -> None:
        self.exercise = exercise
        self._windows = []
        for cycle in cycles:
            first = int(np.searchsorted(time_s, cycle.start_s - 1e-9))
            last = int(np.searchsorted(time_s, cycle.end_s + 1e-9, side="right")) - 1
            if last - first >= 2:
                window = Window(curves, first, last)
                moments = key_frames(exercise, window.present, len(window))
                self._windows.append((window, moments, cycle.end_s - cycle.start_s))

    def value(self, candidate: Candidate) -> float:
        """The median over the repetitions of the worse side; NaN where nothing was seen."""
        worst = []
        for window, moments, duration in self._windows:
            found = readings(candidate.measure, self.exercise, window, moments, duration)
            known = [r.value for r in found if np.isfinite(r.value) and _seen(window, r.names)]
            if known:
                worst.append(max(known) if candidate.above else min(known))
        return median(worst) if worst else float("nan")


def _seen(window: Window, names: tuple[str, ...]) -> bool:
    return all(name in NOT_CURVES for name in names) or window.share(names) >= 0.8
