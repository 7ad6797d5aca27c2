"""`--exercise auto`: name the exercise of plain videos and recordings from their kinematics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from qevd_bio.dataset.names import load_names
from qevd_bio.exercise.catalogue import load
from qevd_bio.motion.recognition.model import Recognised, load_model, recognise
from qevd_bio.store.errors import ItemError
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.segments import SEGMENTS, SegmentRow
from qevd_bio.tables.workspace import Workspace, video_of

AUTO = "auto"


@dataclass(frozen=True)
class RecognisedVideos:
    """Videos by "split/video": what was recognised, and why others were not, in words."""

    found: dict[str, Recognised]
    unsure: dict[str, str]

    def lines(self, workspace: Workspace) -> list[str]:
        """What a person should know: each named exercise with its probability."""
        names = load_names(workspace.user_refs).names
        return [f"{key}: {names[one.exercise]} ({one.probability:.0%})" for key, one in sorted(self.found.items())]


def recognise_videos(workspace: Workspace, only: Collection[str] | None = None) -> RecognisedVideos:
    """Name the exercise of each video whose exercise nobody has said, of `only` ("split/video") where they are given.

    Those that are sure go into the table of segments, as if they had been named. A video of several exercises keeps
    what its annotations say.
    """
    known, about = _table(workspace)
    found: dict[str, Recognised] = {}
    unsure: dict[str, str] = {}
    for path in workspace.all_kinematics():
        split, video = video_of(path)
        rows, key = known.get((split, video), []), f"{split}/{video}"
        said = any(row.exercise or row.exercise_written for row in rows)
        if said or len(rows) > 1 or (only is not None and key not in only):
            continue
        try:
            one = _recognised(path, workspace)
        except ItemError as error:
            unsure[key] = error.detail
            continue
        if one.sure:
            found[key] = one
            known[split, video] = [_named(rows, split, video, one.exercise, workspace)]
        else:
            unsure[key] = doubt(one, video, workspace)
    if found:
        rows = [row for own in known.values() for row in own]
        SEGMENTS.save(workspace.segments, rows, metadata=about)
        SEGMENTS.save_csv(workspace.segments.with_suffix(".csv"), rows)
    return RecognisedVideos(found, unsure)


def doubt(one: Recognised, video: str, workspace: Workspace) -> str:
    """The question in words: what it may be, and how to say it."""
    names = load_names(workspace.user_refs).names
    likely = " or ".join(f"{names[name]} ({share:.0%})" for name, share in one.candidates[:2])
    return f"not sure which exercise this is: {likely}? Say it with --exercise {one.exercise}"


def _recognised(path: Path, workspace: Workspace) -> Recognised:
    kinematics = Kinematics.read(path)
    shipped = load_model().exercises
    own = [e for e in load((workspace.user_refs / "exercises",)).values() if e.id not in shipped]
    return recognise(kinematics.angles, kinematics.time_s, kinematics.valid, own, workspace.user_refs)


def _table(workspace: Workspace) -> tuple[dict[tuple[str, str], list[SegmentRow]], dict[str, object]]:
    """Rows of the table of segments by video, and what it says of itself; empty without one."""
    if not workspace.segments.is_file():
        return {}, {}
    rows: dict[tuple[str, str], list[SegmentRow]] = {}
    for row in SEGMENTS.load(workspace.segments):
        rows.setdefault((row.split, row.video), []).append(row)
    return rows, dict(SEGMENTS.read_metadata(workspace.segments)["metadata"])


def _named(rows: list[SegmentRow], split: str, video: str, exercise: str, workspace: Workspace) -> SegmentRow:
    name = load_names(workspace.user_refs).names[exercise]
    row = rows[0] if rows else SegmentRow(split=split, video=video, segment=0, start_s=0.0, feedbacks=0)
    return replace(row, exercise=exercise, exercise_name=name, exercise_written=name)
