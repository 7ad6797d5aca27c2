"""The table of the rewritten data set: one row a feedback, kept, rewritten or unsupported."""

from __future__ import annotations

from qevd_bio.store.columns import Column, Table

REWRITTEN, KEPT, UNSUPPORTED = "rewritten", "kept", "unsupported"

FEEDBACKS = Table(
    "bio_feedbacks",
    1,
    (
        Column("split", "string", meaning="folder of the source data set", nullable=False),
        Column("video", "string", meaning="file name of the video without suffix", nullable=False),
        Column("participant", "string", meaning="person, where a participant map was given"),
        Column("span", "int32", meaning="number of the feedback span in the video", nullable=False),
        Column("segment", "int32", meaning="number of the exercise in the video; null outside every exercise"),
        Column("exercise", "string", meaning="id of the exercise"),
        Column("start_s", "float64", "s", "first frame of the feedback, from the video's start", False),
        Column("end_s", "float64", "s", "last frame of the feedback, from the video's start", False),
        Column("stamp_unix", "float64", "s", "the data set's own time of the feedback", False),
        Column("original", "string", meaning="text of the source data set", nullable=False),
        Column("text", "string", meaning="text of QEVD-bio-fit-coach", nullable=False),
        Column("status", "string", meaning="rewritten, kept (not corrective) or unsupported", nullable=False),
        Column("reason", "string", meaning="why an unsupported feedback keeps its words; empty otherwise"),
        Column("intent", "string", meaning="corrective, motivational, count, transition, reminder, summary"),
        Column("intent_method", "string", meaning="rules, llm or review"),
        Column("body_parts", "list<string>", meaning="body parts that the trainer named"),
        Column("directions", "list<string>", meaning="directions that the trainer named"),
        Column("cycle", "int32", meaning="the repetition that the new text is about"),
        Column("key_s", "float64", "s", "moment of the first cue's measurement, from the video's start"),
        Column("rules", "list<string>", meaning="rules behind the cues, most important first"),
        Column("violation_ids", "list<string>", meaning="rows of violations.parquet behind the text"),
        Column("numbers", "json", meaning="each number of the text: digits, violation_id, field"),
        Column("agreement", "float32", "0..1", "agreement of the first cue with the trainer's words"),
        Column("part_agrees", "bool", meaning="the first cue concerns a body part that the trainer named"),
        Column("contradicts", "bool", meaning="the first cue asks for the opposite of the trainer"),
        Column("policy", "string", meaning="supported or paper", nullable=False),
    ),
)
