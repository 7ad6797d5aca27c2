"""Every table is declared once, here; no other room spells a path of one or reads its columns by name."""

from __future__ import annotations

import ast
import importlib
import logging
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import qevd_bio.tables
from qevd_bio.store.columns import Column, Table
from qevd_bio.tables.by_video import ByVideo, by_segment
from qevd_bio.tables.motion import CYCLES
from qevd_bio.tables.rows import RowTable
from qevd_bio.tables.verdicts import VERDICTS
from qevd_bio.tables.workspace import Workspace
from tests.made_rows import cycle_row, verdict

ROOT = Path(__file__).resolve().parents[2]


def subject_files() -> Iterator[Path]:
    for folder in ("qevd_bio", "cli"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.relative_to(ROOT).parts[:2] not in (("qevd_bio", "tables"), ("qevd_bio", "store")):
                yield path


def declared() -> list[RowTable[object]]:
    found: dict[int, RowTable[object]] = {}
    for module in pkgutil.iter_modules(qevd_bio.tables.__path__, "qevd_bio.tables."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, RowTable):
                found[id(value)] = value
    return list(found.values())


def strings(path: Path) -> Iterator[str]:
    """Texts of a file without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def test_no_path_of_a_table_is_spelled_elsewhere() -> None:
    # A text with blanks is a sentence to people, which may name a file. Other programs' files and the published data
    # set's own layout are not tables of a workspace.
    others = ("qevd_bio/pose/formats/", "qevd_bio/rewriting/publish.py")
    wrong = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in subject_files()
        for text in strings(path)
        if ".parquet" in text
        and not re.search(r"\s", text)
        and not path.relative_to(ROOT).as_posix().startswith(others)
    ]
    assert wrong == []


def test_no_table_is_declared_elsewhere_or_read_by_the_names_of_its_columns() -> None:
    calls = re.compile(r"(?<!\w)(Column|Table|RowTable\.of|RowTable)\(|\.read_rows\(")
    # anatomy/dofs reads CSV files of refs/ with a function of that name; rich has a Table of its own.
    allowed = {"qevd_bio/anatomy/dofs.py", "qevd_bio/anatomy/skeleton.py"}
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in subject_files()
        if path.relative_to(ROOT).as_posix() not in allowed
        and "from rich.table" not in path.read_text(encoding="utf-8")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if calls.search(line)
    ]
    assert wrong == []


def test_names_of_tables_are_unique_and_every_column_has_a_field() -> None:
    tables = declared()
    names = [name for table in tables for name in (table.name, *table.former)]
    assert len(tables) >= 15 and len(names) == len(set(names))
    for table in tables:
        assert set(table.names) == set(table.row.__dataclass_fields__)  # type: ignore[attr-defined]


def test_rows_come_back_as_they_were_saved(tmp_path: Path) -> None:
    rows = [cycle_row(), cycle_row(cycle=1, other_key_s=1.4, score=0.5)]
    CYCLES.save(tmp_path / "a.parquet", rows)
    back = CYCLES.load(tmp_path / "a.parquet")
    assert repr(back) == repr(rows)  # NaN is NaN
    raw = CYCLES.read_rows(tmp_path / "a.parquet")
    assert [row["other_key_s"] for row in raw] == [None, 1.4]
    one = verdict(high=float("inf"))
    VERDICTS.save(tmp_path / "b.parquet", [one])
    assert repr(VERDICTS.load(tmp_path / "b.parquet")) == repr([one])
    assert VERDICTS.read_rows(tmp_path / "b.parquet")[0]["high"] is None


def test_the_former_table_of_verdicts_is_read_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("qevd_bio"), "propagate", True)  # commands switch it off
    workspace = Workspace(tmp_path)
    former = Table("violations", VERDICTS.version, VERDICTS.columns)
    former.write(workspace.motion / "violations.parquet", VERDICTS.columns_of([verdict()]))
    assert VERDICTS.load(workspace.verdicts)[0].rule == "error:knees_shallow"
    assert VERDICTS.load(workspace.verdicts)
    (said,) = {text for text in map(logging.LogRecord.getMessage, caplog.records) if "violations" in text}
    assert "violations.parquet" in said and "'verdicts'" in said
    VERDICTS.save(workspace.motion_tables.verdicts, [])
    assert workspace.verdicts.name == "verdicts.parquet" and VERDICTS.load(workspace.verdicts) == []


def test_rows_by_video_wherever_they_stand(tmp_path: Path) -> None:
    order = [("B", "1"), ("A", "1"), ("B", "2"), ("A", "1"), ("B", "1")]
    rows = [cycle_row(split=split, video=video, cycle=number) for number, (split, video) in enumerate(order)]
    CYCLES.save(tmp_path / "a.parquet", rows)
    found = ByVideo(CYCLES, tmp_path / "a.parquet")
    assert found.videos == [("B", "1"), ("A", "1"), ("B", "2")]
    assert [row.cycle for row in found.rows("B", "1")] == [0, 4]
    assert [row.cycle for row in found.rows("A", "1")] == [1, 3]
    assert found.rows("C", "1") == [] and ByVideo(CYCLES, None).videos == []
    CYCLES.save(tmp_path / "empty.parquet", [])
    assert ByVideo(CYCLES, tmp_path / "empty.parquet").rows("A", "1") == []
    assert {key: [row.cycle for row in own] for key, own in by_segment(rows).items()} == {
        ("B", "1", 0): [0, 4], ("A", "1", 0): [1, 3], ("B", "2", 0): [2]
    }  # fmt: skip


def test_a_field_whose_column_cannot_be_told_is_refused() -> None:
    class Odd:
        __annotations__ = {"what": "complex"}

    from dataclasses import dataclass

    with pytest.raises(ValueError, match="the column type of what cannot be told"):
        RowTable.of("odd", 1, dataclass(Odd))


def test_columns_of_a_plain_table_stay_as_declared() -> None:
    assert Table("t", 1, (Column("a", "int32"),)).former == ()
