"""What a training run lacks, all of it at once, before anything is computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from qevd_bio.coach.segments.data import SegmentSource
from qevd_bio.coach.vision.feature_files import stage_name
from qevd_bio.store.errors import UserError

_SHOWN = 3


def check_inputs(sources: Sequence[SegmentSource]) -> list[str]:
    """Lines about videos that lack something, while others do not; only whether files are there is looked at.

    UserError that names everything that is missing where no segment has all that is needed.
    """
    lacking: dict[str, Counter[str]] = {}
    usable = 0
    for source in sources:
        segment, own = source.segment, []
        if not source.features.exist:
            own.append(f"features (qevd-bio {_command(source)})")
        made_of = (source.workspace.contexts, source.workspace.kinematics)
        if source.reads.measured and not any(path(segment.split, segment.video).is_file() for path in made_of):
            own.append("contexts (qevd-bio extract, then qevd-bio analyze)")
        usable += not own
        for what in own:
            lacking.setdefault(what, Counter())[f"{segment.split}/{segment.video}"] += 1
    lines = []
    for what, videos in lacking.items():
        first = ", ".join(list(videos)[:_SHOWN]) + (", …" if len(videos) > _SHOWN else "")
        lines.append(f"{len(videos)} videos have no {what}: {first}")
    if sources and not usable:
        raise UserError(
            "no segment to train on:\n" + "\n".join(f"  {line}" for line in lines),
            where=sources[0].workspace.root,
            expected="everything that this list names, for the same videos",
            fix="make what is missing, in this order, and run the same command again",
        )
    return lines


def _command(source: SegmentSource) -> str:
    image = stage_name(source.sees.encoder) != "features"
    return "features --encoder image --weights FOLDER" if image else "features --weights FILE"
