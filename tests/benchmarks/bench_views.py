"""Fitted angles on drawn people in real views: every exercise, other people and cameras for every seed.

Each clip is four seconds of one exercise as the simulator plays it, drawn, and run through the default pose model; its
landmarks and truth are kept in FOLDER as .npz, so that a second run only fits. Printed are RMSE of fitted and plain
three-point angles by view, the camera's tilt, coverage of sigma, and how the landmarks themselves behave.
Usage: python tests/benchmarks/bench_views.py --keep FOLDER [--seed 1] [--part 0/2] [--real FOLDER]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qevd_bio.anatomy.derived import derive
from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.catalogue import load
from qevd_bio.pose.backends.landmarks import LANDMARK_INDEX, MARKER_LANDMARKS, WORLD
from qevd_bio.pose.fit.clip import FitResult, fit_clip
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.swaps import decide_swaps, swap_flags
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.simulation.performance.perform import FPS
from qevd_bio.simulation.performance.workout import SimulatedWorkout, make_workout
from qevd_bio.simulation.sensing.errors import sense
from qevd_bio.simulation.sensing.exact import look

EXERCISES = tuple(exercise.id for exercise in load().values() if exercise.reference)
SECONDS, LEAD_S = 4.0, 0.6
JOINTS = {
    "hip_flexion": ("shoulder", "hip", "knee"),
    "knee_angle": ("hip", "knee", "ankle"),
    "elbow_flexion": ("shoulder", "elbow", "wrist"),
}
SIDES = {"r": "right", "l": "left"}
VIEWS = ("front", "oblique", "side", "back")
COVERED = {
    "hip": ("hip_flexion_r", "hip_flexion_l"),
    "knee": ("knee_angle_r", "knee_angle_l"),
    "elbow": ("elbow_flexion_r", "elbow_flexion_l"),
    "shoulder": ("shoulder_r_x", "shoulder_l_x", "shoulder_r_z", "shoulder_l_z"),
    "trunk": ("pelvis_tilt", "pelvis_list", "lumbar_bending", "lumbar_twist"),
}
MIN_CONFIDENCE = 0.3


@dataclass(frozen=True)
class Seen:
    """Landmarks (T, 33, 7) of one clip and what is true of it: angles (T, 46), camera, stature."""

    name: str
    values: np.ndarray
    angles: np.ndarray
    time_s: np.ndarray
    size: tuple[int, int]
    pitch_deg: float
    roll_deg: float
    view: str

    def fit(self, options: FitOptions | None = None) -> FitResult:
        return fit_clip(self.values, self.time_s, self.size, options or FitOptions(kind=ExtractOptions().fit))


def view_of(angles: np.ndarray) -> str:
    """front, oblique, side or back: how far the body is turned away from the camera, angles as of `towards`."""
    off = abs(np.rad2deg(np.angle(np.exp(1j * angles[:, DOF_INDEX["pelvis_rotation"]]).mean())))
    return VIEWS[int(np.searchsorted((25.0, 65.0, 115.0), off))]


def play(exercise: str, seed: int) -> tuple[SimulatedWorkout, slice]:
    """A short workout of one exercise, and the frames of it that are looked at."""
    workout = make_workout(SimulateOptions(1, seed, minutes=0.4, exercises=(exercise,), views="real"), 0)
    start = max(int((workout.scenes[0].reps[0].start_s - LEAD_S) * FPS), 0)
    return workout, slice(start, start + int(SECONDS * FPS))


def drawn(folder: Path, seed: int, part: tuple[int, int] = (0, 1)) -> Iterator[Seen]:
    """Drawn clips as the pose model sees them; those not yet in `folder` are made."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, exercise in enumerate(EXERCISES):
        path = folder / f"{exercise}__{seed}.npz"
        if not path.is_file():
            if number % part[1] != part[0]:
                continue
            _draw(path, *play(exercise, 100 * seed + number))
        with np.load(path) as kept:
            heading, pitch, _, roll = (float(value) for value in kept["cam"][3:7])
            angles = towards(kept["angles"], heading)
            size = (int(kept["size"][0]), int(kept["size"][1]))
            yield Seen(
                path.stem, kept["values"].astype(float), angles, kept["time_s"], size, pitch, roll, view_of(angles)
            )


def towards(angles: np.ndarray, camera_heading_deg: float) -> np.ndarray:
    """The angles with the heading that a body has for the camera: 0 faces it."""
    out = angles.copy()
    out[:, DOF_INDEX["pelvis_rotation"]] -= np.deg2rad(camera_heading_deg)
    return out


