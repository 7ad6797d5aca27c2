"""Extraction against the bare pose model, with two processes, and its memory: ratios of one run.

Usage: python tests/benchmarks/bench_extract.py [VIDEO]   (default: a drawn figure, 12 s)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from qevd_bio.pose.threads import single_blas_thread

single_blas_thread()  # as the command does, before numpy loads

import numpy as np  # noqa: E402

from qevd_bio.dataset.opening import open_dataset  # noqa: E402
from qevd_bio.pose.backends.clips import OpenedClip  # noqa: E402
from qevd_bio.pose.backends.mediapipe import MediapipeBackend  # noqa: E402
from qevd_bio.pose.fit.clip import fit_clip  # noqa: E402
from qevd_bio.pose.fit.options import FitOptions  # noqa: E402
from qevd_bio.pose.options import ExtractOptions  # noqa: E402
from qevd_bio.pose.stage import extract  # noqa: E402
from qevd_bio.simulation.drawing.mp4 import write_mp4  # noqa: E402
from qevd_bio.simulation.truth_clip import write_truth_clip  # noqa: E402
from qevd_bio.store.work import RunOptions  # noqa: E402
from qevd_bio.tables.workspace import Workspace  # noqa: E402
from qevd_bio.video.reader import VideoReader  # noqa: E402

ROUNDS = 3
_MEMORY = """
import re, sys
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.pose.stage import extract
from qevd_bio.tables.workspace import Workspace
from pathlib import Path
extract(open_dataset(sys.argv[1]), Workspace(Path(sys.argv[2])), ExtractOptions())
# not ru_maxrss: it keeps the size of the process that started this one
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


def best(work: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Shortest of several times, and of processor times, in seconds: the least disturbed by other work."""
    times = []
    for _ in range(rounds):
        start, processor = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - start, time.process_time() - processor))
    return min(wall for wall, _ in times), min(used for _, used in times)


def run(data: Path, jobs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = extract(open_dataset(data), Workspace(Path(folder)), ExtractOptions(), RunOptions(jobs=jobs))
        assert not done.failed, done.failed


def bare_model(frames: list[np.ndarray]) -> None:
    with MediapipeBackend(ExtractOptions()).tracker() as pose:
        for image in frames:
            pose.process(image)


def memory_mib(data: Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        line = [sys.executable, "-c", _MEMORY, str(data), folder]
        found = subprocess.run(line, capture_output=True, text=True, check=True)
    return float(found.stdout.split()[-1])


def tiled(path: Path, frames: list[np.ndarray], times: int) -> None:
    """The clip forward and backward, so that nobody jumps at the seams."""
    write_mp4(path, (image for k in range(times) for image in (frames if k % 2 == 0 else reversed(frames))))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        video = Path(sys.argv[1]) if len(sys.argv) > 1 else root / "figure.mp4"
        if len(sys.argv) < 2:
            write_truth_clip(video, "squats", "oblique", seed=1, seconds=12.0)
        with VideoReader(video) as reader:
            frames = [frame.image for frame in reader]
        folders = {name: root / name for name in ("one", "six", "long", "four")}
        for place in folders.values():
            place.mkdir()
        (folders["one"] / "a.mp4").write_bytes(video.read_bytes())
        for k in range(6):
            (folders["six"] / f"{k}.mp4").write_bytes(video.read_bytes())
        tiled(folders["long"] / "a.mp4", frames, 4)
        tiled(folders["four"] / "a.mp4", frames, 1)
        report(frames, folders)


def report(frames: list[np.ndarray], folders: dict[str, Path]) -> None:
    count = len(frames)
    height, width = frames[0].shape[:2]
    print(f"{count} frames of {width} x {height}, {os.cpu_count()} cores, best of {ROUNDS}")
    bare, bare_used = best(lambda: bare_model(frames))
    one, one_used = best(lambda: run(folders["one"], 1))
    print(f"bare model on decoded frames   {count / bare:7.1f} frames/s")
    print(f"extract, one process           {count / one:7.1f} frames/s   ratio {bare / one:.2f} (goal 0.90)")
    print(f"processor time of the two      {bare_used:7.2f} s and {one_used:.2f} s (decoding included)")
    six_one, _ = best(lambda: run(folders["six"], 1), rounds=1)
    six_two, _ = best(lambda: run(folders["six"], 2), rounds=2)
    print(f"extract, six videos, one       {6 * count / six_one:7.1f} frames/s")
    print(
        f"extract, six videos, two       {6 * count / six_two:7.1f} frames/s   "
        f"ratio to the bare model {6 * bare / six_two:.2f} (goal 1.50)"
    )
    video = open_dataset(folders["one"]).videos()[0]
    found = MediapipeBackend(ExtractOptions()).estimate(OpenedClip(video, ExtractOptions()).clip)
    fit, _ = best(lambda: fit_clip(found.values, found.time_s, found.image_size, FitOptions()))
    print(f"inverse kinematics             {1000 * fit / count:7.2f} ms/frame   share {fit / one:.1%} (goal < 10 %)")
    short, long = (memory_mib(folders[name]) for name in ("four", "long"))
    print(
        f"memory of a process            {short:7.0f} MiB; at four times the length {long:.0f} MiB, ratio {long / short:.2f}"
    )


if __name__ == "__main__":
    main()
