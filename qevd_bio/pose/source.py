"""What `qevd-bio extract` was pointed at: a data set, videos and folders of them, or recordings alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qevd_bio.dataset.opening import Dataset, open_dataset, open_videos
from qevd_bio.dataset.stage import Measure, write_segments
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.pose.stage import extract
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.work import RunOptions, Summary
from qevd_bio.tables.workspace import Workspace

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """Videos by `data` (a data set) or `videos` (files and folders), not both; what is known of them."""

    data: Path | None = None
    videos: Sequence[Path] = ()
    exercise: str | None = None
    participants: Path | None = None

    def dataset(self, user_refs: Path) -> Dataset | None:
        """The data set, None where nothing is named. Raises UserError as `open_dataset` and `open_videos` do."""
        if self.videos:
            return open_videos(self.videos, exercise=self.exercise, participants=self.participants, user_refs=user_refs)
        if self.data is not None:
            return open_dataset(self.data, exercise=self.exercise, participants=self.participants, user_refs=user_refs)
        if self.exercise or self.participants:
            raise UserError("--exercise and --participants belong to videos", fix="name the videos, or --data FOLDER")
        return None


def extract_source(source: Source, workspace: Workspace, options: ExtractOptions, run: RunOptions) -> Summary:
    """Write the table of exercises and the kinematics of every selected video.

    Where plain videos end is written down as they are extracted: to open thousands first would take minutes.
    Raises UserError where neither a data set nor videos are named and the backend is not `files`.
    """
    dataset = source.dataset(workspace.user_refs)
    if dataset is None and options.backend != "files":
        raise UserError(
            "no videos named",
            expected='files or folders, --data FOLDER, the variable QEVD_BIO_DATA, or data = "FOLDER" in qevd-bio.toml',
            fix="qevd-bio extract squats.mp4 --exercise squats",
        )
    if dataset is None:
        return extract(None, workspace, options, run)
    summary = extract(dataset, workspace, options, run, ready=lambda: _write_segments(dataset, workspace))
    write_segments(dataset, workspace, _known_from(summary, dataset), quick=True)
    return summary


def _write_segments(dataset: Dataset, workspace: Workspace) -> None:
    for problem in write_segments(dataset, workspace).problems:
        if problem.reason == "exercise_kept":
            _LOG.warning("note: %s: %s", problem.video, problem.detail)


def _known_from(summary: Summary, dataset: Dataset) -> Measure:
    """Frames and seconds of the videos that were extracted, and why others were not."""
    keys = {video.path: video.key for video in dataset.videos()}

    def known(path: Path) -> tuple[int, float] | None:
        key = keys[path]
        if key in summary.failed:
            raise ItemError(*summary.failed[key])
        found = summary.results.get(key, {}).get("video")
        return None if found is None else (int(found["frames"]), float(found["end_s"]))

    return known
