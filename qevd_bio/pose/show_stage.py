"""`qevd-bio show`: finds the kinematics and the frames of one video and writes its pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from qevd_bio.dataset.opening import Dataset, VideoItem
from qevd_bio.pose.show import Band, Shot, choose_dofs, contact_sheet, curve_of, pick_rows, plot_curves
from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.names import safe_name
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.workspace import Workspace, is_table, video_of
from qevd_bio.video.reader import grab


def show(
    kinematics: Kinematics,
    out: Path,
    *,
    video: VideoItem | None = None,
    names: Sequence[str] = (),
    frames: int = 12,
    bands: Sequence[Band] = (),
) -> tuple[list[Path], str]:
    """Write `<stem>-angles.png` and `<stem>-frames.png` into `out`; returns them, and why frames are absent, if so.

    `names` are degrees of freedom or derived quantities, by default those that move most.
    """
    chosen = list(names) or choose_dofs(kinematics)
    if not chosen:
        raise UserError("no degree of freedom is observed", where=kinematics.video, fix="--dof NAME draws any")
    figure = plot_curves(kinematics, [curve_of(kinematics, name) for name in chosen], bands)
    angles_path, sheet_path = (out / f"{safe_name(kinematics.video)}-{part}.png" for part in ("angles", "frames"))
    with atomic_path(angles_path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
    shots, reason = _shots(kinematics, video, pick_rows(kinematics, frames))
    with atomic_path(sheet_path) as temporary:
        contact_sheet(kinematics, shots).save(temporary, format="png")
    return [angles_path, sheet_path], reason


def find_kinematics(workspace: Workspace, name: str) -> Path:
    """The kinematics that `name` means: a Parquet file, `split/stem`, a stem, or the path of a video.

    Raises UserError where there is none, or where several splits have such a stem.
    """
    given = Path(name).expanduser()
    if is_table(given) and given.is_file():
        return given
    folder = workspace.kinematics_folder
    known = {path: video_of(path) for path in workspace.all_kinematics()}
    stem = given.stem if given.suffix else given.name
    wanted: Sequence[Callable[[str, str], bool]] = (
        lambda split, video: f"{split}/{video}" == name,
        lambda split, video: video == given.name,
        lambda split, video: video == stem,
    )
    matches = ([path for path, key in known.items() if wants(*key)] for wants in wanted)
    found = next((paths for paths in matches if paths), [])
    if not found:
        raise UserError(
            f"no kinematics of {name!r}",
            where=folder,
            expected="a video that has been extracted, as 0007 or SPLIT/0007",
            fix="qevd-bio extract --data FOLDER --only " + stem,
        )
    if len(found) > 1:
        choices = ", ".join("/".join(known[path]) for path in found)
        raise UserError(f"{stem!r} is in several splits", where=folder, expected=f"one of {choices}")
    return found[0]


def find_video(dataset: Dataset | None, kinematics: Kinematics) -> VideoItem | None:
    """The video that the kinematics were made from, where the data set is named and has it."""
    videos = dataset.videos() if dataset is not None else []
    return next((v for v in videos if v.split == kinematics.split and v.stem == kinematics.video), None)


def _shots(kinematics: Kinematics, video: VideoItem | None, rows: list[int]) -> tuple[list[Shot], str]:
    if video is None:
        return [Shot(row, None) for row in rows], "the video is not at hand (--data FOLDER draws on its frames)"
    indices = [int(kinematics.frame[row]) for row in rows]
    try:
        found = grab(video.path, indices, rotate=kinematics.meta.get("rotate_deg"))
    except ItemError as error:
        return [Shot(row, None) for row in rows], str(error)
    mirrored = bool(kinematics.meta.get("mirrored"))
    images = {frame.index: np.ascontiguousarray(frame.image[:, ::-1]) if mirrored else frame.image for frame in found}
    return [Shot(row, images.get(index)) for row, index in zip(rows, indices, strict=True)], ""


def source_lines(kinematics: Kinematics) -> list[str]:
    """What a person should know about where the angles come from: format, unit and who stated it, flags in words."""
    source = kinematics.meta.get("source", {})
    lines = []
    if "source_unit" in source:
        lines.append(
            f"read from {source.get('recording', 'a recording')} ({source.get('source_format', 'unknown format')}): "
            f"angles in {source['source_unit']}, stated by {source.get('source_unit_stated_by', 'unknown')}"
        )
    for flag in kinematics.meta.get("flags", ()):
        if flag.get("detail"):
            lines.append(f"{flag['kind']}: {flag['detail']}")
    return lines
