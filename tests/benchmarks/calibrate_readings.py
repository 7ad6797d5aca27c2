"""Makes refs/pose/readings.csv: how much smaller or larger a reading's error is than its angles' errors suggest.

The error of a quantity is propagated from those of its angles as if they were independent; a fit's are not (a wrist is
seen where it is, whatever the three angles of the shoulder are). On simulated people whose angles are known, seen by the
landmark simulator from real views, the readings of each repetition (extremes, mean, range) of every quantity are
compared with the true ones: the table holds the factors with which 71 % of the errors lie within one sigma, by kind of
reading and by view, drawn towards the mean of all quantities where clips are few.
Usage: python tests/benchmarks/calibrate_readings.py --keep FOLDER [--seed 601 --seed 602 ...]
"""

from __future__ import annotations

import argparse
import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from qevd_bio.anatomy.derived import QUANTITIES
from qevd_bio.exercise.measure import statistic
from qevd_bio.exercise.vocabulary import NOT_CURVES, resolve, vocabulary
from qevd_bio.motion.cycles.curves import Window
from qevd_bio.motion.judging.belief import propagated_sigma
from qevd_bio.motion.judging.reading_error import KINDS, VIEWS, kind_of, view_of
from qevd_bio.store.atomic import atomic_path
from tests.benchmarks.sensed_clips import SensedClip, sensed_clips

STATISTICS = ("max", "min", "mean", "range", "std")
WITHIN = 0.71
FEW_CLIPS, FEW_VIEWS = 10.0, 15.0
"""Clips from which a quantity's own factor counts as much as that of all, and the same for its views."""

Errors = dict[tuple[str, str, str], list[tuple[float, float]]]


def quantities() -> Iterator[tuple[str, str]]:
    """(quantity, side) of every curve that rules are written in."""
    for name, wording in vocabulary().quantities.items():
        if name in NOT_CURVES:
            continue
        for side in ("r", "l") if wording.sided or "_own" in wording.expression else ("",):
            if not any(QUANTITIES[n].needs_root for n in resolve(name, side).names):
                yield name, side


def errors_of(clip: SensedClip) -> Errors:
    """(quantity, kind of reading, view) -> (error over sigma, weight); the readings of a clip weigh one together."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for first, last in clip.reps:
        seen, true = Window(clip.seen, first, last), Window(clip.true, first, last)
        for name, side in quantities():
            expression = resolve(name, side)
            curve, known = expression.evaluate(seen), expression.evaluate(true)
            if np.isfinite(curve).mean() < 0.8:
                continue
            for stat in STATISTICS:
                at = int(np.nanargmin(curve) if stat == "min" else np.nanargmax(curve))
                sigma = propagated_sigma(seen, expression.names, stat, at)
                error = statistic(curve, stat) - statistic(known, stat)
                if math.isfinite(sigma) and sigma > 0.0 and math.isfinite(error):
                    found[name, kind_of(stat)].append(abs(error) / sigma)
    view = view_of(clip.heading_deg)
    return {(name, kind, view): [(z, 1.0 / len(zs)) for z in zs] for (name, kind), zs in found.items()}


def factor(pairs: list[tuple[float, float]]) -> float:
    """The factor on sigma with which WITHIN of the weight lies within one sigma."""
    values, weights = np.array(pairs).T
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return max(float(values[order][np.searchsorted(total, WITHIN * total[-1])]), 0.05)


def shrunk(own: float, common: float, clips: float, few: float) -> float:
    return math.exp((clips * math.log(own) + few * math.log(common)) / (clips + few))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--seed", type=int, action="append", required=True)
    parser.add_argument("--out", type=Path, default=Path("refs/pose/readings.csv"))
    args = parser.parse_args()
    every: Errors = defaultdict(list)
    for seed in args.seed:
        for clip in sensed_clips(seed, args.keep):
            for key, pairs in errors_of(clip).items():
                every[key] += pairs
    common = {kind: factor([p for key, pairs in every.items() if key[1] == kind for p in pairs]) for kind in KINDS}
    print("all quantities:", {kind: round(value, 2) for kind, value in common.items()})
    with atomic_path(args.out) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["quantity", *KINDS, *VIEWS])
        writer.writerow(["", *(f"{common[kind]:.2f}" for kind in KINDS), *("1.00" for _ in VIEWS)])
        for name in dict.fromkeys(name for name, _ in quantities()):
            row = [name]
            for kind in KINDS:
                pairs = [p for key, own in every.items() if key[:2] == (name, kind) for p in own]
                clips = sum(weight for _, weight in pairs)
                row.append(f"{shrunk(factor(pairs), common[kind], clips, FEW_CLIPS) if pairs else common[kind]:.2f}")
            extremes = [p for key, own in every.items() if key[:2] == (name, "extreme") for p in own]
            for view in VIEWS:
                pairs = every.get((name, "extreme", view), [])
                clips = sum(weight for _, weight in pairs)
                ratio = factor(pairs) / factor(extremes) if pairs else 1.0
                row.append(f"{shrunk(ratio, 1.0, clips, FEW_VIEWS):.2f}")
            writer.writerow(row)


if __name__ == "__main__":
    main()
