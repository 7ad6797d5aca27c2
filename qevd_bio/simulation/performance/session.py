"""One exercise as it happens between a person and a coach: repetitions, mistakes, and what is said when.

The structure of the feedback is that of QEVD (Sec. 3.1 of its paper): acknowledge the start or remind of it, correct as
soon as a mistake is clearly visible, acknowledge the correction, count or encourage meanwhile, sum up at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from qevd_bio.exercise.rules import Exercise
from qevd_bio.simulation.performance import habits
from qevd_bio.simulation.performance.mistakes import Mistake, mistakes
from qevd_bio.simulation.performance.moves import Keys, keys_of
from qevd_bio.simulation.performance.people import SimulatedPerson
from qevd_bio.simulation.performance.perform import CHANGE_S, PerformedRep


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
        self.last_word = scene.start_s + habits.LISTEN_S - habits.BREATH_S
        self.quiet = float(draw.uniform(*habits.SILENCE_S))

    def run(self) -> WorkoutScene:
        idle = float(self.draw.uniform(*habits.IDLE_S))
        if self.draw.random() < habits.DREAMS:
            idle += float(self.draw.uniform(*habits.DREAM_S))
            self.say(self.scene.start_s + habits.LISTEN_S + habits.REMINDED_AFTER_S + self.delay(), "reminder")
        prone = bool(self.keys.poses[0, -1])
        time = self.scene.start_s + habits.LISTEN_S + idle + (habits.LIES_DOWN_S if prone else habits.STANDS_READY_S)
        latest = self.scene.end_s - habits.LEAVE_S - (habits.GETS_UP_S if prone else 0.0)
        if self.exercise.category == "hold":
            self._holds(time, latest)
        else:
            self._repeat(time, latest)
        self._end()
        return self.scene

    # The person

    def _own_way(self, keys: Keys) -> Keys:
        """The reference as this person does it: every angle a little off, own tempo."""
        spread = habits.OWN_OFFSET_DEG + habits.OWN_OFFSET_UNSKILLED_DEG * (1 - self.person.skill)
        off = np.asarray(self.draw.normal(0.0, spread, keys.poses.shape[1]))
        off[-3:] = 0.0
        tempo = self.person.tempo * float(self.draw.uniform(*habits.OWN_TEMPO))
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
            elif number > habits.RESTS_AFTER and self.draw.random() < habits.RESTS:
                slow = keys.duration_s > habits.QUICK_REP_S
                time += float(self.draw.uniform(*habits.REST_S)) * (1.0 if slow else habits.QUICK_REST)
            if time - quarter + keys.duration_s > latest:
                break
            broken = (self.running.mistake.error.id,) if self.running else ()
            self.scene.reps.append(PerformedRep(keys.mirrored() if turns and number % 2 else keys, time, broken))
            self._watch(number, time - quarter, time - quarter + keys.duration_s)
            time += keys.duration_s
            number += 1
        self._close(number - 1, False)

    def _holds(self, time: float, latest: float) -> None:
        both = latest - time > habits.BOTH_SIDES_S
        seconds = (latest - time - CHANGE_S) / 2 if both else latest - time
        for number in range(2 if both else 1):
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
        unsteady = habits.UNSTEADY - self.person.skill
        keys = self.keys
        size = 1.0 - tired + float(self.draw.normal(0.0, habits.SIZE_SPREAD * unsteady))
        off = np.asarray(self.draw.normal(0.0, habits.OFFSET_SPREAD_DEG * unsteady, keys.poses.shape[1]))
        off[-3:] = 0.0
        poses = keys.poses.copy()
        poses[:, :-3] = (keys.centre + size * (keys.poses - keys.centre))[:, :-3]
        tempo = np.clip(self.draw.normal(1.0, habits.TEMPO_SPREAD * unsteady), *habits.TEMPO_RANGE)
        duration = keys.duration_s * (1.0 + tired) * float(tempo)
        keys = replace(keys, poses=poses + off, duration_s=duration)
        if self.running is None:
            return keys
        share = self.running.share * float(self.draw.uniform(*habits.SHARE_SPREAD))
        move = self.running.mistake.move
        if move.kind in ("scale", "tempo") and move.amount < 1.0:
            share = min(share, (1.0 if move.kind == "scale" else habits.TEMPO_LEFT) / (1.0 - move.amount))
        return move.apply(keys, share)

    def _fall_into_mistake(self, number: int, time: float) -> None:
        """Perhaps a mistake begins; or the one that was corrected ends."""
        running = self.running
        if running is not None:
            if running.heeded and time > running.named_s + habits.OBEYS_AFTER_S:
                self._close(number - 1, True)
                self.cured = True
            return
        if not self.known or self.cured:
            return
        rate = habits.MISTAKE_RATE + habits.MISTAKE_RATE_UNSKILLED * (1.0 - self.person.skill)
        time_at_risk = self.keys.duration_s if self.exercise.category != "hold" else habits.HOLD_COUNTS_AS_S
        chance = 1.0 - float(np.exp(-rate * time_at_risk))
        if number == 0:
            chance = max(chance, habits.AT_ONCE * (habits.AT_ONCE_SKILL - self.person.skill))
        if self.draw.random() >= chance:
            return
        # The first repetition starts from standing: a wrong rest would not be seen in it.
        names = sorted(name for name, known in self.known.items() if number or known.move.kind != "rest")
        if not names:
            return
        liking = np.random.default_rng([self.person.taste, len(names)]).exponential(1.0, len(names))
        name = names[int(self.draw.choice(len(names), p=liking / liking.sum()))]
        mistake = self.known[name]
        most = habits.MOST_SCALED if mistake.move.kind in ("scale", "tempo") else habits.MOST_OTHER
        self.running = _Running(mistake, float(self.draw.uniform(habits.SEVERITY, most)), number)

    def _close(self, last: int, corrected: bool) -> None:
        """End the running mistake with repetition `last`."""
        running, self.running = self.running, None
        if running is not None and last >= running.first:
            rule = running.mistake.error.id
            self.scene.episodes.append(Episode(rule, running.first, last, running.noticed_s, corrected))

    # The coach

    def delay(self) -> float:
        drawn = habits.DELAY_MEDIAN_S * float(np.exp(self.draw.normal(0.0, habits.DELAY_SPREAD)))
        return float(np.clip(drawn, *habits.DELAY_RANGE_S))

    def say(self, time: float, kind: str, rule: str = "", rep: int = -1, number: int = 0, good: bool = True) -> float:
        """Say it at `time`, or as soon as the last remark has been understood; returns when."""
        when = max(time, self.last_word + habits.BREATH_S)
        self.scene.remarks.append(Remark(when, kind, rule, rep, number, good))
        self.last_word, self.quiet = when, float(self.draw.uniform(*habits.SILENCE_S))
        return when

    def _watch(self, number: int, start: float, end: float) -> None:
        """React to a repetition from `start` to `end`."""
        running = self.running
        if not any(remark.kind == "start" for remark in self.scene.remarks):
            plain = habits.START_SEEN_AT * min(end - start, habits.START_SEEN_S)
            self.say(start + plain + self.delay(), "start", rep=number)
        seen = start + habits.SEEN_AT * (end - start)
        if running is not None:
            begun = self.scene.reps[running.first].start_s
            if np.isnan(running.noticed_s):
                if seen - begun >= habits.WATCH_S:
                    self._correct(running, "correct", seen, number)
            elif not running.heeded and end - running.named_s > habits.AGAIN_S:
                self._correct(running, "again", seen, number)
        elif self.cured:
            self.cured = False
            self.say(end + habits.PRAISE_AFTER * self.delay(), "acknowledge", self.scene.episodes[-1].rule, number)
        while end - self.last_word > self.quiet and end < self.scene.end_s - habits.LEAVE_S:
            units = (number + 1) * self.exercise.cycle.count.per_cycle
            kind = "count" if running is None and self.draw.random() < habits.COUNTS else "cheer"
            self.say(max(end, self.last_word + self.quiet) + habits.COUNT_AFTER_S, kind, rep=number, number=units)

    def _watch_hold(self, number: int, start: float, end: float) -> None:
        if not any(remark.kind == "start" for remark in self.scene.remarks):
            self.say(start + self.delay(), "start", rep=number)
        running = self.running
        if running is not None:
            self._correct(running, "correct", start + habits.NAMED_IN_HOLD_S, number)
        elif self.cured:
            self.cured = False
            self.say(
                start + habits.PRAISE_IN_HOLD_S + self.delay(), "acknowledge", self.scene.episodes[-1].rule, number
            )
        while self.last_word + self.quiet < end - habits.HOLD_TAIL_S:
            time = self.last_word + self.quiet
            if running is not None and not running.heeded and time - running.named_s > habits.AGAIN_IN_HOLD_S:
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
        self.scene.remarks = [r for r in self.scene.remarks if r.time_s < self.scene.end_s - habits.LAST_WORD_S]
        self.last_word = max((r.time_s for r in self.scene.remarks), default=self.scene.start_s)
        good = not any(not episode.corrected for episode in self.scene.episodes)
        time = max(
            last + habits.SUM_UP_AFTER_S,
            self.scene.end_s - habits.SUM_UP_BEFORE_END_S - float(self.draw.uniform(0.0, habits.SUM_UP_SPREAD_S)),
        )
        rule = "" if good else next(e.rule for e in self.scene.episodes if not e.corrected)
        units = len(self.scene.reps) * self.exercise.cycle.count.per_cycle
        self.say(min(time, self.scene.end_s - 1.6), "summary", rule, number=units, good=good)
