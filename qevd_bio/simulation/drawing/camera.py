"""A pinhole camera that looks at a person: world to image, and the direction of every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevd_bio.anatomy.dofs import FloatArray


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and how it looks.

    position     metres, world axes (x to the left of a subject with heading 0, y up, z to where it faces)
    heading_deg  side from which it looks: 0 from the front, +90 from the subject's left
    pitch_deg    + looks down
    roll_deg     + the camera is turned clockwise, as its owner sees it: the picture turns the other way
    focal_px     focal length in pixels; the image is `width` x `height` pixels with square pixels
    """

    position: tuple[float, float, float]
    heading_deg: float = 0.0
    pitch_deg: float = 0.0
    focal_px: float = 520.0
    width: int = 360
    height: int = 504
    roll_deg: float = 0.0

    @classmethod
    def looking_at(
        cls,
        target: tuple[float, float, float],
        heading_deg: float = 0.0,
        distance: float = 3.2,
        camera_height: float = 1.2,
        focal_px: float = 520.0,
        width: int = 360,
        height: int = 504,
    ) -> Camera:
        """A camera `distance` metres from `target` (level distance) that has it in the middle of the image."""
        turn = np.deg2rad(heading_deg)
        x = target[0] + distance * np.sin(turn)
        z = target[2] + distance * np.cos(turn)
        pitch = np.rad2deg(np.arctan2(camera_height - target[1], distance))
        return cls((float(x), camera_height, float(z)), heading_deg, float(pitch), focal_px, width, height)

    @property
    def rotation(self) -> FloatArray:
        """(3, 3) world to camera axes: x right, y down, z into the scene."""
        turn, pitch, roll = np.deg2rad([self.heading_deg, self.pitch_deg, self.roll_deg])
        right = np.array([np.cos(turn), 0.0, -np.sin(turn)])
        into = np.array([-np.sin(turn) * np.cos(pitch), -np.sin(pitch), -np.cos(turn) * np.cos(pitch)])
        down = np.cross(into, right)
        return np.stack([np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right, into])

    def to_camera(self, points: FloatArray) -> FloatArray:
        """World points (..., 3) in camera axes, metres."""
        return np.asarray((np.asarray(points) - np.array(self.position)) @ self.rotation.T)

    def project(self, points: FloatArray) -> FloatArray:
        """Pixels (..., 2), x right and y down from the top left corner; NaN behind the camera."""
        inside = self.to_camera(points)
        depth = np.where(inside[..., 2:] > 1e-6, inside[..., 2:], np.nan)
        return np.asarray(inside[..., :2] * self.focal_px / depth + np.array([self.width, self.height]) / 2)

    def rays(self) -> FloatArray:
        """(height, width, 3) world directions of the pixel centres, not normalised."""
        x = (np.arange(self.width) + 0.5 - self.width / 2) / self.focal_px
        y = (np.arange(self.height) + 0.5 - self.height / 2) / self.focal_px
        grid = np.stack([*np.meshgrid(x, y), np.ones((self.height, self.width))], axis=-1)
        return np.asarray(grid @ self.rotation)
