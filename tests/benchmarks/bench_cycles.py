"""Repetition counts against hand counts: the robust rule and the paper's, per clip and over all.

    python tests/benchmarks/bench_cycles.py [--workspace WS --counts hand_counts.json [--tune]]

WS holds the kinematics of the clips (`qevd-bio extract`); the file of hand counts lists video, exercise, count and,
where known, events_s. `--tune` also picks the two main thresholds on one half of the clips and reports the other.
Without arguments the "clips" are made: each exercise's reference signal, repeated at an uneven pace and depth, with
fidgets before it, pauses and noise.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.dataset.names import load_names
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.cycles import paper_cycles as paper
from qevd_bio.motion.cycles.builders import Cycle
from qevd_bio.motion.cycles.curves import SeenCurves, skeleton_of
from qevd_bio.motion.cycles.signal_curve import Signal, candidates, choose, detector
from qevd_bio.motion.evaluating import by_paper as paper_rule
from qevd_bio.motion.evaluating import turns_of
from qevd_bio.motion.frames import Frames, frames_of
from qevd_bio.motion.options import CycleOptions
from qevd_bio.motion.segment import choosing
from qevd_bio.tables.kinematics import Kinematics

WITHIN_S = 0.3


@dataclass(frozen=True)
class Clip:
    """One clip with its signal, the paper's representative one, and what was counted by hand."""

    name: str
    exercise: Exercise
    frames: Frames
    signal: Signal
    values: np.ndarray[Any, Any]
    count: float
    events: tuple[float, ...]
    paper: Signal
    paper_values: np.ndarray[Any, Any]


def read_clip(row: dict[str, Any], folder: Path) -> Clip | None:
    """The clip of one row of hand counts; None where there is no kinematics file."""
    found = sorted(folder.glob(f"*/{row['video']}.parquet"))
    if not found:
        return None
    exercise = load()[load_names().find(row["exercise"]).id]
    kinematics = Kinematics.read(found[0])
    frames = frames_of(kinematics)
    reference = load_reference(exercise)
    signals = candidates(exercise, reference.angles)
    (named,) = candidates(exercise, reference.angles, paper=True)
    first, until = choosing(frames.time_s, frames.ok)
    signal = signals[choose(signals, frames.angles[first:until], frames.observed[first:until])]
    skeleton = skeleton_of(kinematics.skeleton_lengths, None)
    present = SeenCurves(frames.angles, frames.observed, frames.ok, skeleton, frames.root).present
    slow = SeenCurves(frames.cycle_angles, frames.observed, frames.ok, skeleton, frames.root).present
    events = tuple(row.get("events_s") or ())
    count = float(row["count"])
    return Clip(row["name"], exercise, frames, signal, signal.values(present), count, events, named, named.values(slow))


def robust(clip: Clip, options: CycleOptions) -> list[Cycle]:
    machine = detector(clip.exercise, clip.signal, options)
    return machine.extend(clip.frames.time_s.tolist(), clip.values.tolist()) + machine.finish()


def by_paper(clip: Clip, own: bool = False) -> list[Cycle]:
    """The paper's rule on its representative signal, or on our `own`."""
    signal, values = (clip.signal, clip.values) if own else (clip.paper, clip.paper_values)
    return paper_rule(clip.frames.time_s, values, clip.exercise, signal)


def units(clip: Clip, cycles: Sequence[Cycle]) -> float:
    """Cycles as people count them."""
    return clip.exercise.cycle.count.per_cycle * sum(cycle.halves for cycle in cycles) / 2.0


def peaks(clip: Clip) -> float:
    """What the paper's peak finder gives on our signal without bounds on the cycle's length."""
    high, times = clip.exercise.signal.rest == "max", clip.frames.time_s
    if clip.exercise.category == "hold":
        return float(len(by_paper(clip, own=True)))
    if clip.signal.two_sided:
        return float(paper.count_peaks(times, clip.values) + paper.count_peaks(times, -clip.values))
    return float(paper.count_peaks(times, clip.values, rest_high=high))


def paper_peaks(clip: Clip) -> float:
    """The same on the paper's signal; a peak counts as the cycle to which it belongs."""
    if clip.exercise.category == "hold":
        return float(len(by_paper(clip)))
    found = paper.count_peaks(clip.frames.time_s, clip.paper_values, rest_high=clip.exercise.signal.rest == "max")
    return found * clip.exercise.cycle.count.per_cycle * turns_of(clip.exercise, clip.paper) / 2.0


def matched(clip: Clip, cycles: Sequence[Cycle]) -> tuple[int, int, int]:
    """Events met within WITHIN_S (each key frame used once), events, key frames."""
    keys = sorted(k for c in cycles for k in (c.key_s, c.other_key_s) if k == k)
    keys = list(dict.fromkeys(keys))
    hits = 0
    for event in clip.events:
        near = [key for key in keys if abs(key - event) <= WITHIN_S]
        if near:
            keys.remove(min(near, key=lambda key: abs(key - event)))
            hits += 1
    return hits, len(clip.events), len({k for c in cycles for k in (c.key_s, c.other_key_s) if k == k})


