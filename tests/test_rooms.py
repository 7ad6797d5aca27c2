"""Rooms import from floors below their own, never from above and not from neighbours."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {
    "store": 1,
    "anatomy": 1,
    "dataset": 2,
    "video": 2,
    "language": 2,
    "pose": 3,
    "exercise": 3,
    "scoring": 3,
    "motion": 4,
    "annotation": 4,
    "simulation": 4,
    "rewriting": 5,
    "coach": 5,
    "reporting": 5,
    "cli": 6,
}
# Both ground-floor rooms stand on their own, but anatomy may raise the errors and find the data files of store.
ALLOWED = {("anatomy", "store")}
HEAVY = {
    "av", "datasets", "matplotlib", "nltk", "numpy", "openai", "openvino", "pandas", "PIL", "pyarrow", "pydantic",
    "scipy", "torch", "transformers", "yaml",
}  # fmt: skip


def imported(path: Path) -> set[tuple[str, bool]]:
    """Modules a file imports, and whether at its top level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    found: set[tuple[str, bool]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.name, id(node) in top) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add((node.module, id(node) in top))
    return found


def room_files() -> list[tuple[str, Path]]:
    files = [("cli", path) for path in (ROOT / "cli").rglob("*.py")]
    for room in FLOORS:
        files += [(room, path) for path in (ROOT / "qevd_bio" / room).rglob("*.py")]
    return files


def test_every_folder_of_the_package_is_a_room() -> None:
    folders = {p.name for p in (ROOT / "qevd_bio").iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert folders <= set(FLOORS)


@pytest.mark.parametrize("room", FLOORS)
def test_rooms_import_only_from_below(room: str) -> None:
    wrong = []
    for owner, path in room_files():
        if owner != room:
            continue
        for module, _ in imported(path):
            parts = module.split(".")
            if parts[0] != "qevd_bio" or len(parts) < 2 or parts[1] == room:
                continue
            if FLOORS[parts[1]] >= FLOORS[room] and (room, parts[1]) not in ALLOWED:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong


def test_the_command_line_imports_nothing_heavy_at_the_top() -> None:
    wrong = [
        f"{path.name}: {module}"
        for owner, path in room_files()
        if owner == "cli"
        for module, top in imported(path)
        if top and module.split(".")[0] in HEAVY
    ]
    assert not wrong
