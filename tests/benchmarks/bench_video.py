"""Decoding speed and memory: `VideoReader` against a bare decode loop, in one run.

Usage: python tests/benchmarks/bench_video.py [VIDEO]   (default: a video made here, 720 × 1280, 30 s)
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from qevd_bio.video.reader import VideoReader


def make(path: Path, seconds: int) -> Path:
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 255, (1280 + 256, 720 + 256, 3), dtype=np.uint8)
    tile = np.asarray(tile // 32 * 32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast", "crf": "30"})
        stream.width, stream.height, stream.pix_fmt = 720, 1280, "yuv420p"
        for index in range(30 * seconds):
            shift = index % 256
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(tile[shift : shift + 1280, :720]), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def bare(path: Path, work: Callable[[np.ndarray], object]) -> int:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        count = 0
        for frame in container.decode(stream):
            work(frame.to_ndarray(format="rgb24"))
            count += 1
    return count


def ours(path: Path, work: Callable[[np.ndarray], object]) -> int:
    with VideoReader(path) as video:
        count = 0
        for frame in video:
            work(frame.image)
            count += 1
    return count


def busy(image: np.ndarray) -> float:
    """Some work that frees the interpreter, as a pose model does (about 5 ms)."""
    total = 0.0
    for _ in range(3):
        total += float(np.square(image[::2, ::2].astype(np.float32)).sum())
    return total


def rate(run: Callable[[Path, Callable[[np.ndarray], object]], int], path: Path, work: Callable[..., object]) -> float:
    start = time.perf_counter()
    return run(path, work) / (time.perf_counter() - start)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else make(Path(folder) / "made.mp4", 30)
        for name, work in (("decode only", len), ("with work on each frame", busy)):
            pairs = [(rate(bare, path, work), rate(ours, path, work)) for _ in range(3)]
            loop, reader = (float(np.median(values)) for values in zip(*pairs, strict=True))
            print(f"{name}: bare loop {loop:.0f} frames/s, VideoReader {reader:.0f}, ratio {reader / loop:.2f}")
        peaks = []
        for _ in range(3):
            ours(path, len)
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        print(f"peak memory after 1, 2, 3 passes: {', '.join(f'{peak:.0f}' for peak in peaks)} MiB")


if __name__ == "__main__":
    main()
