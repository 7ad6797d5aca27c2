"""Reading annotations of the benchmark's size (74 videos of 3.5 minutes), against `json.loads` of the same file."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.timestamps import write_timestamps
from qevd_bio.dataset.writer import NewSpan, new_workout, write_split

VIDEOS, FRAMES = 74, 6300
NAMES = ("squats", "high knees", "pushups", "quad stretch left", "armcrosschest right", "good morning beginner")


def make(folder: Path) -> None:
    times = 1_600_000_000 * 10**9 + np.arange(FRAMES) * 33_333_333
    spans = [NewSpan("That's the end!", FRAMES - 80, FRAMES - 40, True)]
    for number, name in enumerate(NAMES):
        first = number * FRAMES // 7
        spans.append(NewSpan(f"{'Moving on to' if number else 'First up are'} {name}!", first, first + 60, True))
        spans += [NewSpan(f"Go lower, {k}!", first + 120 * k, first + 120 * k + 50) for k in range(1, 7)]
    spans.sort(key=lambda span: span.start_frame)
    workouts = [new_workout(folder.name, f"{video:04d}", times, spans) for video in range(VIDEOS)]
    write_split(folder, workouts)
    for workout in workouts:
        write_timestamps(folder / workout.timestamps_file, times)


def best(run: Callable[[], object], times: int = 5) -> float:
    found = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "QEVD-FIT-COACH-Benchmark"
        make(folder)
        file = folder / "feedbacks_long_range.json"
        parse = best(lambda: json.loads(file.read_bytes()))
        ours = best(lambda: open_dataset(folder).segments())
        found = open_dataset(folder).segments()
        feedbacks = sum(len(segment.feedbacks) for segment in found)
        print(f"{VIDEOS} videos, {len(found)} segments, {feedbacks} feedbacks, {file.stat().st_size / 1e6:.1f} MB")
        print(f"json.loads {parse:.3f} s, checked segments {ours:.3f} s, ratio {ours / parse:.1f}")


if __name__ == "__main__":
    main()
