"""The tables of this room: salient joints, joint roles, intents, and people's decisions on them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qevd_bio.store.columns import Column, Table
from qevd_bio.tables.workspace import Workspace

_PROVENANCE = (
    Column("status", "string", "", "ok, or failed", nullable=False),
    Column("reason", "string", "", "why it failed, for counting"),
    Column("method", "string", "", "rules, vlm or llm", nullable=False),
    Column("model", "string", "", "the server's own name of the model"),
    Column("prompt_hash", "string", "", "hash of the filled prompt"),
    Column("raw", "string", "", "the model's reply as it came"),
)
_REVIEW = (
    Column("review_state", "string", "", "proposed, accepted, changed or rejected", nullable=False),
    Column("reviewer", "string", "", "who decided last"),
    Column("reviewed_at", "string", "", "when, ISO 8601 with zone"),
    Column("comment", "string", "", "the reviewer's words"),
)

SALIENT = Table(
    "salient",
    1,
    (
        Column("split", "string", nullable=False),
        Column("video", "string", nullable=False),
        Column("segment", "int32", "", "index of the segment in its video", nullable=False),
        Column("exercise", "string", "", "id of the exercise"),
        Column("joints", "list<string>", "", "salient joints, in the order of the 24 joints"),
        Column("vector", "list<uint8>", "", "24 values, 1 where the joint is salient; null where the row failed"),
        Column("standard", "list<string>", "", "the exercise's standard set"),
        Column("expansions", "json", "", "reason for each joint beyond the standard set"),
        Column("proposed", "list<string>", "", "joints before a reviewer changed them"),
        Column("frame_times_s", "list<float64>", "s", "frames shown, from the video's first frame"),
        *_PROVENANCE,
        *_REVIEW,
    ),
)
ROLES = Table(
    "roles",
    1,
    (
        Column("exercise", "string", nullable=False),
        Column("joint", "string", "", "one of the 24 joints", nullable=False),
        Column("role", "string", "", "static or dynamic; null where the row failed"),
        Column("rule", "string", "", "variance (static) or key_frame (dynamic)"),
        Column("shipped", "string", "", "role in the shipped table"),
        Column("proposed", "string", "", "role before a reviewer changed it"),
        *_PROVENANCE,
        *_REVIEW,
    ),
)
INTENTS = Table(
    "intents",
    1,
    (
        Column("split", "string", nullable=False),
        Column("video", "string", nullable=False),
        Column("span", "int32", "", "index of the feedback span in its video", nullable=False),
        Column("segment", "int32", "", "index of its segment; null outside all segments"),
        Column("time_s", "float64", "s", "from the video's first frame", nullable=False),
        Column("text", "string", "", "the feedback", nullable=False),
        Column("intent", "string", "", "corrective, motivational, count, transition, reminder or summary"),
        Column("body_parts", "list<string>", "", "parts named, with the person's own side"),
        Column("directions", "list<string>", "", "directions named, wanted or not"),
        Column("avoid", "list<string>", "", "those of the directions that are named as the mistake"),
        Column("confidence", "float64", "0..1", "of the rules"),
        Column("rule", "string", "", "the rule that decided"),
        Column("proposed", "string", "", "intent before a reviewer changed it"),
        *_PROVENANCE,
        *_REVIEW,
    ),
)
REVIEWS = Table(
    "reviews",
    1,
    (
        Column("table", "string", "", "salient, roles or intents", nullable=False),
        Column("key", "string", "", "the row: its key columns joined by /", nullable=False),
        Column("reviewer", "string", nullable=False),
        Column("state", "string", "", "accepted, changed or rejected", nullable=False),
        Column("value", "json", "", "what the reviewer says is right"),
        Column("comment", "string"),
        Column("at", "string", "", "when, ISO 8601 with zone", nullable=False),
    ),
)

TABLES: dict[str, Table] = {"salient": SALIENT, "roles": ROLES, "intents": INTENTS}
KEYS: dict[str, tuple[str, ...]] = {
    "salient": ("split", "video", "segment"),
    "roles": ("exercise", "joint"),
    "intents": ("split", "video", "span"),
}
# The column that a reviewer decides about.
VALUE: dict[str, str] = {"salient": "joints", "roles": "role", "intents": "intent"}
UNREVIEWED: Mapping[str, Any] = {"review_state": "proposed", "reviewer": None, "reviewed_at": None, "comment": None}


def table_path(workspace: Workspace, name: str, method: str = "") -> Path:
    """`annotations/<name>.parquet`, or one method's own file beside it."""
    return workspace.annotations / (f"{name}-{method}.parquet" if method else f"{name}.parquet")


def row_key(name: str, row: Mapping[str, Any]) -> str:
    """What names a row of a table in reviews."""
    return "/".join(str(row[column]) for column in KEYS[name])
