"""`qevd-bio simulate`: workouts with known truth, in QEVD's own layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qevd_bio.dataset.qevd import VIDEOS
from qevd_bio.dataset.timestamps import write_timestamps
from qevd_bio.dataset.workout import Workout as Written
from qevd_bio.dataset.writer import new_workout, write_split
from qevd_bio.simulation.card import card
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.simulation.drawing.render import render_clip
from qevd_bio.simulation.options import SPLIT_FOLDERS, SimulateOptions
from qevd_bio.simulation.performance.perform import FPS
from qevd_bio.simulation.performance.workout import SimulatedWorkout, frame_times, make_workout, person_of, video_name
from qevd_bio.simulation.truth import kinematics_of, truth_of
from qevd_bio.store.atomic import write_json, write_text
from qevd_bio.store.columns import concat
from qevd_bio.store.errors import UserError
from qevd_bio.store.leftovers import temporaries_in
from qevd_bio.store.work import Item, RunOptions, Summary, run_stage
from qevd_bio.tables.rows import RowTable
from qevd_bio.tables.truth import JUDGEMENTS, MISTAKES, REPETITIONS, TRUE_FEEDBACKS, TruthFiles
from qevd_bio.tables.workspace import Workspace

VERSION = 1
TABLES: tuple[RowTable[Any], ...] = (REPETITIONS, JUDGEMENTS, MISTAKES, TRUE_FEEDBACKS)
_NAMES = ("repetitions", "judgements", "mistakes", "feedbacks")


@dataclass(frozen=True)
class Places(TruthFiles):
    """Where the files of a simulated data set lie below its root."""

    def video(self, split: str, video: str) -> Path:
        """The rendered video."""
        return self.root / split / VIDEOS / f"{video}.mp4"

    def times(self, split: str, video: str) -> Path:
        """Times of the video's frames."""
        return self.root / split / VIDEOS / f"{video}_timestamps.npy"


@dataclass(frozen=True)
class WorkoutTask:
    """One workout to make; picklable."""

    root: Path
    options: SimulateOptions
    number: int


def simulate(root: Path, options: SimulateOptions, run: RunOptions | None = None) -> Summary:
    """Write a simulated split into `root`, workout by workout; finished ones are kept.

    Annotations, tables and card are written when all workouts are done. Raises UserError for settings that make
    no workout, and for a folder with other workouts of the same split.
    """
    _check(options)
    places, split = Places(root), SPLIT_FOLDERS[options.split]
    # Each workout follows from its number and the settings; their number may grow later.
    items = [_item(places, split, options, number) for number in range(options.workouts)]
    settings = {name: value for name, value in asdict(options).items() if name != "workouts"}
    workspace = Workspace(places.truth)
    summary = run_stage(
        f"simulate-{options.split}", workspace, items, make_one, settings=settings, options=run, version=VERSION
    )
    done = [item.payload.number for item in items if all(path.is_file() for path in item.outputs)]
    if done:
        with temporaries_in(workspace.manifests):
            finish(places, options, done)
    return summary


def _check(options: SimulateOptions) -> None:
    if options.workouts < 1:
        raise UserError(f"{options.workouts} workouts", expected="at least one")
    if not 0.4 <= options.minutes <= 60:
        raise UserError(f"{options.minutes:g} minutes", expected="0.4 to 60 minutes a workout")
    if options.width % 2 or options.height % 2 or min(options.width, options.height) < 64:
        raise UserError(f"{options.width} × {options.height} pixels", expected="even numbers, at least 64")


def _item(places: Places, split: str, options: SimulateOptions, number: int) -> Item[WorkoutTask]:
    video = video_name(options, number)
    outputs = [places.part(name, split, video) for name in _NAMES]
    outputs += [places.kinematics(split, video), places.times(split, video)]
    if options.video:
        outputs.append(places.video(split, video))
    return Item(f"{split}/{video}", (), tuple(outputs), WorkoutTask(places.root, options, number))


def make_one(item: Item[WorkoutTask]) -> dict[str, Any]:
    """Simulate one workout and write its files."""
    places = Places(item.payload.root)
    with temporaries_in(Workspace(places.truth).manifests):
        return _make(places, item.payload)


def _make(places: Places, task: WorkoutTask) -> dict[str, Any]:
    options = task.options
    workout = make_workout(options, task.number)
    split, video = workout.split, workout.video
    nanoseconds = frame_times(len(workout.angles), options.seed * 1000 + task.number)
    times = (nanoseconds - nanoseconds[0]) / 1e9
    truth = truth_of(workout, times, options.seed * 1000 + task.number)
    write_timestamps(places.times(split, video), nanoseconds)
    kinematics_of(workout, times).write(places.kinematics(split, video))
    for table, name in zip(TABLES, _NAMES, strict=True):
        table.save(places.part(name, split, video), getattr(truth, name))
    write_json(places.truth / "spans" / split / f"{video}.json", [list(span) for span in truth.spans])
    if options.video:
        film(workout, places.video(split, video))
    return {
        "participant": workout.person.name,
        "exercises": [scene.exercise.id for scene in workout.scenes],
        "frames": len(workout.angles),
        "camera_heading_deg": round(workout.camera.heading_deg, 1),
    }


def film(workout: SimulatedWorkout, path: Path) -> None:
    """Draw every frame of a workout and write the video."""
    frames = render_clip(workout.angles, workout.skeleton, workout.root, workout.camera, workout.person.style)
    write_mp4(path, frames, FPS)


def finish(places: Places, options: SimulateOptions, numbers: Sequence[int]) -> None:
    """Write what concerns all workouts: annotations, merged truth, participants, card."""
    import json

    import numpy as np

    from qevd_bio.dataset.writer import NewSpan

    split = SPLIT_FOLDERS[options.split]
    written: list[Written] = []
    for number in numbers:
        video = video_name(options, number)
        spans = json.loads((places.truth / "spans" / split / f"{video}.json").read_text(encoding="utf-8"))
        nanoseconds = np.load(places.times(split, video), allow_pickle=False)
        written.append(new_workout(split, video, nanoseconds, [NewSpan(*span) for span in spans]))
    write_split(places.root / split, written)
    for table, name in zip(TABLES, _NAMES, strict=True):
        concat(table, places.parts(name), places.table(name))
    people = [f"{split},{video_name(options, n)},{person_of(options, n).name}" for n in numbers]
    others = _other_people(places.root / "participants.csv", split)
    write_text(places.root / "participants.csv", "\n".join(["split,video,participant", *others, *people]) + "\n")
    feedbacks = TRUE_FEEDBACKS.load(places.table("feedbacks"))
    mistakes = MISTAKES.load(places.table("mistakes"))
    repetitions = REPETITIONS.load(places.table("repetitions"))
    write_text(places.root / "README.md", card(options, feedbacks, mistakes, repetitions))


def _other_people(path: Path, split: str) -> list[str]:
    """Lines about other splits that stand there already."""
    if not path.is_file():
        return []
    return [line for line in path.read_text(encoding="utf-8").splitlines()[1:] if not line.startswith(f"{split},")]
