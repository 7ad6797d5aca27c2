"""Takes of the project's own exercises: true form errors are weaknesses, kept rules are strengths, angles are there.

Nothing is rendered: the visual features are joints and their speeds, splatted into the cells of a coarse picture.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_INDEX, JOINT_INDEX
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.egoexo.commentary import Comment, Rating
from qevd_bio.egoexo.takes import FPS, Take
from qevd_bio.egoexo.writer import EGO, NewTake, exo_cameras, write_release
from qevd_bio.exercise.catalogue import load
from qevd_bio.feedback.technique import DIMENSIONS
from qevd_bio.simulation.coach.true_verdicts import FINE, MISTAKE
from qevd_bio.simulation.options import SimulateOptions as WorkoutOptions
from qevd_bio.simulation.performance.session import WorkoutScene
from qevd_bio.simulation.performance.workout import SimulatedWorkout, make_workout
from qevd_bio.simulation.truth import truth_of
from qevd_bio.tables.coaching import CoachingInstance
from qevd_bio.tables.truth import TrueJudgement, TrueRepetition
from qevd_bio.techcoach.data.features import POSES, FeatureFolder, declare_features, write_array
from qevd_bio.techcoach.data.released import write_released
from qevd_bio.techcoach.data.rules import summarise
from qevd_bio.techcoach.data.windows import cut, instance_id
from qevd_bio.techcoach.options import BuildOptions, SimulateOptions
from qevd_bio.techcoach.simulated.takes import FEATURES, RELEASED
from qevd_bio.techcoach.simulated.truth import InstanceTruth, write_truth

SCENARIO = "Fitness"
_SUBJECTS = (
    "The head and eyes",
    "The torso and core",
    "The arms and elbows",
    "The wrists and hands",
    "The legs and knees",
    "The feet and heels",
)
_JOINTS = {
    "head": 0, "thorax": 1, "lumbar": 1, "pelvis": 1, "scapula": 2, "shoulder": 2, "elbow": 2, "radioulnar": 3,
    "wrist": 3, "hip": 4, "knee": 4, "ankle": 5, "subtalar": 5, "mtp": 5,
}  # fmt: skip
_REACH_M, _HEIGHT_M = 1.2, 2.2
_WORST = 9.0
_EXPERT_SD = 0.4


@dataclass(frozen=True)
class Clip:
    """One window of a scene: what the rules say of its repetitions, (rule, is a mistake)."""

    start_s: float
    end_s: float
    judged: tuple[tuple[str, bool], ...]


def simulate_exercises(root: Path, options: SimulateOptions) -> list[NewTake]:
    """Write `options.takes` exercises in Ego-Exo4D's layout, a quarter of them by the people of the val split."""
    views = dict.fromkeys(("ego", "exo"), (*options.grid, options.channels))
    folder = declare_features(root / FEATURES, "joints in cells, simulated", views, dofs=len(DOF_INDEX))
    takes: list[NewTake] = []
    instances: list[CoachingInstance] = []
    truth: dict[str, InstanceTruth] = {}
    for number, (workout, index, split, judged) in enumerate(_scenes(options)):
        scene = workout.scenes[index]
        take, clips = _take(workout, scene, number, options, judged)
        draw = np.random.default_rng([options.seed, 11, number])
        own = [(clip, *_texts(clip, scene)) for clip in clips]
        comments: list[Comment] = []
        experts = (f"x{number:05d}", f"y{number:05d}")
        ratings = [Rating(e, round(float(np.clip(_score(clips) + draw.normal(0, _EXPERT_SD), 1, 10)))) for e in experts]
        for clip, well, improve, true in own:
            key = instance_id(take.name, clip.start_s)
            sentences = [text for text in (*well, *improve) if text]
            times = np.sort(draw.uniform(clip.start_s + 0.2, clip.end_s - 0.2, len(sentences)))
            raw = [
                Comment(round(float(time), 2), text, experts[place % 2], f"{place}.webm")
                for place, (time, text) in enumerate(zip(times, sentences, strict=True))
            ]
            comments += raw
            truth[key] = true
            if sentences:
                instances.append(_instance(key, take, split, clip, well, improve, raw, ratings))
                _write_features(folder, key, workout, scene, clip, options, draw)
        takes.append(NewTake(take, split, comments, ratings))
    write_release(root, takes)
    write_released(root / RELEASED, instances)
    write_truth(root, truth, {**asdict(options), "kind": "exercises"})
    return takes