def _draw(path: Path, workout: SimulatedWorkout, part: slice) -> None:
    from qevd_bio.pose.backends.blazepose.backend import BlazePoseBackend
    from qevd_bio.pose.options import ExtractOptions
    from qevd_bio.simulation.drawing.render import render_clip

    camera, angles, root = workout.camera, workout.angles[part], workout.root[part]
    frames = render_clip(angles, workout.skeleton, root, camera, workout.person.style)
    tracker = BlazePoseBackend(ExtractOptions()).tracker()
    values = np.stack([tracker.process(image, k / FPS) for k, image in enumerate(frames)])
    about = [*camera.position, camera.heading_deg, camera.pitch_deg, camera.focal_px, camera.roll_deg]
    np.savez_compressed(path, values=values, angles=angles, root=root, time_s=np.arange(len(angles)) / FPS,
                        size=np.array([camera.width, camera.height]), cam=np.array(about))  # fmt: skip


def sensed(seed: int, count: int) -> Iterator[Seen]:
    """Clips of the landmark-level simulator: the exercises in turn, another person and camera each."""
    for number in range(count):
        workout, part = play(EXERCISES[number % len(EXERCISES)], 100_000 + 1000 * seed + number)
        camera, angles = workout.camera, workout.angles[part]
        time_s = np.arange(len(angles)) / FPS
        sight = look(angles, workout.root[part], workout.skeleton, camera)
        values = sense(sight, time_s, np.random.default_rng([seed, number]))
        angles = towards(angles, camera.heading_deg)
        name, size = f"{workout.scenes[0].exercise.id}__s{number}", (camera.width, camera.height)
        yield Seen(name, values, angles, time_s, size, camera.pitch_deg, camera.roll_deg, view_of(angles))


def three_point(world: np.ndarray, names: Sequence[str], side: str) -> np.ndarray:
    first, middle, last = (world[:, LANDMARK_INDEX[f"{SIDES[side]}_{name}"]] for name in names)
    a, b = first - middle, last - middle
    cosine = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return 180.0 - np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0)))


def rmse(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(errors)))) if len(errors) else float("nan")


def accuracy(clips: Sequence[Seen], fits: Sequence[FitResult], observed: bool) -> None:
    """RMSE by view and joint of fitted and three-point angles, on the frames that extraction keeps."""
    rows: list[tuple[str, str, np.ndarray, np.ndarray]] = []
    for clip, fit in zip(clips, fits, strict=True):
        kept = np.isfinite(fit.raw).all(1) & (fit.confidence >= MIN_CONFIDENCE)
        for joint, names in JOINTS.items():
            for side in SIDES:
                k = DOF_INDEX[f"{joint}_{side}"]
                own = kept & fit.observed[:, k] if observed else kept
                true = np.rad2deg(clip.angles[own, k])
                plain = three_point(clip.values[own][..., WORLD], names, side)
                rows.append((clip.view, joint, np.rad2deg(fit.raw[own, k]) - true, plain - true))
    print(
        f"\nRMSE, degrees: fitted / three-point (ratio), median |error|; {'observed only' if observed else 'all kept'}"
    )
    for view in (*VIEWS, "all"):
        cells = []
        for joint in (*JOINTS, "all"):
            own_rows = [r for r in rows if view in (r[0], "all") and joint in (r[1], "all")]
            if own_rows:
                ours, plain = (np.concatenate([r[i] for r in own_rows]) for i in (2, 3))
                ratio = rmse(ours) / rmse(plain)
                cells.append(
                    f"{joint} {rmse(ours):.1f} / {rmse(plain):.1f} ({ratio:.2f}) {np.median(np.abs(ours)):.1f}"
                )
        if cells:
            print(f"{view:8}", " | ".join(cells))


def tilt(clips: Sequence[Seen], fits: Sequence[FitResult]) -> None:
    off = np.array(
        [(f.view["pitch_deg"] - c.pitch_deg, f.view["roll_deg"] - c.roll_deg) for c, f in zip(clips, fits, strict=True)]
    )
    spread = np.array([(c.pitch_deg, c.roll_deg) for c in clips]).std(0)
    print(
        f"\ncamera: pitch off by {rmse(off[:, 0]):.1f} (spread of the truth {spread[0]:.1f}), roll {rmse(off[:, 1]):.1f} ({spread[1]:.1f})"
    )


def coverage(clips: Sequence[Seen], fits: Sequence[FitResult]) -> None:
    """Share of errors within one and two sigma of observed angles, by joint and view."""
    print("\nwithin 1 sigma / 2 sigma (median sigma, degrees)")
    for joint, names in COVERED.items():
        cells = []
        for view in (*VIEWS, "all"):
            ratios, sigmas = [], []
            for clip, fit in zip(clips, fits, strict=True):
                if view not in (clip.view, "all"):
                    continue
                kept = np.isfinite(fit.raw).all(1) & (fit.confidence >= MIN_CONFIDENCE)
                for k in (DOF_INDEX[name] for name in names):
                    own = kept & fit.observed[:, k]
                    error = np.angle(np.exp(1j * (fit.raw[own, k] - clip.angles[own, k])))
                    ratios.append(np.abs(error) / fit.sigma[own, k])
                    sigmas.append(fit.sigma[own, k])
            if ratios:
                r, s = np.concatenate(ratios), np.rad2deg(np.median(np.concatenate(sigmas)))
                cells.append(f"{view} {np.mean(r < 1):.2f}/{np.mean(r < 2):.2f} ({s:.0f})")
        print(f"{joint:9}", " | ".join(cells))


