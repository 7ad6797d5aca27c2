"""Public modules, classes, functions and methods say what they are: at least 95 of 100 have a docstring."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEAST = 0.95
LEAST_IN_A_ROOM = 0.55
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public(node: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, Documented]]:
    """The public definitions of a module or class; setters and overloads speak through their first definition."""
    for child in node.body:
        if not isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) or child.name.startswith("_"):
            continue
        decorators = {ast.unparse(decorator).rsplit(".", 1)[-1] for decorator in child.decorator_list}
        if decorators & {"setter", "overload"}:
            continue
        yield prefix + child.name, child
        if isinstance(child, ast.ClassDef):
            yield from public(child, f"{prefix}{child.name}.")


def counted() -> dict[str, tuple[int, list[str]]]:
    """By room: how many public definitions there are, and which have no docstring."""
    found: dict[str, tuple[int, list[str]]] = {}
    for path in sorted([*(ROOT / "qevd_bio").rglob("*.py"), *(ROOT / "cli").glob("*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not tree.body:
            continue
        parts = path.relative_to(ROOT).parts
        room = "cli" if parts[0] == "cli" else parts[1] if len(parts) > 2 else "interface"
        definitions: list[tuple[str, Documented]] = [("module", tree), *public(tree)]
        number, without = found.get(room, (0, []))
        silent = [f"{'/'.join(parts)}: {name}" for name, node in definitions if not ast.get_docstring(node)]
        found[room] = (number + len(definitions), without + silent)
    return found


ROOMS = counted()


def test_nearly_everything_public_is_documented() -> None:
    number = sum(count for count, _ in ROOMS.values())
    without = [name for _, names in ROOMS.values() for name in names]
    share = 1 - len(without) / number
    assert share >= LEAST, f"{share:.1%} of {number}; without a docstring:\n" + "\n".join(without)


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_no_room_is_left_out(room: str) -> None:
    number, without = ROOMS[room]
    assert 1 - len(without) / number >= LEAST_IN_A_ROOM, "\n".join(without)


def test_the_interface_is_documented_whole() -> None:
    assert ROOMS["interface"][1] == []


def test_the_interface_states_errors_and_arguments() -> None:
    """Functions of the Python interface that take arguments explain them, or are one idea that needs no list."""
    tree = ast.parse((ROOT / "qevd_bio" / "api.py").read_text(encoding="utf-8"))
    for name, node in public(tree):
        if isinstance(node, ast.FunctionDef) and "." not in name:
            text = ast.get_docstring(node) or ""
            assert "Raises:" in text, name
            if len(node.args.args) + len(node.args.kwonlyargs) > 1:
                assert "Args:" in text, name
