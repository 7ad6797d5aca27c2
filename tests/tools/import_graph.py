"""The import graph of the house: floors of rooms, order of sub-rooms, circles, and how much a file leans on others.

`python tests/tools/import_graph.py` prints the graph; tests/test_rooms.py fails on what breaks the rules. Imports
inside functions count like those at the top of a file: a late import is still an arrow.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FLOORS = {
    "store": 1,
    "anatomy": 1,
    "tables": 2,
    "video": 3,
    "language": 3,
    "dataset": 3,
    "egoexo": 3,
    "feedback": 3,
    "pose": 4,
    "exercise": 4,
    "scoring": 4,
    "learning": 4,
    "motion": 5,
    "annotation": 5,
    "simulation": 5,
    "drawing": 5,
    "rewriting": 6,
    "coach": 6,
    "techcoach": 6,
    "expertaf": 6,
    "reporting": 7,
    "workflows": 8,
    "cli": 9,
    "door": 9,  # the files that lie directly in qevd_bio/
}

# Arrows between rooms of one floor that are right, each with its reason.
NEIGHBOURS = {
    ("anatomy", "store"): "the ground floor's other room raises store's errors and finds its data files through it",
}

# From below; a name is a sub-folder or a single file of the room's root. Root files not named lie on top, in one layer.
ORDER: dict[str, tuple[str, ...]] = {
    "store": ("errors", "resources", "hashing", "leftovers", "atomic", "models"),
    "pose": ("options", "threads", "people", "formats", "body", "backends", "fit"),
    "motion": ("options", "cycles", "judging", "bounds", "recognition"),
    "scoring": ("options", "cache", "statistics", "agreement", "metrics", "judges", "pairing", "descriptive"),
    "reporting": ("html", "options", "content", "plots", "film", "verification", "page"),
    "simulation": ("options", "drawing", "sensing", "performance", "lifter", "coach"),
    "drawing": ("strokes", "letters", "scene", "body", "key_angle", "picture"),
    "annotation": ("options", "frames", "salient", "review"),
    "techcoach": ("options", "data", "simulated", "model", "training", "baselines"),
    "coach": ("options", "vision", "model", "segments", "streaming", "training", "baselines", "live"),
}


@dataclass(frozen=True)
class Arrow:
    """One file imports another; both are dotted module names."""

    source: str
    target: str


def room(module: str) -> str:
    """The room of a module: `qevd_bio.pose.fit.chain` lies in `pose`."""
    parts = module.split(".")
    if module == "qevd_bio.__main__":
        return "cli"
    return parts[1] if len(parts) > 1 and parts[1] in FLOORS else "door"


def layer(module: str) -> str:
    """The sub-room of a module, or its name where ORDER places a root file by name, or `root`."""
    parts, owner = module.split("."), room(module)
    if len(parts) < 3:
        return "root"
    return parts[2] if len(parts) > 3 or parts[2] in ORDER.get(owner, ()) else "root"


def place(module: str) -> tuple[int, int]:
    """(floor, height within the room): what is imported must stand lower, or in the same layer."""
    order = ORDER.get(room(module), ())
    name = layer(module)
    return FLOORS[room(module)], order.index(name) if name in order else len(order)


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Dotted name as installed -> file, for the package and the command line."""
    found: dict[str, Path] = {}
    for folder, prefix in ((root / "qevd_bio", "qevd_bio"), (root / "cli", "qevd_bio.cli")):
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found[".".join((prefix, *parts))] = path
    return found


def imported(module: str, path: Path, known: Iterable[str]) -> set[str]:
    """The project's modules that a file imports, at its top or inside functions; relative names are made whole."""
    known = set(known)
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            inside = {f"{base}.{alias.name}" for alias in node.names} & known
            found |= inside or {base}
    return (found & known) - {module}


def graph(root: Path = ROOT) -> dict[str, set[str]]:
    """Module -> modules it imports."""
    files = modules(root)
    return {name: imported(name, path, files) for name, path in files.items()}


def upward(imports: Mapping[str, set[str]]) -> list[Arrow]:
    """Arrows to a higher floor, to a neighbour on the same floor, or to a higher sub-room of the same room."""
    wrong = []
    for source, targets in imports.items():
        for target in sorted(targets):
            one, other = room(source), room(target)
            (floor, height), (other_floor, other_height) = place(source), place(target)
            within = one == other and other_height > height
            across = one != other and other_floor >= floor and (one, other) not in NEIGHBOURS
            if within or across:
                wrong.append(Arrow(source, target))
    return wrong


def circles(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups of nodes that reach one another (Tarjan's strongly connected components of two or more)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in imports.get(node, ()):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in imports:
        if node not in index:
            visit(node)
    return found


def between_layers(imports: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The same graph between `room/sub-room` names."""
    arrows: dict[str, set[str]] = defaultdict(set)
    for source, targets in imports.items():
        one = f"{room(source)}/{layer(source)}"
        arrows[one] |= {f"{room(target)}/{layer(target)}" for target in targets} - {one}
    return dict(arrows)


def between_rooms(imports: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The same graph between rooms."""
    arrows: dict[str, set[str]] = defaultdict(set)
    for source, targets in imports.items():
        arrows[room(source)] |= {room(target) for target in targets} - {room(source)}
    return dict(arrows)


def single_importers(imports: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Room -> its files that exactly one other file imports."""
    importers: dict[str, set[str]] = defaultdict(set)
    for source, targets in imports.items():
        for target in targets:
            importers[target].add(source)
    found: dict[str, list[str]] = defaultdict(list)
    for module, names in sorted(importers.items()):
        if len(names) == 1:
            found[room(module)].append(module)
    return dict(found)


def imports_per_file(imports: Mapping[str, set[str]], files: Mapping[str, Path]) -> dict[str, float]:
    """Room -> mean number of the project's files that one of its files imports; `all` for the whole house."""
    counts: dict[str, list[int]] = defaultdict(list)
    for module, targets in imports.items():
        if files[module].name != "__init__.py" or targets:
            counts[room(module)].append(len(targets))
            counts["all"].append(len(targets))
    return {name: sum(values) / len(values) for name, values in counts.items()}


def main() -> int:
    """Print the graph; the exit status is 1 where a rule is broken."""
    files, imports = modules(), graph()
    rooms, layers = between_rooms(imports), between_layers(imports)
    singles, mean = single_importers(imports), imports_per_file(imports, files)
    print("floor room         imports/file  one importer  imports")
    for name in sorted((n for n in FLOORS if n in mean), key=lambda n: -FLOORS[n]):
        below = " ".join(sorted(rooms.get(name, ()), key=lambda n: (-FLOORS[n], n)))
        print(f"{FLOORS[name]:5d} {name:12s} {mean[name]:12.1f} {len(singles.get(name, [])):13d}  {below}")
        for part in reversed((*ORDER.get(name, ()), "root")) if name in ORDER else ():
            inside = sorted(t.split("/")[1] for t in layers.get(f"{name}/{part}", ()) if t.startswith(f"{name}/"))
            print(f"        {part:12s} -> {' '.join(inside) or '-'}")
    print(f"imports per file in the whole house: {mean['all']:.2f}")
    wrong = upward(imports)
    print(f"arrows upward or to a neighbour: {len(wrong)}")
    for arrow in wrong:
        print(f"  {arrow.source} -> {arrow.target}")
    rounds = {"rooms": circles(rooms), "sub-rooms": circles(layers), "files": circles(imports)}
    for what, groups in rounds.items():
        print(f"circles between {what}: {len(groups)}")
        for group in groups:
            print(f"  {' '.join(group)}")
    return 1 if wrong or any(rounds.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
