"""Data of the learning experiment: simulated workouts through the product's own stages, cut into short sessions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.coach.options import STEP_HZ, ContextsRead
from qevd_bio.coach.segments.data import SegmentInput, sources
from qevd_bio.coach.training.examples import targets_of
from qevd_bio.coach.vision.feature_files import FeatureShape, feature_paths
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.stage import write_segments
from qevd_bio.dataset.timestamps import read_timestamps
from qevd_bio.motion.options import ContextOptions, MotionOptions
from qevd_bio.motion.stage import analyze
from qevd_bio.reporting.verification.stage import place_oracle, truth_places
from qevd_bio.rewriting.options import RewriteOptions
from qevd_bio.rewriting.stage import rewrite
from qevd_bio.simulation.options import SPLIT_FOLDERS, SimulateOptions
from qevd_bio.simulation.stage import simulate
from qevd_bio.store.atomic import atomic_path, make_folder
from qevd_bio.store.work import RunOptions
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.rewritten import FEEDBACKS
from qevd_bio.tables.workspace import Workspace

EXERCISES = ("jumping_jacks", "high_knees", "air_jump_rope", "butt_kickers")
"""Those of the warm-up with repetitions of about a second: C_motion then tells of a mistake before the coach does."""

GRID, WIDTH = (2, 2), 64
"""A step's features: one visual token of 64 values for each of its four frames."""

MEASURED = ContextsRead("measured", "measured")
_SCALE_DEG = 30.0
_FRAME_HZ = 16.0


@dataclass(frozen=True)
class Said:
    """A feedback of the rewritten data set: seconds from the session's start, text, whether it was rewritten."""

    time_s: float
    text: str
    rewritten: bool


@dataclass(frozen=True)
class Session:
    """A piece of a segment, what the trainer says in it, and what comes from elsewhere: C_motion, C_morph, prompt."""

    segment: SegmentInput
    said: tuple[Said, ...]

    @property
    def corrects(self) -> bool:
        return any(one.rewritten for one in self.said)


@dataclass(frozen=True)
class DataOptions:
    """What is simulated, how it is seen, and what is to be said in it.

    minutes: of a workout. context_tokens: `analyze --max-tokens`, here just enough for one form issue. noise_deg:
    added to each angle of each frame before projection. seconds: of a session. feedback: `rewritten`, what
    `qevd-bio rewrite` has put into numbers, or `all`, with encouragement and counting.
    """

    train: int = 90
    test: int = 20
    minutes: float = 2.4
    context_tokens: int = 64
    noise_deg: float = 10.0
    seconds: float = 4.0
    feedback: str = "rewritten"
    seed: int = 1


def make_data(root: Path, options: DataOptions) -> Workspace:
    """Simulate both splits without pictures, analyse the true angles, rewrite, write features; goes on where it was."""
    workspace = Workspace(root / "work")
    for split, count in (("train", options.train), ("test", options.test)):
        made = SimulateOptions(
            workouts=count, seed=options.seed, split=split, minutes=options.minutes, exercises=EXERCISES, video=False
        )
        simulate(root / "sim", made, RunOptions())
    place_oracle(truth_places(root / "sim"), workspace)
    dataset = open_dataset(root / "sim", user_refs=workspace.user_refs)
    write_segments(dataset, workspace)
    analyze(workspace, MotionOptions(contexts=ContextOptions(max_tokens=options.context_tokens)), RunOptions())
    rewrite(dataset, workspace, RewriteOptions(), "none")
    for path in sorted((root / "sim" / "truth" / "kinematics").glob("*/*.parquet")):
        times = read_timestamps(root / "sim" / path.parent.name / "long_range_videos" / f"{path.stem}_timestamps.npy")
        write_features(workspace, path, float(times[0]), options)
    return workspace


