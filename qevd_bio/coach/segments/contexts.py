"""C_motion and C_morph of each feature step, from the contexts that `qevd-bio analyze` wrote."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qevd_bio.motion.context import Morph, Motion, fit, parse_motion, write_morph, write_motion
from qevd_bio.store.errors import ItemError
from qevd_bio.tables.by_video import by_segment
from qevd_bio.tables.motion import CONTEXTS
from qevd_bio.tables.workspace import Workspace

NOTHING = write_motion(Motion())
NOBODY = write_morph(Morph())


@dataclass(frozen=True)
class SegmentContexts:
    """Contexts of one segment in order of time (seconds from the video's first frame)."""

    times: tuple[float, ...]
    motion: tuple[str, ...]
    morph: tuple[str, ...]

    def at(self, times: Sequence[float]) -> tuple[list[str], list[str]]:
        """C_motion and C_morph that are known at each of `times`: the latest that is not later."""
        motion, morph = [], []
        for time in times:
            index = bisect.bisect_right(self.times, time + 1e-6) - 1
            motion.append(self.motion[index] if index >= 0 else NOTHING)
            morph.append(self.morph[max(index, 0)] if self.morph else NOBODY)
        return motion, morph


def fitted(text: str, room: int, count: Callable[[str], int]) -> str:
    """C_motion within `room` tokens as `count` counts them, shortened as `qevd-bio analyze` shortens it.

    Text that it did not write, and what is too long even so, stays as it is.
    """
    if count(text) <= room:
        return text
    try:
        return fit(parse_motion(text), room, count)[0]
    except ValueError:
        return text


def read_contexts(workspace: Workspace, split: str, video: str) -> dict[int, SegmentContexts]:
    """Contexts of a video by segment. ItemError where `qevd-bio analyze` has not made them."""
    path = workspace.contexts(split, video)
    if not path.is_file():
        raise ItemError("contexts_missing", f"{path}: no such file; qevd-bio extract, then qevd-bio analyze")
    return {
        segment: SegmentContexts(
            tuple(row.time_s for row in rows), tuple(row.motion for row in rows), tuple(row.morph for row in rows)
        )
        for (_, _, segment), rows in by_segment(CONTEXTS.load(path)).items()
    }
