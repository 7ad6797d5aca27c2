"""A small workspace made by the product's own stages: squats from the reference, analysed, rewritten, scored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.stage import write_segments
from qevd_bio.dataset.writer import NewSpan, new_workout, write_split
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import load_reference
from qevd_bio.motion.options import MotionOptions
from qevd_bio.motion.stage import analyze
from qevd_bio.reporting.content.views import Rewritten
from qevd_bio.rewriting.choose import REASONS
from qevd_bio.rewriting.figures import figures
from qevd_bio.rewriting.options import RewriteOptions
from qevd_bio.rewriting.stage import rewrite
from qevd_bio.scoring.options import ConfidenceOptions, ScoreOptions
from qevd_bio.scoring.stage import score
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.rewritten import FEEDBACKS
from qevd_bio.tables.workspace import Workspace

SPLIT = "QEVD-FIT-COACH-Benchmark"
FPS = 30
START, SHALLOW_S = 45, 2.0
QUICK = ScoreOptions(metrics=("temporal", "rouge_l"), interval=ConfidenceOptions(replicates=50))
TEXTS = ((150, "Lower your body more"), (300, "Great, keep going! 💪"), (420, "That's three."))


def squats(reps: int, depth: float) -> np.ndarray:
    """(T, 46) radians: rest, `reps` reference squats whose legs bend `depth` of the reference, rest."""
    cycle = load_reference(load()["squats"]).angles.copy()
    for side in "rl":
        for name in ("knee_angle", "hip_flexion", "ankle_angle"):
            dof = DOF_INDEX[f"{name}_{side}"]
            cycle[:, dof] = cycle[0, dof] + depth * (cycle[:, dof] - cycle[0, dof])
    still = np.tile(cycle[:1], (FPS, 1))
    return np.concatenate([np.tile(cycle[:1], (START, 1)), np.tile(cycle[:-1], (reps, 1)), still])


def kinematics(video: str, angles: np.ndarray) -> Kinematics:
    frames = len(angles)
    return Kinematics(
        split=SPLIT, video=video, fps=FPS, frame=np.arange(frames, dtype=np.int32), time_s=np.arange(frames) / FPS,
        angles=angles.astype(np.float32), raw=angles.astype(np.float32), observed=np.ones((frames, 46), bool),
        confidence=np.ones(frames, np.float32), status=np.zeros(frames, np.uint8),
        root=np.zeros((frames, 3), np.float32), meta={"backend": "test"},
    )  # fmt: skip


def write_data(
    root: Path, lengths: dict[str, int], texts: Sequence[tuple[int, str]] = TEXTS, videos: bool = True
) -> Path:
    """A benchmark of videos with these numbers of frames; each is one segment of squats."""
    folder = root / SPLIT
    (folder / "long_range_videos").mkdir(parents=True)
    workouts = []
    for number, (video, frames) in enumerate(lengths.items()):
        start = (1_600_000_000 + 1000 * number) * 1_000_000_000
        times = (start + np.arange(frames) * 1_000_000_000 // FPS).astype(np.int64)
        np.save(folder / "long_range_videos" / f"{video}_timestamps.npy", times)
        spans = [NewSpan("First up are squats!", 0, 20, True)]
        spans += [NewSpan(text, at, at + 15) for at, text in texts if at + 15 < frames - 30]
        spans += [NewSpan("And that's the end!", frames - 20, frames - 3, True)]
        workouts.append(new_workout(SPLIT, video, times, spans))
        if videos:
            write_mp4(folder / "long_range_videos" / f"{video}.mp4", (picture(i) for i in range(frames)), FPS)
    write_split(folder, workouts)
    return root


def picture(index: int) -> np.ndarray:
    """A frame whose grey value tells its index: no person in it."""
    image = np.full((96, 64, 3), index % 200 + 20, np.uint8)
    image[:, : 8 + index % 40] = (200, 80, 40)
    return image


def write_predictions(path: Path, data: Path, shift: float, text: str = "Bend your knees further") -> Path:
    """One prediction `shift` seconds after each feedback, and one at the end that nobody asked for."""
    lines: list[dict[str, Any]] = []
    for s in open_dataset(data).segments():
        said = [{"time": f.time_s + shift, "text": text} for f in s.feedbacks]
        said.append({"time": s.duration_s, "text": "Well done"})
        lines.append({"video": s.video, "segment": s.index, "exercise": "squats", "feedbacks": said})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def make_workspace(workspace: Workspace, data: Path) -> None:
    """Kinematics, segments, motion and the rewritten data set: one video of good squats, one of shallow ones."""
    for video, depth in (("0200", 1.0), ("0201", 0.6)):
        kinematics(video, squats(5, depth)).write(workspace.kinematics(SPLIT, video))
    dataset = open_dataset(data)
    write_segments(dataset, workspace)
    analyze(workspace, MotionOptions())
    rewrite(dataset, workspace, RewriteOptions(), videos="link")


def lengths() -> dict[str, int]:
    frames = len(squats(5, 1.0))
    return {"0200": frames, "0201": frames}


def add_scores(workspace: Workspace, data: Path, name: str, shift: float, **more: Any) -> Path:
    """Score one made-up system; returns the folder."""
    preds = write_predictions(workspace.root / f"{name}.jsonl", data, shift, **more)
    score(preds, data, QUICK, out=workspace.scores(name))
    return workspace.scores(name)


def rewritten(workspace: Workspace) -> Rewritten:
    rows = FEEDBACKS.load(workspace.feedbacks)
    return Rewritten(rows, figures(rows), REASONS)
