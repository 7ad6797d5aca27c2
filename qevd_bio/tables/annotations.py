"""The tables of the annotations: salient joints, joint roles, intents, and people's decisions on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from qevd_bio.tables.rows import NAN, Cell, RowTable, row

PROPOSED = "proposed"


@row
class Reviewed:
    """Where an annotation comes from, and what people decided about it."""

    status: Annotated[str, Cell("ok, or failed")]
    reason: Annotated[str | None, Cell("why it failed, for counting")] = None
    method: Annotated[str, Cell("rules, vlm, llm or selector")]
    model: Annotated[str | None, Cell("the server's own name of the model")] = None
    prompt_hash: Annotated[str | None, Cell("hash of the filled prompt")] = None
    raw: Annotated[str | None, Cell("the model's reply as it came")] = None
    review_state: Annotated[str, Cell("proposed, accepted, changed or rejected")] = PROPOSED
    reviewer: Annotated[str | None, Cell("who decided last")] = None
    reviewed_at: Annotated[str | None, Cell("when, ISO 8601 with zone")] = None
    comment: Annotated[str | None, Cell("the reviewer's words")] = None

    @property
    def key(self) -> str:
        """What names the row in reviews."""
        raise NotImplementedError


@row
class SalientRow(Reviewed):
    """The salient joints of one segment."""

    split: str
    video: str
    segment: Annotated[int, Cell("index of the segment in its video")]
    exercise: Annotated[str | None, Cell("id of the exercise")] = None
    joints: Annotated[Sequence[str] | None, Cell("salient joints, in the order of the 24 joints")] = None
    vector: Annotated[
        Sequence[int] | None,
        Cell("24 values, 1 where the joint is salient; null where the row failed", type="list<uint8>"),
    ] = None
    standard: Annotated[Sequence[str] | None, Cell("the exercise's standard set")] = None
    expansions: Annotated[str | None, Cell("reason for each joint beyond the standard set", type="json")] = None
    since: Annotated[
        str | None,
        Cell("joint -> seconds from the video's first frame at which it was seen to matter; a joint without a time "
             "holds for the whole segment", type="json"),
    ] = None  # fmt: skip
    proposed: Annotated[Sequence[str] | None, Cell("joints before a reviewer changed them")] = None
    frame_times_s: Annotated[Sequence[float] | None, Cell("frames shown, from the video's first frame", "s")] = None

    @property
    def key(self) -> str:
        """What names the row in reviews."""
        return f"{self.split}/{self.video}/{self.segment}"


@row
class RoleRow(Reviewed):
    """Whether one joint should move or be still in one exercise."""

    exercise: str
    joint: Annotated[str, Cell("one of the 24 joints")]
    role: Annotated[str | None, Cell("static or dynamic; null where the row failed")] = None
    rule: Annotated[str | None, Cell("variance (static) or key_frame (dynamic)")] = None
    shipped: Annotated[str | None, Cell("role in the shipped table")] = None
    proposed: Annotated[str | None, Cell("role before a reviewer changed it")] = None

    @property
    def key(self) -> str:
        """What names the row in reviews."""
        return f"{self.exercise}/{self.joint}"


@row
class IntentRow(Reviewed):
    """What one feedback is about."""

    split: str
    video: str
    span: Annotated[int, Cell("index of the feedback span in its video")]
    segment: Annotated[int | None, Cell("index of its segment; null outside all segments")] = None
    time_s: Annotated[float, Cell("from the video's first frame", "s")]
    text: Annotated[str, Cell("the feedback")]
    intent: Annotated[str | None, Cell("corrective, motivational, count, transition, reminder or summary")] = None
    body_parts: Annotated[Sequence[str] | None, Cell("parts named, with the person's own side")] = None
    directions: Annotated[Sequence[str] | None, Cell("directions named, wanted or not")] = None
    avoid: Annotated[Sequence[str] | None, Cell("those of the directions that are named as the mistake")] = None
    confidence: Annotated[float, Cell("of the rules", "0..1", null=NAN)] = NAN
    rule: Annotated[str | None, Cell("the rule that decided")] = None
    proposed: Annotated[str | None, Cell("intent before a reviewer changed it")] = None

    @property
    def key(self) -> str:
        """What names the row in reviews."""
        return f"{self.split}/{self.video}/{self.span}"


@row
class ReviewRow:
    """One decision of one reviewer on one row."""

    table: Annotated[str, Cell("salient, roles, intents or rewriting")]
    key: Annotated[str, Cell("the row: its key columns joined by /")]
    reviewer: str
    state: Annotated[str, Cell("accepted, changed or rejected")]
    value: Annotated[str | None, Cell("what the reviewer says is right", type="json")] = None
    comment: str | None = None
    at: Annotated[str, Cell("when, ISO 8601 with zone")]


SALIENT = RowTable.of("salient", 2, SalientRow)
ROLES = RowTable.of("roles", 1, RoleRow)
INTENTS = RowTable.of("intents", 1, IntentRow)
REVIEWS = RowTable.of("reviews", 1, ReviewRow)

TABLES: Mapping[str, RowTable[Any]] = {"salient": SALIENT, "roles": ROLES, "intents": INTENTS}
VALUE: Mapping[str, str] = {"salient": "joints", "roles": "role", "intents": "intent"}
"""The column that a reviewer decides about."""
