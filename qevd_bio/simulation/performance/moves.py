"""Pose changes: how the key poses of an exercise are altered to make one thing go wrong, by a stated amount.

Key poses are vectors of channels (`exercise.poses`: degrees of freedom in degrees, arms as swings, weights for
flat soles and prone bodies). A move changes a group of channels on some of the keys; repetitions made from the
changed keys are as smooth as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, FloatArray
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.poses import CHANNELS, WEIGHTS, base_poses, mirror_channels, read_pose
from qevd_bio.exercise.rules import Exercise
from qevd_bio.store.errors import UserError

KINDS = ("scale", "size", "shift", "peak", "own", "other", "one", "middle", "rest", "shake", "tempo", "pause")
_DOFS = len(DOF_NAMES)

# Groups of channels with their shares of the amount; "*" stands for both sides. out, forward and turn are the arm's
# swing sideways, its swing forward and its turn about itself.
GROUPS: Mapping[str, Mapping[str, float]] = {
    "knee": {"knee_angle_*": 1.0},
    "hip": {"hip_flexion_*": 1.0},
    "leg": {"hip_flexion_*": 1.0, "knee_angle_*": 1.0, "ankle_angle_*": 0.0},
    "spread": {"hip_adduction_*": -1.0, "subtalar_angle_*": 0.0},
    "cave": {"hip_adduction_*": 0.55, "hip_rotation_*": 1.0},
    "valgus": {"hip_adduction_*": -1.0, "hip_rotation_*": 1.0},
    "ankle": {"ankle_angle_*": 1.0},
    "shin": {"ankle_angle_*": 1.0, "knee_angle_*": 1.0},
    "heels": {"ankle_angle_*": -1.0, "mtp_angle_*": -1.0, "flat_*": -0.02},
    "elbow": {"elbow_flexion_*": 1.0},
    "out": {"out_*": 1.0},
    "forward": {"forward_*": 1.0},
    "turn": {"turn_*": 1.0},
    "arm": {"out_*": 1.0, "forward_*": 1.0, "scapula_upward_rot_*": 1.0},
    "arms": {"out_*": 1.0, "forward_*": 1.0, "turn_*": 1.0, "elbow_flexion_*": 1.0, "scapula_upward_rot_*": 1.0},
    "wrist": {"wrist_flexion_*": 1.0},
    "lean": {"pelvis_tilt": -1.0, "hip_flexion_*": 1.0},
    "pelvis": {"pelvis_tilt": 1.0},
    "pike": {"hip_flexion_*": 1.0, "forward_*": 1.0},
    "lumbar": {"lumbar_extension": 1.0},
    "round": {"lumbar_extension": -0.6, "thorax_extension": -0.4},
    "curl": {"lumbar_extension": -0.6, "thorax_extension": -0.4, "pelvis_tilt": 0.75, "hip_flexion_*": -0.75},
    "head": {"head_extension": 1.0},
    "list": {"pelvis_list": 1.0, "hip_adduction_r": -1.0, "hip_adduction_l": 1.0},
    "roll": {"pelvis_list": 1.0},
    "twist": {"lumbar_twist": 0.5, "thorax_twist": 0.5},
    "bend": {"lumbar_bending": 0.5, "thorax_bending": 0.5},
}
GROUPS = {**GROUPS, "body": {name: 1.0 for name in DOF_NAMES if not name.startswith(("shoulder", "scapula", "elbow"))}}


@dataclass(frozen=True)
class Keys:
    """The key poses of one repetition.

    phases (K,) from 0, poses (K, 49), own: side whose turn a key is ("" for both), weight (K,) how far a key is
    from rest, 0..1. duration_s of the repetition; pause_s of rest before it. shake (49,) is by how much a held pose
    swings to and fro, None for a still one.
    """

    phases: FloatArray
    poses: FloatArray
    own: tuple[str, ...]
    weight: FloatArray
    two_sided: bool
    duration_s: float
    pause_s: float = 0.0
    shake: FloatArray | None = None

    @property
    def centre(self) -> FloatArray:
        """The pose about which ranges grow and shrink: the rest, or the middle of both sides."""
        return np.asarray(self.poses.mean(axis=0) if self.two_sided else self.poses[0])

    def mirrored(self) -> Keys:
        """The same movement with right and left exchanged."""
        swap = {"r": "l", "l": "r", "": ""}
        shake = None if self.shake is None else mirror_channels(self.shake)
        return replace(self, poses=mirror_channels(self.poses), own=tuple(swap[side] for side in self.own), shake=shake)


@dataclass(frozen=True)
class Move:
    """`kind` says on which keys, `group` which channels, `amount` degrees, a factor (scale, tempo) or seconds.

    Kinds: scale about the rest; size: scale the channels themselves; shift on all keys; peak by distance from rest;
    own, other: that side's channels in its turn; one: the left side's alone; middle: keys of both sides; rest: keys
    near rest; shake: to and fro about a held pose; tempo: duration times amount; pause: seconds.
    """

    kind: str
    group: str = ""
    amount: float = 0.0

    def apply(self, keys: Keys, share: float = 1.0) -> Keys:
        """The changed keys; `share` 0..1 of the amount (0 leaves them as they are)."""
        if self.kind == "tempo":
            return replace(keys, duration_s=keys.duration_s * (1.0 + share * (self.amount - 1.0)))
        if self.kind == "pause":
            return replace(keys, pause_s=keys.pause_s + share * self.amount)
        if self.kind == "shake":
            shake = share * self.amount * _vector(self.group, "rl")
            return replace(keys, shake=shake if keys.shake is None else keys.shake + shake)
        poses = keys.poses.copy()
        if self.kind == "size":
            poses += (share * (self.amount - 1.0)) * poses * np.abs(_vector(self.group, "rl"))
        elif self.kind == "scale":
            change = (share * (self.amount - 1.0)) * (poses - keys.centre)
            poses += change * np.abs(_vector(self.group, "rl"))
        else:
            for k, side in enumerate(keys.own):
                sides, weight = self._where(side, float(keys.weight[k]), any(keys.own))
                poses[k] += share * self.amount * weight * _vector(self.group, sides)
        poses[:, _DOFS:] = np.clip(poses[:, _DOFS:], 0.0, 1.0)
        return replace(keys, poses=poses)

    def _where(self, side: str, weight: float, sided: bool) -> tuple[str, float]:
        """Sides whose channels change on a key of `side`, and by what share."""
        if self.kind in ("own", "other"):
            if not side:
                return "rl", 0.0 if sided else weight
            return (side if self.kind == "own" else {"r": "l", "l": "r"}[side]), weight
        if self.kind == "one":
            return "l", weight if side == "l" else 0.0
        if self.kind == "middle":
            return "rl", 0.0 if side else weight
        return "rl", {"shift": 1.0, "peak": weight, "rest": 1.0 - weight}[self.kind]


@cache
def _vector(group: str, sides: str) -> FloatArray:
    vector = np.zeros(CHANNELS)
    for name, share in GROUPS[group].items():
        for side in "rl" if "*" in name else " ":
            if side in sides or side == " ":
                vector[_channel(name.replace("*", side))] = share
    return vector


def _channel(name: str) -> int:
    arm = {"out": "x", "forward": "y", "turn": "z"}
    part, _, side = name.rpartition("_")
    if part in arm:
        return DOF_INDEX[f"shoulder_{side}_{arm[part]}"]
    return _DOFS + WEIGHTS.index(name) if name in WEIGHTS else DOF_INDEX[name]


@cache
def reference_keys(exercise_id: str) -> Keys:
    """The key poses of a shipped exercise's reference; UserError for one without."""
    return keys_of(load()[exercise_id])


