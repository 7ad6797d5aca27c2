"""How fast the annotated video is made beyond extraction: milliseconds of processor time for a 720p frame, by part.

`python -m tests.benchmarks.bench_film` draws a made person on noise-free frames; on two cores drawing and encoding run side
by side, so frames a second are at most 2000 over the sum, and no more than 1000 over the larger of drawing and the rest.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.drawing.picture import Painter
from qevd_bio.drawing.scene import Dial, Scene
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.simulation.drawing.render import render_clip
from qevd_bio.simulation.performance.exact_motion import Plan, make_motion
from qevd_bio.simulation.sensing.exact import look
from qevd_bio.video.film import write_film
from qevd_bio.video.reader import VideoReader

WIDTH, HEIGHT, FRAMES = 1280, 720, 90
SENTENCE = "Right knee flexion 78° at the bottom (target: 90°). Bend the knees further and let the thighs come lower."


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of processor and of clock time a frame; the best of three runs."""
    best = (float("inf"), float("inf"))
    for _ in range(3):
        began, used = time.perf_counter(), time.process_time()
        work()
        found = 1e3 * (time.process_time() - used) / FRAMES, 1e3 * (time.perf_counter() - began) / FRAMES
        best = min(best[0], found[0]), min(best[1], found[1])
    return best


def main() -> None:
    """Print the table."""
    skeleton = Skeleton.from_stature(1.75)
    motion = make_motion("squats", skeleton, Plan(seconds=FRAMES / 30, cycle_s=2.2))
    camera = Camera.looking_at((0.0, 0.9, 0.0), 40.0, 3.2, focal_px=900, width=WIDTH, height=HEIGHT)
    frames = list(render_clip(motion.angles[::3], skeleton, motion.root[::3], camera))
    frames = [frames[k // 3] for k in range(FRAMES)]
    landmarks = np.ones((FRAMES, 33, 7), np.float32)
    landmarks[..., :2] = look(motion.angles[:FRAMES], motion.root[:FRAMES], skeleton, camera).pixels
    marks = {"knee_r": "broken", "knee_l": "broken", "hip_r": "kept", "hip_l": "kept", "lumbar": "unsure"}
    scenes = [
        Scene(landmarks[k], True, marks, Dial("knee_angle_r", 1.0 * k, (90, 120), "knee flexion"), 3, "squats", "counting",
              SENTENCE) for k in range(FRAMES)
    ]  # fmt: skip
    painter = Painter(WIDTH, HEIGHT)
    pictures = [painter.paint(frame, scene) for frame, scene in zip(frames, scenes, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.mp4"
        write_mp4(source, iter(frames), 30)

        def decode() -> None:
            with VideoReader(source, threads=1) as reader:
                for _ in reader:
                    pass

        parts = {
            "decode": measured(decode),
            "draw": measured(lambda: [painter.paint(f, s) for f, s in zip(frames, scenes, strict=True)]),
            "encode": measured(
                lambda: write_film(Path(folder) / "o.mp4", ((k / 30, p) for k, p in enumerate(pictures)), 30, threads=1)
            ),
        }
    for name, (cpu, clock) in parts.items():
        print(f"{name:8} {cpu:6.1f} ms of processor, {clock:6.1f} ms of clock")
    total = sum(cpu for cpu, _ in parts.values())
    print(f"sum      {total:6.1f} ms: at most {2000 / total:.0f} frames/s on two free cores")


if __name__ == "__main__":
    main()
