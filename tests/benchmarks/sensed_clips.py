"""Simulated people whose angles are known, as the fit finds them from simulated landmarks: what verdicts are tried on.

Every exercise of a seed is played once with mistakes, its landmarks are sensed from a real view and fitted. With a
folder the fits are kept, so that another run only judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.cycles.curves import SeenCurves, skeleton_of
from qevd_bio.pose.assemble import smooth_options
from qevd_bio.pose.fit.clip import fit_clip
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.smooth import follow_angles, smooth_angles, unwrap_angles
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.simulation.performance.perform import FPS
from qevd_bio.simulation.performance.workout import make_workout
from qevd_bio.simulation.sensing.errors import sense
from qevd_bio.simulation.sensing.exact import look
from tests.benchmarks.bench_views import EXERCISES, LEAD_S, towards


@dataclass(frozen=True)
class SensedClip:
    """One exercise of one person: curves as fitted and as they are, first and last frame of the whole repetitions."""

    name: str
    exercise: Exercise
    seen: SeenCurves
    true: SeenCurves
    heading_deg: float
    reps: tuple[tuple[int, int], ...]
    time_s: np.ndarray


def sensed_clips(seed: int, keep: Path | None = None, seconds: float = 4.0) -> Iterator[SensedClip]:
    """One clip an exercise, of `seconds` from its first repetition on."""
    for number, exercise in enumerate(EXERCISES):
        path = None if keep is None else keep / f"{exercise}__{seed}_{seconds:g}.npz"
        if path is not None and path.is_file():
            with np.load(path) as kept:
                made = dict(kept)
        else:
            made = _make(exercise, seed, number, seconds)
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                np.savez_compressed(path, **made)
        yield _clip(f"{exercise}__{seed}", exercise, made)


def _make(exercise: str, seed: int, number: int, seconds: float) -> dict[str, np.ndarray]:
    minutes = max(0.4, (seconds + 6.0) / 60.0)
    options = SimulateOptions(1, 100_000 + 1000 * seed + number, minutes=minutes, exercises=(exercise,), views="real")
    workout = make_workout(options, 0)
    reps = workout.scenes[0].reps
    first_s = reps[0].start_s if reps else 0.0  # a person who does something else has none
    start = max(int((first_s - LEAD_S) * FPS), 0)
    part = slice(start, start + int(seconds * FPS))
    camera, angles = workout.camera, workout.angles[part]
    times = np.arange(len(angles)) / FPS
    values = sense(
        look(angles, workout.root[part], workout.skeleton, camera), times, np.random.default_rng([seed, number])
    )
    fit = fit_clip(values, times, (camera.width, camera.height), FitOptions())
    smoothing, raw = smooth_options(ExtractOptions()), unwrap_angles(fit.raw)
    spans = [(round(rep.start_s * FPS) - start, round(rep.end_s * FPS) - start) for rep in reps]
    lengths = dict(fit.skeleton_lengths)
    return {
        "angles": follow_angles(raw, smooth_angles(raw, times, smoothing), times, smoothing).astype(np.float32),
        "observed": fit.observed,
        "sigma": np.asarray(fit.sigma, dtype=np.float32),
        "true": towards(angles, camera.heading_deg).astype(np.float32),
        "time_s": times,
        "reps": np.array([span for span in spans if span[0] >= 0 and span[1] < len(times)], dtype=int).reshape(-1, 2),
        "length_names": np.array(list(lengths), dtype=str),
        "lengths": np.array(list(lengths.values())),
        "offsets": workout.skeleton.offsets,
        "points": workout.skeleton.point_offsets,
        "stature": np.array(workout.skeleton.stature),
    }


def _clip(name: str, exercise: str, made: dict[str, np.ndarray]) -> SensedClip:
    true = made["true"].astype(np.float64)
    ok = np.ones(len(true), dtype=bool)
    lengths = dict(zip(made["length_names"].tolist(), made["lengths"].tolist(), strict=True))
    body = Skeleton(made["offsets"], made["points"], float(made["stature"]))
    angles, sigma = made["angles"].astype(np.float64), made["sigma"].astype(np.float64)
    return SensedClip(
        name,
        load()[exercise],
        SeenCurves(angles, made["observed"], ok, skeleton_of(lengths, None), None, sigma),
        SeenCurves(true, np.ones_like(true, dtype=bool), ok, body),
        float(np.rad2deg(np.angle(np.exp(1j * true[:, 2]).mean()))),
        tuple((int(first), int(last)) for first, last in made["reps"]),
        made["time_s"],
    )
