"""Language client and annotate: throughput against the ideal, a cached rerun, memory. Prints ratios; leaves with 1 if one misses.

Run as a script: python tests/benchmarks/bench_language.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.language.conftest import Running  # noqa: E402

LATENCY_S, LIMIT = 0.2, 64
SEGMENTS = 1000


def throughput(questions: int = 3000) -> float:
    """Share of the ideal rate LIMIT / LATENCY_S that the client reaches."""
    from qevd_bio.language.client import complete_many
    from qevd_bio.language.options import ClientOptions
    from tests.language.question_maker import questions as make

    server = Running("--latency", LATENCY_S, "--limit", LIMIT)
    with tempfile.TemporaryDirectory() as folder:
        options = ClientOptions(url=server.url, cache=Path(folder) / "c.sqlite", concurrency=LIMIT)
        # The first question loads the libraries; the rate is that of a run under way.
        list(complete_many(make(1, alias=False), ClientOptions(url=server.url)))
        start = time.monotonic()
        replies = sum(reply.ok for reply in complete_many(make(questions), options))
        seconds = time.monotonic() - start
    stats = server.stats()
    server.stop()
    if replies != questions or stats["calls"] != questions + 1:
        raise SystemExit(f"{replies} of {questions} answered with {stats['calls']} calls")
    return questions / LIMIT * LATENCY_S / seconds


def cached_rerun() -> tuple[float, float, int]:
    """Seconds of `qevd-bio annotate` on 1,000 annotated segments (kept; and made again), and calls sent by both."""
    import av
    import numpy as np

    server = Running("--answer", "joints")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = folder / "clips"
        clips.mkdir()
        for number in range(SEGMENTS):
            path = clips / f"c{number:04}.mp4"
            with av.open(str(path), "w") as container:
                stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
                stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
                image = np.full((64, 64, 3), (number % 256, number // 4, 100), np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
                container.mux(stream.encode(None))
        command = [
            *(sys.executable, "-m", "qevd_bio", "annotate", "--method", "vlm", "--data", str(clips)),
            *("--exercise", "squats", "--workspace", str(folder / "out"), "--llm-url", server.url),
            *("--frames", "1", "--frame-size", "64"),
        ]
        run(command)
        calls = server.stats()["calls"]
        kept, again = run(command), run([*command, "--redo"])
        sent = server.stats()["calls"] - calls
    server.stop()
    return kept, again, sent


def run(command: list[str]) -> float:
    start = time.monotonic()
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    return time.monotonic() - start


MEMORY = """
import resource, sys
from qevd_bio.language.client import complete_many
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.request import Image, Message, Request
def make(count):
    for i in range(count):
        build = lambda i=i: (Message("user", (Image(i.to_bytes(4, "big") * 50_000), "look")),)
        yield Request(id=str(i), messages=build)
for _ in complete_many(make(int(sys.argv[2])), ClientOptions(url=sys.argv[1])):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def memory(questions: int) -> int:
    """Peak resident kilobytes of a process that asks so many questions with an image of 200 kB each."""
    server = Running()
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, server.url, str(questions)], check=True, capture_output=True, text=True, cwd=ROOT
    )
    server.stop()
    return int(done.stdout)


def main() -> None:
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    results = []
    share = throughput()
    results.append(
        (f"throughput, 200 ms latency, {LIMIT} side by side: {share:.2f} of the ideal (>= 0.9)", share >= 0.9)
    )
    kept, again, sent = cached_rerun()
    words = f"rerun of {SEGMENTS} annotations: {kept:.2f} s kept, {again:.2f} s made again from the cache, {sent} calls"
    results.append((f"{words} (< 3 s, 0 calls)", kept < 3 and sent == 0))
    few, many = memory(800), memory(3200)
    results.append(
        (f"peak memory, 3200 questions over 800: {many / few:.2f} ({many // 1024} MiB; <= 1.15)", many / few <= 1.15)
    )
    for text, good in results:
        print(("ok    " if good else "MISSED"), text)
    if not all(good for _, good in results):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
