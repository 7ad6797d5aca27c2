"""What a person needs to judge a correction: the picture at that moment, and the curve that it is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qevd_bio.annotation.frames import encode
from qevd_bio.annotation.options import FrameOptions
from qevd_bio.dataset.items import VideoItem
from qevd_bio.rewriting.audit import AuditCurve
from qevd_bio.rewriting.audit_stage import VideoCurves
from qevd_bio.rewriting.evidence import MotionTables
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.tables.rewritten import FeedbackRow
from qevd_bio.tables.verdicts import Verdict
from qevd_bio.tables.workspace import Workspace
from qevd_bio.video.reader import VideoReader

PICTURE = FrameOptions(count=1, size=260, quality=60)
_LATE_S = 1.0
"""A trainer speaks about this long after what is meant, where no measurement says when it was."""


@dataclass(frozen=True)
class Moment:
    """A correction with what was measured about it: of a kept one the rule that fits the words best.

    time_s   from the video's first frame: of the measurement, else shortly before the words
    picture  JPEG at that moment, b"" where there is none
    """

    row: FeedbackRow
    verdict: Verdict | None
    curve: AuditCurve | None
    time_s: float
    picture: bytes = b""


def moments(rows: Sequence[FeedbackRow], workspace: Workspace, videos: Iterable[VideoItem] = ()) -> Iterator[Moment]:
    """One moment a row, video by video; pictures where the video is among `videos` and can be read."""
    tables = MotionTables(workspace)
    items = {item.key: item for item in videos}
    by_video: dict[tuple[str, str], list[FeedbackRow]] = defaultdict(list)
    for row in rows:
        by_video[row.split, row.video].append(row)
    for (split, video), own in by_video.items():
        verdicts = tables.verdicts(split, video)
        path = workspace.kinematics(split, video)
        curves = VideoCurves(path) if path.is_file() else None
        found = [_moment(row, verdicts, curves) for row in own]
        item = items.get(f"{split}/{video}")
        pictures = {} if item is None else pictures_at(item, [one.time_s for one in found])
        for one in found:
            yield Moment(one.row, one.verdict, one.curve, one.time_s, pictures.get(one.time_s, b""))


def _moment(row: FeedbackRow, verdicts: Mapping[str, Verdict], curves: VideoCurves | None) -> Moment:
    names = [*(row.violation_ids or ()), *([row.closest] if row.closest else [])]
    verdict = next((verdicts[name] for name in names if name in verdicts), None)
    if verdict is None:
        return Moment(row, None, None, max(row.start_s - _LATE_S, 0.0))
    curve = None if curves is None else curves.curve(verdict)
    return Moment(row, verdict, curve, min(verdict.at_s, row.start_s))


def pictures_at(item: VideoItem, times_s: Sequence[float], options: FrameOptions = PICTURE) -> dict[float, bytes]:
    """JPEG of the first frame at or after each moment, in one pass; {} for a video that cannot be read."""
    pending = sorted(set(times_s))
    wanted = list(pending)

    def select(index: int, time_s: float) -> bool:
        due = bool(pending) and time_s >= pending[0] - 1e-6
        while pending and time_s >= pending[0] - 1e-6:
            pending.pop(0)
        return due

    found: dict[float, bytes] = {}
    try:
        item.check()
        with VideoReader(item.path, lying=item.lies_on_side, select=select) as video:
            for frame in video:
                data = encode(frame.image, options.size, options.quality)
                while wanted and wanted[0] <= frame.time_s + 1e-6:
                    found[wanted.pop(0)] = data
                if not wanted:
                    break
    except (ItemError, UserError):
        return {}
    return found
