"""A plain folder of videos: nothing known but, perhaps, the exercise of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from qevd_bio.dataset.maps import VIDEO_SUFFIXES, read_map
from qevd_bio.dataset.names import Name, NameBook
from qevd_bio.dataset.workout import Problem
from qevd_bio.store.errors import UserError
from qevd_bio.store.names import why_unsafe

SPLIT = "videos"
Hint = Callable[[str], Name | None]


def is_video(path: Path) -> bool:
    """Whether the name is that of a video; hidden files (such as macOS's `._x.mp4`) are none."""
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")


def list_videos(root: Path) -> list[Path]:
    """Videos directly in `root` (or `root` itself, a video), by name.

    Raises UserError for two files that differ only in the suffix: their results would have the same name.
    """
    if root.is_file():
        return [root]
    return distinct((path for path in sorted(root.iterdir()) if is_video(path)), root)


def distinct(paths: Iterable[Path], where: Path) -> list[Path]:
    """`paths`, each once; UserError for two videos whose results would have the same name."""
    found: dict[str, Path] = {}
    for path in paths:
        stem = path.stem
        if stem in found and found[stem].resolve() != path.resolve():
            first, second = (p.name if p.parent == where else p for p in (found[stem], path))
            raise UserError(
                f"{first} and {second} would give results of the same name",
                where=where,
                expected="each video's name without suffix only once",
                fix="rename one of them",
            )
        found[stem] = path
    return list(found.values())


def named(path: Path) -> tuple[str, Problem | None]:
    """The name of a video's results, and why it can have none."""
    # A name that is no text (bytes of another encoding) is still to be written down.
    stem = path.stem.encode("utf-8", "backslashreplace").decode()
    problem = why_unsafe(path.stem)
    if not problem:
        return stem, None
    detail = f"the name of this file cannot name results: {problem}; rename it"
    return stem, Problem("error", "unusable_name", detail, SPLIT, stem)


def exercise_hints(hint: str | None, names: NameBook) -> Hint:
    """What `--exercise` says about each video: one name for all, or a CSV with the columns video,exercise.

    Raises UserError for a name that no exercise has, with the row where it stands.
    """
    if hint is None:
        return lambda stem: None
    if not hint.lower().endswith(".csv"):
        name = names.find(hint)
        return lambda stem: name
    table = read_map(Path(hint).expanduser(), "exercise", (SPLIT,))
    found: dict[tuple[str, str], Name] = {}
    for key, (text, line) in table.values.items():
        name_or_none = names.lookup(text)
        if name_or_none is None:
            close = names.suggest(text)
            raise UserError(
                f"unknown exercise {text[:80]!r}",
                where=f"{hint}, line {line}",
                expected=f"one of {', '.join(close or names.names.values())}",
            )
        found[key] = name_or_none
    return lambda stem: found.get((SPLIT, stem)) or found.get(("", stem))
