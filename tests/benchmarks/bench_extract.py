"""Extraction against a plain loop over MediaPipe with the same model, with two processes, and its memory.

Usage: python tests/benchmarks/bench_extract.py [VIDEO] [--seconds 12] [--rounds 3]   (default: a drawn figure)

Ratios are those of pairs: the plain loop and extraction run in turns, so that other work on the machine meets both.
On a busy machine the ratio of processor times says more than that of times on the clock; both are printed.
MediaPipe 0.10.21 must be importable (`make bench` puts it on the path); without it there is no peer.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qevd_bio.pose.threads import single_blas_thread

single_blas_thread()  # as the command does, before numpy loads

import numpy as np  # noqa: E402

from qevd_bio.dataset.opening import open_dataset  # noqa: E402
from qevd_bio.pose.backends.blazepose.backend import BlazePoseBackend  # noqa: E402
from qevd_bio.pose.backends.clips import OpenedClip  # noqa: E402
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


def plain_loop(video: Path) -> None:
    """What a user would write: decode, convert, ask MediaPipe, keep the landmarks."""
    import av
    from mediapipe.python.solutions.pose import Pose

    kept = []
    with Pose(model_complexity=1, smooth_landmarks=False) as pose, av.open(str(video)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            kept.append(pose.process(frame.to_ndarray(format="rgb24")).pose_world_landmarks)


def in_turns(
    first: Callable[[], object], second: Callable[[], object], rounds: int = ROUNDS
) -> tuple[float, float, float, float]:
    """Shortest times of both in seconds, and the medians of first / second over the pairs: by the clock, by processor."""
    pairs = [(best(first, 1), best(second, 1)) for _ in range(rounds)]
    clock, used = (float(np.median([a[k] / b[k] for a, b in pairs])) for k in (0, 1))
    return min(a for (a, _), _ in pairs), min(b for _, (b, _) in pairs), clock, used


def stages(video: Path) -> dict[str, float]:
    """Processor seconds that decoding, cropping, the model and reading its output take, for one video on one thread."""
    from qevd_bio.pose.backends.blazepose import heads

    backend = BlazePoseBackend(ExtractOptions(), threads=1)
    tracker, spent = backend.tracker(), {"decoding": 0.0, "crop": 0.0, "landmark model": 0.0, "its output": 0.0}

    def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: object) -> object:
            start = time.thread_time()
            found = work(*given)
            spent[name] += time.thread_time() - start
            return found

        return run

    start = time.process_time()
    with VideoReader(video) as reader:
        pictures = [(frame.image, frame.time_s) for frame in reader]
    spent["decoding"] = time.process_time() - start
    tracker._crop = timed("crop", tracker._crop)  # type: ignore[assignment]
    tracker._network = timed("landmark model", tracker._network)
    whole, heads.in_picture = heads.in_picture, timed("its output", heads.in_picture)
    try:
        for image, time_s in pictures:
            tracker.process(image, time_s)
    finally:
        heads.in_picture = whole
    return spent


def memory_mib(data: Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        line = [sys.executable, "-c", _MEMORY, str(data), folder]
        found = subprocess.run(line, capture_output=True, text=True, check=True)
    return float(found.stdout.split()[-1])


def tiled(path: Path, frames: list[np.ndarray], times: int) -> None:
    """The clip forward and backward, so that nobody jumps at the seams."""
    write_mp4(path, (image for k in range(times) for image in (frames if k % 2 == 0 else reversed(frames))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        video = args.video or root / "figure.mp4"
        if args.video is None:
            write_truth_clip(video, "squats", "oblique", seed=1, seconds=args.seconds)
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
        report(frames, folders, args.rounds)


def report(frames: list[np.ndarray], folders: dict[str, Path], rounds: int) -> None:
    count = len(frames)
    height, width = frames[0].shape[:2]
    video = folders["one"] / "a.mp4"
    print(f"{count} frames of {width} x {height}, {os.cpu_count()} cores, {rounds} pairs")
    if find_spec("mediapipe"):
        plain_loop(video)  # both have loaded their libraries before anything is timed
        run(folders["one"], 1)
        loop, one, ratio, used = in_turns(lambda: plain_loop(video), lambda: run(folders["one"], 1), rounds)
        print(f"plain loop over MediaPipe      {count / loop:7.1f} frames/s")
        print(f"extract, one process           {count / one:7.1f} frames/s   ratio {ratio:.2f}, of processor time {used:.2f} (goal 2.5)", flush=True)  # fmt: skip
        _, two, ratio, _ = in_turns(lambda: plain_loop(video), lambda: run(folders["six"], 2), rounds=min(rounds, 2))
        print(f"extract, six videos, two       {6 * count / two:7.1f} frames/s   ratio {6 * ratio:.2f} (goal 4)", flush=True)  # fmt: skip
    else:
        print("mediapipe is not installed: no peer")
        one, _ = best(lambda: run(folders["one"], 1), rounds)
        print(f"extract, one process           {count / one:7.1f} frames/s")
    for name, seconds in stages(video).items():
        print(f"  {name:28} {1000 * seconds / count:7.2f} ms of processor time a frame")
    item = open_dataset(folders["one"]).videos()[0]
    found = BlazePoseBackend(ExtractOptions()).estimate(OpenedClip(item, ExtractOptions()).clip)
    _, fit = best(
        lambda: fit_clip(found.values, found.time_s, found.image_size, FitOptions(kind=ExtractOptions().fit)), rounds
    )
    _, used = best(lambda: run(folders["one"], 1), 1)
    print(f"inverse kinematics             {1000 * fit / count:7.2f} ms/frame   share {fit / used:.1%} (goal < 15 %)")
    short, long = (memory_mib(folders[name]) for name in ("four", "long"))
    print(
        f"memory of a process            {short:7.0f} MiB; at four times the length {long:.0f} MiB, ratio {long / short:.2f}"
    )


if __name__ == "__main__":
    main()
