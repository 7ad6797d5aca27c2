"""Tables that declare their columns before the first row is written."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import UserError

_LOG = logging.getLogger(__name__)
_KEY = b"qevd_bio"
_SCALARS: dict[str, pa.DataType] = {
    "string": pa.string(),
    "json": pa.string(),
    "bool": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "binary": pa.binary(),
}
_LIST = re.compile(r"list<(?P<inner>.+)>(?:\[(?P<size>\d+)\])?")


def arrow_type(name: str) -> pa.DataType:
    """Arrow type of a column type such as `float32`, `list<string>` or `list<float32>[46]`."""
    if name in _SCALARS:
        return _SCALARS[name]
    match = _LIST.fullmatch(name)
    if match is None:
        raise ValueError(f"unknown column type {name!r}")
    inner = arrow_type(match["inner"])
    return pa.list_(inner, int(match["size"])) if match["size"] else pa.list_(inner)


@dataclass(frozen=True)
class Column:
    """One declared column: its name, type, unit and meaning."""

    name: str
    type: str
    unit: str = ""
    meaning: str = ""
    nullable: bool = True


Rows: TypeAlias = pa.Table | Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Table:
    """A declared table. `version` rises when the meaning or the set of columns changes.

    `former` are names that files of the same columns carry from earlier versions; they are read, too.
    """

    name: str
    version: int
    columns: tuple[Column, ...]
    former: tuple[str, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def schema(self, metadata: Mapping[str, Any] | None = None, history: Sequence[Any] = ()) -> pa.Schema:
        """Arrow schema; metadata under `qevd_bio` (JSON) names table, version, units and history."""
        fields = [
            pa.field(
                column.name,
                arrow_type(column.type),
                nullable=column.nullable,
                metadata={"unit": column.unit, "meaning": column.meaning},
            )
            for column in self.columns
        ]
        about = {
            "table": self.name,
            "version": self.version,
            "history": list(history),
            "metadata": dict(metadata or {}),
        }
        text = json.dumps(about, ensure_ascii=False, sort_keys=True, allow_nan=False)
        return pa.schema(fields, metadata={_KEY: text.encode()})

    def table(self, rows: Rows, metadata: Mapping[str, Any] | None = None, history: Sequence[Any] = ()) -> pa.Table:
        """Rows (a list of dicts, a dict of columns, or an Arrow table) as an Arrow table of this schema.

        Raises ValueError for columns that are not declared, missing, of the wrong type, or null where
        null is not declared.
        """
        schema = self.schema(metadata, history)
        if isinstance(rows, pa.Table):
            columns: Mapping[str, Any] = {name: rows.column(name) for name in rows.column_names}
        elif isinstance(rows, Mapping):
            columns = rows
        else:
            unknown = {key for row in rows for key in row} - set(self.names)
            if unknown:
                raise ValueError(f"table {self.name}: columns not declared: {sorted(unknown)}")
            columns = {name: [row.get(name) for row in rows] for name in self.names}
        if set(columns) != set(self.names):
            odd = sorted(set(columns) ^ set(self.names))
            raise ValueError(f"table {self.name}: columns missing or not declared: {odd}")
        arrays = [_as_array(columns[field.name], field.type) for field in schema]
        for field, array in zip(schema, arrays, strict=True):
            if not field.nullable and array.null_count:
                raise ValueError(f"table {self.name}: column {field.name} has {array.null_count} nulls")
        return pa.Table.from_arrays(arrays, schema=schema)

    def write(
        self,
        path: str | Path,
        rows: Rows,
        *,
        metadata: Mapping[str, Any] | None = None,
        history: Sequence[Any] = (),
    ) -> None:
        """Write `rows` to a Parquet file atomically. The same rows and metadata give the same bytes."""
        table = self.table(rows, metadata, history)
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary, compression="zstd", write_statistics=True, store_schema=True)

    def read(self, path: str | Path, columns: Sequence[str] | None = None) -> pa.Table:
        """Read the file; raises UserError if it is missing, damaged, another table or another version."""
        self.read_metadata(path)
        try:
            table = pq.read_table(path, columns=list(columns) if columns is not None else None, memory_map=False)
        except (pa.ArrowInvalid, OSError) as error:
            raise _damaged(path, error) from error
        wanted = tuple(columns) if columns is not None else self.names
        missing = [name for name in wanted if name not in table.column_names]
        if missing:
            raise UserError(
                f"columns missing: {', '.join(missing)}",
                where=path,
                expected=f"table {self.name} version {self.version}",
                fix="make the file again with the command that wrote it",
            )
        return table

    def read_rows(self, path: str | Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """`read`, as a list of dicts."""
        return list(self.read(path, columns).to_pylist())

    def read_metadata(self, path: str | Path) -> dict[str, Any]:
        """The file's own metadata: `table`, `version`, `history` and `metadata`. Raises as `read` does."""
        about = file_metadata(path)
        if about.get("table") not in (self.name, *self.former):
            raise UserError(
                f"this is table {about.get('table') or 'unknown'!r}",
                where=path,
                expected=f"table {self.name!r} written by qevd-bio",
                fix="name the right file, or make it again",
            )
        if about.get("version") != self.version:
            raise UserError(
                f"schema version {about.get('version')} of table {self.name!r}",
                where=path,
                expected=f"version {self.version}",
                fix="make the file again with this version of qevd-bio (--redo)",
            )
        if about["table"] != self.name:
            _note_former(Path(path), str(about["table"]), self.name)
        return about

    def write_csv(self, path: str | Path, rows: Rows) -> None:
        """Write `rows` as CSV atomically; list columns are written as JSON."""
        table = self.table(rows)
        for index, field in enumerate(table.schema):
            if pa.types.is_nested(field.type):
                text = [None if value is None else json.dumps(value) for value in table.column(index).to_pylist()]
                table = table.set_column(index, field.name, pa.array(text, pa.string()))
        with atomic_path(path) as temporary:
            pa_csv.write_csv(table, temporary)


