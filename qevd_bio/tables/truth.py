"""The tables of `truth/`: what was simulated, for checks alone. No stage reads them."""

from __future__ import annotations

from qevd_bio.store.columns import Column, Table

_PLACE = (
    Column("split", "string", "", "folder of the data set", nullable=False),
    Column("video", "string", "", "file name without suffix", nullable=False),
    Column("segment", "int32", "", "index of the exercise in the video", nullable=False),
    Column("exercise", "string", "", "id of the exercise", nullable=False),
)
_FROM_START = "from the video's first frame"

REPETITIONS = Table(
    "truth_repetitions",
    1,
    (
        *_PLACE,
        Column("repetition", "int32", "", "number within the exercise, from 0", nullable=False),
        Column("start_s", "float64", "s", _FROM_START, nullable=False),
        Column("end_s", "float64", "s", _FROM_START, nullable=False),
        Column(
            "key_s", "float64", "s", "extreme of the movement; of its right side if both take turns", nullable=False
        ),
        Column("other_key_s", "float64", "s", "extreme of the left side's turn; null for one-sided movements"),
        Column("units", "int32", "", "repetitions as people count this exercise", nullable=False),
        Column("hold", "bool", "", "a held position", nullable=False),
        Column("heading_deg", "float64", "deg", "where the body faces; 0 is the camera", nullable=False),
        Column("breaks", "list<string>", "", "form errors that were made on purpose", nullable=False),
    ),
)

JUDGEMENTS = Table(
    "truth_judgements",
    1,
    (
        *_PLACE,
        Column("repetition", "int32", "", "number within the exercise", nullable=False),
        Column("rule", "string", "", "error:<id> or target:<id>", nullable=False),
        Column("side", "string", "", "r, l or ''", nullable=False),
        Column("joint", "string", "", "first joint that the rule is about", nullable=False),
        Column("quantity", "string", "", "what was measured, without its side", nullable=False),
        Column("value", "float64", "unit", "measured on the true angles", nullable=False),
        Column("low", "float64", "unit", "lower bound with tolerance; null where open"),
        Column("high", "float64", "unit", "upper bound with tolerance; null where open"),
        Column("beyond", "float64", "unit", "signed distance past the nearest bound; 0 within", nullable=False),
        Column("unit", "string", "", "deg, ratio, fraction or s", nullable=False),
        Column("verdict", "string", "", "mistake (clearly), borderline or fine (clearly)", nullable=False),
        Column("on_purpose", "bool", "", "made on purpose; else it came along", nullable=False),
    ),
)

MISTAKES = Table(
    "truth_mistakes",
    1,
    (
        *_PLACE,
        Column("rule", "string", "", "id of the form error", nullable=False),
        Column("joint", "string", "", "first joint at fault", nullable=False),
        Column("direction", "string", "", "too_little or too_much", nullable=False),
        Column("size", "float64", "unit", "median distance past the threshold", nullable=False),
        Column("unit", "string", "", "deg, ratio, fraction or s", nullable=False),
        Column("first_repetition", "int32", nullable=False),
        Column("last_repetition", "int32", nullable=False),
        Column("begin_s", "float64", "s", _FROM_START, nullable=False),
        Column("end_s", "float64", "s", _FROM_START, nullable=False),
        Column("noticed_s", "float64", "s", "when the coach named it; null if never"),
        Column("corrected", "bool", "", "whether the person mended it after that", nullable=False),
    ),
)

FEEDBACKS = Table(
    "truth_feedbacks",
    1,
    (
        Column("split", "string", nullable=False),
        Column("video", "string", nullable=False),
        Column("span", "int32", "", "number of the feedback in the video", nullable=False),
        Column("segment", "int32", "", "null for the last announcement"),
        Column("exercise", "string"),
        Column("start_s", "float64", "s", _FROM_START, nullable=False),
        Column("text", "string", nullable=False),
        Column("kind", "string", "", "start, reminder, correct, again, acknowledge, count, …", nullable=False),
        Column(
            "intent", "string", "", "corrective, motivational, count, transition, reminder, summary", nullable=False
        ),
        Column(
            "body_parts", "list<string>", "", "named by the sentence's pattern; empty where not known", nullable=False
        ),
        Column("directions", "list<string>", "", "the same for directions", nullable=False),
        Column("repetition", "int32", "", "the repetition reacted to"),
        Column("rule", "string", "", "form error that a correction or acknowledgement is about"),
        Column("side", "string", "", "side with the larger mistake, '' for the whole body"),
        Column("quantity", "string", "", "what the ideal rewritten feedback measures"),
        Column("value", "float64", "unit", "its true value"),
        Column("goal", "float64", "unit", "the value to reach"),
        Column("unit", "string"),
        Column(
            "ideal",
            "string",
            "",
            "ideal rewritten feedback; the text itself where nothing is corrected",
            nullable=False,
        ),
    ),
)
