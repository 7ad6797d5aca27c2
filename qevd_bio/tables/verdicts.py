"""The verdict: one rule on one cycle and side. `qevd-bio analyze` writes it, every later stage reads it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from qevd_bio.tables.motion import ExerciseId, SegmentIndex, Split, Video
from qevd_bio.tables.rows import INF, NAN, Cell, RowTable, row

PASS, VIOLATION, NOT_SURE, NOT_JUDGED = "pass", "violation", "not_sure", "not_judged"
ERROR, TARGET, STATIC = "error", "target", "static"
DYNAMIC, STABLE = "dynamic", "stable"
"""The paper's two constraints: a joint against the reference at a key frame, and a joint that should not move."""
SPOKEN = (ERROR, DYNAMIC, STABLE)
"""What a coach can speak of; the others are measurements."""
STILL = (STATIC, STABLE)


@row
class Verdict:
    """One judged rule. Angles in degrees, lengths as shares of the stature, times in seconds.

    What was not measured is NaN, an open bound infinite. A form error's threshold holds its tolerance already;
    `tolerance` is granted beyond both bounds.
    """

    id: Annotated[str, Cell("split/video/segment/cycle/rule/side")]
    split: Split
    video: Video
    segment: SegmentIndex
    exercise: ExerciseId
    cycle: Annotated[int, Cell("number of the cycle within the segment")]
    verdict: Annotated[str, Cell("violation, pass, not_sure or not_judged, by `probability` and `recurrence`")]
    reason: Annotated[
        str | None,
        Cell("why not judged: not_observed, cut_off, no_key_frame, first_cycle, no_pause, no_frames, no_reference"),
    ] = None
    rule: Annotated[str, Cell("error:<id>, target:<id>, static:<joint>, dynamic:<joint>@<key frame> or stable:<joint>")]
    kind: Annotated[str, Cell("error, target or static; by the paper's constraints dynamic or stable")]
    joint: Annotated[str, Cell("anatomical joint that the rule is first about")]
    quantity: Annotated[str, Cell("what was measured, without its side")]
    side: Annotated[str, Cell("r, l or ''")]
    limb: Annotated[str, Cell("the exercise's word for that side: front, rear, kicking")]
    stat: Annotated[str, Cell("value, max, min, mean, range, std, rise, drop, symmetry")]
    key: Annotated[str, Cell("phrase of the key frame; '' for the whole cycle")]
    value: Annotated[float, Cell("measured; null where not judged", "unit", null=NAN)] = NAN
    low: Annotated[float, Cell("lower bound of the rule; null where open", "unit", null=-INF)] = -INF
    high: Annotated[float, Cell("upper bound of the rule; null where open", "unit", null=INF)] = INF
    deviation: Annotated[float, Cell("signed distance to low..high: negative = too little", "unit", null=NAN)] = NAN
    goal: Annotated[float, Cell("value to reach", "unit", null=NAN)] = NAN
    reference: Annotated[float, Cell("the same measure on the reference trajectory", "unit", null=NAN)] = NAN
    unit: Annotated[str, Cell("deg, ratio, fraction or s")]
    tolerance: Annotated[float, Cell("granted beyond both bounds", "unit")]
    tolerance_widened: Annotated[bool, Cell("because the camera sees the plane badly")] = False
    sigma: Annotated[
        float, Cell("standard deviation of the value's error; null where not judged", "unit", null=NAN)
    ] = NAN
    probability: Annotated[
        float, Cell("that the true value lies beyond the bounds; null where not judged", "0..1", null=NAN)
    ] = NAN
    recurrence: Annotated[
        float, Cell("that the mean of the repetitions so far lies beyond the bounds", "0..1", null=NAN)
    ] = NAN
    start_s: Annotated[float, Cell("of the cycle", "s")]
    end_s: Annotated[float, Cell("of the cycle", "s")]
    at_s: Annotated[float, Cell("from the video's first frame: the frame it was measured at", "s", null=NAN)] = NAN
    at_frame: Annotated[int | None, Cell("the same as frame of the video", "frame")] = None
    first_frame: Annotated[int | None, Cell("first frame that the value rests on", "frame")] = None
    last_frame: Annotated[int | None, Cell("last frame that the value rests on", "frame")] = None
    severity: Annotated[float, Cell("0 where not violated", "0..1")]
    persistence: Annotated[int, Cell("consecutive cycles with this violation")] = 0
    raised: Annotated[bool, Cell("what a coach would speak of: a form error that recurs or is grave")] = False
    confidence: Annotated[float, Cell("of kinematics and rule together", "0..1")]
    alarm: Annotated[str, Cell("hard, or soft: not raised unasked")]
    salient: Annotated[bool, Cell("whether one of the rule's joints is in J*")]
    source: Annotated[str, Cell("key of the rule's source")]
    rule_confidence: Annotated[str, Cell("high, medium or low")]

    @property
    def violated(self) -> bool:
        """Whether the rule was surely broken."""
        return self.verdict == VIOLATION

    @property
    def is_fault(self) -> bool:
        """Whether a coach would speak of this: a sure form error that recurs or is grave, or a broken constraint."""
        return self.violated and self.kind in SPOKEN and self.raised

    @property
    def more(self) -> bool:
        """Whether the goal lies above the value; False where either is not known."""
        return self.goal > self.value


VERDICTS = RowTable.of("verdicts", 3, Verdict, former=("violations",))


def faults_of(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The faults among verdicts, one a rule and cycle: of the two sides the graver one speaks for both."""
    worst: dict[tuple[str, str, int, int, str], Verdict] = {}
    for verdict in verdicts:
        if not verdict.is_fault:
            continue
        key = (verdict.split, verdict.video, verdict.segment, verdict.cycle, verdict.rule)
        known = worst.get(key)
        if known is None or verdict.severity > known.severity:
            worst[key] = verdict
    return list(worst.values())


def distance(value: float, low: float, high: float) -> float:
    """Signed distance of a value to the range low..high, 0 within."""
    return min(value - low, 0.0) + max(value - high, 0.0)
