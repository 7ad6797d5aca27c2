"""Where the shipped reference data and prompts lie, in a checkout or an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def _room(name: str) -> Path:
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def refs_path(*parts: str) -> Path:
    """Path of `parts` inside the shipped `refs/`."""
    return _room("refs").joinpath(*parts)


def prompts_path(*parts: str) -> Path:
    """Path of `parts` inside the shipped `prompts/`."""
    return _room("prompts").joinpath(*parts)
