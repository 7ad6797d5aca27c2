"""The intent of each feedback: what `qevd-bio intent` found (and people reviewed), else the rules."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import cast

from qevd_bio.dataset.workout import Span
from qevd_bio.feedback.intent import Intent, Label, classify_intent
from qevd_bio.tables.annotations import INTENTS
from qevd_bio.tables.workspace import Workspace

# Coaches repeat themselves; a text is sorted once.
_by_rules = lru_cache(maxsize=100_000)(classify_intent)


class Intents:
    """Intents by feedback span. A row of the table counts only while its text is still that of the span."""

    def __init__(self, workspace: Workspace) -> None:
        self.path = workspace.annotation("intents")
        self._rows: dict[tuple[str, str, int], tuple[str, Intent]] = {}
        if self.path.is_file():
            for row in INTENTS.load(self.path):
                if row.intent:
                    intent = Intent(
                        cast(Label, row.intent),
                        tuple(row.body_parts or ()),
                        tuple(row.directions or ()),
                        row.confidence if math.isfinite(row.confidence) else 0.0,
                        row.method or "rules",
                        avoid=tuple(row.avoid or ()),
                    )
                    self._rows[row.split, row.video, row.span] = (row.text, intent)

    def of(self, split: str, video: str, span: Span) -> Intent:
        """The intent of one feedback."""
        text, intent = self._rows.get((split, video, span.index), ("", None))
        if intent is not None and text == span.text:
            return intent
        return _by_rules(span.text)
