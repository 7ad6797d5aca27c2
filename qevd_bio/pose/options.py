"""Options of `extract`: every default stands here, once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

BackendName = Literal["blazepose", "hsmr", "files"]
BACKENDS: tuple[BackendName, ...] = ("blazepose", "hsmr", "files")
Runtime = Literal["openvino", "litert"]
POSE_MODELS = ("lite", "full", "heavy")
Smoothing = Literal["follow", "paper"]
Fit = Literal["geometric", "lifter", "combined"]
Lengths = Literal["video", "participant"]
Rotation = Literal["auto", "0", "90", "180", "270"]
Times = Literal["auto", "file", "video", "rate"]
Sex = Literal["unknown", "female", "male"]
Unit = Literal["auto", "degrees", "radians"]
Spine = Literal["lumbar", "split"]

HSMR_TERMS = (
    "HSMR's code is MIT, but it needs the SKEL/SMPL model files and its own weights: non-commercial research only, "
    "no redistribution (terms at skel.is.tue.mpg.de and smpl.is.tue.mpg.de). You fetch them yourself."
)


# Options that change nothing for other backends, and so do not make their results different ones.
_ONLY_FOR: dict[str, tuple[BackendName, ...]] = {
    **dict.fromkeys(("pose_model", "runtime", "device", "min_confidence", "lengths", "fit", "lifter"), ("blazepose",)),
    **dict.fromkeys(("source", "unit", "spine", "person", "image_size"), ("files",)),
    "source_fps": ("files", "hsmr"),
    **dict.fromkeys(("hsmr_root", "hsmr_python"), ("hsmr",)),
}


# Options that came later: left out where they are not used, so that finished results stay what they are.
_LATER: dict[str, object] = {
    "person": "",
    "image_size": "",
    "lengths": "video",
    "lifter": None,
    "body_model": None,
    "camera_height_m": None,
}


@dataclass(frozen=True)
class ExtractOptions:
    """What changes the kinematics. How many processes run, and which videos, is in RunOptions.

    backend: where angles come from. pose_model: lite, full or heavy, or a `.task` or `.tflite` file. runtime, device:
    what runs it, and on what (OpenVINO's names). min_confidence: detection and tracking threshold of the pose
    model, 0..1. fps / every: analyse about so many frames a second / every n-th frame.
    smoothing: follow keeps the peaks of fast moves and finds cycles on the paper's signal; paper is the paper's
    Gaussian for everything. smoothing_frames: its sigma in frames at 30 fps (2 is 0.067 s); 0: no smoothing at all.
    max_hold_s: longest time a lost pose is held. min_pose_confidence: a frame below it counts as lost.
    fit: geometric, from landmarks and bones of constant length; lifter, a small network's angles; combined, the
    network's bones inside the fit. lifter: weights in place of the shipped ones, a .safetensors file of
    `qevd-bio train lifter`.
    lengths: each video's own bone lengths, or those of all videos of its participant.
    stature_m, sex: of the person, where known. rotate: clockwise degrees, auto = what file and data set say.
    mirrored: the camera showed a mirror image. times: per-frame times from the data set's file, from the video, or
    (recordings) at the fixed source_fps; auto takes the first there is. strict_times: a time
    that does not rise loses the video, not only its frame.
    source: file or folder that the files backend reads, or that holds finished HSMR output. source_fps: frame
    rate of recordings that do not state one. unit: of angles in files that do not state one. spine: where
    OpenSim's one spine joint goes. person: which of several people in a file; empty is the one most present.
    image_size: WIDTHxHEIGHT in pixels of the picture that keypoints lie in, where no video says it.
    camera_pitch_deg, camera_roll_deg: how far the camera looks down, and is turned clockwise as its owner sees it;
    None: estimated from landmarks, level for recordings.
    mesh: SMPL-type mesh to measure, SHAPY's output or betas, a file, or a folder with one per participant or video.
    body_model: the user's SMPL, SMPL-X or SKEL model, which gives betas their metres.
    camera_height_m: of the camera above the floor, for a stature where none is known.
    people: CSV with a stature (and sex, mass) per participant or video.
    hsmr_root, hsmr_python: the user's checkout of HSMR and the Python that runs it.
    """

    backend: BackendName = "blazepose"
    pose_model: str = "full"
    runtime: Runtime = "openvino"
    device: str = "CPU"
    min_confidence: float = 0.5
    fps: float | None = None
    every: int = 1
    smoothing: Smoothing = "follow"
    smoothing_frames: float = 2.0
    max_hold_s: float = 0.5
    min_pose_confidence: float = 0.3
    fit: Fit = "geometric"
    lifter: Path | None = None
    lengths: Lengths = "video"
    stature_m: float | None = None
    sex: Sex = "unknown"
    people: Path | None = None
    mesh: Path | None = None
    body_model: Path | None = None
    camera_height_m: float | None = None
    rotate: Rotation = "auto"
    mirrored: bool = False
    times: Times = "auto"
    strict_times: bool = False
    source: Path | None = None
    source_fps: float = 30.0
    unit: Unit = "auto"
    spine: Spine = "split"
    person: str = ""
    image_size: str = ""
    camera_pitch_deg: float | None = None
    camera_roll_deg: float | None = None
    hsmr_root: Path | None = None
    hsmr_python: Path | None = None

    def settings(self) -> dict[str, Any]:
        """The options that count for this backend, as JSON-able data, for fingerprint and history.

        Of a file it only says that one was given: the work item holds the hash of its content.
        """
        found: dict[str, Any] = {}
        for name in (f.name for f in fields(self)):
            if self.backend not in _ONLY_FOR.get(name, BACKENDS):
                continue
            value = getattr(self, name)
            if _LATER.get(name, ...) == value:
                continue
            if isinstance(value, Path):
                value = str(value) if name.startswith("hsmr_") else "given"
            elif name == "pose_model" and value not in POSE_MODELS:
                value = "given"
            found[name] = value
        return found
