"""Tables of marker and keypoint names (refs/markers/*.yaml): which point of a file is which place of the body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path

Float = NDArray[np.float64]

LEAST_PLACES = 6


@dataclass(frozen=True)
class MarkerSet:
    """One table. places: place -> alternatives, each the names whose middle it is; order: names by number."""

    name: str
    title: str
    source: str
    places: Mapping[str, tuple[tuple[str, ...], ...]]
    order: tuple[str, ...] = ()
    count: int = 0
    hips: str = "points"
    toe_share: float = 0.8
    inward_m: Mapping[str, float] = field(default_factory=dict)

    def found(self, names: Sequence[str]) -> int:
        """How many places the names give."""
        known = {plain_name(name) for name in names}
        return sum(any(_keys(parts) <= known for parts in options) for options in self.places.values())


@lru_cache(maxsize=1)
def marker_sets() -> tuple[MarkerSet, ...]:
    """Every set of refs/markers, in the order of their names."""
    import yaml

    folder = refs_path("markers")
    return tuple(_parse(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.yaml")))


def set_by_name(name: str) -> MarkerSet:
    """The set of that name. KeyError for others."""
    return {found.name: found for found in marker_sets()}[name]


def set_by_count(points: int) -> MarkerSet | None:
    """The set whose files number so many points; None where there is none."""
    return next((found for found in marker_sets() if found.count == points and found.order), None)


def find_set(names: Sequence[str], where: Path) -> MarkerSet:
    """The set that gives most places for these names. Raises UserError where none gives enough for a body."""
    best = max(marker_sets(), key=lambda found: found.found(names))
    if best.found(names) < LEAST_PLACES:
        titles = ", ".join(found.name for found in marker_sets())
        raise UserError(
            f"its markers ({', '.join(list(names)[:6])}, …) are of no set that is known",
            where=where,
            expected=f"the names of one of the sets {titles}",
            fix="rename the markers after one of these sets (docs/formats.md lists their names)",
        )
    return best


def plain_name(name: str) -> str:
    """A marker's name without the subject in front (Subject:RASI) and without case."""
    return name.rsplit(":", 1)[-1].strip().lower()


@dataclass(frozen=True)
class Places:
    """Places of the body from points: values (T, D) and trust (T,) by place; `single` are those that stand for an outer
    marker alone."""

    values: Mapping[str, Float]
    trust: Mapping[str, Float]
    single: frozenset[str]


def places_of(chosen: MarkerSet, names: Sequence[str], values: Float, trust: Float) -> Places:
    """Places from points (T, M, D) with trust (T, M); a point that is NaN or has no trust is missing.

    Of several alternatives each frame takes the first that is whole.
    """
    index = {plain_name(name): k for k, name in enumerate(names)}
    found: dict[str, Float] = {}
    trusted: dict[str, Float] = {}
    single = set()
    for place, options in chosen.places.items():
        mine = [[index[plain_name(part)] for part in parts] for parts in options if _keys(parts) <= set(index)]
        if not mine:
            continue
        value = np.full((len(values), values.shape[2]), np.nan)
        sure = np.zeros(len(values))
        for parts in reversed(mine):
            middle = values[:, parts].mean(axis=1)
            whole = np.isfinite(middle).all(axis=1) & (trust[:, parts].min(axis=1) > 0)
            value[whole], sure[whole] = middle[whole], trust[whole][:, parts].min(axis=1)
        found[place], trusted[place] = value, sure
        if len(mine[0]) == 1:
            single.add(place)
    return Places(found, trusted, frozenset(single))


def _keys(parts: tuple[str, ...]) -> set[str]:
    return {plain_name(part) for part in parts}


def _parse(data: Mapping[str, Any]) -> MarkerSet:
    places = {}
    for place, text in data["places"].items():
        options = text if isinstance(text, list) else [text]
        places[place] = tuple(tuple(part.strip() for part in option.split(" + ")) for option in options)
    more = {key: data[key] for key in ("count", "hips", "toe_share", "inward_m") if key in data}
    return MarkerSet(data["name"], data["title"], data["source"], places, tuple(data.get("order", ())), **more)
