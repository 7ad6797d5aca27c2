"""`qevd-bio extract`: videos of a data set, or recordings, to one kinematics file each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.dataset.folder import named
from qevd_bio.dataset.opening import Dataset, VideoItem
from qevd_bio.pose.assemble import to_kinematics
from qevd_bio.pose.backends.base import Angles, Backend, Clip, Landmarks, Points
from qevd_bio.pose.backends.blazepose.backend import BlazePoseBackend
from qevd_bio.pose.backends.blazepose.models import model_paths
from qevd_bio.pose.backends.clips import OpenedClip
from qevd_bio.pose.backends.files import FilesBackend, list_recordings
from qevd_bio.pose.backends.hsmr import HsmrBackend
from qevd_bio.pose.body.measures import Person, body_of, find_mesh, read_people, with_recorded, with_stature
from qevd_bio.pose.body.scale import by_camera, by_points
from qevd_bio.pose.fit.lifter import read_lifter
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.pose.proportions import Glance, read_shared, shared_by_person
from qevd_bio.pose.threads import single_blas_thread
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.manifest import versions
from qevd_bio.store.work import Item, RunOptions, Summary, run_stage, select
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.workspace import Workspace

STAGE = "extract"
VERSION = 1
LOW_SHARE = 0.7
RECORDINGS_SPLIT = "videos"


@dataclass(frozen=True)
class _Task:
    """What one work item needs; picklable."""

    video: VideoItem
    has_video: bool
    output: Path
    options: ExtractOptions
    person: Person
    threads: int | None
    lengths: Path | None = None


def make_backend(options: ExtractOptions, threads: int | None = None) -> Backend:
    """The backend that the options name. Raises UserError where it cannot work on this machine.

    threads: of a pose model; None for a few of the cores.
    """
    if options.backend == "hsmr":
        return HsmrBackend(options)
    if options.backend == "files":
        return FilesBackend(options)
    return BlazePoseBackend(options, threads)


# One backend a process: loading a model, or listing a folder of recordings, is not to be paid for each video.
_backend = lru_cache(maxsize=1)(make_backend)


def _kept_backend(options: ExtractOptions, threads: int | None) -> Backend:
    return _backend(options, threads)


def extract(
    dataset: Dataset | None,
    workspace: Workspace,
    options: ExtractOptions,
    run: RunOptions | None = None,
    *,
    ready: Callable[[], object] | None = None,
) -> Summary:
    """Kinematics of every selected video; `dataset` may be None for the files backend (recordings on their own).

    `ready` is called once nothing speaks against the run, before the first video.
    Raises UserError for options that cannot work; a video that cannot be done becomes a failure row.
    """
    check(options, dataset)
    run = run or RunOptions()
    # Several processes share the cores: a thread more in each would only make them wait for each other.
    items = make_items(dataset, workspace, options, threads=1 if run.jobs > 1 else None)
    single_blas_thread()
    if options.lengths == "participant":
        items = _with_shared_lengths(items, workspace, options, run)
    settings = options.settings()
    return run_stage(STAGE, workspace, items, extract_one, settings=settings, options=run, version=VERSION, ready=ready)


def check(options: ExtractOptions, dataset: Dataset | None) -> None:
    """Refuse options that contradict each other or name what is not there, before any video is opened."""
    if options.fps is not None and options.every > 1:
        raise UserError("--fps and --every both thin out the frames", fix="use one of them")
    if options.lengths == "participant" and options.backend != "blazepose":
        raise UserError("--lengths participant is for videos and the pose model", fix="leave --lengths out")
    if dataset is None and options.backend != "files":
        raise UserError("no data set named", expected="--data FOLDER", fix="or --backend files --source FOLDER")
    if options.backend == "blazepose" and options.fit != "geometric":
        read_lifter(options.lifter)
    make_backend(options)
    for path, name in ((options.people, "--people"), (options.mesh, "--mesh"), (options.body_model, "--body-model")):
        if path is not None and not path.expanduser().exists():
            raise UserError("no such file", where=path, fix=f"check {name}")


def make_items(
    dataset: Dataset | None, workspace: Workspace, options: ExtractOptions, threads: int | None = None
) -> list[Item[_Task]]:
    """One work item a video, with every file that its result depends on as an input."""
    videos = dataset.videos() if dataset is not None else _recordings_as_videos(options)
    people = read_people(options.people) if options.people else {}
    shared = (options.people.expanduser(),) if options.people else ()
    if options.backend == "blazepose":
        shared = (*model_paths(options.pose_model), *shared)
        if options.fit != "geometric" and options.lifter is not None:
            shared = (options.lifter.expanduser(), *shared)
    backend = FilesBackend(options) if options.backend == "files" else None
    items = []
    for video in videos:
        person = _person(video, people, options)
        recording = backend.inputs(video.split, video.stem) if backend else ()
        mesh = tuple(path for path in (person.mesh, options.body_model) if path is not None)
        own = [video.path] if dataset is not None else []
        if video.timestamps_path is not None and options.times in ("auto", "file"):
            own.append(video.timestamps_path)
        source = next(iter((*recording, *own)), None)
        output = workspace.kinematics(video.split, video.stem)
        task = _Task(video, dataset is not None, output, options, person, threads)
        items.append(Item(video.key, (*own, *recording, *shared, *mesh), (output,), task, source=source))
    return items


def _with_shared_lengths(
    items: list[Item[_Task]], workspace: Workspace, options: ExtractOptions, run: RunOptions
) -> list[Item[_Task]]:
    """The items with their person's lengths, which all videos of the people who are wanted are looked at for."""
    wanted = {item.payload.video.participant for item in select(items, run)}
    glances = [_glance(item, workspace) for item in items if item.payload.video.participant in wanted]
    people = shared_by_person(glances, workspace, options, run)
    found = []
    for item in items:
        path = people.get(item.payload.video.participant or "")
        if path is None:
            found.append(item)
        else:
            payload = replace(item.payload, lengths=path)
            found.append(replace(item, inputs=(*item.inputs, path), payload=payload))
    return found


