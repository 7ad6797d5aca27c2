"""The `files` backend: kinematics that another program has written, read and put on the video's frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.base import Angles, Clip
from qevd_bio.pose.formats.hsmr_file import read_hsmr
from qevd_bio.pose.formats.numpy_file import npz_names
from qevd_bio.pose.formats.opensim import read_mot
from qevd_bio.pose.formats.recording import Recording
from qevd_bio.pose.formats.skel_file import read_csv, read_skel
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.hashing import hash_file

SUFFIXES = (".npy", ".npz", ".mot", ".csv")
PREFIX = "HSMR-"
_FORMATS = "HSMR .npy/.npz, SKEL .npz, OpenSim .mot, or CSV with DoF names as columns"


def stem_of(path: Path) -> str:
    """The video's stem that a recording belongs to: its own name without HSMR's prefix."""
    return path.stem.removeprefix(PREFIX)


def list_recordings(source: Path) -> dict[str, Path]:
    """Recordings by stem. `source` is one file or a folder, with sub-folders named like the splits if need be.

    Raises UserError where there is none, or where two files belong to one stem.
    """
    if source.is_file():
        return {stem_of(source): source}
    if not source.is_dir():
        raise UserError("no such file or folder", where=source, expected=_FORMATS, fix="check --source")
    found: dict[str, Path] = {}
    for path in sorted(p for p in source.rglob("*") if p.suffix in SUFFIXES and p.is_file()):
        if path.name.endswith("_timestamps.npy") or path.name.endswith("_features.npy"):
            continue
        stem = stem_of(path)
        key = f"{path.parent.name}/{stem}" if path.parent != source else stem
        if key in found:
            raise UserError(f"two recordings for {key}: {found[key].name} and {path.name}", where=source)
        found[key] = path
    if not found:
        raise UserError("holds no recording", where=source, expected=_FORMATS)
    return found


def find_recording(recordings: dict[str, Path], split: str, stem: str) -> Path | None:
    """The recording of a video: `<split>/<stem>` first, then `<stem>`."""
    return recordings.get(f"{split}/{stem}", recordings.get(stem))


def read_recording(path: Path, options: ExtractOptions, size: tuple[int, int] | None) -> Recording:
    """One recording in whichever of the known formats. Raises UserError for others."""
    if path.suffix == ".mot":
        return read_mot(path, options.spine)
    if path.suffix == ".csv":
        return read_csv(path, options.unit)
    is_hsmr = path.suffix == ".npy" or path.name.startswith(PREFIX) or {"full_cam_t", "patch_cam_t"} & npz_names(path)
    if is_hsmr:
        return read_hsmr(path, size, options.camera_pitch_deg or 0.0)
    return read_skel(path)


class FilesBackend:
    """Reads the recording that belongs to a video; what it lacks stays unobserved."""

    name = "files"
    observes = "what the file holds; columns that are absent are marked unobserved"

    def __init__(self, options: ExtractOptions) -> None:
        if options.source is None:
            raise UserError(
                "the files backend needs to know where the files are", expected=_FORMATS, fix="--source FOLDER"
            )
        self._options = options
        self._recordings = list_recordings(options.source.expanduser())

    def identity(self) -> dict[str, str]:
        """Says that angles were imported; no model was run."""
        return {"model": "imported", "version": "", "model_hash": ""}

    def inputs(self, split: str, stem: str) -> tuple[Path, ...]:
        """The recording of a video; empty where there is none."""
        path = find_recording(self._recordings, split, stem)
        return () if path is None else (path,)

    def estimate(self, clip: Clip) -> Angles:
        """The recording's angles on the clip's frames. ItemError where there is none or it does not fit."""
        path = find_recording(self._recordings, clip.split, clip.stem)
        if path is None:
            raise ItemError("recording_missing", f"no file for {clip.split}/{clip.stem} below {self._options.source}")
        return import_recording(path, clip, self._options)


def import_recording(path: Path, clip: Clip, options: ExtractOptions) -> Angles:
    """The recording at `path` on the frames of `clip`.

    Times are the file's own, else the clip's, else those of options.source_fps.
    """
    recording = read_recording(path, options, clip.size)
    frames = len(recording.raw)
    time_s, origin = _times(recording, clip, options, path)
    details = {
        **recording.details,
        "recording": path.name,
        "recording_sha256": hash_file(path),
        "times": origin,
    }
    thinned = _sampled(time_s, options)
    picked = replace(
        recording,
        raw=recording.raw[thinned],
        observed=recording.observed[thinned],
        confidence=recording.confidence[thinned],
        root=recording.root[thinned],
    )
    return Angles(
        frame=np.arange(frames, dtype=np.int32)[thinned],
        time_s=time_s[thinned],
        raw=picked.raw,
        observed=picked.observed,
        confidence=picked.confidence,
        root=picked.root,
        subject=recording.subject,
        details=details,
        flags=recording.flags,
    )


def _times(recording: Recording, clip: Clip, options: ExtractOptions, path: Path) -> tuple[NDArray[np.float64], str]:
    frames = len(recording.raw)
    if recording.time_s is not None:
        time_s = recording.time_s - recording.time_s[0]
        if not np.isfinite(time_s).all() or (np.diff(time_s) <= 0).any():
            raise UserError("times do not rise from row to row", where=path, expected="seconds that rise")
        return time_s, "recording"
    if clip.frame_times is not None and options.times != "rate":
        if len(clip.frame_times) == frames:
            return clip.frame_times, "video"
        raise ItemError(
            "frame_count",
            f"{path.name} has {frames} frames, the video {len(clip.frame_times)}; a recording without times must "
            "have one row a frame of the video; --times rate --source-fps N takes a fixed frame rate instead",
        )
    return np.arange(frames) / options.source_fps, f"{options.source_fps:g} frames a second, as told"


def _sampled(time_s: NDArray[np.float64], options: ExtractOptions) -> NDArray[np.intp]:
    from qevd_bio.pose.backends.clips import select

    keep = select(options)
    return np.array([i for i, t in enumerate(time_s) if keep(i, float(t))], dtype=np.intp)