def concat(table: Table, parts: Iterable[Path], path: str | Path, *, metadata: Mapping[str, Any] | None = None) -> int:
    """Merge part files of one table into `path`, in the given order; returns the number of rows."""
    schema = table.schema(metadata)
    rows = 0
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for part in parts:
            piece = table.read(part)
            rows += piece.num_rows
            writer.write_table(piece.select(list(table.names)).cast(schema))
    return rows


def file_metadata(path: str | Path) -> dict[str, Any]:
    """Metadata that this package wrote into a Parquet file ({} where it wrote none)."""
    if not Path(path).is_file():
        raise UserError("no such file", where=path, expected="a Parquet file written by qevd-bio")
    try:
        raw = pq.read_schema(path).metadata or {}
    except (pa.ArrowInvalid, OSError) as error:
        raise _damaged(path, error) from error
    found: dict[str, Any] = json.loads(raw[_KEY]) if _KEY in raw else {}
    return found


@cache
def _note_former(path: Path, former: str, name: str) -> None:
    """Tell the user, once per file, that an earlier version of the package wrote it."""
    _LOG.warning("%s is table %r of an earlier version of qevd-bio; it is read as %r", path, former, name)


def _damaged(path: str | Path, error: Exception) -> UserError:
    return UserError(
        f"cannot be read as Parquet ({str(error).splitlines()[0]})",
        where=path,
        expected="a whole Parquet file",
        fix="remove the file and run the command that makes it",
    )


def _as_array(values: Any, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values.cast(kind)
    if pa.types.is_fixed_size_list(kind) and getattr(values, "ndim", 0) == 2:
        if values.shape[1] != kind.list_size:
            raise ValueError(f"rows of {values.shape[1]} values where {kind.list_size} are declared")
        flat = pa.array(values.reshape(-1), type=kind.value_type)
        return pa.FixedSizeListArray.from_arrays(flat, kind.list_size)
    if pa.types.is_list(kind) and getattr(values, "ndim", 0) == 2:
        flat = pa.array(values.reshape(-1), type=kind.value_type)
        starts = pa.array(range(0, values.size + 1, values.shape[1]), pa.int32())
        return pa.ListArray.from_arrays(starts, flat)
    return pa.array(values, type=kind)
