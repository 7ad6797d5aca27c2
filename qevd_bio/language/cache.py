"""Every reply ever paid for, in one SQLite file: content-addressed, inspected and pruned by command."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from qevd_bio.store.atomic import atomic_path, explain_os_error, make_folder
from qevd_bio.store.errors import StopRun, UserError

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
  key TEXT PRIMARY KEY, stage TEXT, endpoint TEXT, model TEXT, server_model TEXT, prompt_hash TEXT, request TEXT,
  text TEXT, finish TEXT, refusal INTEGER, input_tokens INTEGER, output_tokens INTEGER, seconds REAL, unix REAL);
CREATE TABLE IF NOT EXISTS answers (
  alias TEXT PRIMARY KEY, key TEXT, ok INTEGER, reason TEXT, detail TEXT, repaired INTEGER, keys TEXT);
CREATE TABLE IF NOT EXISTS unread (key TEXT PRIMARY KEY, body TEXT, unix REAL);
CREATE TABLE IF NOT EXISTS batches (
  mark TEXT PRIMARY KEY, id TEXT, endpoint TEXT, model TEXT, stage TEXT, state TEXT, keys TEXT, unix REAL);
"""


@dataclass(frozen=True)
class Stored:
    """One reply of a server, as kept."""

    key: str
    stage: str
    endpoint: str
    model: str
    server_model: str
    prompt_hash: str
    request: str
    text: str
    finish: str
    refusal: bool
    input_tokens: int
    output_tokens: int
    seconds: float
    unix: float


@dataclass(frozen=True)
class Answer:
    """How a question named by its alias was settled: by which replies, readable or not."""

    alias: str
    key: str
    ok: bool
    reason: str
    detail: str
    repaired: bool
    keys: tuple[str, ...]


