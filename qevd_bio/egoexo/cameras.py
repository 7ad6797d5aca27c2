"""Camera poses of Ego-Exo4D: fixed exocentric cameras, and the path of the egocentric one.

The files in use have one key a camera beside `metadata`; an egocentric camera's extrinsics are a dictionary of frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.egoexo.files import read_large_json
from qevd_bio.store.errors import UserError

_EXPECTED = "camera poses: metadata, and for each camera camera_intrinsics and camera_extrinsics"
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class CameraPose:
    """One camera: intrinsics (3, 3) or None; world to camera (3, 4) in metres.

    `extrinsics` maps frame numbers to matrices; a fixed camera has one entry, None.
    """

    id: str
    intrinsics: Matrix | None
    extrinsics: Mapping[int | None, Matrix]

    @property
    def moves(self) -> bool:
        """Whether the camera has a pose a frame."""
        return None not in self.extrinsics

    def world_to_camera(self, frame: int) -> Matrix | None:
        """The matrix (3, 4) at a frame, None where a moving camera has none."""
        return self.extrinsics.get(frame) if self.moves else self.extrinsics[None]

    def centre(self, frame: int) -> Matrix | None:
        """Where the camera stands (3,), metres of the world frame."""
        matrix = self.world_to_camera(frame)
        return None if matrix is None else np.asarray(-matrix[:, :3].T @ matrix[:, 3])


def read_camera_poses(path: Path) -> dict[str, CameraPose]:
    """Camera -> pose of a file of `ego_pose/<split>/camera_pose`. UserError for matrices of another shape."""
    value = read_large_json(path, _EXPECTED)
    if not isinstance(value, Mapping):
        raise UserError(f"holds a {type(value).__name__}", where=path, expected=_EXPECTED)
    return {str(name): _camera(str(name), about, path) for name, about in value.items() if name != "metadata"}


def _camera(name: str, about: Any, path: Path) -> CameraPose:
    if not isinstance(about, Mapping) or "camera_extrinsics" not in about:
        raise UserError(f"{name}: no camera_extrinsics", where=path, expected=_EXPECTED)
    inner = about.get("camera_intrinsics")
    given = about["camera_extrinsics"]
    extrinsics: dict[int | None, Matrix]
    if isinstance(given, Mapping):
        extrinsics = {int(frame): _matrix(matrix, (3, 4), path, f"{name}, {frame}") for frame, matrix in given.items()}
    else:
        extrinsics = {None: _matrix(given, (3, 4), path, name)}
    return CameraPose(name, None if inner is None else _matrix(inner, (3, 3), path, name), extrinsics)


def _matrix(value: Any, shape: tuple[int, int], path: Path, place: str) -> Matrix:
    try:
        matrix = np.array(value, float)
    except (ValueError, TypeError) as error:
        raise UserError(f"{place}: not a matrix of numbers", where=path, expected=_EXPECTED) from error
    if matrix.shape == (4, 4) and shape == (3, 4):
        matrix = matrix[:3]
    if matrix.shape != shape:
        raise UserError(f"{place}: shape {matrix.shape}", where=path, expected=f"{shape[0]} × {shape[1]}")
    return matrix
