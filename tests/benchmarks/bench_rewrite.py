"""The full-size job from kinematics to QEVD-bio-fit-coach: 223 videos of 3.5 minutes, 7,900 feedbacks.

Kinematics are made by tiling the reference trajectories with noise and scaled depth. Prints seconds, peak memory of
this process and of its children, and the ratio to the bars (90 s, 2 GB).
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.stage import write_segments
from qevd_bio.dataset.writer import NewSpan, new_workout, write_split
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import load_reference
from qevd_bio.motion.options import MotionOptions
from qevd_bio.motion.stage import analyze
from qevd_bio.rewriting.options import RewriteOptions
from qevd_bio.rewriting.stage import rewrite
from qevd_bio.store.work import RunOptions
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.workspace import Workspace

FPS, SECONDS, EXERCISES = 30, 210, 6
BAR_S, BAR_MB = 90.0, 2000.0
PHRASES = (
    "Lower your body more", "Keep your back straight", "Great job!", "That's five.", "Don't lean forward",
    "Arms higher", "Nice and steady", "Knees out", "Go deeper", "Keep it up!", "Halfway there", "Straighten your legs",
)  # fmt: skip


def make_inputs(root: Path, workspace: Workspace, videos: int, feedbacks: int) -> None:
    """Two splits with annotations, frame times and kinematics."""
    catalogue = load()
    names = sorted(catalogue)
    curves = {name: tile(load_reference(catalogue[name]).angles, np.random.default_rng(3)) for name in names}
    rng = np.random.default_rng(7)
    third = videos // 3
    for split, count in (("QEVD-FIT-COACH-Benchmark", third), ("QEVD-FIT-COACH", videos - third)):
        workouts = []
        folder = root / split / "long_range_videos"
        folder.mkdir(parents=True)
        for number in range(count):
            video = f"{number:04d}"
            chosen = [names[i] for i in rng.choice(len(names), EXERCISES, replace=False)]
            angles = np.concatenate([curves[name] for name in chosen])
            write_kinematics(workspace, split, video, angles)
            times = (1_600_000_000_000_000_000 + np.arange(len(angles)) * 1_000_000_000 // FPS).astype(np.int64)
            np.save(folder / f"{video}_timestamps.npy", times)
            said = spans([catalogue[name].name for name in chosen], len(angles), feedbacks // videos, rng)
            workouts.append(new_workout(split, video, times, said))
        write_split(root / split, workouts)


def tile(reference: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(SECONDS/EXERCISES * FPS, 46) radians: cycles of 2 s, each a little deeper or shallower, with noise."""
    frames = SECONDS // EXERCISES * FPS
    phase = np.arange(frames) / (2.0 * FPS)
    depth = rng.uniform(0.6, 1.1, int(phase[-1]) + 2)[phase.astype(int)]
    place = (phase % 1.0) * (len(reference) - 1)
    low = place.astype(int)
    high = np.minimum(low + 1, len(reference) - 1)
    curve = reference[low] + (place - low)[:, None] * (reference[high] - reference[low])
    scaled = reference[0] + depth[:, None] * (curve - reference[0])
    return (scaled + rng.normal(0, 0.01, scaled.shape)).astype(np.float32)


def write_kinematics(workspace: Workspace, split: str, video: str, angles: np.ndarray) -> None:
    frames = len(angles)
    Kinematics(
        split=split, video=video, fps=FPS, frame=np.arange(frames, dtype=np.int32), time_s=np.arange(frames) / FPS,
        angles=angles, raw=angles, observed=np.ones(angles.shape, bool), confidence=np.ones(frames, np.float32),
        status=np.zeros(frames, np.uint8), root=np.zeros((frames, 3), np.float32),
        meta={"backend": "tiled", "view": {"heading_deg": 40.0}},
    ).write(workspace.kinematics(split, video))  # fmt: skip


def spans(exercises: list[str], frames: int, feedbacks: int, rng: np.random.Generator) -> list[NewSpan]:
    """Transitions at equal distances, feedbacks between them, silence at the end."""
    part = frames // len(exercises)
    found = []
    each = -(-feedbacks // len(exercises))
    for number, name in enumerate(exercises):
        start = number * part
        lead = "First up are" if number == 0 else "Moving on to"
        found.append(NewSpan(f"{lead} {name}!", start, start + 40, True))
        for n in range(each):
            at = start + 60 + n * (part - 100) // each
            found.append(NewSpan(PHRASES[int(rng.integers(len(PHRASES)))], at, at + 30))
    found.append(NewSpan("And that's the end of the workout!", frames - 30, frames - 10, True))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=223)
    parser.add_argument("--feedbacks", type=int, default=7900)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, workspace = Path(folder) / "qevd", Workspace(Path(folder) / "outputs")
        make_inputs(root, workspace, args.videos, args.feedbacks)
        dataset = open_dataset(root)
        write_segments(dataset, workspace)
        start = time.perf_counter()
        analyze(workspace, MotionOptions(), RunOptions(jobs=args.jobs))
        analyzed = time.perf_counter()
        outcome = rewrite(
            open_dataset(root), workspace, RewriteOptions(), videos="none", run=RunOptions(jobs=args.jobs)
        )
        end = time.perf_counter()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    peak = own + args.jobs * child
    totals = outcome.totals
    print(f"{args.videos} videos of {SECONDS} s, {totals.feedbacks} spans, {totals.rewritten} rewritten")
    print(f"analyze {analyzed - start:.1f} s, rewrite {end - analyzed:.1f} s, together {end - start:.1f} s")
    print(f"share of the bar of {BAR_S:.0f} s: {(end - start) / BAR_S:.2f}")
    print(
        f"peak memory: {own:.0f} MB here, {child:.0f} MB a child; at most {peak:.0f} MB: {peak / BAR_MB:.2f} of the bar"
    )
    print(f"numbers that could not be re-derived: {len(outcome.mismatches)}")


if __name__ == "__main__":
    main()
