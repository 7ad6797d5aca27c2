"""Pictures of the figure: z-buffered capsules with smooth shading over a room with floor and wall. numpy only.

A capsule is the union of the spheres along its axis. Each pixel takes the sphere whose front is nearest to the
camera there, in closed form: exact for equal radii under a local parallel projection, also for limbs that
point into the camera. That costs about two dozen array operations on the capsule's own bounding box.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.drawing.figure import body_capsules
from qevd_bio.simulation.drawing.room import draw_room, draw_shadow
from qevd_bio.simulation.drawing.style import Style

Single = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]

_NEAR = 0.2
"""Metres: what comes closer to the camera is not drawn."""


@dataclass(frozen=True)
class _Buffers:
    """Depth, normal (camera axes) and material of the nearest surface at each pixel; material -1: nothing."""

    depth: Single
    normal: Single
    material: npt.NDArray[np.int8]
    x: Single
    y: Single

    @classmethod
    def blank(cls, camera: Camera) -> _Buffers:
        shape = (camera.height, camera.width)
        return cls(
            depth=np.full(shape, np.inf, np.float32),
            normal=np.zeros((3, *shape), np.float32),
            material=np.full(shape, -1, np.int8),
            x=np.arange(camera.width, dtype=np.float32)[None, :] + np.float32(0.5),
            y=np.arange(camera.height, dtype=np.float32)[:, None] + np.float32(0.5),
        )

    def clear(self) -> None:
        self.depth.fill(np.inf)
        self.material.fill(-1)


def render_clip(
    angles: FloatArray,
    skeleton: Skeleton,
    root: FloatArray,
    camera: Camera,
    style: Style | None = None,
) -> Iterator[Picture]:
    """The frames (height, width, 3) uint8 RGB of a clip, one by one.

    angles (T, 46) radians and root (T, 3) metres of the pelvis in the level world with the floor at y = 0.
    """
    style = style or Style()
    pose = forward_kinematics(angles, skeleton, root)
    capsules = body_capsules(pose, style.girth, style.loose())
    ends = camera.to_camera(capsules.ends)
    room, palette = draw_room(camera, style), style.palette().astype(np.float32)
    light = camera.rotation @ (np.array(style.light) / np.linalg.norm(style.light))
    buffers = _Buffers.blank(camera)
    radii = capsules.radii
    for t in range(len(angles)):
        buffers.clear()
        for part, material in enumerate(capsules.material):
            _draw_capsule(buffers, ends[t, part], radii[part], material, camera)
        picture = room.copy()
        draw_shadow(picture, capsules.ends[t], radii, camera)
        yield _shade(picture, buffers, palette, light.astype(np.float32), style)


def _draw_capsule(buffers: _Buffers, ends: FloatArray, radii: FloatArray, material: int, camera: Camera) -> None:
    """Draw one capsule, ends (2, 3) in camera axes, radii (2,) metres, into the buffers."""
    (near, far), (thick0, thick1) = ends[:, 2].tolist(), radii.tolist()
    if min(near, far) < _NEAR:
        return
    scale = camera.focal_px / ends[:, 2]
    u0, u1 = (ends[:, 0] * scale + camera.width / 2).tolist()
    v0, v1 = (ends[:, 1] * scale + camera.height / 2).tolist()
    r0, r1 = (radii * scale).tolist()
    left, right = int(max(min(u0 - r0, u1 - r1), 0)), int(min(max(u0 + r0, u1 + r1) + 2, camera.width))
    top, bottom = int(max(min(v0 - r0, v1 - r1), 0)), int(min(max(v0 + r0, v1 + r1) + 2, camera.height))
    if left >= right or top >= bottom:
        return
    box = np.s_[top:bottom, left:right]
    dx, dy = buffers.x[:, left:right] - np.float32(u0), buffers.y[top:bottom] - np.float32(v0)
    along_x, along_y = u1 - u0, v1 - v0
    length = max(float(np.hypot(along_x, along_y)), 1e-3)
    foot = dx * (along_x / length**2) + dy * (along_y / length**2)
    radius = r0 + np.clip(foot, 0.0, 1.0) * (r1 - r0)
    reach = radius * radius - (dx * dx + dy * dy - foot * foot * length**2)
    # the sphere with the nearest front lies off the pixel's foot point, towards the end nearer to the camera
    slope = (far - near) * camera.focal_px * 2 / (near + far) / length
    share = foot - np.sqrt(np.maximum(reach, 0.0)) * (slope / np.sqrt(1 + slope * slope) / length)
    np.clip(share, 0.0, 1.0, out=share)
    radius = r0 + share * (r1 - r0)
    across_x, across_y = (dx - share * along_x) / radius, (dy - share * along_y) / radius
    bulge = 1.0 - across_x * across_x - across_y * across_y
    height = np.sqrt(np.maximum(bulge, 0.0))
    depth = near + share * (far - near) - (thick0 + share * (thick1 - thick0)) * height
    nearer = (bulge > 0.0) & (depth < buffers.depth[box])
    np.copyto(buffers.depth[box], depth, where=nearer)
    np.copyto(buffers.material[box], np.int8(material), where=nearer)
    np.copyto(buffers.normal[0][box], across_x, where=nearer)
    np.copyto(buffers.normal[1][box], across_y, where=nearer)
    np.copyto(buffers.normal[2][box], -height, where=nearer)


def _shade(picture: Single, buffers: _Buffers, palette: Single, light: Single, style: Style) -> Picture:
    """Colour the covered pixels by their normals and turn the picture into bytes."""
    rows = np.flatnonzero((buffers.material >= 0).any(axis=1))
    if len(rows):
        band = np.s_[rows[0] : rows[-1] + 1]
        material = buffers.material[band]
        covered = material >= 0
        normal = buffers.normal[:, band][:, covered]
        facing = light @ normal
        lit = style.ambient + (1.0 - style.ambient) * np.maximum(facing, 0.0) - 0.12 * np.maximum(-facing, 0.0)
        # surfaces that turn away from the camera darken a little: keeps limbs apart from the trunk
        lit = lit * (0.72 - 0.28 * normal[2])
        colour = palette[material[covered]] * lit[:, None].astype(np.float32)
        picture[band][covered] = colour
    return np.asarray(np.clip(picture * np.float32(255.0 * style.exposure), 0, 255).astype(np.uint8))
