"""One video of a data set, as the stages that read videos get it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qevd_bio.dataset.layout import BENCHMARK
from qevd_bio.dataset.names import Name
from qevd_bio.dataset.workout import Problem
from qevd_bio.store.errors import ItemError

# Benchmark videos up to this number are stored lying on their side.
LAST_LYING_VIDEO = 145


@dataclass(frozen=True)
class VideoItem:
    """One video of a data set; the file itself need not be there.

    `lies_on_side` asks for QEVD's own correction (90° clockwise, padded to a square), on top of what the file says
    about its rotation. `exercise` is known where it does not depend on the time in the video.
    """

    split: str
    stem: str
    path: Path
    timestamps_path: Path | None = None
    exercise: Name | None = None
    participant: str | None = None
    lies_on_side: bool = False
    problem: Problem | None = None

    @property
    def key(self) -> str:
        """`split/stem`: what names the video in work items and reports."""
        return f"{self.split}/{self.stem}"

    def check(self) -> None:
        """Raise ItemError where the video cannot be used: bad record, no such file, a folder in its place."""
        if self.problem is not None:
            raise ItemError(self.problem.reason, self.problem.detail)
        if self.path.is_dir():
            raise ItemError("video_is_folder", f"{self.path} is a folder, expected a video file")
        if not self.path.is_file():
            raise ItemError("video_missing", f"no such file: {self.path}")


def lies_on_its_side(split: str, stem: str) -> bool:
    """QEVD's rule: benchmark videos whose number is at most 145 are stored rotated."""
    return split == BENCHMARK and stem.isascii() and stem.isdigit() and int(stem) <= LAST_LYING_VIDEO
