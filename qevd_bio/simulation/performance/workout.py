"""A whole workout: which exercises, when, by whom, seen from where; and everything that is true of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.catalogue import load
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.drawing.views import real_camera
from qevd_bio.simulation.options import EXERCISE_S, SPLIT_FOLDERS, SimulateOptions
from qevd_bio.simulation.performance.mistakes import mistakes
from qevd_bio.simulation.performance.people import TEST_PEOPLE, TRAIN_PEOPLE, SimulatedPerson, make_person
from qevd_bio.simulation.performance.perform import FPS, Course, idle_pose, lay_out, move
from qevd_bio.simulation.performance.session import WorkoutScene, play

SECTIONS = ("warm-up", "warm-up", "main", "main", "cool-down", "cool-down")
"""Three sections of two exercises (QEVD paper, C.2); with five exercises one of them has a single one."""

FIRST_NUMBER = {"test": 146, "train": 0}
"""QEVD's benchmark videos up to 145 are stored lying on their side; these stand upright."""

_INTRO_S, _OUTRO_S = 1.0, 4.0


@dataclass(frozen=True)
class SimulatedWorkout:
    """One workout: angles (T, 46) rad and root (T, 3) m at 30 frames/s, scenes in their order, camera."""

    split: str
    video: str
    person: SimulatedPerson
    scenes: tuple[WorkoutScene, ...]
    angles: FloatArray
    root: FloatArray
    camera: Camera
    end_s: float

    @property
    def skeleton(self) -> Skeleton:
        """Bone lengths of the person, in metres."""
        return self.person.skeleton


def video_name(options: SimulateOptions, number: int) -> str:
    """Name of the n-th workout's video, four digits as in QEVD."""
    return f"{FIRST_NUMBER[options.split] + number:04d}"


def person_of(options: SimulateOptions, number: int) -> SimulatedPerson:
    """Who does workout `number`: participants take turns."""
    people = TEST_PEOPLE if options.split == "test" else TRAIN_PEOPLE
    return make_person(options.seed, options.split, number % people, options.views)


def make_workout(options: SimulateOptions, number: int) -> SimulatedWorkout:
    """Workout `number` of the data set; follows from the options alone."""
    draw = np.random.default_rng([options.seed, options.split == "train", number, 23])
    person = person_of(options, number)
    names = choose_exercises(options, draw)
    length = (60.0 * options.minutes - _INTRO_S - _OUTRO_S) / len(names)
    course, scenes = Course(), []
    course.add(0.0, idle_pose())
    catalogue = load()
    for index, name in enumerate(names):
        start = _INTRO_S + index * length
        scene = play(catalogue[name], person, start, start + length, draw)
        lay_out(course, scene.reps, start, start + length, _facing(scene, draw))
        scenes.append(scene)
    end = _INTRO_S + len(names) * length
    sway = 0.15 + 0.35 * (1.0 - person.skill)
    angles, root = move(course, end + _OUTRO_S, person.skeleton, int(draw.integers(1 << 30)), sway)
    camera = make_camera(options, person, draw)
    split = SPLIT_FOLDERS[options.split]
    return SimulatedWorkout(split, video_name(options, number), person, tuple(scenes), angles, root, camera, end)


def choose_exercises(options: SimulateOptions, draw: np.random.Generator) -> list[str]:
    """Exercises of one workout in their order, by section and without repeats."""
    wanted = round(options.minutes * 60.0 / EXERCISE_S)
    if options.minutes >= 3.0:
        wanted = int(draw.integers(5, 7))
    count = max(1, min(wanted, 6))
    left = list(range(6))
    while len(left) > count:
        # The main part, in which most can go wrong, stays longest.
        sections = [SECTIONS[i] for i in left]
        busiest = max(("cool-down", "warm-up", "main"), key=sections.count)
        left.pop(len(sections) - 1 - sections[::-1].index(busiest))
    catalogue = load()
    pool = [e for e in catalogue.values() if e.reference and (not options.exercises or e.id in options.exercises)]
    chosen: list[str] = []
    for section in (SECTIONS[i] for i in left):
        fitting = [e.id for e in pool if e.section == section and e.id not in chosen]
        fitting = fitting or [e.id for e in pool if e.id not in chosen] or [e.id for e in pool]
        chosen.append(str(fitting[int(draw.integers(len(fitting)))]))
    return chosen


def _facing(scene: WorkoutScene, draw: np.random.Generator) -> float:
    """Heading of the body: near the camera, turned to the side on the floor, where a front view shows nothing."""
    if scene.reps and scene.reps[0].keys.poses[0, -1]:
        return float(draw.choice([-1.0, 1.0]) * draw.uniform(50.0, 85.0))
    return float(draw.normal(0.0, 9.0))


def make_camera(options: SimulateOptions, person: SimulatedPerson, draw: np.random.Generator) -> Camera:
    """A phone or laptop that somebody put up: height, distance, yaw and focal length vary, the whole body shows."""
    stature = person.skeleton.stature
    if options.views == "real":
        return real_camera(draw, stature, options.width, options.height)
    scale = options.height / 504.0
    focal = float(draw.uniform(480.0, 600.0)) * scale
    tall = 1.45 * stature
    distance = max(focal * tall / options.height, focal * 1.12 * stature / options.width)
    yaw = float(draw.normal(0.0, 20.0))
    return Camera.looking_at(
        target=(float(draw.normal(0.0, 0.05)), 0.55 * stature, 0.0),
        heading_deg=float(np.clip(yaw, -50.0, 50.0)),
        distance=float(distance * draw.uniform(1.0, 1.15)),
        camera_height=float(draw.uniform(0.6, 1.5)),
        focal_px=focal,
        width=options.width,
        height=options.height,
    )


def possible_mistakes() -> tuple[int, int]:
    """How many form errors of the catalogue the simulator can make, and how many there are."""
    return sum(len(found) for found in mistakes().values()), sum(len(e.errors) for e in load().values())


def frame_times(frames: int, seed: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(T,) nanoseconds as QEVD stores them: 30 a second from one evening on, with a millisecond of jitter."""
    draw = np.random.default_rng([seed, 37])
    jitter = draw.integers(-1_000_000, 1_000_001, frames)
    jitter[0] = 0
    start = 1_700_000_000_000_000_000 + int(draw.integers(1_000_000)) * 1_000_000_000
    steps = np.round(np.arange(frames) * 1e9 / FPS).astype(np.int64)
    return np.asarray(start + steps + jitter, dtype=np.int64)
