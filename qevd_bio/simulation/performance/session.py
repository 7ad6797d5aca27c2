"""One exercise as it happens between a person and a coach: repetitions, mistakes, and what is said when.

The structure of the feedback is that of QEVD (Sec. 3.1 of its paper): acknowledge the start or remind of it, correct as
soon as a mistake is clearly visible, acknowledge the correction, count or encourage meanwhile, sum up at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from qevd_bio.exercise.rules import Exercise
from qevd_bio.simulation.performance.mistakes import Mistake, mistakes
from qevd_bio.simulation.performance.moves import Keys, keys_of
from qevd_bio.simulation.performance.people import SimulatedPerson
from qevd_bio.simulation.performance.perform import CHANGE_S, PerformedRep

DELAY_MEDIAN_S, DELAY_SPREAD, DELAY_RANGE_S = 0.9, 0.35, (0.4, 2.5)
"""The coach's reaction: log-normal with this median and spread of the logarithm, cut to this range."""

SILENCE_S = (4.3, 6.6)
"""After so many seconds without a word the coach counts or encourages (QEVD's average is 5.2 to 5.3 s)."""

_LISTEN_S, _LEAVE_S, _BREATH_S = 2.2, 3.6, 1.9


@dataclass(frozen=True)
class Remark:
    """Something that the coach says: when, of what kind, and about what.

    kind: start, reminder, correct, again, acknowledge, count, cheer, hold or summary. `rep` is the repetition it
    reacts to (−1: none), `number` the count said, `good` whether the exercise went well (summary).
    """

    time_s: float
    kind: str
    rule: str = ""
    rep: int = -1
    number: int = 0
    good: bool = True


@dataclass(frozen=True)
class Episode:
    """A mistake from its first to its last repetition; `noticed_s` when the coach named it (NaN: never)."""

    rule: str
    first: int
    last: int
    noticed_s: float
    corrected: bool


@dataclass
class WorkoutScene:
    """What happened in one exercise: from `start_s` (the announcement) to `end_s`."""

    exercise: Exercise
    start_s: float
    end_s: float
    reps: list[PerformedRep] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)


@dataclass
class _Running:
    """The mistake that is being made."""

    mistake: Mistake
    share: float
    first: int
    noticed_s: float = float("nan")
    named_s: float = float("nan")
    heeded: bool = False


def play(
    exercise: Exercise, person: SimulatedPerson, start_s: float, end_s: float, draw: np.random.Generator
) -> WorkoutScene:
    """Everything that happens in an exercise announced at `start_s`; the next announcement comes at `end_s`."""
    return _Player(exercise, person, WorkoutScene(exercise, start_s, end_s), draw).run()


