"""Which of the known layouts lies at a path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qevd_bio.dataset import folder, qevd, short_clips
from qevd_bio.store.errors import UserError

BENCHMARK = "QEVD-FIT-COACH-Benchmark"
TRAIN = "QEVD-FIT-COACH"
LAYOUTS = (
    f"a folder with {TRAIN} and/or {BENCHMARK}, one of these itself, QEVD-FIT-300K short clips, or a folder of videos"
)


def recognise(root: Path) -> tuple[str, dict[str, Path]]:
    """The kind of data set ("qevd", "short_clips", "videos") and the folder of each split.

    Raises UserError that says what was found instead, and where the data set might be.
    """
    if root.is_file():
        if folder.is_video(root):
            return "videos", {folder.SPLIT: root}
        raise UserError("this is a file", where=root, expected=LAYOUTS, fix=f"perhaps --data {root.parent}")
    if root.name == qevd.VIDEOS and (root.parent / qevd.ANNOTATIONS).exists():
        raise UserError("this is the video folder of a split", where=root, fix=f"--data {root.parent}")
    if _is_split(root):
        return "qevd", {root.name: root}
    try:
        children = sorted(child for child in root.iterdir() if child.is_dir())
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", where=root, expected=LAYOUTS) from error
    splits = {child.name: child for child in children if _is_split(child)}
    if splits:
        return "qevd", splits
    if short_clips.is_root(root):
        return "short_clips", {short_clips.SPLIT: root}
    if any(folder.is_video(file) for file in root.iterdir()):
        return "videos", {folder.SPLIT: root}
    raise _nothing_here(root, children)


def _is_split(path: Path) -> bool:
    return (path / qevd.ANNOTATIONS).exists() or (path / qevd.VIDEOS).is_dir()


def _nothing_here(root: Path, children: Sequence[Path]) -> UserError:
    for child in children:
        if any(_is_split(inner) for inner in child.iterdir() if inner.is_dir()) or any(
            folder.is_video(file) for file in child.iterdir()
        ):
            return UserError(
                "no videos or annotations here, but one folder further down",
                where=root,
                expected=LAYOUTS,
                fix=f"--data {child}",
            )
    found = ", ".join(sorted(entry.name for entry in root.iterdir())[:6]) or "nothing"
    return UserError(f"no data set here; found {found}", where=root, expected=LAYOUTS)
