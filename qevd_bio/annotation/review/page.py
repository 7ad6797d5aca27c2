"""A table as one self-contained page for reviewers, or as CSV. Text of models and data never becomes HTML.

Written without a template engine: the page is one fixed frame, and data enters it as JSON that its script sets as text.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.annotation.review.template import PAGE, SCRIPT, STYLE
from qevd_bio.feedback.intent import LABELS
from qevd_bio.tables.annotations import VALUE, IntentRow, Reviewed

FORMAT = "qevd-bio review 1"
REWRITING = "rewriting"
JUDGEMENTS = ("right", "wrong", "cannot tell")
"""What a person may say of a correction that was rewritten or kept."""
CHOICES: dict[str, tuple[str, ...]] = {
    "salient": JOINT_NAMES, "roles": ("static", "dynamic"), "intents": LABELS, REWRITING: JUDGEMENTS,
}  # fmt: skip
FACTS: dict[str, tuple[str, ...]] = {
    "salient": ("exercise", "standard", "expansions", "method", "model", "status", "reason"),
    "roles": ("shipped", "rule", "method", "model", "status", "reason"),
    "intents": ("body_parts", "directions", "confidence", "rule", "method", "model", "status", "reason"),
}
CSV_COLUMNS = ("key", "proposal", "about", "state", "value", "comment")
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def page_row(table: str, row: Reviewed) -> dict[str, Any]:
    """What the page shows of one row; `value` is what a reviewer decides about."""
    shown = [(name.replace("_", " "), getattr(row, name)) for name in FACTS[table]]
    facts = [[name, _words(value)] for name, value in shown if value not in (None, "", []) and value == value]
    if row.raw and row.status == "failed":
        facts.append(["raw reply", row.raw])
    text = row.text if isinstance(row, IntentRow) else ""
    return {"key": row.key, "value": getattr(row, VALUE[table]), "text": text, "facts": facts}


def _words(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    if isinstance(value, str) and value.startswith("{"):
        try:
            pairs = json.loads(value)
        except ValueError:
            return value
        return "; ".join(f"{name}: {reason}" for name, reason in pairs.items()) or "none"
    return str(value)


def render(table: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The whole page for rows of `page_row` (with `frames` as data URLs and `curves` where there are any)."""
    data = {
        "format": FORMAT,
        "table": table,
        "many": table == "salient",
        "choices": list(CHOICES[table]),
        "rows": list(rows),
    }
    text = json.dumps(data, ensure_ascii=True, allow_nan=False)
    for letter, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(letter, code)
    parts = {"style": STYLE, "script": SCRIPT, "data": text, "style_hash": _hash(STYLE), "script_hash": _hash(SCRIPT)}
    page = PAGE
    # One pass over the frame's own marks: what is put in is never looked at again.
    pieces = []
    for name in ("style_hash", "script_hash", "style", "data", "script"):
        before, page = page.split("{" + name + "}", 1)
        pieces += [before, parts[name]]
    return "".join([*pieces, page])


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def to_csv(table: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `page_row` as CSV with empty columns state, value and comment for the reviewer to fill."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in rows:
        about = "; ".join([row["text"], *(f"{name}: {value}" for name, value in row["facts"])]).strip("; ")
        cells = [row["key"], _words(row["value"] or ""), about, "", "", ""]
        writer.writerow([plain_cell(cell) for cell in cells])
    return buffer.getvalue()


def plain_cell(value: object) -> str:
    """`value` as a cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