class _Player:
    """Goes through an exercise repetition by repetition."""

    def __init__(
        self, exercise: Exercise, person: SimulatedPerson, scene: WorkoutScene, draw: np.random.Generator
    ) -> None:
        self.exercise, self.person, self.scene, self.draw = exercise, person, scene, draw
        self.keys = self._own_way(keys_of(exercise))
        self.known: Mapping[str, Mistake] = mistakes().get(exercise.id, {})
        self.running: _Running | None = None
        self.cured = False
        self.last_word = scene.start_s + _LISTEN_S - _BREATH_S
        self.quiet = float(draw.uniform(*SILENCE_S))

    def run(self) -> WorkoutScene:
        idle = float(self.draw.uniform(0.3, 1.4))
        if self.draw.random() < 0.12:
            idle += float(self.draw.uniform(3.5, 5.5))
            self.say(self.scene.start_s + _LISTEN_S + 2.0 + self.delay(), "reminder")
        prone = bool(self.keys.poses[0, -1])
        time = self.scene.start_s + _LISTEN_S + idle + (2.4 if prone else 0.8)
        latest = self.scene.end_s - _LEAVE_S - (1.6 if prone else 0.0)
        if self.exercise.category == "hold":
            self._holds(time, latest)
        else:
            self._repeat(time, latest)
        self._end()
        return self.scene

    # The person

    def _own_way(self, keys: Keys) -> Keys:
        """The reference as this person does it: every angle a little off, own tempo."""
        off = np.asarray(self.draw.normal(0.0, 0.6 + 0.9 * (1 - self.person.skill), keys.poses.shape[1]))
        off[-3:] = 0.0
        tempo = self.person.tempo * float(self.draw.uniform(0.95, 1.06))
        return replace(keys, poses=keys.poses + off, duration_s=keys.duration_s * tempo)

    def _repeat(self, time: float, latest: float) -> None:
        quarter = 0.25 * self.keys.duration_s if self.keys.two_sided else 0.0
        turns = self.exercise.category == "alternating" and not self.keys.two_sided and any(self.keys.own)
        time += quarter
        number = 0
        while True:
            self._fall_into_mistake(number, time)
            keys = self._keys(min((time - self.scene.start_s) / (latest - self.scene.start_s), 1.0))
            if number and keys.pause_s:
                time += keys.pause_s
            elif number > 4 and self.draw.random() < 0.03:
                time += float(self.draw.uniform(1.2, 2.4)) * (1.0 if keys.duration_s > 1.5 else 1.3)
            if time - quarter + keys.duration_s > latest:
                break
            broken = (self.running.mistake.error.id,) if self.running else ()
            self.scene.reps.append(PerformedRep(keys.mirrored() if turns and number % 2 else keys, time, broken))
            self._watch(number, time - quarter, time - quarter + keys.duration_s)
            time += keys.duration_s
            number += 1
        self._close(number - 1, False)

    def _holds(self, time: float, latest: float) -> None:
        seconds = (latest - time - CHANGE_S) / 2 if latest - time > 12 else latest - time
        for number in range(2 if latest - time > 12 else 1):
            self._fall_into_mistake(number, time)
            keys = self._keys(0.0)
            keys = replace(keys, duration_s=seconds)
            broken = (self.running.mistake.error.id,) if self.running else ()
            self.scene.reps.append(PerformedRep(keys.mirrored() if number else keys, time, broken, hold=True))
            self._watch_hold(number, time, time + seconds)
            self._close(number, bool(self.running and self.running.heeded))
            time += seconds + CHANGE_S

    def _keys(self, progress: float) -> Keys:
        """The next repetition: a little different from the others, smaller and slower as the person tires."""
        tired = self.person.tires * progress
        unsteady = 1.3 - self.person.skill
        keys = self.keys
        size = 1.0 - tired + float(self.draw.normal(0.0, 0.012 * unsteady))
        off = np.asarray(self.draw.normal(0.0, 0.5 * unsteady, keys.poses.shape[1]))
        off[-3:] = 0.0
        poses = keys.poses.copy()
        poses[:, :-3] = (keys.centre + size * (keys.poses - keys.centre))[:, :-3]
        duration = keys.duration_s * (1.0 + tired) * float(np.clip(self.draw.normal(1.0, 0.03 * unsteady), 0.9, 1.1))
        keys = replace(keys, poses=poses + off, duration_s=duration)
        if self.running is None:
            return keys
        share = self.running.share * float(self.draw.uniform(0.98, 1.03))
        move = self.running.mistake.move
        if move.kind in ("scale", "tempo") and move.amount < 1.0:
            share = min(share, 1.0 / (1.0 - move.amount) if move.kind == "scale" else 0.9 / (1.0 - move.amount))
        return move.apply(keys, share)

    def _fall_into_mistake(self, number: int, time: float) -> None:
        """Perhaps a mistake begins; or the one that was corrected ends."""
        running = self.running
        if running is not None:
            if running.heeded and time > running.named_s + 0.4:
                self._close(number - 1, True)
                self.cured = True
            return
        if not self.known or self.cured:
            return
        rate = 0.05 + 0.13 * (1.0 - self.person.skill)
        chance = 1.0 - float(np.exp(-rate * (self.keys.duration_s if self.exercise.category != "hold" else 6.0)))
        if number == 0:
            chance = max(chance, 0.5 * (1.1 - self.person.skill))
        if self.draw.random() >= chance:
            return
        # The first repetition starts from standing: a wrong rest would not be seen in it.
        names = sorted(name for name, known in self.known.items() if number or known.move.kind != "rest")
        if not names:
            return
        liking = np.random.default_rng([self.person.taste, len(names)]).exponential(1.0, len(names))
        name = names[int(self.draw.choice(len(names), p=liking / liking.sum()))]
        mistake = self.known[name]
        most = 1.1 if mistake.move.kind in ("scale", "tempo") else 1.3
        self.running = _Running(mistake, float(self.draw.uniform(1.03, most)), number)

    def _close(self, last: int, corrected: bool) -> None:
        """End the running mistake with repetition `last`."""
        running, self.running = self.running, None
        if running is not None and last >= running.first:
            rule = running.mistake.error.id
            self.scene.episodes.append(Episode(rule, running.first, last, running.noticed_s, corrected))

    # The coach

    def delay(self) -> float:
        drawn = DELAY_MEDIAN_S * float(np.exp(self.draw.normal(0.0, DELAY_SPREAD)))
        return float(np.clip(drawn, *DELAY_RANGE_S))

    def say(self, time: float, kind: str, rule: str = "", rep: int = -1, number: int = 0, good: bool = True) -> float:
        """Say it at `time`, or as soon as the last remark has been understood; returns when."""
        when = max(time, self.last_word + _BREATH_S)
        self.scene.remarks.append(Remark(when, kind, rule, rep, number, good))
        self.last_word, self.quiet = when, float(self.draw.uniform(*SILENCE_S))
        return when

    def _watch(self, number: int, start: float, end: float) -> None:
        """React to a repetition from `start` to `end`."""
        running = self.running
        if not any(remark.kind == "start" for remark in self.scene.remarks):
            self.say(start + 0.5 * min(end - start, 2.0) + self.delay(), "start", rep=number)
        seen = start + 0.75 * (end - start)
        if running is not None:
            begun = self.scene.reps[running.first].start_s
            if np.isnan(running.noticed_s):
                if seen - begun >= 0.9:
                    self._correct(running, "correct", seen, number)
            elif not running.heeded and end - running.named_s > 5.0:
                self._correct(running, "again", seen, number)
        elif self.cured:
            self.cured = False
            self.say(end + 0.6 * self.delay(), "acknowledge", self.scene.episodes[-1].rule, number)
        while end - self.last_word > self.quiet and end < self.scene.end_s - _LEAVE_S:
            units = (number + 1) * self.exercise.cycle.count.per_cycle
            kind = "count" if running is None and self.draw.random() < 0.75 else "cheer"
            self.say(max(end, self.last_word + self.quiet) + 0.2, kind, rep=number, number=units)

    def _watch_hold(self, number: int, start: float, end: float) -> None:
        if not any(remark.kind == "start" for remark in self.scene.remarks):
            self.say(start + self.delay(), "start", rep=number)
        running = self.running
        if running is not None:
            self._correct(running, "correct", start + 2.4, number)
        elif self.cured:
            self.cured = False
            self.say(start + 1.0 + self.delay(), "acknowledge", self.scene.episodes[-1].rule, number)
        while self.last_word + self.quiet < end - 0.5:
            time = self.last_word + self.quiet
            if running is not None and not running.heeded and time - running.named_s > 4.0:
                self._correct(running, "again", time, number)
            else:
                self.say(time, "hold", rep=number)

    def _correct(self, running: _Running, kind: str, seen: float, number: int) -> None:
        named = self.say(seen + self.delay(), kind, running.mistake.error.id, number)
        if np.isnan(running.noticed_s):
            running.noticed_s = named
        running.named_s = named
        running.heeded = self.draw.random() < self.person.heeds

    def _end(self) -> None:
        """Sum up after the last repetition."""
        last = max((rep.end_s for rep in self.scene.reps), default=self.scene.start_s)
        self.scene.remarks = [r for r in self.scene.remarks if r.time_s < self.scene.end_s - 2.6]
        self.last_word = max((r.time_s for r in self.scene.remarks), default=self.scene.start_s)
        good = not any(not episode.corrected for episode in self.scene.episodes)
        time = max(last + 0.3, self.scene.end_s - 2.4 - float(self.draw.uniform(0.0, 0.5)))
        rule = "" if good else next(e.rule for e in self.scene.episodes if not e.corrected)
        units = len(self.scene.reps) * self.exercise.cycle.count.per_cycle
        self.say(min(time, self.scene.end_s - 1.6), "summary", rule, number=units, good=good)
