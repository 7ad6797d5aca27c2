"""Tables whose rows are objects: one declaration gives the columns, their types and the Python class.

A row is a frozen dataclass whose annotations say what its columns mean:

    @row
    class Repetition:
        video: Annotated[str, Cell("file name without suffix")]
        start_s: Annotated[float, Cell("it leaves rest", "s")]
        pause_s: Annotated[float, Cell("since the one before", "s", null=NAN)] = NAN

    REPETITIONS = RowTable.of("repetitions", 1, Repetition)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

import pyarrow as pa

from qevd_bio.store.columns import Column, Table

NAN, INF = math.nan, math.inf
R = TypeVar("R")
_TYPES: dict[Any, str] = {
    str: "string",
    bool: "bool",
    int: "int32",
    float: "float64",
    Sequence[str]: "list<string>",
    Sequence[float]: "list<float64>",
}


@dataclass(frozen=True)
class Cell:
    """What a column means. `type` is that of the file where the Python type does not say it (int8, json, …).

    null  for numbers that may be missing: what stands in Python for the file's null (NaN; infinite for an open bound)
    """

    meaning: str = ""
    unit: str = ""
    type: str = ""
    null: float | None = None


@dataclass_transform(frozen_default=True, kw_only_default=True)
def row(cls: type[R]) -> type[R]:
    """Make a row of a class: a frozen dataclass with slots that is made by naming its fields."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


@dataclass(frozen=True)
class RowTable(Table, Generic[R]):
    """A declared table with the class of its rows. `nulls`: column -> what stands for null in a row."""

    row: type[R] = field(kw_only=True)
    nulls: Mapping[str, float] = field(kw_only=True, hash=False, compare=False)

    @classmethod
    def of(cls, name: str, version: int, row: type[R], former: tuple[str, ...] = ()) -> RowTable[R]:
        """The table of these rows, what they inherit last; ValueError where a column's type cannot be told."""
        hints = get_type_hints(row, include_extras=True)
        names = [entry.name for entry in fields(row)]  # type: ignore[arg-type]
        columns, nulls = [], {}
        for column_name in sorted(names, key=lambda entry: entry not in row.__annotations__):
            column, null = _column(column_name, hints[column_name])
            columns.append(column)
            if null is not None:
                nulls[column_name] = null
        return cls(name, version, tuple(columns), former, row=row, nulls=nulls)

    def load(self, path: str | Path) -> list[R]:
        """All rows of a file; raises UserError as `read` does."""
        return self.objects(self.read(path))

    def objects(self, table: pa.Table) -> list[R]:
        """The rows of an Arrow table of this schema."""
        columns = [_filled(table.column(name).to_pylist(), self.nulls.get(name)) for name in self.names]
        names = self.names
        return [self.row(**dict(zip(names, values, strict=True))) for values in zip(*columns, strict=True)]

    def save(
        self,
        path: str | Path,
        rows: Iterable[R],
        *,
        metadata: Mapping[str, Any] | None = None,
        history: Sequence[Any] = (),
    ) -> None:
        """Write rows atomically, as `write` does; what is not finite becomes null where a column may be."""
        self.write(path, self.columns_of(rows), metadata=metadata, history=history)

    def save_csv(self, path: str | Path, rows: Iterable[R]) -> None:
        """Write rows as CSV, as `write_csv` does."""
        self.write_csv(path, self.columns_of(rows))

    def columns_of(self, rows: Iterable[R]) -> dict[str, list[Any]]:
        """Rows as columns of plain values."""
        known = list(rows)
        return {name: _emptied([getattr(one, name) for one in known], name in self.nulls) for name in self.names}


def _column(name: str, hint: Any) -> tuple[Column, float | None]:
    plain, cell = get_args(hint) if hasattr(hint, "__metadata__") else (hint, Cell())
    parts = get_args(plain) if get_origin(plain) in (Union, UnionType) else (plain,)
    known = [part for part in parts if part is not NoneType]
    kind = cell.type or _TYPES.get(known[0], "")
    if not kind or len(known) != 1:
        raise ValueError(f"the column type of {name} cannot be told from {plain!r}")
    nullable = len(parts) > len(known) or cell.null is not None
    return Column(name, kind, cell.unit, cell.meaning, nullable), cell.null


def _filled(values: list[Any], null: float | None) -> list[Any]:
    return values if null is None else [null if value is None else value for value in values]


def _emptied(values: list[Any], may_be_null: bool) -> list[Any]:
    return [value if math.isfinite(value) else None for value in values] if may_be_null else values