class Cache:
    """The SQLite file at `path` (None: in memory). Each reply is committed before anybody sees it."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        if path is not None:
            make_folder(path.parent)
        try:
            self._db = sqlite3.connect(":memory:" if path is None else path, timeout=30, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._prepare()
        except sqlite3.DatabaseError as error:
            raise UserError(
                f"cannot be used as a cache ({error})",
                where=path,
                expected="an SQLite file written by qevd-bio, in a folder that can be written",
                fix="move the file away, or name another with --cache",
            ) from error

    def _prepare(self) -> None:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version not in (0, _VERSION):
            raise UserError(f"cache of version {version}", where=self.path, expected=f"version {_VERSION}")
        self._db.executescript(_SCHEMA)
        self._db.execute(f"PRAGMA user_version={_VERSION}")

    def close(self) -> None:
        """Close the database file."""
        self._db.close()

    def get(self, key: str) -> Stored | None:
        """The stored reply to a request, by the hash of its content; None where there is none."""
        row = self._db.execute("SELECT * FROM replies WHERE key=?", (key,)).fetchone()
        return None if row is None else _stored(row)

    def put(self, reply: Stored) -> None:
        """Keep one reply; the first one under a key stays."""
        values = tuple(getattr(reply, field.name) for field in fields(reply))
        self._write(f"INSERT OR IGNORE INTO replies VALUES ({','.join('?' * len(values))})", values)
        self._write("DELETE FROM unread WHERE key=?", (reply.key,))

    def keep_unread(self, key: str, body: str) -> None:
        """Keep a completion's raw body before it is read; `put` under the same key removes it."""
        self._write("INSERT OR REPLACE INTO unread VALUES (?,?,?)", (key, body, time.time()))

    def unread(self, key: str) -> str | None:
        """A paid completion that could not be read when it came."""
        row = self._db.execute("SELECT body FROM unread WHERE key=?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def answer(self, alias: str) -> Answer | None:
        """The stored reading of a reply, by its alias; None where there is none."""
        row = self._db.execute("SELECT * FROM answers WHERE alias=?", (alias,)).fetchone()
        if row is None:
            return None
        return Answer(row[0], row[1], bool(row[2]), row[3], row[4], bool(row[5]), tuple(json.loads(row[6])))

    def settle(self, answer: Answer) -> None:
        """Note how the question named by an alias was settled."""
        values = (
            *(answer.alias, answer.key, answer.ok, answer.reason, answer.detail, answer.repaired),
            json.dumps(answer.keys),
        )
        self._write("INSERT OR REPLACE INTO answers VALUES (?,?,?,?,?,?,?)", values)

    def batches(self, endpoint: str, model: str, stage: str) -> list[tuple[str, str | None, str, list[str]]]:
        """Batches not yet collected: (mark, id or None where the submission was cut off, state, keys)."""
        rows = self._db.execute(
            "SELECT mark, id, state, keys FROM batches WHERE endpoint=? AND model=? AND stage=? AND state!='collected'"
            " ORDER BY unix",
            (endpoint, model, stage),
        )
        return [(mark, identity, state, json.loads(keys)) for mark, identity, state, keys in rows]

    def note_batch(
        self, mark: str, identity: str | None, endpoint: str, model: str, stage: str, state: str, keys: Sequence[str]
    ) -> None:
        """Write down a batch before anything waits for it; `mark` is our own name, sent along as metadata."""
        values = (mark, identity, endpoint, model, stage, state, json.dumps(list(keys)), time.time())
        self._write("INSERT OR REPLACE INTO batches VALUES (?,?,?,?,?,?,?,?)", values)

    def summary(self) -> list[dict[str, Any]]:
        """Replies, tokens and time by stage, model and endpoint."""
        names = ("stage", "model", "endpoint", "replies", "input_tokens", "output_tokens", "first_unix", "last_unix")
        rows = self._db.execute(
            "SELECT stage, model, endpoint, count(*), sum(input_tokens), sum(output_tokens), min(unix), max(unix)"
            " FROM replies GROUP BY stage, model, endpoint ORDER BY stage, model, endpoint"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every kept reply, oldest first, as JSON-able data."""
        for row in self._db.execute("SELECT * FROM replies ORDER BY unix, key"):
            yield {**asdict(_stored(row)), "request": json.loads(row[6])}

    def prune(self, *, stage: str | None, model: str | None, before_unix: float | None) -> int:
        """Remove replies (and what they settled) by stage, model, age; returns how many."""
        tests = [("stage=?", stage), ("model=?", model), ("unix<?", before_unix)]
        used = [(test, value) for test, value in tests if value is not None]
        where = " AND ".join(test for test, _ in used) or "1"
        values = [value for _, value in used]
        count = int(self._db.execute(f"SELECT count(*) FROM replies WHERE {where}", values).fetchone()[0])
        self._write(f"DELETE FROM answers WHERE key IN (SELECT key FROM replies WHERE {where})", values)
        self._write(f"DELETE FROM replies WHERE {where}", values)
        self._db.execute("VACUUM")
        return count

    def _write(self, statement: str, values: Sequence[Any]) -> None:
        try:
            self._db.execute(statement, values)
        except sqlite3.OperationalError as error:
            # "database or disk is full" is the only write error a user meets in practice.
            full = OSError(28, "the cache cannot be written") if "full" in str(error) else None
            if full is not None and self.path is not None:
                raise explain_os_error(full, self.path) from error
            raise StopRun(f"the cache cannot be written ({error})", where=self.path) from error


def _stored(row: Sequence[Any]) -> Stored:
    values = list(row)
    values[9] = bool(values[9])
    return Stored(*values)


def default_cache(annotations: Path) -> Path:
    """Where a workspace keeps its replies."""
    return annotations / "replies.sqlite"


def open_cache(path: Path) -> Cache:
    """The cache in an existing file. Raises UserError where there is none."""
    if not path.is_file():
        raise UserError("no such cache yet", where=path, expected="the file that annotate, classify, intent write")
    return Cache(path)


def export_cache(cache: Cache, out: Path) -> int:
    """Write every reply with its question as JSON lines; returns how many."""
    count = 0
    with atomic_path(out) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for row in cache.rows():
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def check_named(stage: str | None, model: str | None, older_than_days: float | None, everything: bool) -> None:
    """UserError where nothing says which replies are to be removed."""
    if not everything and stage is None and model is None and older_than_days is None:
        raise UserError("nothing named to remove", expected="--stage, --model, --older-than-days, or --all")


def prune_cache(
    cache: Cache, *, stage: str | None, model: str | None, older_than_days: float | None, everything: bool
) -> int:
    """Remove the replies that all given conditions hold for; returns how many. UserError where none is given."""
    check_named(stage, model, older_than_days, everything)
    before = None if older_than_days is None else time.time() - older_than_days * 86400
    return cache.prune(stage=stage, model=model, before_unix=before)
