"""`copy-context`: reads out the first form issue of C_motion. How much of a score is copying?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from qevd_bio.motion.context import parse_motion, write_rest

Said = list[tuple[float, str]]
_ISSUES = "Form issues: "


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
