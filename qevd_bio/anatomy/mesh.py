"""Body measurements on a closed surface mesh in the T-pose, by the definitions of Virtual Measurements (SHAPY).

Mass is the mesh's volume times 985 kg/m3, height the distance of head top and heel along y, a girth the
length of the convex hull of the cut with a level plane. The landmarks of SMPL-type meshes are licensed: they
are given by the caller, as points on the surface.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError

from qevd_bio.anatomy.body import Measurement
from qevd_bio.anatomy.dofs import FloatArray, IntArray
from qevd_bio.store.errors import UserError

DENSITY = 985.0
"""kg/m3, the constant of Virtual Measurements."""

LANDMARKS = ("head_top", "left_heel", "right_nipple", "belly_button", "crotch")

_SOURCE = "Virtual Measurements definitions (SHAPY, Choutas et al. 2022)"


def measure_mesh(vertices: FloatArray, faces: IntArray, landmarks: Mapping[str, FloatArray]) -> dict[str, Measurement]:
    """Height, mass, chest, waist and hips of a mesh in metres.

    vertices (V, 3) with y up, faces (F, 3) of a closed surface, landmarks: (3,) points for each of LANDMARKS.
    UserError names a missing landmark or a plane that misses the mesh.
    """
    missing = [name for name in LANDMARKS if name not in landmarks]
    if missing:
        raise UserError(f"no landmark {', '.join(missing)}", expected=f"points for {', '.join(LANDMARKS)}")
    height = abs(float(landmarks["head_top"][1] - landmarks["left_heel"][1]))
    values = {"height": height, "mass": abs(volume(vertices, faces)) * DENSITY}
    for girth, landmark in (("chest", "right_nipple"), ("waist", "belly_button"), ("hips", "crotch")):
        values[girth] = girth_at(vertices, faces, float(landmarks[landmark][1]))
    return {
        name: Measurement(value, "kg" if name == "mass" else "m", 0.0, "mesh", _SOURCE)
        for name, value in values.items()
    }


def volume(vertices: FloatArray, faces: IntArray) -> float:
    """Signed volume of a closed mesh: sum of the tetrahedra between its triangles and the origin."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def girth_at(vertices: FloatArray, faces: IntArray, height: float) -> float:
    """Length in metres of the convex hull of the mesh's cut with the plane y = `height`, as a tape lies."""
    try:
        hull = ConvexHull(_cut(vertices, faces, height))
    except (QhullError, ValueError):
        raise UserError(
            f"the plane y = {height:.3f} m does not cut the mesh", expected="a landmark on its surface"
        ) from None
    # in two dimensions scipy's "area" is the perimeter
    return float(hull.area)


def _cut(vertices: FloatArray, faces: IntArray, height: float) -> FloatArray:
    """(n, 2) points x, z where the edges of the triangles cross the plane."""
    edges: npt.NDArray[np.int64] = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    start, end = vertices[edges[:, 0]], vertices[edges[:, 1]]
    crossing = (start[:, 1] - height) * (end[:, 1] - height) < 0
    start, end = start[crossing], end[crossing]
    share = (height - start[:, 1]) / (end[:, 1] - start[:, 1])
    touching = vertices[np.isclose(vertices[:, 1], height, atol=1e-12)]
    points = start + share[:, None] * (end - start)
    return np.asarray(np.concatenate([points, touching])[:, [0, 2]])
