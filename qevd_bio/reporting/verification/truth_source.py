"""A truth to compare with: which file belongs to which video, and its angles whatever format they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOFS
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.backends.files import find_recording, list_recordings
from qevd_bio.pose.fit.points import fit_points
from qevd_bio.pose.formats.recording import Keypoints, Markers, Recording
from qevd_bio.pose.formats.registry import Asked, recognise
from qevd_bio.pose.formats.writers.export import skeleton_of
from qevd_bio.store.columns import file_metadata
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.tables.by_video import VideoKey
from qevd_bio.tables.kinematics import KINEMATICS, Kinematics
from qevd_bio.tables.workspace import SUFFIX

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """What is taken as true of one video: T frames.

    time_s (T,) on the file's own clock; None where it has none: frame k then is the video's frame k. angles (T, 46)
    radians, NaN where the file does not hold them. camera_heading_deg: where the camera stands, None where not known.
    """

    format: str
    time_s: Float | None
    angles: Float
    skeleton: Skeleton
    camera_heading_deg: float | None = None


def list_truth(source: Path) -> dict[str, Path]:
    """Files of truth by `split/stem` or stem; of a simulated data set, or its truth/, the true kinematics.

    Raises UserError where there is none.
    """
    if not source.exists():
        raise UserError("no such file or folder", where=source, fix="check --against")
    inside = (source / "truth" / "kinematics", source / "kinematics")
    folder = next((path for path in inside if path.is_dir()), source)
    try:
        return list_recordings(folder)
    except UserError as error:
        problem = "holds no truth that can be read" if error.problem == "holds no recording" else error.problem
        raise UserError(
            problem, where=source, expected=error.expected,
            fix="name the file or folder with --against: truth/ of a simulated data set, .mot, .trc, .c3d, kinematics",
        ) from error  # fmt: skip


def pair(found: Mapping[str, Path], source: Path, videos: Sequence[VideoKey]) -> dict[VideoKey, Path | ItemError]:
    """Video -> its file, or why it cannot be told which. A single file goes with a single video whatever its name.

    Raises UserError where nothing pairs.
    """
    pairs: dict[VideoKey, Path | ItemError] = {}
    for split, stem in videos:
        try:
            path = find_recording(dict(found), split, stem)
        except ItemError as error:
            pairs[split, stem] = error
            continue
        if path is not None:
            pairs[split, stem] = path
    if not pairs and len(found) == 1 and len(videos) == 1:
        pairs[videos[0]] = next(iter(found.values()))
    if not pairs:
        have = ", ".join("/".join(key) for key in videos[:3]) + (", …" if len(videos) > 3 else "")
        files = ", ".join(list(found)[:3]) + (", …" if len(found) > 3 else "")
        raise UserError(
            f"no kinematics of a video with this name ({files})", where=source, expected=f"a name among {have}",
            fix="qevd-bio extract for that video; or one file for one video: --against FILE --only VIDEO",
        )  # fmt: skip
    return pairs


def read_truth(path: Path) -> Truth:
    """One file in any format that a reader knows. Raises UserError or ItemError where it holds no angles in space."""
    if path.suffix == SUFFIX and path.is_file() and file_metadata(path).get("table") == KINEMATICS.name:
        return _own(Kinematics.read(path))
    form = recognise(path)
    read = form.read(path, Asked())
    if isinstance(read, Keypoints):
        raise UserError(
            "holds 2D keypoints, which are no truth of joint angles", where=path,
            expected="joint angles or markers in space (.mot, .trc, .c3d, kinematics of qevd-bio)",
        )  # fmt: skip
    if isinstance(read, Markers):
        return _fitted(read, form.name, path)
    return _recorded(read, form.name)


def _own(kinematics: Kinematics) -> Truth:
    known = kinematics.observed & kinematics.valid[:, None]
    heading = kinematics.meta.get("camera_heading_deg")
    if heading is None and "heading_deg" in (kinematics.meta.get("view") or {}):
        # extracted angles have their heading to the camera already
        heading = 0.0
    return Truth(
        "kinematics",
        kinematics.time_s,
        _continuous(np.where(known, kinematics.angles.astype(np.float64), np.nan)),
        skeleton_of(kinematics),
        None if heading is None else float(heading),
    )


def _recorded(read: Recording, name: str) -> Truth:
    known = read.observed & (read.confidence > 0)[:, None]
    return Truth(name, read.time_s, _continuous(np.where(known, read.raw, np.nan)), Skeleton.from_stature())


def _fitted(read: Markers, name: str, path: Path) -> Truth:
    if read.time_s is None:
        raise UserError("states no times", where=path, expected="a frame rate or times in the file")
    fit = fit_points(read.values, read.names, read.trust, read.set, read.time_s, read.stature_m)
    angles = _continuous(np.where(fit.observed, fit.raw, np.nan))
    return Truth(name, read.time_s, angles, Skeleton.from_stature().with_lengths(dict(fit.skeleton_lengths)))


def _continuous(angles: Float) -> Float:
    """Angles (T, 46) without jumps by a full turn, so that values between two frames make sense."""
    angles = angles.copy()
    for dof in DOFS:
        known = np.isfinite(angles[:, dof.index])
        angles[known, dof.index] = np.unwrap(angles[known, dof.index])
    return angles
