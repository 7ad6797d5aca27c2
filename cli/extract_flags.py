"""How `qevd-bio extract` turns videos into angles, as options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.pose.options import (
    HSMR_TERMS,
    BackendName,
    ExtractOptions,
    Fit,
    Lengths,
    Rotation,
    Runtime,
    Sex,
    Smoothing,
    Spine,
    Times,
    Unit,
)

D = ExtractOptions()
FRAMES, PERSON, POSE = "Frames and smoothing", "The person", "The pose model"
FILES, HSMR = "Recordings (files)", "HSMR"


@dataclass(frozen=True)
class ExtractFlags:
    """How videos become angles; fields as in ExtractOptions."""

    backend: Annotated[
        BackendName, typer.Option(help="blazepose (runs anywhere), hsmr (your own checkout), or files (recordings).")
    ] = D.backend
    pose_model: Annotated[
        str,
        typer.Option(
            help="lite, full or heavy, or a pose_landmarker .task or pose_landmark .tflite file.", rich_help_panel=POSE
        ),
    ] = D.pose_model
    runtime: Annotated[Runtime, typer.Option(help="What runs the pose model.", rich_help_panel=POSE)] = D.runtime
    device: Annotated[
        str,
        typer.Option(
            help="Where the pose model runs, by OpenVINO's name: CPU, GPU, NPU, AUTO, …", rich_help_panel=POSE
        ),
    ] = D.device
    min_confidence: Annotated[
        float,
        typer.Option(min=0, max=1, help="Detection and tracking threshold of the pose model.", rich_help_panel=POSE),
    ] = D.min_confidence
    fps: Annotated[
        float | None, typer.Option(min=0.5, help="Analyse about so many frames a second.", rich_help_panel=FRAMES)
    ] = None
    every: Annotated[int, typer.Option(min=1, help="Analyse every n-th frame.", rich_help_panel=FRAMES)] = D.every
    smoothing: Annotated[
        Smoothing,
        typer.Option(
            help="follow: keeps the peaks of fast moves; paper: the paper's Gaussian for everything.",
            rich_help_panel=FRAMES,
        ),
    ] = D.smoothing
    smoothing_frames: Annotated[
        float,
        typer.Option(
            min=0, help="The paper's sigma in frames at 30 fps; 0: no smoothing at all.", rich_help_panel=FRAMES
        ),
    ] = D.smoothing_frames
    max_hold_s: Annotated[
        float,
        typer.Option("--max-hold", min=0, help="Longest time in seconds a lost pose is held.", rich_help_panel=FRAMES),
    ] = D.max_hold_s
    min_pose_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="A frame below it counts as lost.", rich_help_panel=FRAMES)
    ] = D.min_pose_confidence
    rotate: Annotated[
        Rotation,
        typer.Option(help="Clockwise turn; auto: what file and data set say.", rich_help_panel=FRAMES),
    ] = D.rotate
    mirrored: Annotated[
        bool, typer.Option("--mirrored", help="The videos show a mirror image.", rich_help_panel=FRAMES)
    ] = D.mirrored
    times: Annotated[
        Times,
        typer.Option(
            help="Frame times: data set's file, the video, or (recordings) the fixed --source-fps.",
            rich_help_panel=FRAMES,
        ),
    ] = D.times
    fit: Annotated[
        Fit,
        typer.Option(
            help="From landmarks to angles: geometric, a network's alone, or its bones in the fit.",
            rich_help_panel=POSE,
        ),
    ] = D.fit
    lifter: Annotated[
        Path | None,
        typer.Option(
            help="The network's weights (qevd-bio train lifter).", show_default="shipped", rich_help_panel=POSE
        ),
    ] = None
    lengths: Annotated[
        Lengths,
        typer.Option(help="Bone lengths of each video, or one set for a participant's videos.", rich_help_panel=PERSON),
    ] = D.lengths
    stature_m: Annotated[
        float | None, typer.Option("--stature", help="Standing height in metres, where known.", rich_help_panel=PERSON)
    ] = None
    sex: Annotated[Sex, typer.Option(help="For body estimates, where known.", rich_help_panel=PERSON)] = D.sex
    people: Annotated[
        Path | None,
        typer.Option(help="CSV: video or participant, stature_m, sex, mass_kg, …", rich_help_panel=PERSON),
    ] = None
    mesh: Annotated[
        Path | None,
        typer.Option(
            help="The body's shape: SMPL-type mesh (.npz, .obj), SHAPY's output or betas, or a folder of them.",
            rich_help_panel=PERSON,
        ),
    ] = None
    body_model: Annotated[
        Path | None,
        typer.Option(
            help="Your own SMPL, SMPL-X or SKEL model (.npz, .pkl): betas are measured on it.", rich_help_panel=PERSON
        ),
    ] = None
    camera_height_m: Annotated[
        float | None,
        typer.Option(
            "--camera-height", min=0.1, max=10, help="Metres of the camera above the floor: estimates the stature.",
            rich_help_panel=PERSON,
        ),
    ] = None  # fmt: skip
    source: Annotated[
        Path | None,
        typer.Option(help="A recording of another program, or a folder of them (--formats).", rich_help_panel=FILES),
    ] = None
    person: Annotated[
        str,
        typer.Option(help="Which of several people in a file.", show_default="the most present", rich_help_panel=FILES),
    ] = D.person
    image_size: Annotated[
        str,
        typer.Option(
            help="WIDTHxHEIGHT of the picture of 2D keypoints.", show_default="the video's", rich_help_panel=FILES
        ),
    ] = D.image_size
    source_fps: Annotated[
        float, typer.Option(min=1, help="Frame rate of recordings that state none.", rich_help_panel=FILES)
    ] = D.source_fps
    unit: Annotated[
        Unit, typer.Option(help="Angles of files that do not state it, or state it wrongly.", rich_help_panel=FILES)
    ] = D.unit
    spine: Annotated[
        Spine, typer.Option(help="OpenSim's one spine joint: divided 60:40, or all lumbar.", rich_help_panel=FILES)
    ] = D.spine
    strict_times: Annotated[
        bool,
        typer.Option(
            "--strict-times",
            help="A frame time that does not rise loses the video; else it loses its frame.",
            rich_help_panel=FRAMES,
        ),
    ] = D.strict_times
    camera_pitch_deg: Annotated[
        float | None,
        typer.Option(
            "--camera-pitch",
            min=-89,
            max=89,
            help="Degrees by which the camera looks down.",
            show_default="estimated",
            rich_help_panel=FRAMES,
        ),
    ] = D.camera_pitch_deg
    camera_roll_deg: Annotated[
        float | None,
        typer.Option(
            "--camera-roll",
            min=-89,
            max=89,
            help="Degrees by which the camera is turned clockwise, seen from behind it.",
            show_default="estimated",
            rich_help_panel=FRAMES,
        ),
    ] = D.camera_roll_deg
    hsmr_root: Annotated[
        Path | None, typer.Option(help=f"Your checkout of HSMR. {HSMR_TERMS}", rich_help_panel=HSMR)
    ] = None
    hsmr_python: Annotated[Path | None, typer.Option(help="The Python of its environment.", rich_help_panel=HSMR)] = (
        None
    )

    def of(self) -> ExtractOptions:
        """The options as the stage takes them."""
        return ExtractOptions(**vars(self))