def write_features(workspace: Workspace, kinematics: Path, start: float, options: DataOptions) -> None:
    """Features of one video in the official layout, from its true angles; `start` is its first frame's Unix time."""
    paths = feature_paths(workspace, kinematics.parent.name, kinematics.stem)
    if paths.exist:
        return
    known = Kinematics.read(kinematics)
    values, times = see(known.angles, known.time_s, int(kinematics.stem), options.noise_deg)
    make_folder(paths.features.parent)
    for path, array in ((paths.features, values), (paths.times, times + start)):
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.save(file, array)


def see(angles: np.ndarray, times: np.ndarray, number: int, noise_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """Features (T, 64, 2, 2) and their times (T,) from angles (F, 46) rad at `times` (F,) s.

    Each step sees four frames at 16 Hz; the angles of each, with noise, go through a fixed random projection into
    one token. A step's time is that of its last frame.
    """
    steps = int((times[-1] - times[0]) * STEP_HZ)
    moments = times[0] + np.arange(steps * 4) / _FRAME_HZ
    frames = np.searchsorted(times, moments, side="right") - 1
    generator = np.random.default_rng([7, number])
    seen = np.rad2deg(angles[frames]) + generator.normal(0.0, noise_deg, (len(frames), angles.shape[1]))
    project = np.random.default_rng(0).normal(size=(angles.shape[1], WIDTH)) / np.sqrt(angles.shape[1])
    tokens = (seen / _SCALE_DEG @ project).reshape(steps, *GRID, WIDTH)
    return np.ascontiguousarray(tokens.transpose(0, 3, 1, 2), dtype=np.float32), moments[3::4]


def read_sessions(
    workspace: Workspace, split: str, options: DataOptions, reads: ContextsRead = MEASURED
) -> list[Session]:
    """Every session of a split, read as `qevd-bio train` and `qevd-bio run` read segments, then cut into pieces."""
    changed = {(row["split"], row["video"], row["text"]) for row in rewritten_rows(workspace, split)}
    dataset = open_dataset(workspace.rewritten, user_refs=workspace.user_refs)
    found = []
    for source in sources(
        dataset,
        workspace,
        FeatureShape("3d-cnn", WIDTH, GRID[0] * GRID[1]),
        reads=reads,
        split=SPLIT_FOLDERS[split],
    ):
        video = (source.segment.split, source.segment.video)
        said = [Said(time, text, (*video, text) in changed) for time, text in targets_of(source.segment)]
        kept = [one for one in said if one.rewritten or options.feedback == "all"]
        found += pieces(source.load(), kept, options.seconds)
    return found


def rewritten_rows(workspace: Workspace, split: str) -> list[dict[str, Any]]:
    """Rows of the feedbacks of a split that `qevd-bio rewrite` has put into numbers."""
    rows = FEEDBACKS.read_rows(workspace.feedbacks)
    return [row for row in rows if row["split"] == SPLIT_FOLDERS[split] and row["status"] == "rewritten"]


def pieces(segment: SegmentInput, said: list[Said], seconds: float) -> list[Session]:
    """A segment in pieces of `seconds`, each with times from its own start; a shorter rest is left out."""
    length = round(seconds * STEP_HZ)
    found = []
    for number, first in enumerate(range(0, len(segment.times) - length + 1, length)):
        part = slice(first, first + length)
        start = float(segment.times[first]) - 1 / STEP_HZ
        end = float(segment.times[first + length - 1])
        own = replace(
            segment,
            key=f"{segment.key}/{number}",
            features=segment.features[part],
            times=segment.times[part] - start,
            motion=segment.motion[part],
            morph=segment.morph[part],
        )
        heard = tuple(replace(one, time_s=one.time_s - start) for one in said if start < one.time_s <= end)
        found.append(Session(own, heard))
    return found


def to_train(sessions: list[Session], seed: int) -> list[Session]:
    """All sessions with a rewritten correction, and a quarter as many others.

    More of these would fill whole batches, since batches hold sequences of like length, and teach nothing but silence.
    """
    with_one = [session for session in sessions if session.corrects]
    others = [session for session in sessions if not session.corrects]
    chosen = np.random.default_rng(seed).permutation(len(others))[: len(with_one) // 4]
    return with_one + [others[index] for index in sorted(chosen)]