def keys_of(exercise: Exercise) -> Keys:
    """The key poses of an exercise's reference; UserError where it has none."""
    rules = exercise.reference
    if rules is None:
        raise UserError(f"exercise {exercise.id!r} has no `reference` block", expected="key poses to move between")
    named = {**base_poses(), **rules.poses}
    poses, own = [], []
    for key in rules.keys:
        pose = read_pose(rules.poses[key.pose], named)
        side = _turn_of(key.pose, pose)
        if key.mirror:
            pose, side = mirror_channels(pose), {"r": "l", "l": "r", "": ""}[side]
        poses.append(pose)
        own.append(side)
    stacked = np.stack(poses)
    two_sided = {"r", "l"} <= set(own) and bool(own[0])
    phases = np.array([key.at for key in rules.keys])
    return Keys(phases, stacked, tuple(own), _weights(stacked, two_sided), two_sided, rules.duration_s)


def _turn_of(name: str, pose: FloatArray) -> str:
    if np.abs(mirror_channels(pose) - pose).max() < 1e-6:
        return ""
    return "l" if "left" in name else "r"


def _weights(poses: FloatArray, two_sided: bool) -> FloatArray:
    centre = poses.mean(axis=0) if two_sided else poses[0]
    distance = np.abs(poses - centre)[:, :_DOFS].sum(axis=1)
    largest = float(distance.max())
    return np.asarray(distance / largest) if largest > 1.0 else np.ones(len(poses))
