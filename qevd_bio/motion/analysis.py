"""One video's work: read its kinematics, analyse its segments, write its parts of the tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qevd_bio.dataset.names import load_names
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import has_reference, load_reference
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.context import FORMAT
from qevd_bio.motion.cycles.curves import skeleton_of
from qevd_bio.motion.frames import frames_of
from qevd_bio.motion.judging.evaluate import Setup
from qevd_bio.motion.judging.occasion import CameraView
from qevd_bio.motion.options import MotionOptions
from qevd_bio.motion.rows import cycle_rows, units_of
from qevd_bio.motion.salient import JointsOverTime, SalientJoints
from qevd_bio.motion.segment import SegmentResult, analyse_over_time
from qevd_bio.store.errors import ItemError
from qevd_bio.store.work import Item
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.motion import CONTEXTS, CYCLES, MOTION_SEGMENTS, ContextRow, CycleRow, MotionSegment
from qevd_bio.tables.rows import NAN
from qevd_bio.tables.verdicts import VERDICTS, Verdict
from qevd_bio.tables.workspace import MotionFiles

LEAST_FRAMES = 12
"""Fewer frames than this hold no repetition, whatever their rate."""


@dataclass(frozen=True)
class SegmentPart:
    """One segment to analyse; an infinite `end_s` is the end of the video, `exercise` None a name that is not known."""

    segment: int
    exercise: str | None
    written: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class VideoTask:
    """What one work item needs; picklable. `tables` and `contexts` are the files to be written."""

    split: str
    video: str
    kinematics: Path
    parts: tuple[SegmentPart, ...]
    user_refs: Path
    options: MotionOptions
    salient: SalientJoints
    tables: MotionFiles
    contexts: Path


def analyse_one(item: Item[VideoTask]) -> dict[str, Any]:
    """Analyse one video. A segment that cannot be analysed is a row with its reason; the others are.

    Raises ItemError where no segment can be: other_video, no_segment, no_pose, too_few_frames, unknown_exercise.
    """
    task = item.payload
    kinematics = read_kinematics(task.kinematics, task.split, task.video)
    if not task.parts:
        raise ItemError("no_segment", "no exercise is known for this video; name it with --exercise, or --data")
    cycles: list[CycleRow] = []
    verdicts: list[Verdict] = []
    contexts: list[ContextRow] = []
    segments: list[MotionSegment] = []
    for part in task.parts:
        row = _segment_row(task, part, kinematics)
        try:
            exercise = _exercise(task, part)
            joints = task.salient.of((task.split, task.video, part.segment), exercise)
            setup = make_setup(task, part, exercise, joints, kinematics)
            result = _analyse_part(part, kinematics, setup, joints)
        except ItemError as error:
            segments.append(replace(row, status=error.reason, detail=error.detail))
            continue
        cycles += cycle_rows(result, setup, joints)
        verdicts += [verdict for judged in result.cycles for verdict in judged.verdicts]
        contexts += result.contexts
        segments.append(_found(row, result, setup))
    analysed = [row for row in segments if row.signal is not None]
    if not analysed:
        raise ItemError(segments[0].status, segments[0].detail or "")
    about = made_with(task.options)
    CYCLES.save(task.tables.cycles, cycles, metadata=about)
    VERDICTS.save(task.tables.verdicts, verdicts, metadata=about)
    MOTION_SEGMENTS.save(task.tables.segments, segments, metadata=about)
    CONTEXTS.save(task.contexts, contexts, metadata=about)
    return {"segments": len(analysed), "cycles": len(cycles), "statuses": [row.status for row in segments]}


def _found(row: MotionSegment, result: SegmentResult, setup: Setup) -> MotionSegment:
    return replace(
        row,
        status="ok" if result.cycles else "no_cycle",
        cycles=len(result.cycles),
        units=sum(units_of(judged, setup.exercise) for judged in result.cycles),
        signal=result.signal,
        rejected=json.dumps(dict(result.rejected), sort_keys=True),
        salient=list(setup.salient),
        salient_source=setup.salient_source,
    )


def read_kinematics(path: Path, split: str, video: str) -> Kinematics:
    """The video's kinematics; ItemError("other_video") where the file is that of another one."""
    kinematics = Kinematics.read(path)
    if (kinematics.split, kinematics.video) != (split, video):
        raise ItemError(
            "other_video",
            f"{path} holds {kinematics.split}/{kinematics.video}; run qevd-bio extract for {split}/{video}",
        )
    return kinematics


def made_with(options: MotionOptions) -> dict[str, Any]:
    """What the tables' metadata say of how they were made."""
    return {
        "context_format": FORMAT,
        "salient": options.salient,
        "evidence": options.evidence,
        "window_s": options.contexts.window_s,
    }


def make_setup(
    task: VideoTask, part: SegmentPart, exercise: Exercise, joints: JointsOverTime, kinematics: Kinematics
) -> Setup:
    """What is known of a segment beside its frames."""
    reference = None
    if has_reference(exercise, task.user_refs):
        reference = load_reference(exercise, task.user_refs)
    skeleton = skeleton_of(kinematics.skeleton_lengths, _stature(kinematics.body))
    return Setup(
        exercise=exercise,
        reference=None if reference is None else reference.angles,
        reference_fps=30.0 if reference is None else reference.fps,
        salient=joints.last,
        salient_source=joints.source,
        options=task.options,
        skeleton=skeleton,
        camera=camera_of(kinematics.meta),
        body=kinematics.body,
        build=skeleton.build() if kinematics.skeleton_lengths else {},
        split=task.split,
        video=task.video,
        segment=part.segment,
    )


def _exercise(task: VideoTask, part: SegmentPart) -> Exercise:
    """The segment's exercise; ItemError("unknown_exercise") with the closest names."""
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


def _analyse_part(part: SegmentPart, kinematics: Kinematics, setup: Setup, joints: JointsOverTime) -> SegmentResult:
    piece = kinematics.between(part.start_s, part.end_s)
    if len(piece) < LEAST_FRAMES:
        raise ItemError("too_few_frames", f"{len(piece)} frames, at least {LEAST_FRAMES} are needed")
    frames = frames_of(piece)
    if not frames.ok.any():
        raise ItemError("no_pose", f"none of the {len(piece)} frames has a pose of its own")
    return analyse_over_time(frames, setup, joints)


def _segment_row(task: VideoTask, part: SegmentPart, kinematics: Kinematics) -> MotionSegment:
    """The row of a segment in which nothing was found yet."""
    inside = (kinematics.time_s >= part.start_s) & (kinematics.time_s <= part.end_s)
    heading = camera_of(kinematics.meta).heading_deg
    return MotionSegment(
        split=task.split,
        video=task.video,
        segment=part.segment,
        exercise=part.exercise,
        status="ok",
        start_s=part.start_s,
        end_s=part.end_s,
        cycles=0,
        units=0.0,
        pose_share=float(kinematics.valid[inside].mean()) if inside.any() else NAN,
        heading_deg=NAN if heading is None else heading,
    )
