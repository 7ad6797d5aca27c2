"""OpenSim's sheets (`.mot`, `.sto`) in all their dialects: a header up to `endheader`, then a table of numbers.

Read here: keys of old and new headers, tabs or blanks, names with blanks between tabs, blank lines, empty cells,
decimal commas, a byte-order mark, Latin-1 text. What the header promises is compared with what is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.store.errors import UserError

Float = NDArray[np.float64]
MAX_BYTES = 4 << 30
_BLOCK = 1 << 20  # with it the parser's work stays in the cache: half the time of 16 MiB
EXPECTED = "an OpenSim sheet: header lines, endheader, column names, then rows of numbers"
_ROWS = ("nrows", "datarows", "numrows", "nr")
_COLUMNS = ("ncolumns", "datacolumns", "ncols", "nc")
_EMPTY = ("", "nan", "-nan", "na", "null", "none", "#n/a", "-1.#ind", "1.#qnan")
_BLANK_LINES = re.compile(rb"(?:[ \t]*\n)*")
_DECIMAL_COMMA = re.compile(rb"-?\d+,\d+")


@dataclass(frozen=True)
class Sheet:
    """header: keys in lower case -> text; names and columns (T,) of the table in file order, NaN for empty cells."""

    header: Mapping[str, str]
    names: tuple[str, ...]
    columns: tuple[Float, ...]
    flags: tuple[Mapping[str, Any], ...] = ()


def is_sheet(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a sheet."""
    return re.search(rb"^\s*endheader\s*$", head, re.IGNORECASE | re.MULTILINE) is not None


def read_sheet(path: Path) -> Sheet:
    """The sheet in a file. Raises UserError with the line of what is wrong."""
    data = read_text_bytes(path)
    lines_end = re.search(rb"(?im)^[ \t]*endheader[ \t]*\r?$", data)
    if lines_end is None:
        raise UserError("no endheader line", where=path, expected=EXPECTED)
    header = _header(data[: lines_end.start()])
    label_start = _after_blank_lines(data, lines_end.end())
    label_end = data.find(b"\n", label_start)
    first_line = data.count(b"\n", 0, label_start) + 1
    label = data[label_start:] if label_end < 0 else data[label_start:label_end]
    table = b"" if label_end < 0 else data[label_end + 1 :]
    tabs = b"\t" in label
    names = _names(label, tabs)
    if not names or not table or table.isspace():
        raise UserError("nothing after the endheader line", where=path, expected=EXPECTED)
    _refuse_duplicates(names, path, first_line)
    cut = not data.endswith((b"\n", b"\r"))
    if b"," in table and b"." not in table and (tabs or b", " not in table) and _DECIMAL_COMMA.search(table):
        table = table.replace(b",", b".")
    columns = _fast(table, names, tabs)
    if columns is None:
        columns = _slow(table, names, tabs, path, first_line + 1)
    flags = _compare(header, len(names), len(columns[0]), path)
    if cut and _last_number_is_cut(table):
        columns = [column[:-1] for column in columns]
        flags.append({"kind": "cut_end", "detail": "the last number of the file is cut; its row is left out"})
    if not len(columns[0]):
        raise UserError("has no whole row", where=path, expected=EXPECTED)
    return Sheet(header, tuple(names), tuple(columns), tuple(flags))


def read_text_bytes(path: Path) -> bytes:
    """The bytes of a text file without a byte-order mark, UTF-16 turned into UTF-8, lines ending in newlines."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"is larger than {MAX_BYTES >> 30} GiB", where=path, expected=EXPECTED)
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", where=path, expected=EXPECTED) from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", errors="replace").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data[:4096]:
        raise UserError("holds binary data, not text", where=path, expected=EXPECTED)
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def text(data: bytes) -> str:
    """Text of unknown encoding: UTF-8, else Latin-1."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _header(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text(data).splitlines():
        key, sign, value = line.partition("=")
        if not sign:
            key, _, value = line.strip().partition(" ")  # old headers: "datacolumns 24"
        found.setdefault(key.strip().lstrip("#").strip().lower(), value.strip())
    if "# units deg" in text(data).lower():
        found.setdefault("units", "deg")
    return found


def _after_blank_lines(data: bytes, start: int) -> int:
    """Where the first line that is not blank begins, from the end of a line on."""
    blank = _BLANK_LINES.match(data, start)
    return blank.end() if blank else start


def _names(label: bytes, tabs: bool) -> list[str]:
    line = text(label).rstrip("\r\n")
    found = [name.strip() for name in line.split("\t")] if tabs else line.split()
    while found and not found[-1]:
        found.pop()
    return found


def _refuse_duplicates(names: list[str], path: Path, line: int) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UserError(
                f"two columns are named {name or '(nothing)'!r}",
                where=f"{path}, line {line}",
                expected="each column once",
                fix="remove or rename the wrong one",
            )
        seen.add(name)


