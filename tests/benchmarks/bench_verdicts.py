"""How honest the probability of a verdict is: simulated people whose angles are known, seen by the landmark simulator.

Every exercise of each seed is played once with mistakes, its landmarks are sensed from a real view and fitted; each
repetition is judged on the fitted angles with their sigma, and on the true ones. Printed are precision and recall of
sure form errors, and the reliability of p: expected calibration error over ten bins, by form error and over all rules.
Usage: python -m tests.benchmarks.bench_verdicts --seed 801 --seed 802 [--keep FOLDER]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qevd_bio.exercise.vocabulary import NOT_CURVES
from qevd_bio.motion.cycles.curves import Window
from qevd_bio.motion.judging.constraints import CycleJudge
from qevd_bio.motion.judging.occasion import CameraView, Occasion
from qevd_bio.tables.motion import SegmentPlace
from qevd_bio.tables.verdicts import ERROR, NOT_JUDGED, VIOLATION, Verdict
from tests.benchmarks.sensed_clips import SensedClip, sensed_clips


class Judged(NamedTuple):
    """One rule on one repetition: what was believed, what is true."""

    rule: str
    kind: str
    probability: float
    said: bool
    true: bool


def judged(clip: SensedClip) -> Iterator[Judged]:
    """Every rule on every whole repetition of a clip."""
    believed = CycleJudge(clip.exercise, (), camera=CameraView(clip.heading_deg))
    known = CycleJudge(clip.exercise, ())
    for number, (first, last) in enumerate(clip.reps):
        occasion = Occasion(
            SegmentPlace("s", "v", 0, clip.exercise.id), number, clip.time_s[first], clip.time_s[last],
            clip.time_s[first : last + 1], np.arange(first, last + 1, dtype=np.int32),
        )  # fmt: skip
        yield from pairs(
            believed.judge(occasion, Window(clip.seen, first, last)),
            known.judge(occasion, Window(clip.true, first, last)),
        )


def pairs(believed: list[Verdict], known: list[Verdict]) -> Iterator[Judged]:
    truth = {(v.rule, v.side): v for v in known}
    for verdict in believed:
        other = truth.get((verdict.rule, verdict.side))
        timed = verdict.quantity in NOT_CURVES
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
    parser.add_argument("--keep", type=Path, help="folder in which fits are kept")
    args = parser.parse_args()
    found = [one for seed in args.seed for clip in sensed_clips(seed, args.keep) for one in judged(clip)]
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
