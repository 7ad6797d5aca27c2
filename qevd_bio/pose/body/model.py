"""SMPL-type body models, brought by the user: betas to a mesh in the zero pose, on which the body is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.body.mesh import Mesh, make_mesh, measure
from qevd_bio.pose.formats.numpy_file import read_npz
from qevd_bio.pose.formats.plain_pickle import RefusedPickle, read_joblib_file
from qevd_bio.store.errors import UserError

# SMPL and SMPL-X, then SKEL's skin.
_TEMPLATE, _FACES, _DIRECTIONS = ("v_template", "skin_template_v"), ("f", "skin_template_f", "faces"), ("shapedirs",)
_EXPECTED = (
    "a model of SMPL, SMPL-X or SKEL as .npz, or a .pkl of plain arrays: "
    "v_template (V, 3) metres, shapedirs (V, 3, n), f (F, 3)"
)
_FIX = "np.savez(NAME, v_template=…, shapedirs=…, f=…) in the program that reads it writes the arrays alone"

Float = NDArray[np.float64]


@dataclass(frozen=True)
class BodyModel:
    """template (V, 3) metres, y up; directions (V, 3, n), metres for one unit of each beta; faces (F, 3)."""

    path: Path
    template: Float
    directions: Float
    faces: NDArray[np.int64]

    def mesh(self, betas: Sequence[float]) -> Mesh:
        """The body of these betas in the zero pose. Raises UserError for more betas than the model has."""
        if len(betas) > self.directions.shape[2]:
            raise UserError(
                f"{len(betas)} betas", where=self.path, expected=f"at most the {self.directions.shape[2]} of this model"
            )
        shape = np.asarray(betas, dtype=np.float64)
        return make_mesh(self.template + self.directions[..., : len(shape)] @ shape, self.faces, {}, self.path)


def measured(model: BodyModel, windows: Sequence[Sequence[float]]) -> dict[str, tuple[float, float | None]]:
    """Measures of the mean of the windows' betas (m, kg), and their spread between windows, None for a single one."""
    value = measure(model.mesh(np.mean(np.asarray(windows, dtype=np.float64), axis=0).tolist()))
    if len(windows) < 2:
        return {name: (number, None) for name, number in value.items()}
    each = [measure(model.mesh(window)) for window in windows]
    return {name: (number, float(np.std([one[name] for one in each if name in one]))) for name, number in value.items()}


@lru_cache(maxsize=2)
def read_body_model(path: Path) -> BodyModel:
    """The arrays of a body model; a pickle is read without running it. Raises UserError for other files."""
    arrays = _arrays(path.expanduser())
    template, faces, directions = (_find(arrays, names, path) for names in (_TEMPLATE, _FACES, _DIRECTIONS))
    fits = template.ndim == 2 and template.shape[1] == 3 and directions.ndim == 3 and faces.ndim == 2
    if not fits or directions.shape[:2] != template.shape or faces.shape[1] != 3:
        shapes = f"v_template {template.shape}, shapedirs {directions.shape}, f {faces.shape}"
        raise UserError(shapes, where=path, expected=_EXPECTED)
    return BodyModel(path, template.astype(np.float64), directions.astype(np.float64), faces.astype(np.int64))


def _arrays(path: Path) -> dict[str, Any]:
    if path.suffix.lower() == ".npz":
        return read_npz(path)
    try:
        found = read_joblib_file(path)
    except (OSError, RefusedPickle) as error:
        raise UserError(f"cannot be read: {error}", where=path, expected=_EXPECTED, fix=_FIX) from error
    if not isinstance(found, dict):
        raise UserError(f"holds {type(found).__name__}", where=path, expected=_EXPECTED, fix=_FIX)
    return found


def _find(arrays: dict[str, Any], names: Sequence[str], path: Path) -> NDArray[Any]:
    name = next((name for name in names if name in arrays), None)
    array = np.asarray(arrays[name]) if name is not None else np.empty(0, dtype=object)
    if array.dtype.kind not in "fiu":
        held = ", ".join(sorted(map(str, arrays))[:8]) or "nothing"
        raise UserError(f"no array {' or '.join(names)} (holds {held})", where=path, expected=_EXPECTED, fix=_FIX)
    return array
