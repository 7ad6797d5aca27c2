"""Bias of squats of known depth, by view and camera pitch: one drawn body a cell, the default pose model, the fit.

Knee flexion is compared within 0.15 s of each deepest moment, both knees. Landmarks are kept in FOLDER.
Usage: python tests/benchmarks/bench_squats.py --keep FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.pose.fit.clip import fit_clip
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.drawing.style import Style
from qevd_bio.simulation.performance.exact_motion import FPS, Plan, make_motion
from qevd_bio.simulation.performance.people import make_person

DEPTHS, VIEWS, PITCHES = (70, 90, 110), {"front": 0.0, "oblique": 40.0, "side": 90.0}, (0, 10, 20)
CYCLE_S, SECONDS, NEAR_S = 2.0, 5.2, 0.15
SEED, WITHIN_DEG = 31, 6.0
KNEES = [DOF_INDEX["knee_angle_r"], DOF_INDEX["knee_angle_l"]]


def clip(folder: Path, depth: int, view: str, pitch: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Landmarks, true angles and picture size of one cell."""
    number = list(VIEWS).index(view) * 9 + DEPTHS.index(depth) * 3 + PITCHES.index(pitch)
    person = make_person(SEED + number, "test", 0, "real")
    motion = make_motion("squats", person.skeleton, Plan(SECONDS, CYCLE_S, 0.8, (depth - 6) / 96.0))
    path = folder / f"squat_{depth}_{view}_{pitch}.npz"
    size = (360, 504)
    if not path.is_file():
        from qevd_bio.pose.backends.blazepose.backend import BlazePoseBackend
        from qevd_bio.simulation.drawing.render import render_clip

        height = 0.9 + 3.4 * np.tan(np.deg2rad(pitch))
        camera = Camera.looking_at((0.0, 0.9, 0.0), VIEWS[view], 3.4, height, 560.0, *size)
        style = Style.real(SEED + number)
        tracker = BlazePoseBackend(ExtractOptions()).tracker()
        pictures = render_clip(motion.angles, person.skeleton, motion.root, camera, style)
        values = np.stack([tracker.process(image, k / FPS) for k, image in enumerate(pictures)])
        np.savez_compressed(path, values=values)
    with np.load(path) as kept:
        return kept["values"].astype(float), motion.angles, size


def bias(folder: Path, depth: int, view: str, pitch: int) -> float:
    values, angles, size = clip(folder, depth, view, pitch)
    time_s = np.arange(len(angles)) / FPS
    fit = fit_clip(values, time_s, size, FitOptions(kind=ExtractOptions().fit))
    bottoms = 0.8 + CYCLE_S * (0.5 + np.arange(2))
    near = (np.abs(time_s[:, None] - bottoms) <= NEAR_S).any(1) & np.isfinite(fit.raw).all(1)
    seen = near[:, None] & fit.observed[:, KNEES]
    return float(np.rad2deg((fit.raw - angles)[:, KNEES][seen].mean()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    args = parser.parse_args()
    args.keep.mkdir(parents=True, exist_ok=True)
    print("| view | depth | " + " | ".join(f"pitch {pitch}°" for pitch in PITCHES) + " |")
    print("|---" * (2 + len(PITCHES)) + "|")
    inside = total = 0
    for view in VIEWS:
        for depth in DEPTHS:
            row = [bias(args.keep, depth, view, pitch) for pitch in PITCHES]
            inside, total = inside + sum(abs(b) <= WITHIN_DEG for b in row), total + len(row)
            print(f"| {view} | {depth}° | " + " | ".join(f"{b:+.1f}" for b in row) + " |", flush=True)
    print(f"{inside} of {total} cells within ± {WITHIN_DEG:.0f}°")


if __name__ == "__main__":
    main()
