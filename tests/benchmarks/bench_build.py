"""Proportions and stature from one camera: simulated people of known bodies, seen by the landmark simulator.

Every exercise of each seed is played once by another person in a real view; its landmarks are sensed and fitted without
a stature. Printed are the errors of the build (legs, arms and shoulders in statures) beside how far people differ, and
of the stature that the camera's true height gives.
Usage: python tests/benchmarks/bench_build.py --seed 501 [--count 23] [--tilt]
"""

from __future__ import annotations

import argparse

import numpy as np

from qevd_bio.motion.cycles.curves import skeleton_of
from qevd_bio.pose.body.scale import POPULATION, by_camera, fitted_stature
from qevd_bio.pose.fit.clip import fit_clip
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.simulation.performance.perform import FPS
from qevd_bio.simulation.sensing.errors import sense
from qevd_bio.simulation.sensing.exact import look
from tests.benchmarks.bench_views import EXERCISES, play


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, action="append", required=True)
    parser.add_argument("--count", type=int, default=len(EXERCISES))
    parser.add_argument("--tilt", action="store_true", help="state the camera's pitch and roll")
    args = parser.parse_args()
    true, found, sizes, weighed, plain = [], [], [], [], []
    for seed in args.seed:
        for number in range(args.count):
            workout, part = play(EXERCISES[number % len(EXERCISES)], 100_000 + 1000 * seed + number)
            camera, times = workout.camera, np.arange(part.stop - part.start) / FPS
            seen = look(workout.angles[part], workout.root[part], workout.skeleton, camera)
            values = sense(seen, times, np.random.default_rng([seed, number]))
            tilt = FitOptions(camera_pitch_deg=camera.pitch_deg, camera_roll_deg=camera.roll_deg)
            fit = fit_clip(values, times, (camera.width, camera.height), tilt if args.tilt else FitOptions())
            stature = fitted_stature(fit.skeleton_lengths, fit.view["floor_m"], camera.position[1])
            true.append(list(workout.skeleton.build().values()))
            found.append(list(skeleton_of(fit.skeleton_lengths, None).build().values()))
            sizes.append(stature / workout.skeleton.stature if stature else np.nan)
            both = by_camera(fit.skeleton_lengths, fit.view, camera.position[1])
            weighed.append((both.value if both else POPULATION["unknown"][0]) - workout.skeleton.stature)
            plain.append(POPULATION["unknown"][0] - workout.skeleton.stature)
            print(f"{EXERCISES[number % len(EXERCISES)]:22s} true {np.round(true[-1], 3)} found {np.round(found[-1], 3)} "
                  f"stature {workout.skeleton.stature:.2f} found {stature or np.nan:.2f}")  # fmt: skip
    error = np.array(found) - np.array(true)
    for k, name in enumerate(workout.skeleton.build()):
        own = np.array(true)[:, k]
        print(f"{name:9s} error {error[:, k].mean():+.4f} ± {error[:, k].std():.4f}; people differ by {own.std():.4f}; "
              f"correlation {np.corrcoef(own, np.array(found)[:, k])[0, 1]:.2f}")  # fmt: skip
    ratio = np.array(sizes)
    known = np.isfinite(ratio)
    print(f"stature by the camera's height: found {known.sum()} of {len(ratio)}, ratio to the truth median "
          f"{np.median(ratio[known]):.3f}, sd {ratio[known].std():.3f}, median off "
          f"{np.median(np.abs(ratio[known] - 1)):.3f}")  # fmt: skip
    print(f"root mean square error in metres: weighed with the population {np.sqrt(np.mean(np.square(weighed))):.3f}, "
          f"the population alone {np.sqrt(np.mean(np.square(plain))):.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
