"""The room behind the figure: a plank floor, a wall with skirting and a poster, and shadows on the floor."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.drawing.style import Style

Single = npt.NDArray[np.float32]

WALL_DISTANCE = 1.8
"""Metres from the middle of the room to the wall, away from the camera."""

_PLANK = 0.14


def draw_room(camera: Camera, style: Style) -> Single:
    """The empty room (height, width, 3), 0..1. The wall faces the camera's heading."""
    draw = np.random.default_rng(style.seed)
    rays = camera.rays()
    turn = np.deg2rad(camera.heading_deg)
    back = np.array([-np.sin(turn), 0.0, -np.cos(turn)])
    sideways = np.array([np.cos(turn), 0.0, -np.sin(turn)])
    origin = np.array(camera.position)
    with np.errstate(divide="ignore", invalid="ignore"):
        to_wall = (WALL_DISTANCE - origin @ back) / (rays @ back)
        to_floor = np.where(rays[..., 1] < 0, -origin[1] / rays[..., 1], np.inf)
    on_floor = to_floor < to_wall
    hit = origin + rays * np.where(on_floor, to_floor, to_wall)[..., None]
    across, away, height = hit @ sideways, hit @ back, hit[..., 1]
    wall = _wall(across, height, style, draw)
    floor = _floor(across, away, style, draw)
    picture = np.where(on_floor[..., None], floor, wall)
    return np.asarray(np.clip(picture, 0.0, 1.0), dtype=np.float32)


def _wall(across: FloatArray, height: FloatArray, style: Style, draw: np.random.Generator) -> FloatArray:
    shade = 0.86 + 0.07 * np.clip(height, 0, 2.5) + 0.03 * np.sin(across * 0.9 + draw.uniform(0, 6))
    wall = np.array(style.wall) / 255.0 * shade[..., None]
    wall = np.where((height < 0.09)[..., None], np.array([0.93, 0.93, 0.92]), wall)
    left, low = draw.uniform(-1.6, 0.6), draw.uniform(1.15, 1.45)
    frame = (np.abs(across - left) < 0.36) & (np.abs(height - low - 0.3) < 0.28)
    inside = (np.abs(across - left) < 0.33) & (np.abs(height - low - 0.3) < 0.25)
    wall = np.where(frame[..., None], np.array([0.30, 0.27, 0.25]), wall)
    return np.where(inside[..., None], draw.uniform(0.45, 0.8, 3), wall)


def _floor(across: FloatArray, away: FloatArray, style: Style, draw: np.random.Generator) -> FloatArray:
    plank = np.floor(across / _PLANK).astype(np.int64)
    tone = draw.uniform(0.92, 1.06, 64)[plank % 64]
    seam = np.abs(across / _PLANK - plank - 0.5) > 0.47
    grain = 1.0 + 0.02 * np.sin(away * 9.0 + plank * 1.7)
    shade = tone * grain * np.where(seam, 0.86, 1.0)
    return np.asarray(np.array(style.floor) / 255.0 * shade[..., None])


def draw_shadow(picture: Single, ends: FloatArray, radii: FloatArray, camera: Camera) -> None:
    """Darken the floor under the body: one soft spot under each capsule, fainter the higher it is.

    ends (P, 2, 3) and radii (P, 2) in metres, world axes.
    """
    centres, sizes = ends.mean(axis=1), radii.max(axis=1)
    heights = centres[:, 1]
    for i in np.flatnonzero((sizes > 0.03) & (heights < 1.1)):
        spread = sizes[i] * 1.4 + 0.10 * heights[i]
        strength = 0.16 * np.exp(-1.6 * heights[i])
        _spot(picture, np.array([centres[i, 0], 0.0, centres[i, 2]]), spread, float(strength), camera)


def _spot(picture: Single, centre: FloatArray, spread: float, strength: float, camera: Camera) -> None:
    """Darken an ellipse: the projection of a level disc of radius `spread` around a point of the floor."""
    inside = camera.to_camera(centre)
    if inside[2] < 0.3:
        return
    u, v = camera.project(centre)
    wide = spread * camera.focal_px / inside[2]
    slope = (camera.position[1] + 1e-6) / np.hypot(inside[2], camera.position[1])
    tall = max(wide * slope, 1.0)
    left, right = int(max(u - wide, 0)), int(min(u + wide + 1, camera.width))
    top, bottom = int(max(v - tall, 0)), int(min(v + tall + 1, camera.height))
    if left >= right or top >= bottom:
        return
    x = (np.arange(left, right, dtype=np.float32) - np.float32(u)) / np.float32(wide)
    y = (np.arange(top, bottom, dtype=np.float32) - np.float32(v)) / np.float32(tall)
    soft = np.maximum(1.0 - (x * x)[None, :] - (y * y)[:, None], 0.0)
    picture[top:bottom, left:right] *= (1.0 - np.float32(strength) * soft)[..., None]
