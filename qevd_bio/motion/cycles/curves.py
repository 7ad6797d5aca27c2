"""Curves of quantities where they were seen: the exercise room's curves with unobserved frames as NaN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.derived import QUANTITIES
from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.curves import Curves

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class SeenCurves(Curves):
    """Curves over T frames, (T,) each, in two forms.

    Called, a curve is NaN where a degree of freedom it needs was not observed: that is what may be judged.
    `present` keeps every estimate of the frames with a pose of their own: a far leg that is only guessed at still
    tells when a repetition happens, if not how deep it was.

    angles (T, 46) radians; observed (T, 46); ok (T,) frames with a pose of their own; root (T, 3) metres or None;
    sigma (T, 46) radians of the angles' errors or None.
    """

    def __init__(
        self,
        angles: Array,
        observed: Mask,
        ok: Mask,
        skeleton: Skeleton,
        root: NDArray[Any] | None = None,
        sigma: Array | None = None,
    ) -> None:
        place = None if root is None or not np.isfinite(root).any() else np.asarray(root, dtype=np.float64)
        super().__init__(angles, skeleton, place)
        self.observed, self.ok, self.skeleton, self.sigma = observed, ok, skeleton, sigma
        self.root = place
        self.values: dict[str, Array] = {}
        """What `present` has computed so far."""
        self._seen: dict[str, Array] = {}

    def present(self, name: str) -> Array:
        """The curve in all frames with a pose."""
        found = self.values.get(name)
        if found is None:
            plain = name in DOF_INDEX
            values = np.rad2deg(self.angles[:, DOF_INDEX[name]]) if plain else super().__call__(name)
            found = self.values[name] = np.where(self.ok, values, np.nan)
        return found

    def __call__(self, name: str) -> Array:
        found = self._seen.get(name)
        if found is None:
            columns = [DOF_INDEX[dof] for dof in needs(name)]
            found = np.where(self.observed[:, columns].all(axis=1), self.present(name), np.nan)
            self._seen[name] = found
        return found


class JoinedCurves:
    """Curves of consecutive blocks as one: what all blocks have computed is joined, the rest is computed at once."""

    def __init__(self, blocks: Sequence[SeenCurves], skeleton: Skeleton) -> None:
        self._blocks = blocks
        self.angles: Array = np.concatenate([block.angles for block in blocks]) if blocks else np.empty((0, 46))
        self.observed: Mask = np.concatenate([b.observed for b in blocks]) if blocks else np.empty((0, 46), dtype=bool)
        ok = np.concatenate([block.ok for block in blocks]) if blocks else np.empty(0, dtype=bool)
        roots = [block.root for block in blocks if block.root is not None]
        root = np.concatenate(roots) if roots and len(roots) == len(blocks) else None
        sigmas = [block.sigma for block in blocks if block.sigma is not None]
        self.sigma: Array | None = np.concatenate(sigmas) if sigmas and len(sigmas) == len(blocks) else None
        self.root, self.skeleton = root, skeleton
        self._whole = SeenCurves(self.angles, self.observed, ok, skeleton, root, self.sigma)

    def present(self, name: str) -> Array:
        self._join(name)
        return self._whole.present(name)

    def __call__(self, name: str) -> Array:
        self._join(name)
        return self._whole(name)

    def _join(self, name: str) -> None:
        if name not in self._whole.values and self._blocks and all(name in block.values for block in self._blocks):
            self._whole.values[name] = np.concatenate([block.values[name] for block in self._blocks])


class Window:
    """A stretch of the frames of other curves, both ends included, as curves of its own."""

    def __init__(self, curves: SeenCurves | JoinedCurves, first: int, last: int) -> None:
        self._curves, self._part = curves, slice(first, last + 1)
        self.angles: Array = curves.angles[self._part]
        self.observed: Mask = curves.observed[self._part]
        self.sigma: Array | None = None if curves.sigma is None else curves.sigma[self._part]
        self.root: Array | None = None if curves.root is None else curves.root[self._part]
        self.skeleton: Skeleton = curves.skeleton
        self._found: dict[str, Array] = {}
        self._shares: dict[tuple[str, ...], float] = {}

    def share(self, names: tuple[str, ...]) -> float:
        """Share of the frames in which all these curves are known."""
        if names not in self._shares:
            known = [np.isfinite(self(name)) for name in names]
            self._shares[names] = float(np.logical_and.reduce(known).mean()) if known else 0.0
        return self._shares[names]

    def present(self, name: str) -> Array:
        return self._curves.present(name)[self._part]

    def __call__(self, name: str) -> Array:
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._curves(name)[self._part]
        return found

    def __len__(self) -> int:
        return len(self.angles)


def needs(name: str) -> tuple[str, ...]:
    """Degrees of freedom that a quantity needs."""
    return (name,) if name in DOF_INDEX else QUANTITIES[name].dofs


def skeleton_of(lengths: Mapping[str, float], stature_m: float | None) -> Skeleton:
    """The subject's skeleton as far as it was measured, else one of mean proportions."""
    skeleton = Skeleton.from_stature(stature_m) if stature_m else Skeleton.from_stature()
    return skeleton.with_lengths(dict(lengths)) if lengths else skeleton
