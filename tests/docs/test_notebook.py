"""The notebook runs from its first cell to its last.

Its code cells are plain Python, so they are run in one namespace; a Jupyter kernel and its packages are not needed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebooks" / "first_steps.ipynb"


def cells(kind: str) -> list[str]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == kind]


def test_the_cells_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, code in enumerate(cells("code"), start=1):
        exec(compile(code, f"cell {number}", "exec"), names)
    assert names["motion"].count == 3
    assert 0.0 < names["rouge"].value < 1.0
    assert list(tmp_path.iterdir()) == []


def test_outputs_are_small_and_the_cells_plain_python() -> None:
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        assert len(json.dumps(cell.get("outputs", []))) < 100_000
    assert not [line for code in cells("code") for line in code.splitlines() if line.startswith(("%", "!"))]


def test_links_lead_to_pages() -> None:
    import re

    for link in re.findall(r"\]\(([^)]+)\)", "\n".join(cells("markdown"))):
        assert (NOTEBOOK.parent / link).is_file()
