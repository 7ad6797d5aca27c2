"""The tables that `qevd-bio analyze` writes."""

from __future__ import annotations

from qevd_bio.store.columns import Column, Table

_PLACE = (
    Column("split", "string", "", "folder of the data set; `videos` for a plain folder", nullable=False),
    Column("video", "string", "", "file name without suffix", nullable=False),
    Column("segment", "int32", "", "index of the segment in the video", nullable=False),
    Column("exercise", "string", "", "id of the exercise", nullable=False),
)
_FROM_START = "from the video's first frame"

CYCLES = Table(
    "cycles",
    1,
    (
        *_PLACE,
        Column("cycle", "int32", "", "number within the segment, from 0", nullable=False),
        Column("start_s", "float64", "s", f"{_FROM_START}; the movement leaves rest", nullable=False),
        Column("middle_s", "float64", "s", "end of the first half phase: key, or change of sides", nullable=False),
        Column("end_s", "float64", "s", "back at rest", nullable=False),
        Column("key_s", "float64", "s", "extreme of the (first) movement", nullable=False),
        Column("other_key_s", "float64", "s", "extreme of the other side; null for one-sided movements"),
        Column("reported_s", "float64", "s", "when a live coach knows of the cycle"),
        Column("side", "string", "", "r or l: first side of a two-sided cycle, or the key frame's side; else ''"),
        Column("halves", "int8", "", "half phases seen; 2 = whole", nullable=False),
        Column("partial", "string", "", "'', start, end, both (cut off there) or single (one side)", nullable=False),
        Column("units", "float64", "", "repetitions as people count this exercise", nullable=False),
        Column("amplitude_deg", "float64", "deg", "range of the representative signal", nullable=False),
        Column("signal", "string", "", "expression of the representative signal", nullable=False),
        Column("keys", "json", "", "key frames: name -> seconds from the video's first frame", nullable=False),
        Column("score", "float64", "0..1", "weighted similarity to the reference; null without a reference"),
        Column("cosine", "float64", "0..1", "similarity of the z-scored angles"),
        Column("pearson", "float64", "0..1", "mean correlation of the salient joints"),
        Column("velocity", "float64", "0..1", "similarity of the angles' changes"),
        Column("amplitude", "float64", "0..1", "likeness of the ranges of motion"),
        Column("best", "bool", "", "the segment's cycle with the highest score", nullable=False),
        Column("confidence", "float64", "0..1", "of the kinematics in the cycle", nullable=False),
        Column("salient", "list<string>", "", "joints J*", nullable=False),
        Column("salient_source", "string", "", "annotation, selector or exercise", nullable=False),
        Column("violations", "int32", "", "rules violated", nullable=False),
        Column("passed", "int32", "", "rules kept", nullable=False),
        Column("not_judged", "int32", "", "rules that could not be judged", nullable=False),
    ),
)

VIOLATIONS = Table(
    "violations",
    1,
    (
        Column("id", "string", "", "split/video/segment/cycle/rule/side", nullable=False),
        *_PLACE,
        Column("cycle", "int32", "", "number of the cycle within the segment", nullable=False),
        Column("verdict", "string", "", "violation, pass or not_judged", nullable=False),
        Column("reason", "string", "", "why not judged: not_observed, cut_off, no_key_frame, first_cycle, no_frames"),
        Column("rule", "string", "", "error:<id>, target:<id> or static:<joint>", nullable=False),
        Column("kind", "string", "", "error, target or static", nullable=False),
        Column("joint", "string", "", "anatomical joint that the rule is first about", nullable=False),
        Column("quantity", "string", "", "what was measured, without its side", nullable=False),
        Column("side", "string", "", "r, l or ''", nullable=False),
        Column("limb", "string", "", "the exercise's word for that side: front, rear, kicking", nullable=False),
        Column("stat", "string", "", "value, max, min, mean, range, std, rise, drop, symmetry", nullable=False),
        Column("key", "string", "", "phrase of the key frame; '' for the whole cycle", nullable=False),
        Column("value", "float64", "unit", "measured; null where not judged"),
        Column("low", "float64", "unit", "lower bound of the rule; null where open"),
        Column("high", "float64", "unit", "upper bound of the rule; null where open"),
        Column("deviation", "float64", "unit", "signed distance to low..high: negative = too little"),
        Column("goal", "float64", "unit", "value to reach"),
        Column("reference", "float64", "unit", "the same measure on the reference trajectory"),
        Column("unit", "string", "", "deg, ratio, fraction or s", nullable=False),
        Column("tolerance", "float64", "unit", "granted beyond both bounds", nullable=False),
        Column("tolerance_widened", "bool", "", "because the camera sees the plane badly", nullable=False),
        Column("start_s", "float64", "s", "of the cycle", nullable=False),
        Column("end_s", "float64", "s", "of the cycle", nullable=False),
        Column("at_s", "float64", "s", f"{_FROM_START}: the frame it was measured at"),
        Column("at_frame", "int32", "frame", "the same as frame of the video"),
        Column("first_frame", "int32", "frame", "first frame that the value rests on"),
        Column("last_frame", "int32", "frame", "last frame that the value rests on"),
        Column("severity", "float64", "0..1", "0 where not violated", nullable=False),
        Column("persistence", "int32", "", "consecutive cycles with this violation", nullable=False),
        Column("confidence", "float64", "0..1", "of kinematics and rule together", nullable=False),
        Column("alarm", "string", "", "hard, or soft: not raised unasked", nullable=False),
        Column("salient", "bool", "", "whether one of the rule's joints is in J*", nullable=False),
        Column("source", "string", "", "key of the rule's source", nullable=False),
        Column("rule_confidence", "string", "", "high, medium or low", nullable=False),
    ),
)

CONTEXTS = Table(
    "contexts",
    1,
    (
        *_PLACE,
        Column("step", "int32", "", "4 Hz feature step, from 0 in each segment", nullable=False),
        Column("time_s", "float64", "s", f"{_FROM_START}; nothing later is known to the context", nullable=False),
        Column("morph", "string", "", "C_morph", nullable=False),
        Column("motion", "string", "", "C_motion", nullable=False),
        Column("tokens", "int32", "", "estimated tokens of C_motion", nullable=False),
        Column("cycle", "int32", "", "last completed cycle, -1 before the first", nullable=False),
        Column("pose_known", "bool", "", "whether a pose is shown", nullable=False),
    ),
)

SEGMENT_RESULTS = Table(
    "motion_segments",
    1,
    (
        Column("split", "string", nullable=False),
        Column("video", "string", nullable=False),
        Column("segment", "int32", "", "index of the segment in the video", nullable=False),
        Column("exercise", "string", "", "id of the exercise; null where its name is not known"),
        Column("status", "string", "", "ok, or the reason why nothing was found", nullable=False),
        Column("detail", "string", "", "the reason in words"),
        Column("start_s", "float64", "s", _FROM_START, nullable=False),
        Column("end_s", "float64", "s", "null where the duration is not known"),
        Column("cycles", "int32", "", "cycles found", nullable=False),
        Column("units", "float64", "", "repetitions as people count this exercise", nullable=False),
        Column("signal", "string", "", "expression of the representative signal"),
        Column("rejected", "json", "", "what looked like a cycle and was not counted: reason -> number"),
        Column("pose_share", "float64", "0..1", "share of frames with a pose of their own"),
        Column("heading_deg", "float64", "deg", "0 faces the camera; null where no camera is known"),
    ),
)
