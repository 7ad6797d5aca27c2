"""Learn `refs/recognition.json`, and measure how often `--exercise auto` names the right exercise.

Run from the repository's root:

    python -m tests.benchmarks.train_recognition --clips CACHE --make 0-7        # simulate rounds of 69 clips
    python -m tests.benchmarks.train_recognition --clips CACHE --train 0-5 --test 20-21 --real KINEMATICS.csv

A round has three cameras on one performance of each of the 23 exercises: real views, landmark errors as measured, the
fit that `extract` does. KINEMATICS.csv has the columns kinematics,exercise,group: files of real clips, extracted. Groups
are split by the parity of the SHA-256 of their name: odd ones are development clips, on which how far one camera's
features lie from the simulated ones, the temperature and the threshold are chosen; even ones are only reported.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qevd_bio.exercise.catalogue import get, load
from qevd_bio.exercise.reference import load_reference
from qevd_bio.motion.recognition.features import features
from qevd_bio.motion.recognition.model import Model, classified, reference_features
from qevd_bio.pose.assemble import smooth_options
from qevd_bio.pose.fit.clip import fit_clip
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.smooth import follow_angles, smooth_angles, unwrap_angles
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.simulation.performance.perform import FPS
from qevd_bio.simulation.performance.workout import make_camera
from qevd_bio.simulation.sensing.errors import sense
from qevd_bio.simulation.sensing.exact import look
from qevd_bio.store.atomic import write_text
from qevd_bio.store.resources import refs_path
from qevd_bio.tables.kinematics import Kinematics
from tests.benchmarks.bench_views import play

CAMERAS, LONGEST_S, SHORTEST_S, STEP = 3, 8.0, 4.0, 3
SHRINK, RIDGE, GAP = 0.2, 0.05, 2.0
"""Share of the covariance's diagonal, variance added to all features, weight of the development clips' distance."""


LEAST_SURE, MOST_SURE = 0.6, 0.9
"""Between these lies the probability from which an exercise is named: the lowest twentieth at which no development clip
is named wrongly.
"""


class Example(NamedTuple):
    """One clip: its exercise, its group, its features."""

    exercise: str
    group: str
    values: dict[str, float]


def make(number: int) -> list[Example]:
    """One round of simulated clips; an exercise that this seed cannot play is left out."""
    found = []
    for k, name in enumerate(sorted(load())):
        try:
            workout, part = play(name, 500_000 + 1000 * number + k)
        except IndexError:
            continue  # no repetition fits into so short a workout
        whole = slice(part.start, part.start + int(9 * FPS))
        for camera_number in range(CAMERAS):
            draw = np.random.default_rng([number, k, camera_number])
            angles, root = workout.angles[whole], workout.root[whole]
            frames = min(len(angles), int(draw.uniform(SHORTEST_S, LONGEST_S) * FPS))
            first = int(draw.integers(0, max(len(angles) - frames, 0) + 1))
            angles, root = angles[first : first + frames], root[first : first + frames]
            camera = workout.camera
            if camera_number:
                camera = make_camera(SimulateOptions(1, 1, views="real"), workout.person, draw)
            times = np.arange(frames) / FPS
            values = sense(look(angles, root, workout.skeleton, camera), times, draw)[::STEP]
            seen = _fitted(values, times[::STEP], (camera.width, camera.height))
            found.append(Example(name, f"simulated {number}", features(seen, times[::STEP])))
            if not camera_number:
                found.append(Example(name, f"exact {number}", features(angles[::STEP], times[::STEP])))
    return found


def _fitted(values: np.ndarray, times: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    raw = unwrap_angles(fit_clip(values, times, size, FitOptions()).raw)
    smoothing = smooth_options(ExtractOptions())
    return np.asarray(follow_angles(raw, smooth_angles(raw, times, smoothing), times, smoothing))


def real(table: Path) -> list[Example]:
    """The real clips of a CSV with the columns kinematics,exercise,group."""
    found = []
    with table.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            clip = Kinematics.read(row["kinematics"])
            values = features(clip.angles, clip.time_s, clip.valid)
            found.append(Example(get(row["exercise"]).id, row["group"], values))
    return found


def is_development(group: str) -> bool:
    """Whether a group of real clips is one to choose on."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % 2 == 1


def train(clips: Sequence[Example], near: Sequence[Example], temperature: float = 1.0) -> Model:
    """The Gaussians of simulated clips, wider where the development clips `near` lie further out."""
    names = tuple(clips[0].values)
    values = np.array([[clip.values[name] for name in names] for clip in clips])
    labels = np.array([clip.exercise for clip in clips])
    exercises = tuple(sorted(set(labels)))
    count = len(names)
    blank = Model(names, values.mean(0), values.std(0) + 1e-6, exercises, np.zeros((len(exercises), count)),
                  np.eye(count), np.zeros(count), temperature, 0.0, float("inf"))  # fmt: skip
    scaled = np.stack([blank.scaled(clip.values) for clip in clips])
    centres = np.stack([scaled[labels == name].mean(0) for name in exercises])
    away = scaled - centres[np.searchsorted(exercises, labels)]
    spread = away.T @ away / len(away)
    spread = (1 - SHRINK) * spread + SHRINK * np.diag(np.diag(spread))
    if near:
        off = np.stack([blank.scaled(clip.values) - centres[exercises.index(clip.exercise)] for clip in near])
        spread += GAP * np.diag(np.maximum((off**2).mean(0) - np.diag(spread), 0.0))
    spread += RIDGE * np.eye(count)
    ideal = []
    for name in exercises:
        reference = load_reference(get(name))
        ideal.append(blank.scaled(reference_features(reference.angles, reference.fps)))
    return Model(names, blank.mean, blank.scale, exercises, centres, np.linalg.inv(spread),
                 (centres - np.stack(ideal)).mean(0), temperature, 0.0, float("inf"))  # fmt: skip


