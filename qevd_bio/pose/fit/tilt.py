"""How the camera is tilted, from the body it sees: hips and shoulders are level, and who stands does so upright.

Each frame says little and is wrong together with its neighbours, so all frames of a clip weigh as much as one good
look, against a prior of where people put cameras.
"""

from __future__ import annotations

import numpy as np

from qevd_bio.pose.backends.landmarks import level_rotation
from qevd_bio.pose.fit.chain import ANKLES, HIPS, SHOULDERS
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.rotations import Float, unit

# Where people put cameras: pitch (looking down) and roll, radians.
TILT_MEAN: Float = np.deg2rad([4.0, 0.0])
TILT_SD: Float = np.deg2rad([9.0, 6.0])
TILT_MOST: Float = np.deg2rad([35.0, 25.0])
# Spreads over a clip's mean: of a line between two hips or shoulders (rise over length), and of the lean (sine) of the
# whole body, of legs and of trunk.
LINE_SD, LEG_SD, TRUNK_SD = 0.05, 0.14, 0.20
ROBUST_SPREADS = 2.0
STEPS, _NUDGE = 8, 1e-4


def camera_tilt(world: Float, options: FitOptions) -> Float:
    """Pitch and roll (2,) in radians from world markers (K, 8, 2, 3) in camera axes; what the options state is kept."""
    given = (options.camera_pitch_deg, options.camera_roll_deg)
    known = np.array([value is not None for value in given])
    tilt = np.array(
        [mean if value is None else np.deg2rad(value) for value, mean in zip(given, TILT_MEAN, strict=True)]
    )
    if known.all():
        return tilt
    shoulders, hips, ankles = world[:, SHOULDERS], world[:, HIPS], world[:, ANKLES]
    lines = unit(np.stack([hips[:, 1] - hips[:, 0], shoulders[:, 1] - shoulders[:, 0]], axis=1))
    posts = unit(np.stack([hips.mean(1) - ankles.mean(1), shoulders.mean(1) - hips.mean(1)], axis=1))
    standing = np.clip(unit(shoulders.mean(1) - ankles.mean(1)) @ level_rotation(*TILT_MEAN)[1], 0.0, 1.0) ** 4
    for _ in range(STEPS):
        now = _residuals(lines, posts, standing, tilt)
        steps = np.eye(2) * _NUDGE
        sides = [
            _residuals(lines, posts, standing, tilt + s) - _residuals(lines, posts, standing, tilt - s) for s in steps
        ]
        slopes = np.stack(sides, axis=1)[:, ~known] / (2.0 * _NUDGE)
        tilt[~known] -= np.linalg.solve(slopes.T @ slopes, slopes.T @ now)
        tilt = np.where(known, tilt, np.clip(tilt, -TILT_MOST, TILT_MOST))
    return tilt


def _residuals(lines: Float, posts: Float, standing: Float, tilt: Float) -> Float:
    """Weighted (N,): lines against the floor's plane, posts against both level axes, and the tilt against its prior."""
    level = level_rotation(*tilt)
    share = np.sqrt(standing / len(standing))[:, None]
    rise = lines @ level[1] / LINE_SD
    lean = posts @ level[[0, 2]].T / np.array([[LEG_SD], [TRUNK_SD]])
    parts = [rise, lean[:, 0], lean[:, 1]]
    weighted = [(part / np.sqrt(1.0 + (part / ROBUST_SPREADS) ** 2) * share).ravel() for part in parts]
    return np.concatenate([*weighted, (tilt - TILT_MEAN) / TILT_SD])
