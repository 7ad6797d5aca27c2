"""One video's work: read its kinematics, analyse its segments, write its parts of the tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qevd_bio.dataset.names import load_names
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import load_reference, trajectories
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.context import FORMAT
from qevd_bio.motion.cycles.curves import skeleton_of
from qevd_bio.motion.frames import frames_of
from qevd_bio.motion.judging.evaluate import Setup
from qevd_bio.motion.judging.verdicts import CameraView
from qevd_bio.motion.options import MotionOptions
from qevd_bio.motion.rows import Place, context_columns, cycle_rows, units_of, verdict_rows
from qevd_bio.motion.salient import SalientJoints
from qevd_bio.motion.segment import SegmentResult, analyse
from qevd_bio.store.errors import ItemError
from qevd_bio.store.work import Item
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.motion import CONTEXTS, CYCLES, SEGMENT_RESULTS, VIOLATIONS

LEAST_FRAMES = 12
"""Fewer frames than this hold no repetition, whatever their rate."""


@dataclass(frozen=True)
class Part:
    """One segment to analyse; `end_s` None is the end of the video, `exercise` None a name that is not known."""

    segment: int
    exercise: str | None
    written: str
    start_s: float
    end_s: float | None


@dataclass(frozen=True)
class Task:
    """What one work item needs; picklable. `outputs`: cycles, violations, segments, contexts."""

    split: str
    video: str
    kinematics: Path
    parts: tuple[Part, ...]
    user_refs: Path
    options: MotionOptions
    salient: SalientJoints
    outputs: tuple[Path, Path, Path, Path]


def analyse_one(item: Item[Task]) -> dict[str, Any]:
    """Analyse one video. A segment that cannot be analysed is a row with its reason; the others are.

    Raises ItemError where no segment can be: other_video, no_segment, no_pose, too_few_frames, unknown_exercise.
    """
    task = item.payload
    kinematics = read_kinematics(task.kinematics, task.split, task.video)
    if not task.parts:
        raise ItemError("no_segment", "no exercise is known for this video; name it with --exercise, or --data")
    places: list[tuple[Place, SegmentResult]] = []
    cycles: list[dict[str, Any]] = []
    verdicts: list[dict[str, Any]] = []
    segments: list[dict[str, Any]] = []
    for part in task.parts:
        row = _segment_row(task, part, kinematics)
        segments.append(row)
        try:
            setup = make_setup(task, part, kinematics)
            result = _analyse_part(part, kinematics, setup)
        except ItemError as error:
            row.update(status=error.reason, detail=error.detail)
            continue
        place = Place(task.split, task.video, part.segment, setup.exercise.id)
        places.append((place, result))
        cycles += cycle_rows(place, result, setup)
        verdicts += verdict_rows(place, result.cycles)
        row.update(
            status="ok" if result.cycles else "no_cycle",
            cycles=len(result.cycles),
            units=sum(units_of(judged, setup.exercise) for judged in result.cycles),
            signal=result.signal,
            rejected=json.dumps(dict(result.rejected), sort_keys=True),
        )
    if not places:
        raise ItemError(segments[0]["status"], segments[0]["detail"])
    about = {"context_format": FORMAT}
    for table, path, rows in zip(
        (CYCLES, VIOLATIONS, SEGMENT_RESULTS, CONTEXTS),
        task.outputs,
        (cycles, verdicts, segments, context_columns(places)),
        strict=True,
    ):
        table.write(path, rows, metadata=about)
    return {"segments": len(places), "cycles": len(cycles), "statuses": [row["status"] for row in segments]}


def read_kinematics(path: Path, split: str, video: str) -> Kinematics:
    """The video's kinematics; ItemError("other_video") where the file is that of another one."""
    kinematics = Kinematics.read(path)
    if (kinematics.split, kinematics.video) != (split, video):
        raise ItemError(
            "other_video",
            f"{path} holds {kinematics.split}/{kinematics.video}; run qevd-bio extract for {split}/{video}",
        )
    return kinematics


def make_setup(task: Task, part: Part, kinematics: Kinematics) -> Setup:
    """What is known of a segment beside its frames. ItemError("unknown_exercise") with the closest names."""
    exercise = _exercise(task, part)
    reference = None
    if any((folder / f"{exercise.id}.npy").is_file() for folder in trajectories(task.user_refs)):
        reference = load_reference(exercise, task.user_refs)
    key = (task.split, task.video, part.segment)
    salient, source = task.salient.of(key, exercise)
    return Setup(
        exercise=exercise,
        reference=None if reference is None else reference.angles,
        reference_fps=30.0 if reference is None else reference.fps,
        salient=salient,
        salient_source=source,
        options=task.options,
        skeleton=skeleton_of(kinematics.skeleton_lengths, _stature(kinematics.body)),
        camera=camera_of(kinematics.meta),
        body=kinematics.body,
    )


def _exercise(task: Task, part: Part) -> Exercise:
    catalogue = load((task.user_refs / "exercises",))
    exercise = catalogue.get(part.exercise or "")
    if exercise is None:
        close = load_names(task.user_refs).suggest(part.written or part.exercise or "")
        hint = f"; closest: {', '.join(close)}" if close else "; name it with --exercise"
        raise ItemError("unknown_exercise", f"no exercise is called {part.written or part.exercise or ''!r}{hint}")
    return exercise


def _stature(body: Mapping[str, Mapping[str, Any]]) -> float | None:
    value = body.get("height", {}).get("value")
    return float(value) if value else None


def camera_of(meta: Mapping[str, Any]) -> CameraView:
    """Where the camera stood; a recording of another program has none that is known."""
    heading = (meta.get("view") or {}).get("heading_deg")
    if heading is None or str(meta.get("backend", "")) == "files":
        return CameraView()
    return CameraView(float(heading))


def _analyse_part(part: Part, kinematics: Kinematics, setup: Setup) -> SegmentResult:
    end = float("inf") if part.end_s is None else part.end_s
    piece = kinematics.between(part.start_s, end)
    if len(piece) < LEAST_FRAMES:
        raise ItemError("too_few_frames", f"{len(piece)} frames, at least {LEAST_FRAMES} are needed")
    frames = frames_of(piece)
    if not frames.ok.any():
        raise ItemError("no_pose", f"none of the {len(piece)} frames has a pose of its own")
    return analyse(frames, setup)


def _segment_row(task: Task, part: Part, kinematics: Kinematics) -> dict[str, Any]:
    end = float("inf") if part.end_s is None else part.end_s
    inside = (kinematics.time_s >= part.start_s) & (kinematics.time_s <= end)
    return {
        "split": task.split,
        "video": task.video,
        "segment": part.segment,
        "exercise": part.exercise,
        "status": "ok",
        "detail": None,
        "start_s": part.start_s,
        "end_s": part.end_s,
        "cycles": 0,
        "units": 0.0,
        "signal": None,
        "rejected": None,
        "pose_share": float(kinematics.valid[inside].mean()) if inside.any() else None,
        "heading_deg": camera_of(kinematics.meta).heading_deg,
    }
