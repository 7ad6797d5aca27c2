"""Key poses in words a person can check, and how they become 46 angles.

A pose is a vector of channels: the 46 degrees of freedom in degrees, but with each shoulder's raw triple replaced by
the upper arm's swing outward, its swing forward (elevation split by azimuth; halfway between an arm in front and an
arm behind hangs) and its external rotation, all against the thorax, plus three weights (right sole flat, left
sole flat, prone on hands and toes). Channels are what is interpolated; `to_angles` then solves every frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from qevd_bio.anatomy.axes import BONE_TO_WORLD
from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, JOINT_INDEX, LIMITS, FloatArray
from qevd_bio.anatomy.forward import forward_kinematics, joint_rotation
from qevd_bio.anatomy.mirror import mirror_angles
from qevd_bio.anatomy.rotations import about_axis, triple_of
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import refs_path

PoseWords = Mapping[str, object]

ARM = ("elevation", "azimuth", "external")
WEIGHTS = ("flat_r", "flat_l", "prone")
CHANNELS = len(DOF_NAMES) + len(WEIGHTS)
_FLAT = {"r": CHANNELS - 3, "l": CHANNELS - 2}
_PRONE = CHANNELS - 1
_FORWARD = np.array([0.0, 0.0, 1.0])


def arm_channels(side: str) -> list[int]:
    """Channels of swing outward, swing forward and external rotation: the places of the raw shoulder x, y, z."""
    return [DOF_INDEX[f"shoulder_{side}_{axis}"] for axis in "xyz"]


@cache
def base_poses() -> dict[str, PoseWords]:
    """The shared poses of refs/poses.yaml."""
    path = refs_path("poses.yaml")
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise UserError("is not a mapping of poses", where=path)
    return data


def read_pose(words: PoseWords, named: Mapping[str, PoseWords]) -> FloatArray:
    """Channels (49,) of a pose; UserError for an unknown word. `named` holds the poses that `from` may name."""
    channels = np.zeros(CHANNELS)
    if "from" in words:
        base = str(words["from"])
        if base not in named:
            raise UserError(f"unknown pose {base!r}", expected="one of " + ", ".join(named))
        channels = read_pose(named[base], {name: named[name] for name in named if name != base})
    for word, value in words.items():
        if word != "from":
            _set(channels, word, value)
    return channels


def _set(channels: FloatArray, word: str, value: object) -> None:
    if word in ("arms", "arm_r", "arm_l"):
        if not isinstance(value, dict) or not set(value) <= set(ARM):
            raise UserError(f"{word}: {value!r}", expected="{elevation: …, azimuth: …, external: …}")
        for side in "rl" if word == "arms" else word[-1]:
            elevation, azimuth, external = (float(value.get(name, 0.0)) for name in ARM)
            swing = elevation * np.cos(np.deg2rad(azimuth)), elevation * np.sin(np.deg2rad(azimuth))
            channels[arm_channels(side)] = [*swing, external]
    elif word in ("feet", "feet_r", "feet_l") and value in ("flat", "free"):
        for side in "rl" if word == "feet" else word[-1]:
            channels[_FLAT[side]] = float(value == "flat")
    elif word == "floor" and value in ("prone", "standing"):
        channels[_PRONE] = float(value == "prone")
    else:
        dofs = [i for i, name in enumerate(DOF_NAMES) if name in (word, f"{word}_r", f"{word}_l")]
        if not dofs or word.startswith("shoulder_") or not isinstance(value, int | float):
            raise UserError(f"{word}: {value!r}", expected="a degree of freedom in degrees, arms, feet or floor")
        channels[dofs] = float(value)


def mirror_channels(channels: FloatArray) -> FloatArray:
    """Channels (..., 49) of the mirror image."""
    mirrored = channels.copy()
    mirrored[..., : len(DOF_NAMES)] = mirror_angles(channels[..., : len(DOF_NAMES)])
    right, left = arm_channels("r"), arm_channels("l")
    mirrored[..., right], mirrored[..., left] = channels[..., left], channels[..., right]
    mirrored[..., [_FLAT["r"], _FLAT["l"]]] = channels[..., [_FLAT["l"], _FLAT["r"]]]
    return mirrored


def to_angles(channels: FloatArray, skeleton: Skeleton | None = None) -> FloatArray:
    """(N, 49) channels to (N, 46) radians: shoulder angles from swings, soles level, hands and toes on the floor."""
    skeleton = skeleton or Skeleton.from_stature()
    angles = np.deg2rad(channels[:, : len(DOF_NAMES)])
    for side in "rl":
        angles[:, arm_channels(side)] = 0.0
        angles[:, arm_channels(side)] = shoulder_angles(channels[:, arm_channels(side)], side, angles)
    _tip_onto_floor(angles, channels[:, _PRONE], skeleton)
    for side in "rl":
        _level_sole(angles, side, channels[:, _FLAT[side]], skeleton)
    return np.asarray(np.clip(angles, LIMITS[:, 0], LIMITS[:, 1]))


def shoulder_angles(arm: FloatArray, side: str, angles: FloatArray) -> FloatArray:
    """Raw shoulder triples (N, 3) in radians for arm channels (N, 3) in degrees, continuous over frames.

    The arm swings by the shortest way from hanging to its direction and then turns about itself; the
    scapula's own rotation in `angles` is taken out.
    """
    outward, forward, external = np.deg2rad(arm).T
    elevation, azimuth = np.hypot(outward, forward), np.arctan2(forward, outward)
    out = 1.0 if side == "l" else -1.0
    # The swing's axis is level and at a right angle to the arm's azimuth.
    down = np.array([0.0, -1.0, 0.0])
    direction = np.stack(
        [out * np.sin(elevation) * np.cos(azimuth), -np.cos(elevation), np.sin(elevation) * np.sin(azimuth)], axis=-1
    )
    level = np.stack([out * np.cos(azimuth), np.zeros_like(azimuth), np.sin(azimuth)], axis=-1)
    axis = np.cross(down, level)
    swing = _turn(axis, elevation)
    turn = _turn(direction, -out * external)
    hanging = about_axis(_FORWARD, np.array(-out * np.pi / 2))
    wanted = turn @ swing @ hanging
    scapula = joint_rotation(f"scapula_{side}", angles)
    local = np.swapaxes(scapula, -1, -2) @ wanted
    bone = BONE_TO_WORLD[f"shoulder_{side}"]
    triple = triple_of(bone.T @ local @ bone, "ZYX")[:, ::-1]
    return _continuous(triple)


def _turn(axis: FloatArray, angle: FloatArray) -> FloatArray:
    """Rotation matrices (N, 3, 3) about a different unit axis (N, 3) in every frame."""
    return np.stack([about_axis(a, q) for a, q in zip(axis, angle, strict=True)])


def _continuous(triple: FloatArray) -> FloatArray:
    """The equal triples (x + pi, pi - y, z + pi) and full turns chosen so that the course does not jump."""
    result = triple.copy()
    for i in range(len(result)):
        near = result[i - 1] if i else np.zeros(3)
        same = [result[i], np.array([result[i, 0] + np.pi, np.pi - result[i, 1], result[i, 2] + np.pi])]
        same = [option - 2 * np.pi * np.round((option - near) / (2 * np.pi)) for option in same]
        result[i] = min(same, key=lambda option: float(np.abs(option - near).sum())) if i else same[0]
    return result


def _tip_onto_floor(angles: FloatArray, weight: FloatArray, skeleton: Skeleton) -> None:
    """Turn the whole body about the left-right axis until the hands and the toes are at the same height."""
    if not weight.any():
        return
    for _ in range(3):
        pose = forward_kinematics(angles, skeleton)
        # The lower hand and the straighter leg carry the body; a driven knee's foot hangs free.
        wrists, toes = pose.places(("wrist_r", "wrist_l")), pose.places(("toe_tip_r", "toe_tip_l"))
        hands = _pick(wrists, wrists[..., 1])
        toes = _pick(toes, angles[:, [DOF_INDEX["hip_flexion_r"], DOF_INDEX["hip_flexion_l"]]])
        span = hands - toes
        rise = np.arctan2(span[:, 1], np.hypot(span[:, 0], span[:, 2]))
        angles[:, DOF_INDEX["pelvis_tilt"]] -= weight * rise


_NEAR = 0.05
"""Metres (or radians of the hip) within which both of a pair are used, so that the pose never jumps."""
_NEWTON_STEPS, _NUDGE, _LONGEST_STEP = 8, 1e-5, 0.3
"""Enough for every shipped pose; radians of the difference quotient; radians, so that a step stays near the limits."""


def _pick(pair: FloatArray, score: FloatArray) -> FloatArray:
    """(N, 3) the one of each pair (N, 2, 3) with the smaller score (N, 2); both together where they are near."""
    gap = score[:, :1] - score[:, 1:]
    share = 0.5 - 0.5 * np.tanh(gap / _NEAR)
    return np.asarray(share * pair[:, 0] + (1 - share) * pair[:, 1])


def _level_sole(angles: FloatArray, side: str, weight: FloatArray, skeleton: Skeleton) -> None:
    """Newton steps on ankle and hindfoot until the rear foot's up axis is vertical.

    `weight` blends it in, from one half up: a foot on its way to or from the floor is free.
    """
    if not weight.any():
        return
    dofs = [DOF_INDEX[f"ankle_angle_{side}"], DOF_INDEX[f"subtalar_angle_{side}"]]
    solved = angles.copy()
    for _ in range(_NEWTON_STEPS):
        base = _tilt(solved, side, skeleton)
        slopes = np.empty((len(angles), 2, 2))
        for k, dof in enumerate(dofs):
            nudged = solved.copy()
            nudged[:, dof] += _NUDGE
            slopes[:, :, k] = (_tilt(nudged, side, skeleton) - base) / _NUDGE
        step = np.linalg.solve(slopes, base[..., None])[..., 0]
        # A leg far from vertical has no level sole: small steps within the limits end at the nearest one.
        solved[:, dofs] = np.clip(solved[:, dofs] - np.clip(step, -_LONGEST_STEP, _LONGEST_STEP), *LIMITS[dofs].T)
    lifted = np.clip((weight - 0.5) / 0.5, 0.0, 1.0)
    share = lifted**2 * (3 - 2 * lifted)
    angles[:, dofs] += share[:, None] * (solved[:, dofs] - angles[:, dofs])


def _tilt(angles: FloatArray, side: str, skeleton: Skeleton) -> FloatArray:
    """(N, 2) sideways and forward components of the rear foot's up axis; zero on a level sole."""
    pose = forward_kinematics(angles, skeleton)
    return np.asarray(pose.rotations[:, JOINT_INDEX[f"subtalar_{side}"]][:, [0, 2], 1])
