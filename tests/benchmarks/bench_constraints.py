"""The paper's constraints and the catalogue's rules on simulated workouts, against the mistakes made in them.

Every exercise of each seed is played once with mistakes. Each repetition is judged on its true frames, with the true
angles or (--sensed) with those fitted to landmarks of a real view, by three sets of rules: the catalogue's, the paper's
as printed (variance), and with a standard deviation. Joints are the exercise's salient ones. Two questions:

  repetition  was anything said of a repetition in which a mistake is clear?
  joint       was it said of one of the mistake's joints, on its side where it has one?

A repetition or joint without a clear mistake in which something is said is a false alarm; borderline ones count neither
way. A form error counts as said by its verdict alone, without waiting for it to recur, as the paper's constraints do.

    python tests/benchmarks/bench_constraints.py --seed 601 --seed 602 [--sensed] [--count 23]
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.vocabulary import joint_names
from qevd_bio.motion.cycles.builders import Cycle
from qevd_bio.motion.cycles.curves import SeenCurves, Window, skeleton_of
from qevd_bio.motion.cycles.signal_curve import is_two_sided
from qevd_bio.motion.judging.evaluate import Evaluator, Setup
from qevd_bio.motion.judging.occasion import CameraView
from qevd_bio.motion.options import ConstraintOptions, MotionOptions
from qevd_bio.pose.assemble import smooth_options
from qevd_bio.pose.fit.clip import fit_clip
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.smooth import follow_angles, smooth_angles, unwrap_angles
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.simulation.coach.true_verdicts import BORDERLINE, MISTAKE, TrueCycle, clarity, judge
from qevd_bio.simulation.performance.perform import FPS
from qevd_bio.simulation.sensing.errors import sense
from qevd_bio.simulation.sensing.exact import look
from qevd_bio.tables.motion import SegmentPlace
from qevd_bio.tables.verdicts import ERROR, SPOKEN, Verdict
from tests.benchmarks.bench_views import EXERCISES, play, towards

METHODS = ("catalogue", "paper", "paper-std")


@dataclass
class Score:
    """Hits, false alarms, misses, and what was rightly left alone."""

    hits: int = 0
    false: int = 0
    missed: int = 0
    fine: int = 0

    def add(self, said: bool, true: bool) -> None:
        self.hits += said and true
        self.false += said and not true
        self.missed += true and not said
        self.fine += not true and not said

    def __str__(self) -> str:
        precision = self.hits / max(self.hits + self.false, 1)
        recall = self.hits / max(self.hits + self.missed, 1)
        alarms = self.false / max(self.false + self.fine, 1)
        return (
            f"precision {precision:.2f} ({self.hits + self.false}), recall {recall:.2f} ({self.hits + self.missed}), "
            f"false alarms {alarms:.2f} ({self.false + self.fine})"
        )


@dataclass
class Scores:
    repetition: Score = field(default_factory=Score)
    joint: Score = field(default_factory=Score)
    by_kind: Counter[str] = field(default_factory=Counter)


def joints_of(verdict: Verdict, joints: tuple[str, ...]) -> set[str]:
    """Joints of a true mistake; those of its side where it has one."""
    side = verdict.side
    return {j for j in joint_names(joints) if not side or j[-2:] not in ("_r", "_l") or j.endswith(f"_{side}")}


def clips(seed: int, count: int, sensed: bool, scores: dict[str, Scores]) -> None:
    for number in range(count):
        workout, part = play(EXERCISES[number % len(EXERCISES)], 100_000 + 1000 * seed + number)
        scene, camera, angles = workout.scenes[0], workout.camera, workout.angles[part]
        exercise, times = scene.exercise, np.arange(len(angles)) / FPS
        turned = towards(angles, camera.heading_deg)
        ok = np.ones(len(times), dtype=bool)
        curves = SeenCurves(turned, np.ones_like(turned, dtype=bool), ok, workout.skeleton)
        view = CameraView()
        if sensed:
            seen = look(angles, workout.root[part], workout.skeleton, camera)
            values = sense(seen, times, np.random.default_rng([seed, number]))
            fit = fit_clip(values, times, (camera.width, camera.height), FitOptions())
            smoothing = smooth_options(ExtractOptions())
            raw = unwrap_angles(fit.raw)
            smooth = follow_angles(raw, smooth_angles(raw, times, smoothing), times, smoothing)
            curves = SeenCurves(smooth, fit.observed, ok, skeleton_of(fit.skeleton_lengths, None), None, fit.sigma)
            view = CameraView(float(np.rad2deg(np.angle(np.exp(1j * turned[:, 2]).mean()))))
        reference = load_reference(exercise)
        setup = Setup(
            exercise, reference.angles, joint_names(exercise.salient), reference.fps,
            skeleton=Skeleton.from_stature(), camera=view,
        )  # fmt: skip
        signal = setup.signals()[0]
        evaluators = {m: Evaluator(replace(setup, options=_options(m)), signal) for m in METHODS}
        two_sided = is_two_sided(signal.expression)
        for index, rep in enumerate(scene.reps):
            first, last = (round(t * FPS) - part.start for t in (rep.start_s, rep.end_s))
            if first < 0 or last >= len(times):
                continue
            cycle = Cycle(times[first], times[(first + last) // 2], times[last], times[(first + last) // 2],
                          np.nan, 0.0, "r" if two_sided else "")  # fmt: skip
            place = TrueCycle(SegmentPlace("s", "v", 0, exercise.id), index, times[first], times[last])
            span = slice(first, last + 1)
            true = judge(exercise, turned[span], workout.skeleton, workout.root[part][span], place)
            wrong, unclear = _mistakes(true, {error.id: error.joints for error in exercise.errors})
            for method, evaluator in evaluators.items():
                numbers = np.arange(first, last + 1, dtype=np.int32)
                result = evaluator.evaluate(
                    cycle, Window(curves, first, last), times[span], numbers, np.ones(len(numbers)), times[last]
                )
                said = [v for v in result.verdicts if v.kind in SPOKEN and v.violated and v.quantity != "pause"]
                _count(scores[method], said, wrong, unclear, {e.id: e.joints for e in exercise.errors})


def _options(method: str) -> MotionOptions:
    return MotionOptions(constraints=ConstraintOptions(method=method))  # type: ignore[arg-type]


def _mistakes(true: list[Verdict], joints: dict[str, tuple[str, ...]]) -> tuple[set[str], set[str]]:
    """Joints of the clear mistakes, and of borderline ones."""
    wrong: set[str] = set()
    unclear: set[str] = set()
    for verdict in true:
        if verdict.kind != ERROR or verdict.quantity == "pause":
            continue
        own = joints_of(verdict, joints[verdict.rule.partition(":")[2]])
        found = clarity(verdict)
        if found == MISTAKE:
            wrong |= own
        elif found == BORDERLINE:
            unclear |= own
    return wrong, unclear - wrong


def _count(
    scores: Scores, said: list[Verdict], wrong: set[str], unclear: set[str], joints: dict[str, tuple[str, ...]]
) -> None:
    named: set[str] = set()
    for verdict in said:
        scores.by_kind[verdict.kind] += 1
        own = joints_of(verdict, joints[verdict.rule.partition(":")[2]]) if verdict.kind == ERROR else {verdict.joint}
        named |= own
    if wrong or not unclear:
        scores.repetition.add(bool(said), bool(wrong))
    for joint in JOINT_NAMES:
        if joint not in unclear:
            scores.joint.add(joint in named, joint in wrong)


def rows(seeds: list[int], count: int, sensed: bool) -> Iterator[str]:
    scores: dict[str, Scores] = defaultdict(Scores)
    for seed in seeds:
        clips(seed, count, sensed, scores)
    for method in METHODS:
        own = scores[method]
        yield f"{method:10s} repetition: {own.repetition}; joint: {own.joint}; said {dict(own.by_kind)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, action="append", required=True)
    parser.add_argument("--count", type=int, default=len(EXERCISES))
    parser.add_argument("--sensed", action="store_true")
    args = parser.parse_args()
    for row in rows(args.seed, args.count, args.sensed):
        print(row)


if __name__ == "__main__":
    main()
