"""Clip features as files of declared shapes: one array a view and instance, and joint angles where there are any.

A folder holds `features.json` and `VIEW/INSTANCE.npy`; any encoder may have written it:

    {"encoder": "InternVideo2 stage 3, 1B", "views": {"ego": [16, 8, 8, 1408], "exo": [16, 8, 8, 1408]}, "poses": 46}

Axes are time, rows, columns, channels. `poses/INSTANCE.npy` are joint angles (frames, 46) in radians.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.store.atomic import atomic_path, write_json
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_json

ABOUT, POSES = "features.json", "poses"
Shape = tuple[int, int, int, int]
Values = NDArray[np.float32]
_EXPECTED = 'encoder, and views: {"ego": [time, rows, columns, channels], …}'


@dataclass(frozen=True)
class FeatureFolder:
    """Features of a data set: which encoder made them, and the shape of each view's arrays."""

    root: Path
    encoder: str
    views: Mapping[str, Shape]
    dofs: int = 0

    def path(self, view: str, instance: str) -> Path:
        """The file of one view (or `poses`) of an instance."""
        return self.root / view / f"{instance}.npy"

    def load(self, view: str, instance: str) -> Values:
        """One view's array in its declared shape. UserError where it is missing, damaged or of another shape."""
        shape = self.views.get(view)
        if shape is None:
            raise UserError(f"no view {view!r}", where=self.root / ABOUT, expected=", ".join(self.views))
        values = self._read(view, instance)
        if values.shape != shape:
            raise UserError(f"shape {values.shape}", where=self.path(view, instance), expected=f"{shape} as declared")
        return values

    def load_poses(self, instance: str) -> Values:
        """Joint angles (frames, dofs) in radians. UserError as `load`."""
        if not self.dofs:
            raise UserError("no poses here", where=self.root / ABOUT, expected='"poses": the number of angles')
        values = self._read(POSES, instance)
        if values.ndim != 2 or values.shape[1] != self.dofs or not len(values):
            raise UserError(
                f"shape {values.shape}", where=self.path(POSES, instance), expected=f"(frames, {self.dofs})"
            )
        return values

    def missing(self, instances: Sequence[str], views: Sequence[str]) -> list[Path]:
        """Files that are not there."""
        paths = [self.path(view, name) for view in views for name in instances]
        return [path for path in paths if not path.is_file()]

    def _read(self, view: str, instance: str) -> Values:
        path = self.path(view, instance)
        try:
            values = np.load(path, allow_pickle=False)
        except FileNotFoundError as error:
            raise UserError(
                "no such file",
                where=path,
                expected="an array of each view and instance",
                fix=f"see {self.root / ABOUT}",
            ) from error
        except (OSError, ValueError, EOFError) as error:
            raise UserError(f"cannot be read ({error})", where=path, expected="an array saved by numpy") from error
        if values.dtype.kind not in "fiu" or not np.isfinite(values).all():
            raise UserError("holds values that are no finite numbers", where=path, expected="finite numbers")
        return values.astype(np.float32)


def open_features(root: Path) -> FeatureFolder:
    """The feature folder at `root`. UserError where `features.json` is missing or says something else."""
    folder = root.expanduser()
    about = read_json(folder / ABOUT, _EXPECTED)
    try:
        views = {str(name): _shape(shape) for name, shape in about["views"].items()}
        return FeatureFolder(folder, str(about.get("encoder") or "unknown"), views, int(about.get("poses") or 0))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"cannot be used ({error})", where=folder / ABOUT, expected=_EXPECTED) from error


def _shape(value: Sequence[int]) -> Shape:
    steps, rows, columns, channels = (int(size) for size in value)
    if min(steps, rows, columns, channels) < 1:
        raise ValueError(f"shape {list(value)}")
    return steps, rows, columns, channels


def declare_features(root: Path, encoder: str, views: Mapping[str, Shape], dofs: int = 0) -> FeatureFolder:
    """Write `features.json`; arrays are then added with `write_array`."""
    shapes = {name: list(shape) for name, shape in views.items()}
    write_json(root / ABOUT, {"encoder": encoder, "views": shapes, **({"poses": dofs} if dofs else {})})
    return FeatureFolder(root, encoder, dict(views), dofs)


def write_array(path: Path, values: NDArray[np.floating]) -> None:
    """One array as float16: features need no more, and half the room."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, values.astype(np.float16), allow_pickle=False)