def behaviour(name: str, landmarks: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
    """How landmarks (T, 33, 7) at times (T,) behave, without a truth: jitter, bone lengths, swaps, visibility."""
    shake, bones, lengths, seen, swaps, jumps, seconds, lost, frames = [], [], [], [], 0, 0, 0.0, 0, 0
    for values, time_s in landmarks:
        found = np.isfinite(values[:, 0, 0])
        lost, frames = lost + int((~found).sum()), frames + len(found)
        v, t = values[found].astype(float), time_s[found]
        step = max(1, round(1.0 / (30.0 * float(np.median(np.diff(t))))))
        marks = v[::step][:, MARKER_LANDMARKS]
        size = 4.0 * np.median(marks[..., :2].std(1).mean((1, 2)))
        second = np.diff(marks[..., :2], 2, axis=0) / np.sqrt(6.0) / size
        shake.append(np.linalg.norm(second, axis=-1).ravel())
        pairs = ((3, 4), (4, 5), (0, 1), (1, 2), (6, 7))
        long = [np.linalg.norm(marks[:, a, :, WORLD] - marks[:, b, :, WORLD], axis=-1) for a, b in pairs]
        logs = np.log(np.maximum(np.concatenate(long, axis=1), 1e-3))
        lengths.append(logs.std(0))
        bones.append(np.abs(np.diff(logs, 2, axis=0)).ravel() / np.sqrt(6.0))
        seen.append(marks[..., 5].ravel())
        swaps += len(swap_flags(decide_swaps(v, t), t))
        jumps += int((np.linalg.norm(np.diff(marks[..., :2], axis=0), axis=-1) > 0.12 * size).sum())
        seconds += float(t[-1] - t[0])
    s, b, visible = np.concatenate(shake), np.concatenate(bones), np.concatenate(seen)
    quant = (0.5, 0.9, 0.99)
    print(f"{name:12} image jitter, body heights {np.quantile(s, quant).round(4)} | bone-length jitter, log "
          f"{np.quantile(b, quant).round(4)} | its spread in a clip {np.median(np.concatenate(lengths)):.3f} | swaps a minute "
          f"{60 * swaps / seconds:.1f} | steps over 0.12 a minute {60 * jumps / seconds:.0f} | visibility < 0.5 "
          f"{np.mean(visible < 0.5):.2f}, < 0.9 {np.mean(visible < 0.9):.2f} | lost {lost / frames:.3f} | {seconds:.0f} s")  # fmt: skip


def trunk_lean(clips: Sequence[Seen], fits: Sequence[FitResult]) -> None:
    """Error of the trunk's lean from gravity, which needs the camera's tilt."""
    skeleton = Skeleton.from_stature()
    off = []
    for clip, fit in zip(clips, fits, strict=True):
        kept = np.isfinite(fit.raw).all(1) & (fit.confidence >= MIN_CONFIDENCE)
        leans = [
            derive("trunk_lean_deg", a[kept], forward_kinematics(a[kept], skeleton)) for a in (fit.raw, clip.angles)
        ]
        off.append(np.abs((leans[0] - leans[1] + 180.0) % 360.0 - 180.0))
    print(
        f"trunk lean: median |error| {np.median(np.concatenate(off)):.1f}, RMSE {rmse(np.concatenate(off)):.1f} degrees"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--real", type=Path, help="folder of .npz with values and time_s of real clips")
    parser.add_argument("--simulated", type=int, default=0, help="also so many clips of the landmark-level simulator")
    parser.add_argument("--fit", choices=("geometric", "lifter", "combined"), default=ExtractOptions().fit)
    parser.add_argument("--lifter", type=Path, help="weights in place of the shipped ones")
    args = parser.parse_args()
    first, of = map(int, args.part.split("/"))
    clips = list(drawn(args.keep, args.seed, (first, of)))
    start = time.process_time()
    options = FitOptions(kind=args.fit, lifter=args.lifter)
    fits = [clip.fit(options) for clip in clips]
    spent = time.process_time() - start
    for observed in (False, True):
        accuracy(clips, fits, observed)
    tilt(clips, fits)
    trunk_lean(clips, fits)
    coverage(clips, fits)
    print(f"\nfit: {1e3 * spent / sum(len(c.time_s) for c in clips):.2f} ms a frame, process time")
    behaviour("drawn", [(c.values, c.time_s) for c in clips])
    if args.real:
        found = [np.load(path) for path in sorted(args.real.glob("*.npz"))]
        behaviour("real", [(kept["values"], kept["time_s"]) for kept in found])
    if args.simulated:
        made = list(sensed(args.seed, args.simulated))
        behaviour("simulated", [(c.values, c.time_s) for c in made])
        fits = [clip.fit(options) for clip in made]
        accuracy(made, fits, True)
        tilt(made, fits)
        coverage(made, fits)


if __name__ == "__main__":
    main()
