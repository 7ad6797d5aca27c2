"""Speed of motion analysis: streaming and batch against real time, and an hour's last minute against its first.

    python tests/benchmarks/bench_motion.py [--exercise squats] [--minutes 60]

A person repeats the reference of the exercise at 30 frames/s with 0.6° of noise; cycles, verdicts and contexts are all
made. Times are processor time of one core.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time

import numpy as np

from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.vocabulary import joint_names
from qevd_bio.motion.cycles.detection import CycleDetector, detect
from qevd_bio.motion.cycles.signal_curve import candidates, cycle_rule
from qevd_bio.motion.frames import Frames
from qevd_bio.motion.judging.evaluate import Setup
from qevd_bio.motion.segment import analyse
from qevd_bio.motion.stream import MotionStream

FPS = 30.0


def person(name: str, seconds: float) -> tuple[Frames, Setup]:
    """Frames of somebody doing the exercise, and its setup."""
    exercise = load()[name]
    reference = load_reference(exercise)
    count = round(seconds * FPS)
    cycle = reference.angles[:-1]
    angles = np.tile(cycle, (count // len(cycle) + 1, 1))[:count]
    angles = angles + np.random.default_rng(0).normal(0.0, 0.01, angles.shape)
    frames = Frames(
        frame=np.arange(count, dtype=np.int32),
        time_s=np.arange(count) / FPS,
        angles=angles,
        observed=np.ones(angles.shape, dtype=bool),
        confidence=np.full(count, 0.9),
        status=np.zeros(count, dtype=np.uint8),
        root=np.full((count, 3), np.nan),
    )
    body = {"height": {"value": 1.78, "unit": "m", "method": "entered"}}
    setup = Setup(exercise, reference.angles, joint_names(exercise.salient), reference_fps=reference.fps, body=body)
    return frames, setup


def detector_alone(frames: Frames, setup: Setup) -> None:
    signal = candidates(setup.exercise, setup.reference)[0]
    from qevd_bio.motion.cycles.curves import SeenCurves

    curves = SeenCurves(frames.angles, frames.observed, frames.ok, setup.skeleton)
    times, values = frames.time_s.tolist(), signal.values(curves).tolist()
    rule = cycle_rule(setup.exercise, signal)
    start = time.process_time()
    whole = detect(times, values, rule)
    batch = time.process_time() - start
    machine = CycleDetector(rule)
    start = time.process_time()
    streamed = [c for t, v in zip(times, values, strict=True) for c in machine.push(t, v)]
    stream = time.process_time() - start
    agree = sum(a == b for a, b in zip(streamed, whole, strict=False))
    print(f"cycles alone: {len(whole)} cycles, batch {times[-1] / batch:,.0f} × real time, "
          f"streaming {times[-1] / stream:,.0f} ×; {agree} of {len(whole)} reported before the end, all equal")  # fmt: skip


def batch_speed(name: str, repeats: int = 3) -> float:
    frames, setup = person(name, 600.0)
    analyse(frames, setup)
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        result = analyse(frames, setup)
        best = min(best, time.process_time() - start)
    print(f"batch: 600 s, {len(result.cycles)} cycles, {len(result.contexts)} contexts: {600 / best:,.0f} × real time")
    return 600 / best


def stream_speed(name: str, minutes: int) -> tuple[float, float]:
    """× real time over the whole, and last minute : first minute (each the best of three neighbours)."""
    frames, setup = person(name, 60.0 * minutes)
    machine = MotionStream(setup)
    costs = []
    per_minute = round(60 * FPS)
    times = frames.time_s.tolist()
    for minute in range(minutes):
        start = time.process_time()
        for i in range(minute * per_minute, (minute + 1) * per_minute):
            machine.push(i, times[i], frames.angles[i], frames.observed[i], 0.9)
        costs.append(time.process_time() - start)
    first, last = min(costs[1:4]), min(costs[-3:])
    speed = 60.0 * minutes / sum(costs)
    print(f"streaming: {minutes} min: {speed:,.0f} × real time; last minute : first minute = {last / first:.2f}")
    return speed, last / first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exercise", default="squats")
    parser.add_argument("--minutes", type=int, default=60)
    args = parser.parse_args()
    detector_alone(*person(args.exercise, 600.0))
    batch = batch_speed(args.exercise)
    stream, growth = stream_speed(args.exercise, args.minutes)
    print(
        f"bars: batch {batch / 2000:.2f} of 2,000 ×, streaming {stream / 200:.2f} of 200 ×, growth {growth:.2f} of 1.1"
    )


if __name__ == "__main__":
    main()
