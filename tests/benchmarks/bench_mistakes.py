"""Every mistake that the simulator can make, one after the other: is it found, and nothing else?

    python tests/benchmarks/bench_mistakes.py [--people 2] [--exercise squats]

Each form error is made from the first repetition on and from the sixth on, and not at all; the person never mends it.
The true kinematics are analysed and compared with the truth as `qevd-bio verify --oracle` does. Random workouts make
some mistakes often and some never; this makes each as often as the others.
"""

from __future__ import annotations

import argparse
import os
import zlib

os.environ.setdefault("OMP_NUM_THREADS", "1")

from typing import Any

import numpy as np

from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.vocabulary import joint_names
from qevd_bio.motion.frames import frames_of
from qevd_bio.motion.judging.evaluate import Setup
from qevd_bio.motion.segment import analyse
from qevd_bio.reporting.verification.motion import Counts, compare_repetitions, compare_violations
from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.simulation.performance import session
from qevd_bio.simulation.performance.mistakes import mistakes
from qevd_bio.simulation.performance.people import make_person
from qevd_bio.simulation.performance.perform import FPS, Course, idle_pose, lay_out, move
from qevd_bio.simulation.performance.workout import SimulatedWorkout, make_camera
from qevd_bio.simulation.truth import kinematics_of, truth_of

START_S, END_S, OUT_S = 1.0, 36.5, 4.0
LATER = 5


class Stubborn(session._Player):
    """Makes the one mistake it knows from repetition `begin` on, whatever the coach says."""

    begin = 0

    def _fall_into_mistake(self, number: int, time: float) -> None:
        # A wrong rest is not seen in a first repetition, which starts from standing.
        rest = any(mistake.move.kind == "rest" for mistake in self.known.values())
        if self.running is None and self.known and number >= max(self.begin, int(rest)):
            (mistake,) = self.known.values()
            most = 1.1 if mistake.move.kind in ("scale", "tempo") else 1.3
            self.running = session._Running(mistake, float(self.draw.uniform(1.03, most)), number)

    def _correct(self, running: session._Running, kind: str, seen: float, number: int) -> None:
        super()._correct(running, kind, seen, number)
        running.heeded = False


def workout(exercise_id: str, rule: str, begin: int, who: int) -> SimulatedWorkout:
    """One exercise of 35.5 s with the mistake `rule` ("" for none) from repetition `begin` on."""
    draw = np.random.default_rng([who, begin, zlib.crc32(f"{exercise_id}{rule}".encode())])
    person = make_person(900 + who, "test", who % 7)
    player = Stubborn(load()[exercise_id], person, session.WorkoutScene(load()[exercise_id], START_S, END_S), draw)
    player.begin = begin
    player.known = {rule: mistakes()[exercise_id][rule]} if rule else {}
    scene = player.run()
    course = Course()
    course.add(0.0, idle_pose())
    lay_out(course, scene.reps, START_S, END_S, 70.0 if scene.reps[0].keys.poses[0, -1] else 0.0)
    sway = 0.15 + 0.35 * (1.0 - person.skill)
    angles, root = move(course, END_S + OUT_S, person.skeleton, int(draw.integers(1 << 30)), sway)
    camera = make_camera(SimulateOptions(), person, draw)
    return SimulatedWorkout(
        "made", f"{exercise_id} {rule} {begin} {who}", person, (scene,), angles, root, camera, END_S
    )


def compared(made: SimulatedWorkout) -> tuple[Counts, Counts]:
    """Counts of repetitions and of form errors."""
    times = np.arange(len(made.angles)) / FPS
    truth = truth_of(made, times, 5)
    frames = frames_of(kinematics_of(made, times))
    inside = np.flatnonzero((times >= START_S) & (times <= END_S))
    exercise = made.scenes[0].exercise
    reference = load_reference(exercise).angles
    setup = Setup(exercise, reference, joint_names(exercise.salient), skeleton=made.skeleton)
    result = analyse(frames.part(inside[0], inside[-1]), setup)
    place: dict[str, Any] = {"split": made.split, "video": made.video, "segment": 0, "exercise": exercise.id}
    cycles, verdicts = [], []
    for judged in result.cycles:
        cycle = judged.cycle
        other = None if np.isnan(cycle.other_key_s) else cycle.other_key_s
        own = {"cycle": judged.number, "start_s": cycle.start_s, "end_s": cycle.end_s, "key_s": cycle.key_s}
        cycles.append({**place, **own, "other_key_s": other, "side": cycle.side})
        verdicts += [{**place, "cycle": judged.number, **verdict._asdict()} for verdict in judged.verdicts]
    videos = {(made.split, made.video)}
    repetitions = compare_repetitions(truth.repetitions, cycles, videos).total
    return repetitions, compare_violations(truth.repetitions, truth.judgements, cycles, verdicts, videos).total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1)
    parser.add_argument("--exercise", action="append")
    args = parser.parse_args()
    repetitions, errors = Counts(), Counts()
    performances = 0
    for exercise in load().values():
        if args.exercise and exercise.id not in args.exercise:
            continue
        for rule in ("", *mistakes().get(exercise.id, {})):
            for begin in (0,) if exercise.category == "hold" or not rule else (0, LATER):
                reps, said = Counts(), Counts()
                for who in range(args.people):
                    found = compared(workout(exercise.id, rule, begin, who))
                    reps.add(found[0])
                    said.add(found[1])
                    performances += 1
                repetitions.add(reps)
                errors.add(said)
                if reps.false or reps.missed or said.false or said.missed or (rule and not said.hits):
                    print(f"{exercise.id}/{rule or 'none'} from {begin}: repetitions {reps}, form errors {said}")
    print(f"{performances} performances; repetitions {repetitions}, F1 {repetitions.f1 or 0:.4f}")
    print(f"form errors {errors}: precision {errors.precision or 0:.4f}, recall {errors.recall or 0:.4f}")


if __name__ == "__main__":
    main()
