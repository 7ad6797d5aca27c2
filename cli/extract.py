"""qevd-bio extract: videos, or recordings of other programs, to joint angles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.pose.options import HSMR_TERMS, BackendName, ExtractOptions, Rotation, Sex, Spine, Times, Unit
from qevd_bio.pose.threads import single_blas_thread
from qevd_bio.store.errors import UserError

from .common import (
    DEFAULT_WORKSPACE,
    Data,
    ExecutorName,
    Jobs,
    Limit,
    Only,
    Redo,
    RetryFailed,
    WorkspaceDir,
    finish,
    need_data,
    open_workspace,
    run_options,
)

D = ExtractOptions()
FRAMES, PERSON, FILES, HSMR = "Frames and smoothing", "The person", "Recordings (files)", "HSMR"


def extract(
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    backend: Annotated[
        BackendName, typer.Option(help="mediapipe (runs anywhere), hsmr (your own checkout), or files (recordings).")
    ] = D.backend,
    exercise: Annotated[
        str | None, typer.Option(help="Plain folders: the exercise, or a CSV with the columns video,exercise.")
    ] = None,
    participants: Annotated[
        Path | None, typer.Option(help="CSV with the columns video,participant.", show_default="DATA/participants.csv")
    ] = None,
    pose_model: Annotated[
        Path | None, typer.Option(help="A pose_landmarker .task file in place of the model in the wheel.")
    ] = None,
    max_people: Annotated[
        int, typer.Option(min=1, max=10, help="With --pose-model: how many people are followed at once.")
    ] = D.max_people,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Detection and tracking threshold of the pose model.")
    ] = D.min_confidence,
    fps: Annotated[
        float | None, typer.Option(min=0.5, help="Analyse about so many frames a second.", rich_help_panel=FRAMES)
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Analyse every n-th frame.", rich_help_panel=FRAMES)] = D.every,
    smoothing: Annotated[
        float,
        typer.Option(
            min=0, help="Gaussian sigma in frames at 30 fps (2 is the paper's; 0: none).", rich_help_panel=FRAMES
        ),
    ] = D.smoothing_frames,
    max_hold: Annotated[
        float, typer.Option(min=0, help="Longest time in seconds a lost pose is held.", rich_help_panel=FRAMES)
    ] = D.max_hold_s,
    min_pose_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="A frame below it counts as lost.", rich_help_panel=FRAMES)
    ] = D.min_pose_confidence,
    rotate: Annotated[
        Rotation,
        typer.Option(help="Clockwise turn; auto: what file and data set say.", rich_help_panel=FRAMES),
    ] = D.rotate,
    mirrored: Annotated[
        bool, typer.Option("--mirrored", help="The videos show a mirror image.", rich_help_panel=FRAMES)
    ] = D.mirrored,
    times: Annotated[
        Times,
        typer.Option(
            help="Frame times: data set's file, the video, or (recordings) the fixed --source-fps.",
            rich_help_panel=FRAMES,
        ),
    ] = D.times,
    stature: Annotated[
        float | None, typer.Option(help="Standing height in metres, where known.", rich_help_panel=PERSON)
    ] = None,
    sex: Annotated[Sex, typer.Option(help="For body estimates, where known.", rich_help_panel=PERSON)] = D.sex,
    people: Annotated[
        Path | None,
        typer.Option(help="CSV: video or participant, stature_m, sex, mass_kg, …", rich_help_panel=PERSON),
    ] = None,
    mesh: Annotated[
        Path | None,
        typer.Option(help="SMPL-type body mesh (.npz, .obj), or a folder of them.", rich_help_panel=PERSON),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(help="A recording of another program, or a folder of them (--formats).", rich_help_panel=FILES),
    ] = None,
    formats: Annotated[
        bool, typer.Option("--formats", help="List the formats that --backend files reads.", rich_help_panel=FILES)
    ] = False,
    person: Annotated[
        str,
        typer.Option(help="Which of several people in a file.", show_default="the most present", rich_help_panel=FILES),
    ] = D.person,
    image_size: Annotated[
        str,
        typer.Option(
            help="WIDTHxHEIGHT of the picture of 2D keypoints.", show_default="the video's", rich_help_panel=FILES
        ),
    ] = D.image_size,
    source_fps: Annotated[
        float, typer.Option(min=1, help="Frame rate of recordings that state none.", rich_help_panel=FILES)
    ] = D.source_fps,
    unit: Annotated[
        Unit, typer.Option(help="Angles of files that do not state it, or state it wrongly.", rich_help_panel=FILES)
    ] = D.unit,
    spine: Annotated[
        Spine, typer.Option(help="OpenSim's one spine joint: divided 60:40, or all lumbar.", rich_help_panel=FILES)
    ] = D.spine,
    camera_pitch: Annotated[
        float, typer.Option(help="Degrees by which the camera looks down, where known.", rich_help_panel=FRAMES)
    ] = D.camera_pitch_deg,
    hsmr_root: Annotated[
        Path | None, typer.Option(help=f"Your checkout of HSMR. {HSMR_TERMS}", rich_help_panel=HSMR)
    ] = None,
    hsmr_python: Annotated[
        Path | None, typer.Option(help="The Python of its environment.", rich_help_panel=HSMR)
    ] = None,
    limit: Limit = None,
    only: Only = None,
    retry_failed: RetryFailed = False,
    redo: Redo = False,
    jobs: Jobs = 1,
    executor: ExecutorName = "local",
) -> None:
    """Turn videos into 46 joint angles per frame, one Parquet file a video.

    Run the same command again to go on: finished videos are kept. The table of exercises (segments.parquet) is
    written as well, so that later commands know what each video shows.
    """
    if formats:
        from qevd_bio.pose.formats.registry import table

        for name, files, gives, title in table():
            typer.echo(f"{name:<12}{files:<16}{gives:<12}{title}")
        return
    options = ExtractOptions(
        backend=backend,
        pose_model=pose_model,
        max_people=max_people,
        min_confidence=min_confidence,
        fps=fps,
        every=every,
        smoothing_frames=smoothing,
        max_hold_s=max_hold,
        min_pose_confidence=min_pose_confidence,
        stature_m=stature,
        sex=sex,
        people=people,
        mesh=mesh,
        rotate=rotate,
        mirrored=mirrored,
        times=times,
        source=source,
        person=person,
        image_size=image_size,
        source_fps=source_fps,
        unit=unit,
        spine=spine,
        camera_pitch_deg=camera_pitch,
        hsmr_root=hsmr_root,
        hsmr_python=hsmr_python,
    )
    single_blas_thread()
    from qevd_bio.dataset.opening import open_dataset
    from qevd_bio.dataset.stage import write_segments
    from qevd_bio.pose.stage import extract as run_extract
    from qevd_bio.pose.stage import notes
    from qevd_bio.video.probe import measure

    place = open_workspace(workspace)
    dataset = None
    if data is not None or backend != "files":
        dataset = open_dataset(need_data(data), exercise=exercise, participants=participants, user_refs=place.user_refs)
        kept = [p for p in write_segments(dataset, place, measure).problems if p.reason == "exercise_kept"]
        for problem in kept[:3]:
            typer.echo(f"note: {problem.video}: {problem.detail}", err=True)
        if len(kept) > 3:
            typer.echo(f"note: and {len(kept) - 3} more videos keep their exercise", err=True)
    elif exercise or participants:
        raise UserError("--exercise and --participants belong to videos", fix="name them with --data")
    summary = run_extract(dataset, place, options, run_options(limit, only, retry_failed, redo, jobs, executor))
    for note in notes(summary):
        typer.echo(note, err=True)
    finish(summary, place.root / "kinematics")
