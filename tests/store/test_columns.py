"""Declared tables: what is written is what is declared, and nothing else can be read as it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from qevd_bio.store.columns import Column, Table, arrow_type, concat, file_metadata
from qevd_bio.store.errors import UserError

T = Table(
    "things",
    3,
    (
        Column("name", "string", nullable=False),
        Column("angle", "float64", "rad", "an angle"),
        Column("q", "list<float32>[2]", "rad"),
        Column("tags", "list<string>"),
    ),
)
ROWS = [
    {"name": "a", "angle": 0.5, "q": [1.0, 2.0], "tags": ["x", "y"]},
    {"name": "b", "angle": None, "q": [3.0, 4.0], "tags": []},
]


def test_round_trip_with_units_history_and_metadata(tmp_path: Path) -> None:
    T.write(tmp_path / "t.parquet", ROWS, metadata={"video": "0000"}, history=[{"operation": "made"}])
    assert T.read_rows(tmp_path / "t.parquet") == ROWS
    assert T.read_metadata(tmp_path / "t.parquet") == {
        "table": "things",
        "version": 3,
        "history": [{"operation": "made"}],
        "metadata": {"video": "0000"},
    }
    assert T.read(tmp_path / "t.parquet").schema.field("angle").metadata[b"unit"] == b"rad"


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    T.write(tmp_path / "a.parquet", ROWS)
    T.write(tmp_path / "b.parquet", ROWS)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_matrices_become_fixed_lists() -> None:
    columns = {"name": ["a", "b"], "angle": np.zeros(2), "q": np.arange(4.0).reshape(2, 2), "tags": [[], []]}
    assert T.table(columns).column("q").to_pylist() == [[0.0, 1.0], [2.0, 3.0]]
    with pytest.raises(ValueError, match="rows of 3 values where 2 are declared"):
        T.table({**columns, "q": np.zeros((2, 3))})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{**ROWS[0], "extra": 1}], "not declared: \\['extra'\\]"),
        ([{**ROWS[0], "name": None}], "column name has 1 nulls"),
        ({"name": ["a"]}, "missing or not declared: \\['angle', 'q', 'tags'\\]"),
    ],
)
def test_rows_that_break_the_declaration(rows: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        T.table(rows)


def test_other_tables_versions_and_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    with pytest.raises(UserError, match="no such file"):
        T.read(path)
    T.write(path, ROWS)
    with pytest.raises(UserError, match="schema version 3 of table 'things'"):
        Table("things", 4, T.columns).read(path)
    with pytest.raises(UserError, match="this is table 'things'"):
        Table("others", 3, T.columns).read(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="cannot be read as Parquet"):
        T.read(path)
    path.write_bytes(b"")
    with pytest.raises(UserError, match="cannot be read as Parquet"):
        T.read(path)


def test_parquet_of_somebody_else_is_named_unknown(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
    assert file_metadata(tmp_path / "x.parquet") == {}
    with pytest.raises(UserError, match="this is table 'unknown'"):
        T.read(tmp_path / "x.parquet")


def test_parts_are_merged_in_order(tmp_path: Path) -> None:
    T.write(tmp_path / "1.parquet", ROWS[:1])
    T.write(tmp_path / "2.parquet", ROWS[1:])
    T.write(tmp_path / "3.parquet", [])
    parts = [tmp_path / f"{n}.parquet" for n in (2, 3, 1)]
    assert concat(T, parts, tmp_path / "all.parquet", metadata={"n": 2}) == 2
    assert [row["name"] for row in T.read_rows(tmp_path / "all.parquet")] == ["b", "a"]
    assert T.read_metadata(tmp_path / "all.parquet")["metadata"] == {"n": 2}


def test_csv_keeps_lists_as_json(tmp_path: Path) -> None:
    T.write_csv(tmp_path / "t.csv", ROWS)
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[1] == '"a",0.5,"[1.0, 2.0]","[""x"", ""y""]"'


def test_unknown_type_names() -> None:
    with pytest.raises(ValueError, match="unknown column type 'floot'"):
        arrow_type("floot")
