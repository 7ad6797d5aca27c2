"""How cameras stand where people film themselves: on the floor, on a shelf, tilted, near, to the side."""

from __future__ import annotations

import numpy as np

from qevd_bio.simulation.drawing.camera import Camera

PITCH_DEG, ROLL_DEG = (-10.0, 25.0), 15.0
DISTANCE_M = (2.0, 5.0)
FOCAL_RATIO = (0.7, 1.4)
"""Focal length over the longer image side."""

YAWS_DEG = ((0.0, 20.0, 0.45), (45.0, 15.0, 0.30), (90.0, 12.0, 0.25))
"""Where the camera stands: centre and spread of the angle from the body's front, either side, and how often."""

_TALL, _WIDE = 1.32, 1.15
_LOWEST_M = 0.15


def real_camera(draw: np.random.Generator, stature: float, width: int, height: int) -> Camera:
    """A camera that has the whole body, arms raised, in the picture, though hardly ever in its middle.

    Pitch, roll, distance, focal length and place are drawn within the bounds above; where they exclude each other
    (a low camera cannot look down) the pitch gives way.
    """
    low, high = PITCH_DEG
    pitch = float(np.clip(draw.normal(7.0, 8.0), low, high))
    roll = float(np.clip(draw.normal(0.0, 5.0), -ROLL_DEG, ROLL_DEG))
    focal = float(draw.uniform(*FOCAL_RATIO)) * max(width, height)
    room = float(draw.uniform(1.02, 1.35))
    needed = room * focal * max(_TALL * stature / height, _WIDE * stature / width)
    distance = float(np.clip(needed, *DISTANCE_M))
    focal *= min(1.0, distance / needed)
    target = 0.55 * stature
    up = float(np.clip(target + distance * np.tan(np.deg2rad(pitch)), _LOWEST_M, 2.8))
    centre, spread, _ = YAWS_DEG[int(draw.choice(len(YAWS_DEG), p=[share for *_, share in YAWS_DEG]))]
    yaw = float(draw.choice([-1.0, 1.0])) * centre + float(draw.normal(0.0, spread))
    camera = Camera.looking_at((0.0, target, 0.0), yaw, distance, up, focal, width, height)
    free = 0.5 * (room - 1.0) * stature
    aside, lower = draw.uniform(-1.0, 1.0, 2) * free * (0.8, 0.5)
    right = camera.rotation[0]
    x, y, z = np.array(camera.position) + aside * right + [0.0, lower, 0.0]
    return Camera((float(x), max(float(y), _LOWEST_M), float(z)), yaw, camera.pitch_deg, focal, width, height, roll)
