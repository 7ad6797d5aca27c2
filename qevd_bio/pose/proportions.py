"""One person's bone lengths from all of that person's videos: a first pass over a few frames of each.

One video shows lengths along the picture's plane alone, and what its view hides goes into them; several views of the
same body tell more. The first pass leaves what each video says below the workspace's `proportions`, and one file a
person, which the second pass, the extraction itself, takes as an input.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.dataset.opening import VideoItem
from qevd_bio.pose.backends.base import Backend, Landmarks
from qevd_bio.pose.backends.clips import OpenedClip
from qevd_bio.pose.fit.clip import clip_proportions
from qevd_bio.pose.fit.lengths import Proportions, shared_logs
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.store.atomic import write_json
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.work import Item, RunOptions, run_stage
from qevd_bio.tables.workspace import Workspace

STAGE, VERSION = "proportions", 1
FRAMES = 96
"""About so many frames of each video are looked at."""


@dataclass(frozen=True)
class Glance:
    """What the first pass needs of a video; picklable. backend: makes the pose backend in the process that works."""

    video: VideoItem
    output: Path
    options: ExtractOptions
    stature_m: float | None
    backend: Callable[[], Backend]


def shared_by_person(
    items: Sequence[Item[Glance]], workspace: Workspace, options: ExtractOptions, run: RunOptions
) -> dict[str, Path]:
    """One file of shared lengths for each participant with two videos or more that showed somebody, by participant.

    Raises UserError where no video has a participant.
    """
    known = [item for item in items if item.payload.video.participant]
    if not known:
        raise UserError(
            "no video has a participant, so there is nobody to share lengths with",
            expected="a data set with participants.csv (video, participant)",
            fix="--participants FILE, or leave --lengths out",
        )
    people: dict[str, list[Item[Glance]]] = defaultdict(list)
    for item in known:
        people[str(item.payload.video.participant)].append(item)
    several = {name: videos for name, videos in people.items() if len(videos) > 1}
    chosen = [item for videos in several.values() for item in videos]
    settings = options.settings()
    again = RunOptions(redo=run.redo, retry_failed=run.retry_failed, jobs=run.jobs, executor=run.executor)
    done = run_stage(STAGE, workspace, chosen, glance, settings=settings, options=again, version=VERSION)
    found = {}
    for name, videos in several.items():
        seen = [_read(item.payload.output) for item in videos if item.key in done.results]
        if len(seen) > 1:
            found[name] = _write(workspace.path("proportions", f"{name}.json"), shared_logs(seen), len(seen))
    return found


def glance(item: Item[Glance]) -> dict[str, Any]:
    """Look at a few frames of one video; writes what they say of the body's proportions."""
    task = item.payload
    frames = OpenedClip(task.video, task.options).info.frames
    thinned = replace(task.options, fps=None, every=max(task.options.every, frames // FRAMES, 1))
    estimate = task.backend().estimate(OpenedClip(task.video, thinned).clip)
    if not isinstance(estimate, Landmarks):
        raise ItemError("no_landmarks", "lengths are shared where a pose model finds landmarks")
    choices = FitOptions(camera_pitch_deg=task.options.camera_pitch_deg, camera_roll_deg=task.options.camera_roll_deg)
    found = clip_proportions(estimate.values, estimate.time_s, estimate.image_size, choices, task.stature_m)
    if found is None:
        raise ItemError("no_person", "too few frames with a person to tell bone lengths")
    task.output.parent.mkdir(parents=True, exist_ok=True)
    write_json(task.output, {"logs": found.logs.tolist(), "information": found.information.tolist()})
    return {"frames": len(estimate.values)}


def read_shared(path: Path) -> NDArray[np.float64]:
    """The logarithms (8,) of a file that `shared_by_person` wrote."""
    return np.array(json.loads(path.read_text(encoding="utf-8"))["logs"], dtype=np.float64)


def _read(path: Path) -> Proportions:
    kept = json.loads(path.read_text(encoding="utf-8"))
    return Proportions(np.array(kept["logs"]), np.array(kept["information"]))


def _write(path: Path, logs: NDArray[np.float64], clips: int) -> Path:
    """The file, left alone where it says the same already."""
    content = {"logs": np.round(logs, 6).tolist(), "clips": clips}
    if not path.is_file() or json.loads(path.read_text(encoding="utf-8")) != content:
        write_json(path, content)
    return path
