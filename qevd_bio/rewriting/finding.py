"""What was measured, as far as a coaching sentence needs it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One judged rule of one repetition. Angles in degrees, lengths as fractions of stature, times in seconds.

    verdict      "violation" or "pass"
    kind         "error" (a form error of the exercise), "target" or "static" (a joint that should be still)
    value, goal  measured value; value to reach (the nearest end of a target's range, a static joint's limit)
    unit         deg, ratio, fraction (of stature), s or count
    statistic    how the curve became one value: value, max, min, mean, range, std, rise, drop, symmetry
    phase        where in the repetition, in words ("at the bottom"); "" for the whole repetition
    salient      whether the rule concerns the salient joints J* (paper, Sec. 3.3)
    agrees       set by `agree.match`: how well it fits the trainer's words, 0..1
    """

    violation_id: str
    verdict: str
    kind: str
    rule: str
    cycle: int
    start_s: float
    end_s: float
    key_s: float
    quantity: str
    side: str
    limb: str
    statistic: str
    value: float
    goal: float
    unit: str
    phase: str
    joints: tuple[str, ...]
    parts: tuple[str, ...]
    directions: tuple[str, ...]
    severity: float
    persistence: int
    alarm: str
    salient: bool = True
    fix: str = ""
    rationale: str = ""
    says: tuple[str, ...] = ()
    agrees: float = 0.0
