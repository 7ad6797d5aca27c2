"""Whether data was simulated: nobody should take generated people for recorded ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from qevd_bio.dataset.opening import Dataset
from qevd_bio.tables.workspace import Workspace

TRUTH = "truth"
_CARD_BYTES = 20_000


def signs_of_simulation(workspace: Workspace, dataset: Dataset | None) -> tuple[str, ...]:
    """Why the data is known to be simulated; empty where nothing says so."""
    return tuple(dict.fromkeys([*_beside(workspace, dataset), *_manifests(workspace)]))


def _beside(workspace: Workspace, dataset: Dataset | None) -> Iterator[str]:
    roots = [] if dataset is None else [dataset.root, *dataset.folders.values()]
    # The rewritten data set links to the videos of its source.
    links = workspace.rewritten.glob("*/long_range_videos/*.mp4")
    first = next((path.resolve() for path in sorted(links) if path.is_symlink()), None)
    for folder in [*roots, *([first.parent.parent] if first else [])]:
        for place in (folder, folder.resolve().parent):
            if (place / TRUTH).is_dir():
                yield f"a folder {TRUTH}/ with the known truth lies beside the data set"
            if _card_says(place / "README.md"):
                yield "the data set's card says so"


def _card_says(path: Path) -> bool:
    """A line `simulated: true` or a tag `simulated` in the card's head."""
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            head = stream.read(_CARD_BYTES)
    except OSError:
        return False
    if not head.startswith("---"):
        return False
    block = head.split("---", 2)[1]
    return any(
        line.strip() == "simulated: true" or (line.startswith("tags:") and "simulated" in line)
        for line in block.splitlines()
    )


def _manifests(workspace: Workspace) -> Iterator[str]:
    for path in sorted(workspace.manifests.glob("*.json")):
        try:
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(found, dict) and (found.get("simulated") is True or found.get("stage") == "simulate"):
            yield f"the manifest {path.name} says so"
