"""What a judged rule is, and what the camera can be trusted to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

PASS, VIOLATION, NOT_JUDGED = "pass", "violation", "not_judged"
RULE_CONFIDENCE = {"high": 1.0, "medium": 0.8, "low": 0.6}


class Verdict(NamedTuple):
    """One rule on one cycle and side.

    rule      `error:knees_shallow`, `target:knee_depth`, `static:lumbar`
    value     measured, in `unit` (deg, ratio, fraction, s); NaN where not judged, with the `reason`
    low, high bounds of the rule (infinite where open); `tolerance` is granted beyond both, and `widened`
              says that the camera's view made it larger
    deviation signed distance to low..high, 0 within, negative = too little
    goal      the value to reach;  reference  the same measure on the reference trajectory, NaN without one
    key       key frame's phrase, "" for the whole cycle;  at, first, last  frames within the cycle
    severity  0..1;  persistence  consecutive cycles with this violation, this one included
    salient   whether one of the rule's joints is in the salient set
    """

    rule: str
    kind: str
    verdict: str
    reason: str
    joint: str
    quantity: str
    side: str
    limb: str
    stat: str
    key: str
    value: float
    low: float
    high: float
    deviation: float
    goal: float
    reference: float
    unit: str
    tolerance: float
    widened: bool
    first: int
    last: int
    at: int
    severity: float
    persistence: int
    confidence: float
    alarm: str
    salient: bool
    source: str
    rule_confidence: str


@dataclass(frozen=True)
class CameraView:
    """Where the camera stands: the subject's heading in degrees, 0 facing it; None where not known."""

    heading_deg: float | None = None

    def sees_badly(self, plane: str, within_deg: float) -> bool:
        """Whether the camera's axis lies nearly in the plane of the motion, so that depth hides it.

        A level camera looks along the transverse plane from everywhere.
        """
        if self.heading_deg is None:
            return False
        away = abs((self.heading_deg + 180.0) % 360.0 - 180.0)  # 0 front, 180 back
        if plane == "sagittal":
            return min(away, 180.0 - away) <= within_deg
        if plane == "frontal":
            return abs(away - 90.0) <= within_deg
        return plane == "transverse"


def distance(value: float, low: float, high: float) -> float:
    """Signed distance of a value to the range low..high, 0 within."""
    return min(value - low, 0.0) + max(value - high, 0.0)


def severity(weight: float, beyond: float, scale: float) -> float:
    """Half the rule's weight for any violation, the other half in proportion to how far it goes."""
    return weight * (0.5 + 0.5 * min(1.0, beyond / scale))
