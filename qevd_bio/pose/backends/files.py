"""The `files` backend: what another program has written, read and put on the video's frames."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.base import Angles, Clip, Landmarks, Points
from qevd_bio.pose.backends.times import on_video
from qevd_bio.pose.formats.opencap import is_session, session_files
from qevd_bio.pose.formats.probe import is_frame_folder
from qevd_bio.pose.formats.recording import Keypoints, Markers, Read, Recording
from qevd_bio.pose.formats.registry import Asked, Format, endings, known, recognise
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.hashing import hash_file

PREFIX = "HSMR-"
# What other programs add to a video's name.
_ADDED = re.compile(
    r"(_Sports2D)?(_(?:angles|m|px|markers|pose|ik|keypoints|json|results?|filt\w*|LSTM))*(_person_?\d+)?$",
    re.IGNORECASE,
)
_NOT_RECORDINGS = ("_timestamps.npy", "_features.npy")


def stem_of(path: Path) -> str:
    """The video's stem that a recording belongs to: its own name without HSMR's prefix."""
    return (path.name if path.is_dir() else path.stem).removeprefix(PREFIX)


def list_recordings(source: Path) -> dict[str, Path]:
    """Recordings by stem. `source` is one file, a folder of keypoint files, an OpenCap session, or a folder of any of
    these, with sub-folders named like the splits if need be. A folder of one JSON a frame is one recording.

    Raises UserError where there is none, or where two files belong to one stem.
    """
    if source.is_file():
        return {stem_of(source): source}
    if not source.is_dir():
        raise UserError("no such file or folder", where=source, expected=known(), fix="check --source")
    found: dict[str, Path] = {}
    for path in _candidates(source):
        stem = stem_of(path)
        key = stem if path in (source, source / path.name) else f"{path.parent.name}/{stem}"
        if key in found:
            raise UserError(
                f"two recordings for {key}: {found[key].name} and {path.name}",
                where=source,
                expected="one recording of each video",
                fix="leave the one that is meant in the folder, or name it with --source FILE",
            )
        found[key] = path
    if not found:
        raise UserError("holds no recording", where=source, expected=known())
    return found


def _candidates(source: Path) -> list[Path]:
    if is_session(source):
        return session_files(source)
    if is_frame_folder(source):
        return [source]
    found: list[Path] = []
    suffixes = endings()
    for path in sorted(source.iterdir()):
        if path.is_dir():
            found += _candidates(path)
        elif path.suffix.lower() in suffixes and not path.name.endswith(_NOT_RECORDINGS):
            found.append(path)
    return found


def find_recording(recordings: dict[str, Path], split: str, stem: str) -> Path | None:
    """The recording of a video: `<split>/<stem>` first, then `<stem>`, then the names that other programs make of it.

    Raises ItemError where several are left, one a person say.
    """
    exact = recordings.get(f"{split}/{stem}", recordings.get(stem))
    if exact is not None:
        return exact
    near = [path for key, path in recordings.items() if _ADDED.sub("", key.rsplit("/", 1)[-1]) == stem]
    if len(near) > 1:
        names = ", ".join(path.name for path in near[:4])
        raise ItemError("several_recordings", f"{names} all belong to {stem}; leave the one that is meant")
    return near[0] if near else None


def asked(options: ExtractOptions, size: tuple[int, int] | None) -> Asked:
    """What the options say about files that do not say it themselves."""
    return Asked(options.unit, options.spine, size, options.camera_pitch_deg or 0.0, options.source_fps, options.person)


def read_recording(path: Path, options: ExtractOptions, size: tuple[int, int] | None) -> Read:
    """One recording in whichever of the known formats. Raises UserError for others."""
    return recognise(path).read(path, asked(options, size))


class FilesBackend:
    """Reads the recording that belongs to a video; what it lacks stays unobserved."""

    name = "files"
    observes = "what the file holds; columns that are absent are marked unobserved"

    def __init__(self, options: ExtractOptions) -> None:
        if options.source is None:
            raise UserError(
                "the files backend needs to know where the files are", expected=known(), fix="--source FOLDER"
            )
        self._options = options
        self._source = options.source.expanduser()
        self._recordings = list_recordings(self._source)

    def _find(self, split: str, stem: str) -> Path | None:
        found = find_recording(self._recordings, split, stem)
        if found is None and self._source.is_dir():  # the folder may have grown since: a backend outlives a run
            self._recordings = list_recordings(self._source)
            found = find_recording(self._recordings, split, stem)
        return found

    def identity(self) -> dict[str, str]:
        """Says that angles were imported; no model was run."""
        return {"model": "imported", "version": "", "model_hash": ""}

    def inputs(self, split: str, stem: str) -> tuple[Path, ...]:
        """The files that a video's recording consists of; none where it is missing or not the only one."""
        try:
            path = self._find(split, stem)
        except ItemError:
            return ()
        if path is None:
            return ()
        return tuple(sorted(p for p in path.iterdir() if p.is_file())) if path.is_dir() else (path,)

    def estimate(self, clip: Clip) -> Angles | Landmarks | Points:
        """What the recording holds, on the clip's frames. ItemError where there is none or it does not fit."""
        path = self._find(clip.split, clip.stem)
        if path is None:
            raise ItemError("recording_missing", f"no file for {clip.split}/{clip.stem} below {self._options.source}")
        return import_recording(path, clip, self._options)


