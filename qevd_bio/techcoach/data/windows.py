"""Takes cut into windows, and which window a remark belongs to."""

from __future__ import annotations

from collections.abc import Sequence

from qevd_bio.egoexo.commentary import Comment
from qevd_bio.egoexo.takes import Take
from qevd_bio.techcoach.options import BuildOptions

Span = tuple[float, float]


def cut(take: Take, options: BuildOptions) -> list[Span]:
    """Non-overlapping windows (start, end) in seconds; what is left at the end and shorter than a window is dropped."""
    start, end = (take.start_s, take.end_s) if options.origin == "task" else (0.0, take.duration_s)
    # Times in the metadata are rounded: a thousandth of a second short is whole.
    count = int((end - start + 1e-3) / options.window_s)
    return [(start + n * options.window_s, start + (n + 1) * options.window_s) for n in range(max(count, 0))]


def remarks_by_window(comments: Sequence[Comment], spans: Sequence[Span], lag_s: float) -> list[list[Comment]]:
    """For each window the remarks whose time, less `lag_s`, lies in it; others belong to no window."""
    found: list[list[Comment]] = [[] for _ in spans]
    for comment in comments:
        time = comment.time_s - lag_s
        for place, (start, end) in enumerate(spans):
            if start <= time < end:
                found[place].append(comment)
                break
    return found


def meaningful(comments: Sequence[Comment], min_words: int) -> bool:
    """Whether at least one remark has so many words."""
    return any(len(comment.text.split()) >= min_words for comment in comments)


def instance_id(take: str, start_s: float) -> str:
    """Name of an instance: take and start in milliseconds; usable as a file name."""
    return f"{take}_{round(start_s * 1000):07d}".replace("/", "_")
