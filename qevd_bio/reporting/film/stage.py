"""The annotated video of an analysed one: `<workspace>/films/<split>/<video>.mp4`, made again only where needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.dataset.items import VideoItem
from qevd_bio.dataset.timestamps import read_timestamps
from qevd_bio.drawing.picture import Painter
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import has_reference
from qevd_bio.exercise.rules import Exercise
from qevd_bio.reporting.film.reference import ReferenceFigure
from qevd_bio.reporting.film.story import Part, Story
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.work import Item, RunOptions, Summary, run_stage
from qevd_bio.tables.by_video import ByVideo, by_segment
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.motion import CYCLES, MOTION_SEGMENTS
from qevd_bio.tables.verdicts import VERDICTS
from qevd_bio.tables.workspace import MotionFiles, Workspace
from qevd_bio.video.background import Background
from qevd_bio.video.film import write_film
from qevd_bio.video.reader import VideoReader

STAGE = "film"
VERSION = 1


@dataclass(frozen=True)
class FilmOptions:
    """What is drawn. reference: the reference performs beside the user."""

    reference: bool = False


@dataclass(frozen=True)
class _Task:
    """What one work item needs; picklable."""

    video: VideoItem
    kinematics: Path
    tables: MotionFiles
    user_refs: Path
    options: FilmOptions
    output: Path


def film_path(workspace: Workspace, split: str, video: str, options: FilmOptions) -> Path:
    """Where the annotated video of a video lies."""
    name = f"{video}-with-reference" if options.reference else video
    return workspace.path("films", split) / f"{name}.mp4"


def make_films(
    workspace: Workspace, videos: Sequence[VideoItem], options: FilmOptions, run: RunOptions | None = None
) -> Summary:
    """Draw the annotated videos of videos that were extracted; those that were not analysed show the skeleton alone.

    A video that cannot be read becomes a failure.
    """
    items = []
    for video in videos:
        kinematics = workspace.kinematics(video.split, video.stem)
        tables = workspace.motion_parts(video.split, video.stem)
        output = film_path(workspace, video.split, video.stem, options)
        inputs = [p for p in (video.path, kinematics, tables.cycles, tables.verdicts, tables.segments) if p.is_file()]
        task = _Task(video, kinematics, tables, workspace.user_refs, options, output)
        items.append(Item(video.key, tuple(inputs), (output,), task))
    stage = f"{STAGE}-reference" if options.reference else STAGE
    return run_stage(stage, workspace, items, film_one, settings=asdict(options), options=run, version=VERSION)


def film_one(item: Item[_Task]) -> dict[str, Any]:
    """Draw one annotated video. Raises ItemError for a video that cannot be read."""
    task = item.payload
    task.video.check()
    kinematics = Kinematics.read(task.kinematics)
    if kinematics.landmarks is None:
        raise ItemError("no_landmarks", "these kinematics have no landmarks in the picture to draw")
    stamps = task.video.timestamps_path
    times = None if stamps is None else read_timestamps(stamps)
    # What the kinematics were made with holds the data set's own correction, too.
    with VideoReader(task.video.path, rotate=kinematics.meta.get("rotate_deg"), times=times) as reader:
        parts = read_parts(task.tables, task.video, load((task.user_refs / "exercises",)))
        pictures = _pictures(reader, kinematics, parts, task)
        with Background(pictures, ahead=3) as drawn:
            try:
                frames = write_film(task.output, drawn, float(reader.info.fps), sound=task.video.path)
            except ValueError as error:
                raise ItemError("no_frames", f"{task.video.path}: {error}") from error
    return {"frames": frames}


def read_parts(tables: MotionFiles, video: VideoItem, exercises: dict[str, Exercise]) -> list[Part]:
    """The segments of a video with what the analysis found in them; none where it was not analysed."""
    if not tables.segments.is_file():
        return []
    place = (video.split, video.stem)
    cycles = by_segment(ByVideo(CYCLES, tables.cycles).rows(*place)) if tables.cycles.is_file() else {}
    verdicts = by_segment(ByVideo(VERDICTS, tables.verdicts).rows(*place)) if tables.verdicts.is_file() else {}
    found = []
    for row in ByVideo(MOTION_SEGMENTS, tables.segments).rows(*place):
        key = (*place, row.segment)
        found.append(Part(row, exercises.get(row.exercise or ""), cycles.get(key, []), verdicts.get(key, [])))
    return sorted(found, key=lambda part: part.segment.start_s)


def _pictures(
    reader: VideoReader, kinematics: Kinematics, parts: Sequence[Part], task: _Task
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    story = Story(kinematics, parts)
    width, height = reader.size
    painter = Painter(width, height, task.options.reference)
    figures: dict[int, ReferenceFigure] = {}
    mirrored = bool(kinematics.meta.get("mirrored"))
    shown = reader.info.times_s  # by the file's own clock, which its sound follows, too
    beside: NDArray[np.uint8] | None = None  # after a segment its last picture stays
    for frame in reader:
        image = np.ascontiguousarray(frame.image[:, ::-1]) if mirrored else frame.image
        at = story.repetition(frame.time_s) if task.options.reference else None
        if at is not None:
            part, cycle = at
            number = part.segment.segment
            if number not in figures and part.exercise is not None and has_reference(part.exercise, task.user_refs):
                figures[number] = ReferenceFigure(
                    part.exercise, task.user_refs, part.segment.signal or "", part.segment.heading_deg, painter.layout
                )
            beside = figures[number].at(cycle, frame.time_s) if number in figures else None
        at_s = float(shown[frame.index]) if frame.index < len(shown) else frame.time_s
        yield at_s, painter.paint(image, story.scene(frame.time_s), beside)


def film_of(workspace: Workspace, video: VideoItem | None, kinematics: Kinematics, options: FilmOptions) -> Path:
    """The annotated video of one video, made where it is not there yet. UserError where it cannot be made."""
    if video is None:
        raise UserError(
            f"the video of {kinematics.split}/{kinematics.video} is not at hand",
            expected="the data set or folder that it lies in",
            fix="name it with --data FOLDER",
        )
    done = make_films(workspace, [video], options)
    if done.failed:
        reason, detail = done.failed[video.key]
        raise UserError(detail or reason, where=video.path, expected="a video that can be decoded")
    return film_path(workspace, video.split, video.stem, options)