def import_recording(path: Path, clip: Clip, options: ExtractOptions) -> Angles | Landmarks | Points:
    """The recording at `path` on the frames of `clip`.

    Times are the file's own, else the clip's, else those of options.source_fps.
    """
    form: Format = recognise(path)
    read = form.read(path, asked(options, clip.size))
    timing = on_video(_frames(read), _own_times(read), clip, options, path)
    rows = timing.rows[_sampled(timing.time_s, options)]
    time_s, frame = timing.all_time_s[rows], timing.frame[rows]
    details = {
        **read.details,
        "format": form.name,
        "recording": path.name,
        "recording_sha256": "" if path.is_dir() else hash_file(path),
        "times": timing.origin,
    }
    flags = (*read.flags, *timing.flags)
    if isinstance(read, Markers):
        return Points(
            frame, time_s, read.names, read.values[rows], read.trust[rows], read.set, read.stature_m, details, flags
        )
    if isinstance(read, Keypoints):
        from qevd_bio.pose.backends.lift import to_landmarks

        picked = replace(read, values=read.values[rows])
        return to_landmarks(picked, frame, time_s, image_size(options) or clip.size, details, flags, path)
    return Angles(
        frame=frame,
        time_s=time_s,
        raw=read.raw[rows],
        observed=read.observed[rows],
        confidence=read.confidence[rows],
        root=read.root[rows],
        subject=read.subject,
        details=details,
        flags=flags,
    )


def image_size(options: ExtractOptions) -> tuple[int, int] | None:
    """The size that the user states as WIDTHxHEIGHT; None where it is not stated. Raises UserError for other text."""
    if not options.image_size:
        return None
    match = re.fullmatch(r"(\d{2,5})[xX×](\d{2,5})", options.image_size.strip())
    if match is None:
        raise UserError(f"--image-size {options.image_size}", expected="WIDTHxHEIGHT in pixels, such as 1920x1080")
    return int(match[1]), int(match[2])


def _frames(read: Read) -> int:
    return len(read.raw) if isinstance(read, Recording) else len(read.values)


def _own_times(read: Read) -> NDArray[np.float64] | NDArray[np.int32] | None:
    """Seconds, or the numbers of the video's frames, as the file states them."""
    if read.time_s is None and isinstance(read, Keypoints):
        return read.frame
    return read.time_s


def _sampled(time_s: NDArray[np.float64], options: ExtractOptions) -> NDArray[np.intp]:
    from qevd_bio.pose.backends.clips import select

    keep: Any = select(options)
    return np.array([i for i, t in enumerate(time_s) if keep(i, float(t))], dtype=np.intp)
