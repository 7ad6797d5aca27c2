"""Reading reviewers' decisions back: the page's JSON file or a filled CSV, each entry checked."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qevd_bio.annotation.review.decisions import STATES
from qevd_bio.annotation.review.page import CHOICES, CSV_COLUMNS, FORMAT
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import why_unreadable
from qevd_bio.tables.annotations import ReviewRow

MAX_BYTES = 100_000_000
MAX_COMMENT = 5000
MAX_NAME = 100


def read_decisions(
    path: Path, table: str | None, reviewer: str | None, known: Mapping[str, Iterable[str]]
) -> list[ReviewRow]:
    """Decisions as rows of the reviews table. `known` gives the keys of each table's rows.

    A JSON file says its table and reviewer itself; for a CSV they are given. Raises UserError that names the entry.
    """
    text = read_text(path)
    if path.suffix.lower() == ".csv":
        entries, moment = _csv_entries(text, path), datetime.now(UTC).isoformat(timespec="seconds")
    else:
        entries, table, reviewer = _json_entries(text, path, table, reviewer)
        moment = ""
    name = (reviewer or "").strip()
    if not name or len(name) > MAX_NAME:
        raise UserError(
            "no reviewer named", where=path, expected="--reviewer NAME, or a name in the page before saving"
        )
    if table is None or table not in known:
        raise UserError(f"no table {table!r}", where=path, expected=f"--table {', '.join(known)}")
    keys = set(known[table])
    if not keys:
        raise UserError(f"there is no table {table!r} in this workspace yet", where=path, fix="make it, then import")
    return [_decision(entry, f"{path}: {place}", table, name, keys, moment) for place, entry in entries]


def read_text(path: Path) -> str:
    """The text of a file that a person saved; UserError where it is too large or no UTF-8 text."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"larger than {MAX_BYTES:,} bytes", where=path, expected="a saved review")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(why_unreadable(error), where=path, expected="a saved review") from error


def _json_entries(
    text: str, path: Path, table: str | None, reviewer: str | None
) -> tuple[list[tuple[str, dict[str, Any]]], str, str]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError("is not JSON", where=path, expected="the file that the review page saves") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("decisions"), list):
        raise UserError("is not a saved review", where=path, expected=f'a JSON file with "format": "{FORMAT}"')
    if table is not None and data.get("table") != table:
        raise UserError(f"is about the table {data.get('table')!r}", where=path, expected=f"decisions on {table}")
    entries = [(f"decision {number}", entry) for number, entry in enumerate(data["decisions"], 1)]
    return entries, str(data.get("table")), reviewer or str(data.get("reviewer") or "")


def _csv_entries(text: str, path: Path) -> list[tuple[str, dict[str, Any]]]:
    reader = csv.DictReader(text.splitlines())
    if not {"key", "state"} <= set(reader.fieldnames or ()):
        raise UserError("has no columns key and state", where=path, expected=f"columns {', '.join(CSV_COLUMNS)}")
    entries = []
    for number, row in enumerate(reader, 2):
        cells = {name: (value or "").removeprefix("'") for name, value in row.items() if isinstance(value, str)}
        if cells.get("state", "").strip():
            value = [part.strip() for part in cells.get("value", "").split(",") if part.strip()]
            entries.append((f"line {number}", {**cells, "state": cells["state"].strip().lower(), "value": value}))
    return entries


def _decision(entry: Any, where: str, table: str, reviewer: str, keys: set[str], moment: str) -> ReviewRow:
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str):
        raise UserError("has no key", where=where, expected="an entry with key, state, value, comment, at")
    if entry["key"] not in keys:
        raise UserError(f"there is no row {entry['key'][:100]!r}", where=where, expected=f"a key of the table {table}")
    state = entry.get("state")
    if state not in STATES:
        raise UserError(f"unknown state {str(state)[:40]!r}", where=where, expected=", ".join(STATES))
    comment = entry.get("comment") or ""
    if not isinstance(comment, str) or len(comment) > MAX_COMMENT:
        raise UserError("the comment is no text or too long", where=where, expected=f"at most {MAX_COMMENT} characters")
    value = _value(entry.get("value"), table, where) if state == "changed" else None
    return ReviewRow(
        table=table,
        key=entry["key"],
        reviewer=reviewer,
        state=state,
        value=json.dumps(value, ensure_ascii=False),
        comment=comment or None,
        at=moment or _moment(entry.get("at"), where),
    )


def _value(value: Any, table: str, where: str) -> Any:
    names = value if isinstance(value, list) else [value]
    wrong = [name for name in names if name not in CHOICES[table]]
    if wrong or (table != "salient" and len(names) != 1):
        raise UserError(
            f"the changed value {str(value)[:80]!r} is not allowed", where=where, expected=", ".join(CHOICES[table])
        )
    return sorted(set(names), key=CHOICES[table].index) if table == "salient" else names[0]


def _moment(text: Any, where: str) -> str:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise UserError(f"unknown time {str(text)[:40]!r}", where=where, expected="ISO 8601") from error
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