def _glance(item: Item[_Task], workspace: Workspace) -> Item[Glance]:
    task = item.payload
    output = workspace.path("proportions", task.video.split, f"{task.video.stem}.json")
    payload = Glance(
        task.video, output, task.options, task.person.stature_m, partial(_kept_backend, task.options, task.threads)
    )
    return Item(item.key, item.inputs, (output,), payload, source=item.source)


def extract_one(item: Item[_Task]) -> dict[str, Any]:
    """Work on one video; writes its file and says what a person should know about it."""
    task = item.payload
    if not task.has_video and task.video.problem is not None:
        raise ItemError(task.video.problem.reason, task.video.problem.detail)
    backend = _backend(task.options, task.threads)
    opened = OpenedClip(task.video, task.options) if task.has_video else None
    clip = opened.clip if opened else Clip(task.video.split, task.video.stem, None)
    estimate = backend.estimate(clip)
    person = with_recorded(task.person, estimate.details.get("person"))
    meta = _meta(item, backend, opened)
    known = None if task.lengths is None else read_shared(task.lengths)
    kinematics = to_kinematics(estimate, clip, task.options, person.stature_m, meta, known)
    reading = [{"kind": kind, "detail": detail} for kind, detail in (opened.flags if opened else {}).items()]
    flags = [*reading, *kinematics.meta["flags"]]
    body = _body(task, person, estimate, kinematics)
    meta = {**kinematics.meta, "flags": flags, "warnings": warnings(flags)}
    kinematics = replace(kinematics, body=body, meta=meta)
    kinematics.write(task.output, history=_history(item))
    ok = float(np.mean(kinematics.valid))
    length = {"frames": opened.info.frames, "end_s": float(opened.info.times_s[-1])} if opened else None
    kinds = sorted({str(f["kind"]) for f in flags})
    return {"frames": len(kinematics), "ok_share": round(ok, 4), "flags": kinds, "video": length}


def _body(
    task: _Task, person: Person, estimate: Landmarks | Angles | Points, kinematics: Kinematics
) -> dict[str, dict[str, Any]]:
    """The body's measures from all that is known of them; a stature that was estimated puts in no length."""
    stature = None
    if isinstance(estimate, Points) and estimate.stature_m is None:
        stature = by_points(kinematics.skeleton_lengths)
    elif task.options.camera_height_m is not None and person.stature_m is None:
        view, height = kinematics.meta["view"], task.options.camera_height_m
        stature = by_camera(kinematics.skeleton_lengths, view, height, person.sex)
    betas = estimate.details.get("betas_by_window", ())
    return body_of(person, body_model=task.options.body_model, betas=betas, stature=stature)


def warnings(flags: Sequence[dict[str, Any]]) -> list[str]:
    """Flags as sentences, for reports and for the text that later stages hand to a model."""
    return [_SENTENCES[flag["kind"]] for flag in flags if flag["kind"] in _SENTENCES]


