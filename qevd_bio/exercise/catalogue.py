"""The catalogue: every exercise of refs/exercises, and the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from qevd_bio.dataset.names import find
from qevd_bio.exercise.check import check_exercise
from qevd_bio.exercise.roles import roles
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.schema import read_model
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import refs_path

__all__ = ["get", "load", "read_exercise", "roles"]


def load(user_dirs: Sequence[Path] = ()) -> dict[str, Exercise]:
    """All exercises by id: the shipped ones, then those of each user folder, which add or replace.

    A user folder holds `<id>.yaml` files of the same format (docs/exercises.md); a missing folder is empty.
    UserError names the file and the key of the first thing that does not fit.
    """
    catalogue = dict(_load_folder(refs_path("exercises"), None))
    for folder in user_dirs:
        if folder.is_dir():
            catalogue.update(_load_folder(folder, _stamp(folder)))
    return catalogue


def get(name: str, user_refs: Path | None = None) -> Exercise:
    """The exercise of any known spelling ("push-ups", "armcrosschest left"); UserError suggests the closest names.

    `user_refs` is `<workspace>/refs`; its `exercises` folder adds or replaces exercises.
    """
    folders = () if user_refs is None else (user_refs / "exercises",)
    return load(folders)[find(name, user_refs).id]


def read_exercise(path: Path) -> Exercise:
    """Read and check one exercise file."""
    exercise = read_model(Exercise, read_yaml(path), path)
    if exercise.id != path.stem:
        raise UserError(f"id {exercise.id!r} in a file named {path.name}", where=path, expected=f"id: {path.stem}")
    check_exercise(exercise, path)
    return exercise


def _stamp(folder: Path) -> tuple[tuple[str, int], ...]:
    return tuple((path.name, path.stat().st_mtime_ns) for path in sorted(folder.glob("*.yaml")))


@lru_cache(maxsize=16)
def _load_folder(folder: Path, stamp: object) -> dict[str, Exercise]:
    exercises = [read_exercise(path) for path in sorted(folder.glob("*.yaml"))]
    return {exercise.id: exercise for exercise in exercises}
