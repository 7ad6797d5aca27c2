"""Measurements of a body's surface mesh, after the definitions of Virtual Measurements (SHAPY).

Height between the highest and the lowest vertex, mass from the enclosed volume at 985 kg/m³, girths as the length
of the convex hull of a horizontal section: a tape measure does not follow hollows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.formats.numpy_file import read_npz
from qevd_bio.store.errors import UserError

DENSITY_KG_M3 = 985.0
# Heights of nipple, navel and crotch over stature where the mesh file gives no landmarks (means of ANSUR II).
LANDMARK_HEIGHTS = {"chest": 0.72, "waist": 0.60, "hips": 0.47}
# SHAPY writes the posed body beside the one in the zero pose, which alone can be measured.
_VERTICES, _FACES = ("v_shaped", "vertices", "v"), ("faces", "f")
OPEN_SHARE = 0.02
"""A mesh may have this share of open edges: SMPL-X is open at the eyes and in the mouth."""
_EXPECTED = "arrays vertices (n, 3) in metres, y up, and faces (m, 3); optionally chest_y, waist_y, hips_y in metres"
_LEAST_M, _MOST_M = 0.5, 2.6

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Mesh:
    """A closed triangle mesh in metres, y up, and the heights (m, same axis) at which girths are taken."""

    vertices: Float
    faces: NDArray[np.int64]
    levels: Mapping[str, float]
    levels_given: bool


def read_mesh(path: Path) -> Mesh:
    """A mesh in T- or A-pose from `.npz` or `.obj`. Raises UserError for open, empty or wrongly scaled ones."""
    vertices, faces, given = _read_obj(path) if path.suffix.lower() == ".obj" else _read_npz(path)
    return make_mesh(vertices, faces, given, path)


def is_mesh(arrays: Mapping[str, Any]) -> bool:
    """Whether an archive holds a mesh."""
    return all(any(name in arrays for name in names) for names in (_VERTICES, _FACES))


def make_mesh(vertices: Float, faces: NDArray[np.int64], given: Mapping[str, float], path: Path) -> Mesh:
    """A mesh of these arrays, which came from `path`; `given` are heights of landmarks. Raises as `read_mesh` does."""
    if vertices.ndim != 2 or vertices.shape[1:] != (3,) or faces.ndim != 2 or faces.shape[1:] != (3,) or not len(faces):
        raise UserError(f"vertices {vertices.shape}, faces {faces.shape}", where=path, expected=_EXPECTED)
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise UserError("a face names a vertex that is not there", where=path, expected=_EXPECTED)
    if not np.isfinite(vertices).all():
        raise UserError("a vertex is not a finite point", where=path, expected=_EXPECTED)
    tall = float(np.ptp(vertices[:, 1]))
    if not _LEAST_M <= tall <= _MOST_M:
        raise UserError(
            f"the mesh is {tall:.2f} units tall along y", where=path, expected=f"metres, {_LEAST_M} to {_MOST_M}, y up"
        )
    if open_share(faces) > OPEN_SHARE:
        raise UserError("the mesh is not closed, so it has no volume", where=path, expected="a watertight body mesh")
    low = float(vertices[:, 1].min())
    levels = {name: given.get(name, low + share * tall) for name, share in LANDMARK_HEIGHTS.items()}
    return Mesh(vertices, faces, levels, set(given) == set(LANDMARK_HEIGHTS))


def measure(mesh: Mesh) -> dict[str, float]:
    """height, chest, waist, hips in metres and mass in kilograms. A level that misses the body is left out."""
    found = {"height": float(np.ptp(mesh.vertices[:, 1])), "mass": DENSITY_KG_M3 * abs(volume(mesh))}
    for name, level in mesh.levels.items():
        girth = girth_at(mesh, level)
        if girth is not None:
            found[name] = girth
    return found


def volume(mesh: Mesh) -> float:
    """Signed volume (m³) of a closed mesh: the sum of the tetrahedra to its middle, where small holes cost least."""
    vertices = mesh.vertices - mesh.vertices.mean(axis=0)
    a, b, c = (vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def girth_at(mesh: Mesh, level: float) -> float | None:
    """Length (m) of the convex hull of the trunk's section at height `level`; None where nothing is cut.

    Arms that hang in the plane are separate pieces of the section; the piece nearest to the body's middle counts.
    """
    from scipy.spatial import ConvexHull, QhullError

    points = _trunk_piece(section(mesh, level), float(np.median(mesh.vertices[:, 0])))
    if len(points) < 3:
        return None
    try:
        hull = ConvexHull(points)
    except QhullError:
        return None
    return float(hull.area)  # of a plane figure, scipy's "area" is the outline's length


def section(mesh: Mesh, level: float) -> Float:
    """Segments (k, 2, 2), in x and z, in which the plane y = level cuts the faces."""
    y = mesh.vertices[:, 1] - level
    y = np.where(y == 0.0, 1e-12, y)
    above = y[mesh.faces] > 0
    cut = mesh.faces[above.any(1) & ~above.all(1)]
    segments = np.empty((len(cut), 2, 2))
    for row, face in enumerate(cut):
        ends = [(i, j) for i, j in zip(face, np.roll(face, -1), strict=True) if (y[i] > 0) != (y[j] > 0)]
        for end, (i, j) in enumerate(ends):
            t = y[i] / (y[i] - y[j])
            point = mesh.vertices[i] + t * (mesh.vertices[j] - mesh.vertices[i])
            segments[row, end] = point[[0, 2]]
    return segments


def open_share(faces: NDArray[np.int64]) -> float:
    """Share of the edges that do not belong to exactly two faces; 0 for a closed mesh."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return float((np.unique(edges, axis=0, return_counts=True)[1] != 2).mean())