_SENTENCES = {
    "truncated": "The video file is cut off: only its first part was analysed.",
    "variable_frame_rate": "The video's frame rate varies; each frame's own time is used.",
    "timestamps_longer": "There are more timestamps than frames.",
    "timestamps_shorter": "There are fewer timestamps than frames; frames without a time were left out.",
    "timestamps_repeated": "Some frame times do not come after the one before; their frames were left out.",
    "damaged_frames": "Some frames are damaged and were decoded in part, or passed over.",
    "frames_lost": "Some frames could not be decoded; they are missing.",
    "odd_rotation": "The video states a rotation that is no quarter turn; it was not followed.",
    "several_people": "More than one person is in the picture; the largest and most present one was analysed.",
    "lies_sideways": "The body lies sideways in the picture: a floor exercise, or a wrong rotation of the video.",
    "upside_down": "The body is upside down in the picture: the rotation of the video may be wrong.",
    "impossible_angles": "Some frames hold angles that no joint reaches; they were left out.",
    "impossible_place": "Some places of the pelvis are no places on earth; they were left out.",
    "recording_longer": "The recording runs on after the end of its video.",
    "recording_shorter": "The recording covers only a part of its video.",
    "recording_early": "The recording begins before its video; those rows were left out.",
    "cut_end": "The recording's last number is cut; its row was left out.",
    "more_rows": "The recording has more rows than its header announces.",
    "other_columns": "The recording has another number of columns than its header announces.",
    "marked_missing": "The recording marks some frames as missing.",
    "session_unreadable": "The session's metadata (stature, mass) could not be read.",
    "off_hinge": "The estimator's knees or elbows turn in ways that hinges do not; what is left out is in the file.",
    "single_images": "Each frame was estimated by itself; the angles tremble from frame to frame.",
    "up_axis": "The body stands along another axis than the format's habit; that axis was taken as up.",
    "camera_moves": "The camera moves in part of the video; angles against gravity and the floor are off there.",
    "facing_flip": "The estimated facing direction jumps; left and right or front and back may be confused there.",
}


def _meta(item: Item[_Task], backend: Backend, opened: OpenedClip | None) -> dict[str, Any]:
    task, video = item.payload, item.payload.video
    about: dict[str, Any] = {"backend": backend.name, "observes": backend.observes, **backend.identity()}
    about["mirrored"] = task.options.mirrored
    if opened is not None:
        about.update(
            {
                "source_file": video.path.name,
                "source_hash": item.hash_of(video.path),
                "rotate_deg": opened.rotate_deg,
                "video_fps": round(opened.info.fps, 4),
                "video_frames": opened.info.frames,
                "times": "data set" if opened.times is not None else "video",
            }
        )
    return about


def _history(item: Item[_Task]) -> list[dict[str, Any]]:
    # Neither clock nor run id: the same input and settings must give the same bytes.
    inputs = [{"name": path.name, "sha256": item.hash_of(path)} for path in item.inputs if path.is_file()]
    return [
        {
            "operation": STAGE,
            "version": VERSION,
            "settings": item.payload.options.settings(),
            "inputs": inputs,
            "versions": versions(),
        }
    ]


def _person(video: VideoItem, people: dict[str, Person], options: ExtractOptions) -> Person:
    names = (video.key, video.stem, video.participant or "")
    known = next((people[name] for name in names if name in people), Person())
    person = with_stature(known, options.stature_m, options.sex)
    return replace(person, mesh=find_mesh(options.mesh, [video.stem, video.participant or ""]))


def _recordings_as_videos(options: ExtractOptions) -> list[VideoItem]:
    assert options.source is not None
    found = list_recordings(options.source.expanduser())
    stems = [key.rsplit("/", 1)[-1] for key in found]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise UserError(
            f"{twice[0]} lies in two folders", where=options.source, fix="name the data set with --data, or one folder"
        )
    return [
        VideoItem(RECORDINGS_SPLIT, stem, path, problem=named(path)[1])
        for stem, path in zip(stems, found.values(), strict=True)
    ]


def notes(summary: Summary) -> list[str]:
    """Lines for the terminal: videos whose result a person should look at, with the reason."""
    lines = []
    for key, result in sorted(summary.results.items()):
        kinds = [kind for kind in result.get("flags", ()) if kind in _SENTENCES]
        text = " ".join(_SENTENCES[kind] for kind in kinds)
        if result.get("ok_share", 1.0) < LOW_SHARE:
            text = f"Only {result['ok_share']:.0%} of the frames have a pose that can be trusted. {text}".strip()
        if text:
            lines.append(f"note: {key}: {text}")
    return lines