def _fast(table: bytes, names: list[str], tabs: bool) -> list[Float] | None:
    """The table by pyarrow's reader; None where a line does not fit, so that the slow reader finds which."""
    import pyarrow as pa
    from pyarrow import csv

    if not tabs:
        table = re.sub(rb"[ \t]+", b"\t", re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", table))
    table = re.sub(rb"\t+\n", b"\n", table) if b"\t\n" in table and not _has_empty_end(table, len(names)) else table
    keys = [str(k) for k in range(len(names))]
    try:
        found = csv.read_csv(
            pa.BufferReader(table),
            read_options=csv.ReadOptions(column_names=keys, block_size=_BLOCK),
            parse_options=csv.ParseOptions(delimiter="\t", quote_char=False, ignore_empty_lines=True),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(keys, pa.float64()), null_values=["", "nan", "NaN", "-nan", "NA"]
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    return [found.column(k).to_numpy().astype(np.float64, copy=False) for k in range(len(names))]


def _has_empty_end(table: bytes, columns: int) -> bool:
    """Whether tabs at the ends of lines stand for empty cells, not for a writer's habit."""
    first = table.partition(b"\n")[0]
    return first.count(b"\t") < columns


def _slow(table: bytes, names: list[str], tabs: bool, path: Path, line: int) -> list[Float]:
    rows = []
    for number, row in enumerate(text(table).split("\n"), line):
        if not row.strip():
            continue
        cells = row.split("\t") if tabs and "\t" in row else row.split()
        while len(cells) > len(names) and not cells[-1].strip():
            cells.pop()
        if len(cells) != len(names):
            raise UserError(
                f"line {number} has {len(cells)} values, the table has {len(names)} columns",
                where=path,
                expected=EXPECTED,
            )
        rows.append([_number(cell.strip(), path, number, names[k]) for k, cell in enumerate(cells)])
    return list(np.array(rows, dtype=np.float64).reshape(len(rows), len(names)).T.copy())


def _number(cell: str, path: Path, line: int, name: str) -> float:
    if cell.lower() in _EMPTY:
        return float("nan")
    try:
        if "_" in cell:  # Python's own reading of 1_000
            raise ValueError
        return float(cell)
    except ValueError:
        where = f"{path}, line {line}, column {name}"
        raise UserError(f"{cell[:40]!r} is not a number", where=where, expected="a number, or empty") from None


def _compare(header: Mapping[str, str], width: int, height: int, path: Path) -> list[Mapping[str, Any]]:
    """Flags for what differs from the header. Raises UserError where rows are missing."""
    flags: list[Mapping[str, Any]] = []
    rows = _promised(header, _ROWS)
    if rows is not None and rows > height:
        raise UserError(
            f"its header announces {rows} rows, there are {height}: the file is cut",
            where=path,
            expected="as many rows as the header says",
            fix="write it again, or correct the number in the header where the file is meant to be so short",
        )
    if rows is not None and rows < height:
        flags.append({"kind": "more_rows", "detail": f"the header announces {rows} rows, there are {height}"})
    columns = _promised(header, _COLUMNS)
    if columns is not None and columns not in (width, width - 1):
        text_ = f"the header announces {columns} columns, there are {width}"
        flags.append({"kind": "other_columns", "detail": text_})
    return flags


def _promised(header: Mapping[str, str], keys: tuple[str, ...]) -> int | None:
    for key in keys:
        value = header.get(key, "")
        if value.isascii() and value.isdigit() and len(value) < 12:
            return int(value)
    return None


def _last_number_is_cut(table: bytes) -> bool:
    """Whether the last number has fewer decimals than all others of its column, in a column of fixed decimals."""
    lines = [line for line in table[-(1 << 16) :].rstrip().split(b"\n")[1:] if line.strip()]
    decimals = [len(line.split()[-1].partition(b".")[2]) for line in lines[-50:]]
    if len(decimals) < 3:
        return False
    return len(set(decimals[:-1])) == 1 and decimals[-1] < decimals[0]


def number_rows(table: str, width: int, first: int, path: Path) -> Float:
    """Rows (T, width) of numbers below a header, empty cells NaN. `first` is the number of the first line.

    Rows by tabs may end early: the rest is missing. Raises UserError with the line of what is no number, or of a row
    that is too long, or too short by blanks.
    """
    keys = [str(k + 1) for k in range(width)]
    if fast := _fast(table.encode(), keys, "\t" in table.partition("\n")[0]):
        return np.column_stack(fast)
    rows = []
    for number, line in enumerate(table.split("\n"), first):
        if not line.strip():
            continue
        tabs = "\t" in line
        cells = [cell.strip() for cell in (line.split("\t") if tabs else line.split())]
        while len(cells) > width and not cells[-1]:
            cells.pop()
        if len(cells) > width or (len(cells) < width and not tabs):
            raise UserError(f"line {number} has {len(cells)} values, not {width}", where=path)
        plain = (cell.replace(",", ".") if "." not in cell else cell for cell in cells)
        rows.append([_number(cell, path, number, keys[j]) for j, cell in enumerate(plain)])
        rows[-1] += [float("nan")] * (width - len(cells))
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)
