"""How honest the probability of a verdict is: simulated people whose angles are known, seen by the landmark simulator.

Every exercise of each seed is played once with mistakes, its landmarks are sensed from a real view and fitted; each
repetition is judged on the fitted angles with their sigma, and on the true ones. Printed are precision and recall of
sure form errors, and the reliability of p: expected calibration error over ten bins, by form error and over all rules.
Usage: python tests/benchmarks/bench_verdicts.py --seed 501 --seed 502 [--count 23]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from qevd_bio.motion.cycles.curves import SeenCurves, Window, skeleton_of
from qevd_bio.motion.judging.constraints import CycleJudge
from qevd_bio.motion.judging.occasion import CameraView, Occasion
from qevd_bio.pose.assemble import smooth_options
from qevd_bio.pose.fit.clip import fit_clip
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.smooth import follow_angles, smooth_angles, unwrap_angles
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.simulation.performance.perform import FPS
from qevd_bio.simulation.sensing.errors import sense
from qevd_bio.simulation.sensing.exact import look
from qevd_bio.tables.motion import SegmentPlace
from qevd_bio.tables.verdicts import ERROR, NOT_JUDGED, VIOLATION, Verdict
from tests.benchmarks.bench_views import EXERCISES, play, towards


class Judged(NamedTuple):
    """One rule on one repetition: what was believed, what is true."""

    rule: str
    kind: str
    probability: float
    said: bool
    true: bool


def clips(seed: int, count: int) -> Iterator[list[Judged]]:
    for number in range(count):
        workout, part = play(EXERCISES[number % len(EXERCISES)], 100_000 + 1000 * seed + number)
        scene, camera, angles = workout.scenes[0], workout.camera, workout.angles[part]
        times = np.arange(len(angles)) / FPS
        values = sense(
            look(angles, workout.root[part], workout.skeleton, camera), times, np.random.default_rng([seed, number])
        )
        fit = fit_clip(values, times, (camera.width, camera.height), FitOptions())
        smoothing = smooth_options(ExtractOptions())
        raw = unwrap_angles(fit.raw)
        smoothed = follow_angles(raw, smooth_angles(raw, times, smoothing), times, smoothing)
        turned = towards(angles, camera.heading_deg)
        ok = np.ones(len(times), dtype=bool)
        seen = SeenCurves(smoothed, fit.observed, ok, skeleton_of(fit.skeleton_lengths, None), None, fit.sigma)
        true = SeenCurves(turned, np.ones_like(turned, dtype=bool), ok, workout.skeleton)
        heading = float(np.rad2deg(np.angle(np.exp(1j * turned[:, 2]).mean())))
        believed = CycleJudge(scene.exercise, (), camera=CameraView(heading))
        known = CycleJudge(scene.exercise, ())
        for rep in scene.reps:
            first, last = (round(t * FPS) - part.start for t in (rep.start_s, rep.end_s))
            if first < 0 or last >= len(times):
                continue
            occasion = Occasion(
                SegmentPlace("s", "v", 0, scene.exercise.id), 0, times[first], times[last], times[first : last + 1],
                np.arange(first, last + 1, dtype=np.int32),
            )  # fmt: skip
            yield list(
                pairs(
                    believed.judge(occasion, Window(seen, first, last)),
                    known.judge(occasion, Window(true, first, last)),
                )
            )


def pairs(believed: list[Verdict], known: list[Verdict]) -> Iterator[Judged]:
    truth = {(v.rule, v.side): v for v in known}
    for verdict in believed:
        other = truth.get((verdict.rule, verdict.side))
        timed = verdict.quantity in ("cycle_duration", "pause")
        if other is None or timed or NOT_JUDGED in (verdict.verdict, other.verdict):
            continue
        bound = other.deviation != 0 and abs(other.deviation) > other.tolerance
        yield Judged(verdict.rule, verdict.kind, verdict.probability, verdict.verdict == VIOLATION, bound)


def reliability(found: list[Judged], bins: int = 10) -> tuple[float, list[tuple[float, float, int]]]:
    """Expected calibration error, and (mean p, share true, number) of each bin."""
    p, true = np.array([j.probability for j in found]), np.array([j.true for j in found], dtype=float)
    place = np.minimum((p * bins).astype(int), bins - 1)
    rows = [(float(p[place == b].mean()), float(true[place == b].mean()), int((place == b).sum()))
            for b in range(bins) if (place == b).any()]  # fmt: skip
    return sum(n * abs(a - b) for a, b, n in rows) / len(found), rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, action="append", required=True)
    parser.add_argument("--count", type=int, default=len(EXERCISES))
    args = parser.parse_args()
    found = [one for seed in args.seed for clip in clips(seed, args.count) for one in clip]
    for name, own in (("form errors", [j for j in found if j.kind == ERROR]), ("all rules", found)):
        hits = sum(j.said and j.true for j in own)
        said, true = sum(j.said for j in own), sum(j.true for j in own)
        error, rows = reliability(own)
        print(f"{name}: {len(own)} judged, precision {hits / max(said, 1):.2f} ({said} said), "
              f"recall {hits / max(true, 1):.2f} ({true} true), calibration error {error:.3f}")  # fmt: skip
        for mean, share, number in rows:
            print(f"  p {mean:.2f}: true {share:.2f} of {number}")


if __name__ == "__main__":
    main()
