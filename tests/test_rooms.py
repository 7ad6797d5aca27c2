"""Rooms import from floors below their own, sub-rooms from sub-rooms below; there is no circle anywhere."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from tests.tools import import_graph as house

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {
    "av", "datasets", "matplotlib", "nltk", "numpy", "openai", "openvino", "pandas", "PIL", "pyarrow", "pydantic",
    "scipy", "torch", "transformers", "yaml",
}  # fmt: skip


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Module -> modules it imports."""
    return house.graph()


def test_every_folder_of_the_package_is_a_room() -> None:
    folders = {p.name for p in (ROOT / "qevd_bio").iterdir() if p.is_dir() and any(p.rglob("*.py"))}
    assert folders <= set(house.FLOORS)


def test_every_sub_folder_has_a_place_in_its_room() -> None:
    placed = {(name, part) for name, parts in house.ORDER.items() for part in parts}
    folders = {p.relative_to(ROOT / "qevd_bio").parts for p in (ROOT / "qevd_bio").glob("*/*/") if any(p.glob("*.py"))}
    assert folders <= placed
    gone = [f"{name}/{part}" for name, part in placed if not list((ROOT / "qevd_bio" / name).glob(f"{part}*"))]
    assert not gone, "named in ORDER, but not there"


def test_no_arrow_points_upward_or_to_a_neighbour(imports: dict[str, set[str]]) -> None:
    assert [f"{arrow.source} imports {arrow.target}" for arrow in house.upward(imports)] == []


def test_there_is_no_circle(imports: dict[str, set[str]]) -> None:
    assert house.circles(imports) == []
    assert house.circles(house.between_layers(imports)) == []
    assert house.circles(house.between_rooms(imports)) == []


def test_what_is_allowed_is_needed(imports: dict[str, set[str]]) -> None:
    rooms = house.between_rooms(imports)
    assert all(other in rooms[one] for one, other in house.NEIGHBOURS)


def test_an_arrow_upward_and_a_circle_are_found() -> None:
    made = {
        "qevd_bio.store.a": {"qevd_bio.pose.stage"},
        "qevd_bio.pose.fit.solve": {"qevd_bio.pose.stage", "qevd_bio.pose.formats.skel_file"},
        "qevd_bio.pose.stage": {"qevd_bio.pose.fit.solve"},
        "qevd_bio.motion.stage": {"qevd_bio.simulation.truth"},
    }
    assert {(a.source, a.target) for a in house.upward(made)} == {
        ("qevd_bio.store.a", "qevd_bio.pose.stage"),
        ("qevd_bio.pose.fit.solve", "qevd_bio.pose.stage"),
        ("qevd_bio.motion.stage", "qevd_bio.simulation.truth"),
    }
    assert house.circles(made) == [["qevd_bio.pose.fit.solve", "qevd_bio.pose.stage"]]


def test_late_and_relative_imports_are_seen(tmp_path: Path) -> None:
    file = tmp_path / "one.py"
    file.write_text("from . import two\nfrom .three import x\n\ndef f():\n    import qevd_bio.pose.stage\n")
    known = {"qevd_bio.cli.one", "qevd_bio.cli.two", "qevd_bio.cli.three", "qevd_bio.pose.stage"}
    assert house.imported("qevd_bio.cli.one", file, known) == known - {"qevd_bio.cli.one"}


def test_every_folder_of_the_package_is_installed() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"])
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "qevd_bio").rglob("*.py")}
    assert {".".join(folder.parts) for folder in folders} == listed - {
        f"qevd_bio.{p}" for p in ("cli", "refs", "prompts")
    }


def test_the_command_line_imports_nothing_heavy_at_the_top() -> None:
    wrong = []
    for path in (ROOT / "cli").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong += [f"{path.name}: {name}" for name in names if name.split(".")[0] in HEAVY]
    assert not wrong