def _trunk_piece(segments: Float, middle: float) -> Float:
    """Points of the connected piece of a section whose extent covers or comes nearest to x = middle."""
    if not len(segments):
        return np.empty((0, 2))
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    keys = np.round(segments.reshape(-1, 2) / 1e-6).astype(np.int64)
    _, ids = np.unique(keys, axis=0, return_inverse=True)
    ends = ids.reshape(-1, 2)
    count = int(ends.max()) + 1
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    of_segment = label[ends[:, 0]]
    pieces = [segments[of_segment == piece].reshape(-1, 2) for piece in np.unique(of_segment)]
    # hips are cut at the crotch: two thighs side by side count together
    middles = [abs(float(piece[:, 0].mean()) - middle) for piece in pieces]
    nearest = min(middles)
    return np.concatenate([p for p, m in zip(pieces, middles, strict=True) if m <= nearest + 0.02])


def _read_npz(path: Path) -> tuple[Float, NDArray[np.int64], dict[str, float]]:
    arrays = read_npz(path)
    names = [next((n for n in choice if n in arrays), None) for choice in (_VERTICES, _FACES)]
    if names[0] is None or names[1] is None:
        raise UserError(f"holds {', '.join(sorted(arrays)) or 'nothing'}", where=path, expected=_EXPECTED)
    vertices, faces = np.asarray(arrays[names[0]]), np.asarray(arrays[names[1]])
    if vertices.dtype.kind != "f" or faces.dtype.kind not in "iu":
        raise UserError(f"vertices are {vertices.dtype}, faces {faces.dtype}", where=path, expected=_EXPECTED)
    given = {name: _height(arrays[f"{name}_y"], name, path) for name in LANDMARK_HEIGHTS if f"{name}_y" in arrays}
    return vertices.astype(np.float64), faces.astype(np.int64), given


def _height(value: Any, name: str, path: Path) -> float:
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise UserError(f"{name}_y is {array.dtype} {array.shape}", where=path, expected="one height in metres")
    return float(array.item())


def _read_obj(path: Path) -> tuple[Float, NDArray[np.int64], dict[str, float]]:
    vertices: list[list[float]] = []
    faces: list[list[int]] = []
    number = 0
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            number += 1
            words = line.split()
            if words[:1] == ["v"]:
                x, y, z = (float(word) for word in words[1:4])
                vertices.append([x, y, z])
            elif words[:1] == ["f"]:
                corners = [int(word.split("/")[0]) - 1 for word in words[1:]]
                faces.extend([corners[0], a, b] for a, b in pairwise(corners[1:]))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read: {error}", where=path, expected="a Wavefront .obj mesh") from error
    except (ValueError, OverflowError, IndexError) as error:
        raise UserError(f"bad number: {error}", where=f"{path}, line {number}", expected="v x y z, f i j k") from error
    if any(abs(corner) > len(vertices) for face in faces for corner in face):
        raise UserError("a face names a vertex that is not there", where=path, expected=_EXPECTED)
    return np.array(vertices, dtype=np.float64), np.array(faces, dtype=np.int64), {}
