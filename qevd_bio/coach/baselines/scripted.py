"""Coaches that neither see nor ask: the same phrases every few seconds, and C_motion read out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count, cycle, takewhile

from qevd_bio.dataset.workout import Segment
from qevd_bio.motion.context import parse_motion, write_rest

PHRASES = (
    "Great start, keep going!",
    "Nice work, stay with it!",
    "You're doing well, keep it up!",
    "Good effort, keep your form!",
    "Looking good, don't stop!",
    "Well done, nearly there!",
)


EVERY_S = 5.0
"""Seconds between two phrases: the average silence in QEVD (Table 2: 5.2 to 5.3 s)."""

Said = list[tuple[float, str]]
_ISSUES = "Form issues: "


def phrases(segment: Segment, every_s: float = EVERY_S) -> Said:
    """The same phrases in the same order every `every_s` seconds: the coach that every model must beat.

    Nothing for a segment whose end is not known.
    """
    if not segment.bounded:
        return []
    times = takewhile(lambda time: time < segment.duration_s, (step * every_s for step in count(1)))
    return list(zip(times, cycle(PHRASES), strict=False))


def first_issue(motion: str) -> str:
    """The gravest form issue of a C_motion as it stands there, "" for none."""
    issues = parse_motion(motion).issues[:1]
    if not issues:
        return ""
    line = write_rest(type(parse_motion(motion))(issues=issues)).split("\n")[-1]
    return line.removeprefix(_ISSUES)


def copy_context(times: Sequence[float], motions: Sequence[str], gap_s: float) -> Said:
    """What is said, given C_motion of each step (`times` in seconds from the segment's start).

    After each completed repetition its first issue is read out, at least `gap_s` after the last time.
    """
    said: Said = []
    last, cycles = -math.inf, 0
    for time, motion in zip(times, motions, strict=True):
        completed = parse_motion(motion).cycles
        text = first_issue(motion) if completed > cycles else ""
        cycles = max(cycles, completed)
        if text and time - last >= gap_s:
            said.append((time, text))
            last = time
    return said


def activities(times: Sequence[float], motions: Sequence[str]) -> list[tuple[float, str]]:
    """One line a second on what the user does, for a model that cannot see: from C_motion alone.

    A completed repetition without issue is good form; without one the exercise goes on.
    """
    lines: list[tuple[float, str]] = []
    next_s, cycles = 1.0, 0
    for time, motion in zip(times, motions, strict=True):
        if time + 1e-6 < next_s:
            continue
        next_s += 1.0
        found = parse_motion(motion)
        text = "The user is doing the exercise."
        if found.cycles > cycles:
            issue = first_issue(motion)
            text = f"{issue}" if issue else "The user has good form."
            cycles = found.cycles
        lines.append((time, text))
    return lines
