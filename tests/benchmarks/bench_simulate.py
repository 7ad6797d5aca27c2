"""Simulating workouts: frames a second of motion and truth, of drawing and encoding, against the bar of 30 a core."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.simulation.drawing.render import render_clip
from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.simulation.performance.workout import frame_times, make_workout
from qevd_bio.simulation.truth import truth_of

BAR = 30.0


def main() -> None:
    options = SimulateOptions(seed=1, minutes=0.6)
    start = time.process_time()
    workout = make_workout(options, 0)
    nanoseconds = frame_times(len(workout.angles), 0)
    truth_of(workout, (nanoseconds - nanoseconds[0]) / 1e9, 0)
    moved = time.process_time() - start
    frames = min(len(workout.angles), 300)
    part = slice(200, 200 + frames)
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        pictures = render_clip(
            workout.angles[part], workout.skeleton, workout.root[part], workout.camera, workout.person.style
        )
        drawn = write_mp4(Path(folder) / "clip.mp4", pictures)
    rendered = time.process_time() - start
    both = 1.0 / (moved / len(workout.angles) + rendered / drawn)
    print(f"motion and truth: {len(workout.angles) / moved:.0f} frames/s of CPU time")
    print(f"drawing and encoding 360 × 504: {drawn / rendered:.0f} frames/s of CPU time")
    print(f"together: {both:.0f} frames/s, {both / BAR:.1f} × the bar of {BAR:.0f} a core")


if __name__ == "__main__":
    main()