def _scenes(
    options: SimulateOptions,
) -> Iterator[tuple[SimulatedWorkout, int, str, list[tuple[TrueRepetition, list[TrueJudgement]]]]]:
    """Scenes of as many workouts as the wanted takes need: a quarter of other people, for the val split."""
    held = max(options.takes // 4, 1)
    for split, name, wanted in (("train", "train", options.takes - held), ("test", "val", held)):
        settings = WorkoutOptions(seed=options.seed, split=split, video=False)  # type: ignore[arg-type]
        number = 0
        while wanted > 0:
            workout = make_workout(settings, number)
            truth = truth_of(workout, np.arange(len(workout.angles)) / FPS, options.seed * 1000 + number)
            rows: dict[tuple[int, int], list[TrueJudgement]] = defaultdict(list)
            for row in truth.judgements:
                rows[row.segment, row.repetition].append(row)
            for index in range(min(len(workout.scenes), wanted)):
                reps = [r for r in truth.repetitions if r.segment == index]
                yield workout, index, name, [(rep, rows[index, rep.repetition]) for rep in reps]
            wanted -= len(workout.scenes)
            number += 1


def _take(
    workout: SimulatedWorkout, scene: WorkoutScene, number: int, options: SimulateOptions,
    judged: Sequence[tuple[TrueRepetition, list[TrueJudgement]]],
) -> tuple[Take, list[Clip]]:  # fmt: skip
    """The take of a scene and its windows; times are counted from the scene's start."""
    take = Take(
        uid=f"sim-exercise-{options.seed}-{number:04d}", name=f"sim_{scene.exercise.id}_{number:04d}",
        task=scene.exercise.name, task_id=2000 + sorted(load()).index(scene.exercise.id), scenario=SCENARIO,
        participant=workout.person.name, duration_s=scene.end_s - scene.start_s, best_exo="cam01", task_start_s=None,
        task_end_s=None, narrated=False, cameras=(EGO, *exo_cameras(1)), capture=workout.video,
    )  # fmt: skip
    clips = []
    for start, end in cut(take, BuildOptions()):
        inside = [
            (row.rule.removeprefix("error:"), row.verdict == MISTAKE)
            for rep, rows in judged
            if start <= 0.5 * (rep.start_s + rep.end_s) - scene.start_s < end
            for row in rows
            if row.rule.startswith("error:") and row.verdict in (MISTAKE, FINE)
        ]
        clips.append(Clip(start, end, tuple(inside)))
    return take, clips


def _texts(clip: Clip, scene: WorkoutScene) -> tuple[tuple[str, ...], tuple[str, ...], InstanceTruth]:
    """What is good and what could be better in a clip, by dimension, and the truth of it."""
    errors = {error.id: error for error in scene.exercise.errors}
    wrong: list[list[str]] = [[] for _ in DIMENSIONS]
    judged = [0] * len(DIMENSIONS)
    for rule, mistake in clip.judged:
        place = _JOINTS.get(errors[rule].joints[0].removesuffix("_r").removesuffix("_l"))
        if place is None:
            continue
        judged[place] += 1
        if mistake and errors[rule].fix not in wrong[place]:
            wrong[place].append(errors[rule].fix)
    well, improve = [""] * len(DIMENSIONS), [""] * len(DIMENSIONS)
    for place, subject in enumerate(_SUBJECTS):
        if wrong[place]:
            improve[place] = f"{subject} should improve: {', and '.join(wrong[place])}."
        elif judged[place]:
            well[place] = f"{subject} are well controlled."
    quality = tuple(int(bool(a)) - int(bool(b)) for a, b in zip(well, improve, strict=True))
    mention = tuple((bool(a), bool(b)) for a, b in zip(well, improve, strict=True))
    return tuple(well), tuple(improve), InstanceTruth(quality, mention, _score([clip]))


def _score(clips: Sequence[Clip]) -> float:
    """10 where no rule was broken, falling with the root of the share of rules broken to 1 where all were."""
    verdicts = [mistake for clip in clips for _, mistake in clip.judged]
    return 10.0 - _WORST * float(np.sqrt(np.mean(verdicts))) if verdicts else 10.0


def _instance(
    key: str, take: Take, split: str, clip: Clip, well: Sequence[str], improve: Sequence[str], raw: Sequence[Comment],
    ratings: Sequence[Rating],
) -> CoachingInstance:  # fmt: skip
    return CoachingInstance(
        id=key, take=take.name, take_uid=take.uid, participant=take.participant, scenario=take.scenario,
        task=take.task, split=split, start_s=clip.start_s, end_s=clip.end_s, points=list(_points(take)),
        well=list(well), improve=list(improve), raw=[comment.text for comment in raw],
        summary=summarise(well, improve), score=float(np.mean([r.rating for r in ratings])), raters=len(ratings),
    )  # fmt: skip


def _points(take: Take) -> tuple[str, ...]:
    """Technical points from the exercise's own rules; a dimension that no rule is about gets general words."""
    exercise = next(one for one in load().values() if one.name == take.task)
    fixes: dict[int, list[str]] = defaultdict(list)
    for error in exercise.errors:
        place = _JOINTS.get(error.joints[0].removesuffix("_r").removesuffix("_l"))
        if place is not None and error.fix not in fixes[place]:
            fixes[place].append(error.fix)
    said = [f"{', and '.join(fixes[d])}" if fixes[d] else "keep them quiet and in line" for d in range(6)]
    texts = [f"In {take.task}, {s.lower()}: {text}." for s, text in zip(_SUBJECTS, said, strict=True)]
    return (*texts, f"In {take.task}, use the floor and the space around you with care.")


def _write_features(
    folder: FeatureFolder, key: str, workout: SimulatedWorkout, scene: WorkoutScene, clip: Clip,
    options: SimulateOptions, draw: np.random.Generator,
) -> None:  # fmt: skip
    first = round((scene.start_s + clip.start_s) * FPS)
    frames = slice(first, first + round((clip.end_s - clip.start_s) * FPS))
    angles, root = workout.angles[frames], workout.root[frames]
    write_array(folder.path(POSES, key), angles)
    heading = float(np.deg2rad(workout.camera.heading_deg))
    positions = forward_kinematics(angles, workout.skeleton, root).positions
    for view in ("ego", "exo"):
        places = _in_picture(positions, heading, view)
        values = splat(positions, places, options.grid, options.channels)
        write_array(folder.path(view, key), values + draw.normal(0, 0.1, values.shape))


def _in_picture(positions: NDArray[np.float64], heading: float, view: str) -> NDArray[np.float64]:
    """Places (T, joints, 2) in 0..1, row and column: from the camera's side, or from above around the head."""
    x, y, z = np.moveaxis(positions, -1, 0)
    if view == "exo":
        across = x * np.cos(heading) - z * np.sin(heading)
        rows, columns = 1.0 - y / _HEIGHT_M, 0.5 + across / (2 * _REACH_M)
    else:
        head = JOINT_INDEX["head"]
        rows = 0.5 - (z - z[:, head : head + 1]) / (2 * _REACH_M)
        columns = 0.5 + (x - x[:, head : head + 1]) / (2 * _REACH_M)
    return np.stack([rows, columns], axis=-1)


def splat(
    positions: NDArray[np.float64], places: NDArray[np.float64], grid: tuple[int, int, int], channels: int
) -> NDArray[np.float64]:
    """Cells (time, rows, columns, channels): where a joint is, it adds its own vector, and another times its speed."""
    steps, rows, columns = grid
    count, joints = positions.shape[:2]
    own = np.random.default_rng([77, channels]).normal(size=(2, joints, channels)) / np.sqrt(channels)
    speed = np.linalg.norm(np.gradient(positions, 1.0 / FPS, axis=0), axis=-1)
    values = np.zeros((steps, rows, columns, channels))
    at = np.clip((places * [rows, columns]).astype(int), 0, [rows - 1, columns - 1])
    step = np.minimum(np.arange(count) * steps // count, steps - 1)
    share = steps / count * 4.0
    for joint in range(joints):
        added = share * (own[0, joint] + speed[:, joint, None] * own[1, joint])
        np.add.at(values, (step, at[:, joint, 0], at[:, joint, 1]), added)
    return values
