"""What one annotated picture shows, as plain data: made by a film or by a live session, drawn by `picture`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qevd_bio.tables.verdicts import ERROR, NOT_JUDGED, PASS, TARGET, Verdict

Mark = Literal["kept", "broken", "unsure"]
State = Literal["waiting", "counting", "resting"]
_STRONGEST: tuple[Mark, ...] = ("broken", "unsure", "kept")


@dataclass(frozen=True)
class Dial:
    """The key angle: at which joint ("knee_r"), its value in degrees, and the band that it should reach.

    `name` says it to people; `sure` is False where the value is too uncertain to be taken at its word.
    """

    joint: str
    value: float
    band: tuple[float, float] | None = None
    name: str = ""
    sure: bool = True


@dataclass(frozen=True)
class Scene:
    """One moment.

    landmarks  (33, 7) as in the kinematics, x and y in pixels, or None where nobody is seen
    sure       False for a pose that is only held: it is drawn half transparent
    marks      joint ("knee_r", "lumbar") -> what became of the rules about it
    count, unit  repetitions so far, and what they are called
    state      what the person is doing;  "" leaves it out
    sentence   what is being said, "" for nothing
    notice     large, in the middle of an otherwise empty picture: a countdown
    footnote   small: figures for the one who looks after the program
    """

    landmarks: NDArray[np.float32] | None = None
    sure: bool = True
    marks: Mapping[str, Mark] = field(default_factory=dict)
    dial: Dial | None = None
    count: float = 0.0
    unit: str = ""
    state: State | Literal[""] = ""
    sentence: str = ""
    notice: str = ""
    footnote: str = ""


def marks_of(verdicts: Iterable[Verdict]) -> dict[str, Mark]:
    """The joints that these verdicts judge: the worst of each.

    Form errors speak; where an exercise has none its targets do. A violation that neither recurs nor is grave is
    `unsure`, since no coach would speak of it.
    """
    judged = [v for v in verdicts if v.verdict != NOT_JUDGED and v.joint]
    told = [v for v in judged if v.kind == ERROR] or [v for v in judged if v.kind == TARGET]
    found: dict[str, set[Mark]] = {}
    for verdict in told:
        mark: Mark = "kept" if verdict.verdict == PASS else "unsure"
        if verdict.violated and (verdict.raised or verdict.kind == TARGET):
            mark = "broken"
        for joint in _joints(verdict):
            found.setdefault(joint, set()).add(mark)
    return {joint: next(mark for mark in _STRONGEST if mark in marks) for joint, marks in found.items()}


def _joints(verdict: Verdict) -> tuple[str, ...]:
    """The joint of its side; both where a paired joint has none."""
    name = verdict.joint
    bare = name[:-2] if name.endswith(("_r", "_l")) else name
    if bare not in PAIRED:
        return (bare,)
    return (f"{bare}_{verdict.side}",) if verdict.side in ("r", "l") else (f"{bare}_r", f"{bare}_l")


PAIRED = frozenset({"hip", "knee", "ankle", "subtalar", "mtp", "scapula", "shoulder", "elbow", "radioulnar", "wrist"})