def settle(clips: Sequence[Example], development: Sequence[Example]) -> Model:
    """The model with temperature and thresholds chosen on development clips, each judged by a model without its group."""
    others = {}
    for group in {clip.group for clip in development}:
        others[group] = train(clips, [clip for clip in development if clip.group != group])

    def loss(temperature: float) -> float:
        losses = []
        for clip in development:
            model = _with(others[clip.group], temperature=temperature)
            found = dict(_classified(model, clip).candidates)
            losses.append(-np.log(max(found.get(clip.exercise, 0.0), 1e-3)))
        return float(np.mean(losses))

    temperature = min(np.geomspace(0.05, 1.0, 14), key=loss)
    judged = [(clip, _classified(_with(others[clip.group], temperature=temperature), clip)) for clip in development]
    wrong = [one.probability for clip, one in judged if one.exercise != clip.exercise]
    sure = max([LEAST_SURE, *(float(np.ceil(20 * p + 1e-6)) / 20 for p in wrong)])
    distances = []
    for clip in development:
        model = others[clip.group]
        away = model.scaled(clip.values) - model.centres[model.exercises.index(clip.exercise)]
        distances.append(float(np.sqrt(away @ model.precision @ away)))
    return _with(train(clips, development), temperature=round(float(temperature), 3), sure=min(round(sure, 2), MOST_SURE),
                 far=round(1.5 * max(distances), 1))  # fmt: skip


def _with(model: Model, **changes: Any) -> Model:
    return Model(**{**vars(model), **changes})


def _classified(model: Model, clip: Example) -> Any:
    return classified(model, model.exercises, model.centres, model.scaled(clip.values))


def report(title: str, model: Model, clips: Sequence[Example]) -> None:
    """Top-1, what is named, and how often the named is right, beside chance and the commonest exercise."""
    found = [(clip, _classified(model, clip)) for clip in clips]
    right = [one.exercise == clip.exercise for clip, one in found]
    named = [one.exercise == clip.exercise for clip, one in found if one.sure]
    two = [clip.exercise in [name for name, _ in one.candidates[:2]] for clip, one in found]
    commonest = Counter(clip.exercise for clip in clips).most_common(1)[0][1] / len(clips)
    print(f"{title}: n {len(clips)}, top-1 {np.mean(right):.3f}, among the two likeliest {np.mean(two):.3f}; "
          f"named {len(named)} of which right {sum(named)}, not sure {len(clips) - len(named)}; "
          f"chance {1 / len(model.exercises):.3f}, commonest {commonest:.3f}")  # fmt: skip
    for (clip, one), fine in zip(found, right, strict=True):
        if not fine and not clip.group.startswith("simulated"):
            print(f"  {clip.group}: {clip.exercise} taken for {one.candidates[:2]}{'' if one.sure else ' (not sure)'}")
    missed = Counter((clip.exercise, one.exercise) for (clip, one), fine in zip(found, right, strict=True) if not fine)
    print("  most often:", ", ".join(f"{a} for {b} ({n})" for (a, b), n in missed.most_common(6)))


def save(model: Model, path: Path, about: str) -> None:
    """Write the figures as JSON; of the symmetric precision its lower triangle, row by row."""
    digits = 4
    data = {
        "about": about,
        "names": model.names,
        "exercises": model.exercises,
        "temperature": model.temperature,
        "sure": model.sure,
        "far": model.far,
        **{name: np.round(getattr(model, name), digits).tolist() for name in ("mean", "scale", "offset", "centres")},
        "precision": np.round(model.precision[np.tril_indices(len(model.names))], digits).tolist(),
    }
    write_text(path, json.dumps(data, separators=(",", ":")).replace('],"', '],\n"').replace("],[", "],\n[") + "\n")


def rounds(text: str) -> list[int]:
    """ "0-3,7" -> [0, 1, 2, 3, 7]."""
    pairs = [part.split("-") for part in text.split(",") if part]
    return [number for pair in pairs for number in range(int(pair[0]), int(pair[-1]) + 1)]


def kept(folder: Path, numbers: Sequence[int]) -> list[Example]:
    """The rounds of a cache; those not there yet are made."""
    found = []
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        path = folder / f"round-{number}.json"
        if not path.is_file():
            write_text(path, json.dumps([list(one) for one in make(number)]))
        found += [Example(*row) for row in json.loads(path.read_text("utf-8"))]
    return found


def main() -> None:
    """Make, train, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True)
    for name in ("make", "train", "test"):
        parser.add_argument(f"--{name}", type=rounds, default=[])
    parser.add_argument("--real", type=Path)
    parser.add_argument("--out", type=Path, default=refs_path("recognition.json"))
    given = parser.parse_args()
    kept(given.clips, given.make)
    if not given.train:
        return
    clips = kept(given.clips, given.train)
    seen = real(given.real) if given.real else []
    development = [clip for clip in seen if is_development(clip.group)]
    model = (
        settle(clips, development)
        if development
        else _with(train(clips, []), temperature=0.2, sure=LEAST_SURE, far=99.0)
    )
    save(model, given.out, f"made by tests/benchmarks/train_recognition.py from {len(clips)} simulated clips, widened by "
         f"{len(development)} real ones")  # fmt: skip
    report("development", model, development) if development else None
    held_out = [clip for clip in seen if not is_development(clip.group)]
    if held_out:
        report("held out", model, held_out)
    if given.test:
        report("simulated", model, [c for c in kept(given.clips, given.test) if c.group.startswith("simulated")])


if __name__ == "__main__":
    main()