def summary(name: str, errors: Sequence[float]) -> str:
    wrong = np.abs(np.asarray(errors))
    return f"{name:34s} off-by-one {np.mean(wrong <= 1):.3f}   mean absolute error {wrong.mean():.2f}   n {len(wrong)}"


def tune(clips: Sequence[Clip]) -> CycleOptions:
    """The thresholds with the best off-by-one accuracy, then the least error, of a small grid."""
    grid = [
        replace(CycleOptions(), prominence_share=share, prior_share=prior)
        for share in (0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
        for prior in (0.3, 0.45, 0.6)
    ]

    def loss(options: CycleOptions) -> tuple[float, float]:
        wrong = np.abs([units(clip, robust(clip, options)) - clip.count for clip in clips])
        return -float(np.mean(wrong <= 1)), float(wrong.mean())

    return min(grid, key=loss)


def made_clips(per_exercise: int = 4) -> list[Clip]:
    """Signals with a known count: 3 to 12 repetitions, tempo ±20 %, depth ±15 %, pauses, fidgets, 2° of noise."""
    clips = []
    rng = np.random.default_rng(0)
    for exercise in load().values():
        reference = load_reference(exercise)
        signal = candidates(exercise, reference.angles, reference.fps)[0]
        if exercise.category == "hold" or signal.reference is None:
            continue
        for number in range(per_exercise):
            count = int(rng.integers(3, 13))
            course = np.deg2rad(signal.reference)
            if signal.two_sided:  # stand on both feet between the repetitions, not on one
                course = np.roll(course[:-1], -int(np.argmin(np.abs(course))))
                course = np.append(course, course[0])
            rest = course[0]
            fidget = rest + np.radians(5) * np.sin(np.linspace(0, 12, 90)) * np.hanning(90)
            pieces = [fidget]
            for _ in range(count):
                frames = max(4, round(len(course) * rng.uniform(0.8, 1.2)))
                one = np.interp(np.linspace(0, 1, frames), np.linspace(0, 1, len(course)), course)
                pause = np.full(round(rng.choice([0, 0, 0.3, 1.0]) * reference.duration_s * reference.fps / 2), rest)
                pieces += [rest + rng.uniform(0.85, 1.15) * (one - rest), pause]
            values = np.concatenate([*pieces, np.full(60, rest)])
            values = values + rng.normal(0.0, np.radians(2), len(values))
            empty = np.zeros((len(values), 46))
            frames_ = Frames(
                np.arange(len(values), dtype=np.int32), np.arange(len(values)) / reference.fps, empty,
                empty.astype(bool), empty[:, 0], empty[:, 0].astype(np.uint8), empty[:, :3],
            )  # fmt: skip
            units_ = float(count * exercise.cycle.count.per_cycle)
            clips.append(Clip(f"{exercise.id} {number}", exercise, frames_, signal, values, units_, (), signal, values))
    return clips


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--counts", type=Path)
    parser.add_argument("--tune", action="store_true")
    args = parser.parse_args()
    if args.counts and args.workspace:
        rows = json.loads(args.counts.read_text())
        clips = [clip for row in rows if (clip := read_clip(row, args.workspace / "kinematics")) is not None]
        print(f"{len(clips)} of {len(rows)} clips have kinematics")
    else:
        clips = made_clips()
    options = CycleOptions()
    methods: dict[str, Callable[[Clip], float]] = {
        "robust": lambda clip: units(clip, robust(clip, options)),
        "paper": lambda clip: units(clip, by_paper(clip)),
        "paper, peaks": paper_peaks,
        "paper, our signal": lambda clip: units(clip, by_paper(clip, own=True)),
        "paper, our signal, peaks": peaks,
    }
    errors: dict[str, list[float]] = {name: [] for name in methods}
    print(f"{'clip':26s} {'hand':>5s} {'robust':>7s} {'paper':>7s} {'peaks':>7s} {'on ours':>7s} {'peaks':>7s}")
    events = np.zeros(3, dtype=int)
    for clip in clips:
        counts = {name: method(clip) for name, method in methods.items()}
        for name, count in counts.items():
            errors[name].append(count - clip.count)
        mark = "" if abs(counts["robust"] - clip.count) <= 1 else "  <-"
        shown = " ".join(f"{counts[name]:7g}" for name in methods)
        print(f"{clip.name:26s} {clip.count:5g} {shown}{mark}  {clip.signal.expression.text}")
        if clip.events:
            events += matched(clip, robust(clip, options))
    print()
    for name, values in errors.items():
        print(summary(name, values))
    for half in (0, 1):
        print(summary(f"robust, {'odd' if half else 'even'} clips", errors["robust"][half::2]))
    if events[1]:
        recall, precision = events[0] / events[1], events[0] / events[2]
        print(f"key frames within {WITHIN_S} s of the hand's: recall {recall:.3f}, precision {precision:.3f}")
    if args.tune:
        for half in (0, 1):
            best = tune(clips[half::2])
            held = [units(clip, robust(clip, best)) - clip.count for clip in clips[1 - half :: 2]]
            chosen = f"share {best.prominence_share:g}, prior {best.prior_share:g}"
            print(summary(f"held out ({chosen})", held))


if __name__ == "__main__":
    main()
